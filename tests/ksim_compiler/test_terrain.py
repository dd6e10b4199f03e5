"""Terrains against heights worked by hand, robots on them, and recorded motions."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler import artifact
from ksim_compiler.env import Env
from ksim_compiler.lowering.reset import terrain_height
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_compiler.robot.motion import MotionError, read_motion
from ksim_compiler.robot.terrain import heights
from ksim_schema.vocabulary import terrain as v

TROT = Path(__file__).parents[2] / "tasks" / "trot.yaml"
STATE = "PhysicsState.quadruped"


def compiled(path: Path, *settings: str) -> Compiled:
    found = compile_file(path, settings)
    assert found.plan is not None, found.diagnostics
    return found


def task_in(folder: Path, *lines: str) -> Path:
    """A copy of the trot with further lines, in a folder of its own."""
    text = TROT.read_text().replace("robots/", f"{TROT.parent}/robots/")
    path = folder / "task.yaml"
    path.write_text(text + "\n".join(lines) + "\n")
    return path


def test_heights_of_stairs_and_slopes() -> None:
    stairs = v.StairsTerrain.model_validate(
        {"step": "10 cm", "depth": "0.5 m", "flat": "1 m", "size": "8 m", "resolution": "25 cm"}
    )
    field = heights(stairs)
    middle = len(field) // 2
    row = field[middle, middle:]  # at 0, 0.25, 0.5, ... m
    np.testing.assert_allclose(row[:9], [0, 0, 0, 0, 0, 0.1, 0.1, 0.2, 0.2], atol=1e-9)
    np.testing.assert_allclose(field, field.T)
    down = heights(stairs.model_copy(update={"outwards": "down"}))
    np.testing.assert_allclose(down, -field)
    slopes = v.SlopesTerrain.model_validate(
        {
            "amplitude": "0.4 m",
            "wavelength": "2 m",
            "flat": "0.5 m",
            "size": "8 m",
            "resolution": "25 cm",
        }
    )
    field = heights(slopes)
    middle = len(field) // 2
    assert field[middle, middle] == 0.0
    assert field[middle, middle + 12] == pytest.approx(0.4 * 0.5)  # a crest of one wave at 3 m
    assert field[middle + 12, middle + 12] == pytest.approx(0.4)


def test_rough_ground_is_the_same_each_time_and_flat_in_the_middle() -> None:
    rough = v.RoughTerrain.model_validate({"amplitude": "0.2 m", "size": "6 m"})
    a, b = heights(rough), heights(rough)
    np.testing.assert_array_equal(a, b)
    assert 0.15 < a.max() <= 0.2
    axis = np.linspace(-3, 3, len(a))
    x, y = np.meshgrid(axis, axis)
    assert np.all(a[np.hypot(x, y) <= 1.0] == 0)
    other = heights(rough.model_copy(update={"seed": 1}))
    assert not np.array_equal(a, other)


@pytest.mark.parametrize(
    "terrain",
    ["{kind: stairs, step: 8 cm, depth: 50 cm}", "{kind: rough, amplitude: 10 cm}",
     "{kind: stairs, step: 8 cm, depth: 50 cm, outwards: down}"],
)  # fmt: skip
def test_the_model_has_the_heights_where_they_are_said_to_be(terrain: str) -> None:
    plan = compiled(TROT, f"{STATE}.terrain={terrain}").plan
    assert plan is not None
    model = plan.robot.model
    assert model.geom("floor").friction[0] == 0.9
    data = mujoco.MjData(model)
    data.qpos[2] = 50.0  # out of the way
    mujoco.mj_forward(model, data)
    (surface,) = (s for s in plan.robot.facts.surfaces if s.type == "hfield")
    rng = np.random.default_rng(0)
    points = rng.uniform(-6, 6, (40, 2))
    wanted = np.asarray(terrain_height(surface, jnp.asarray(points)))
    for (x, y), height in zip(points, wanted, strict=True):
        hit = np.zeros(1, np.int32)
        away = mujoco.mj_ray(
            model, data, np.array([x, y, 10.0]), np.array([0, 0, -1.0]), None, 1, -1, hit
        )
        # a cell is two triangles for MuJoCo, and a bilinear patch here
        assert 10.0 - away == pytest.approx(height, abs=0.03)
    near = np.asarray(terrain_height(surface, jnp.zeros((1, 2))))
    np.testing.assert_allclose(near, 0.0, atol=1e-6)


def test_a_robot_begins_on_the_ground_wherever_it_is_put(tmp_path: Path) -> None:
    path = task_in(tmp_path)
    text = path.read_text().replace(
        "  heading: {kind: heading}", "  place: {kind: height_field_position, x: 6 m, y: 6 m}"
    )
    text = text.replace("range: 5 deg", "range: 0 deg")
    path.write_text(text)
    plan = compiled(path, f"{STATE}.terrain={{kind: stairs, step: 10 cm, depth: 1 m}}").plan
    assert plan is not None
    env = Env(plan, "native", envs=64)
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    qpos = np.asarray(state.world["qpos"])
    (surface,) = (s for s in plan.robot.facts.surfaces if s.type == "hfield")
    turns = np.arange(8) * np.pi / 4
    around = 0.25 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    for row in qpos:
        points = jnp.asarray(row[:2] + np.concatenate([np.zeros((1, 2)), around]))
        ground = float(np.max(terrain_height(surface, points)))
        assert row[2] - ground == pytest.approx(plan.robot.facts.home[2], abs=1e-4)
    assert np.ptp(qpos[:, 2]) > 0.2
    step: Any = jax.jit(env.step)
    for _ in range(25):
        state, out = step(env.params, state, jnp.zeros((64, env.action_size)))
    assert not np.asarray(out.terminations["non_finite"]).any()
    heights_now = np.asarray(state.world["qpos"])[:, 2]
    assert np.median(heights_now - qpos[:, 2]) > -0.15  # they stand, and have not fallen through


def png(image: np.ndarray) -> bytes:
    """A grey PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    rows, columns = image.shape
    head = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    lines = b"".join(b"\0" + row.tobytes() for row in image.astype(np.uint8))
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_an_image_travels_with_the_compiled_task(tmp_path: Path) -> None:
    image = np.zeros((16, 32))
    image[:, 16:] = 255
    (tmp_path / "hills.png").write_bytes(png(image))
    terrain = f"{STATE}.terrain={{kind: image, file: hills.png, size: [8 m, 4 m], height: 50 cm}}"
    first = compiled(task_in(tmp_path), terrain)
    assert first.plan is not None
    (surface,) = (s for s in first.plan.robot.facts.surfaces if s.type == "hfield")
    found = np.asarray(terrain_height(surface, jnp.array([[-3.0, 0.0], [3.0, 0.0]])))
    np.testing.assert_allclose(found, [0.0, 0.5], atol=1e-5)
    packed = tmp_path / "task.ksim"
    artifact.write(packed, first)
    (tmp_path / "hills.png").unlink()
    again = artifact.read(packed)
    assert again.fingerprint == first.fingerprint, again.diagnostics
    assert again.plan is not None
    (tmp_path / "hills.png").write_bytes(png(image[:, ::-1]))
    assert compiled(task_in(tmp_path), terrain).fingerprint != first.fingerprint


def test_an_episode_begins_with_a_frame_of_a_motion(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    plan = compiled(TROT).plan
    assert plan is not None
    frames = np.tile(np.array(plan.robot.facts.home), (10, 1))
    frames[:, 0] = np.arange(10)
    frames[:, 7:] += rng.normal(0, 0.02, (10, 12))
    speeds = rng.normal(0, 0.1, (10, 18))
    np.savez(tmp_path / "trot.npz", qpos=frames, qvel=speeds)
    path = task_in(tmp_path)
    text = path.read_text()
    start = text.index("Reset:")
    stop = text.index("PPO:")
    reset = "Reset:\n  frame: {kind: motion, file: trot.npz, first: 2, count: 5}\n\n"
    path.write_text(text[:start] + reset + text[stop:])
    plan = compiled(path).plan
    assert plan is not None
    env = Env(plan, "native", envs=64)
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    qpos, qvel = (np.asarray(state.world[name]) for name in ("qpos", "qvel"))
    drawn = np.round(qpos[:, 0]).astype(int)
    assert set(drawn) == {2, 3, 4, 5, 6}
    np.testing.assert_allclose(qpos, frames[drawn], atol=1e-6)
    np.testing.assert_allclose(qvel, speeds[drawn], atol=1e-6)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"nonsense" * 100])
def test_what_is_no_motion_is_refused(data: bytes) -> None:
    with pytest.raises(MotionError):
        read_motion(data, 3, 3)


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    odd = np.array([{"a": 1}, None], dtype=object)
    np.savez(tmp_path / "m.npz", qpos=odd, qvel=odd)
    with pytest.raises(MotionError):
        read_motion((tmp_path / "m.npz").read_bytes(), 3, 3)

"""What is observed of a body or a site from another body, and errors of rotations.

Right values are made of MuJoCo's own frames and velocities.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env, EnvState
from ksim_compiler.pipeline import Compiled, compile_file
from tests.ksim_compiler.lowering.test_reset import MODEL

TASK = """ksim: 1
task: t
PhysicsState: {{r: {{model: m.xml, control: 50 Hz}}}}
Observation:
  value: {{{part}}}
Action: {{a: {{kind: torque, joints: hip, scale: 1 N*m}}}}
Policy: {{actor: {{read: [value], network: {{kind: mlp, hidden: [8]}}}}}}
Critic: {{critic: {{judge: {{clean: [value]}}, network: {{kind: mlp, hidden: [8]}}}}}}
Reward: {{e: {{kind: torque_penalty, scale: 0.1}}}}
Termination: {{time: {{kind: episode_length, after: 1 s}}}}
Reset:
  run: {{kind: keyframe, keyframes: run}}
  jitter: {{kind: jitter, position: 0.3, velocity: 0.5}}
PPO: {{envs: 8, rollout: 8, minibatches: 2}}
"""
SITED = MODEL.replace(
    '<geom name="l"', '<site name="tip" pos="0.02 0 -.3" euler="20 30 40"/><geom name="l"'
)


def compiled(folder: Path, part: str) -> Compiled:
    (folder / "m.xml").write_text(SITED)
    (folder / "t.yaml").write_text(TASK.format(part=part))
    return compile_file(folder / "t.yaml")


def begun(
    folder: Path, part: str, envs: int = 8, engine: str = "native"
) -> tuple[mujoco.MjModel, EnvState]:
    found = compiled(folder, part)
    assert found.plan is not None, found.diagnostics
    env = Env(found.plan, engine, envs=envs, threads=1)
    return found.plan.robot.model, jax.jit(env.init)(env.params, jax.random.key(0))


def states(model: mujoco.MjModel, state: EnvState) -> Any:
    for qpos, qvel in zip(state.world["qpos"], state.world["qvel"], strict=True):
        data: Any = mujoco.MjData(model)
        data.qpos[:], data.qvel[:] = qpos, qvel
        mujoco.mj_forward(model, data)
        yield data


@pytest.mark.parametrize("engine", ["native", pytest.param("mjx", marks=pytest.mark.slow)])
@pytest.mark.parametrize("thing", ["body", "site"])
@pytest.mark.parametrize("what", ["position", "orientation", "linear", "angular"])
def test_a_thing_is_seen_from_another_body(
    tmp_path: Path, thing: str, what: str, engine: str
) -> None:
    """The cube is far from the torso, so that the torso's turning counts in what it sees."""
    if engine == "mjx" and thing == "body":
        pytest.skip("one of the two is enough for the slow engine")
    named = "bodies: leg" if thing == "body" else "sites: tip"
    kind = f"{thing}_{what if what in ('position', 'orientation') else 'velocity'}"
    motion = f", motion: {what}" if kind.endswith("velocity") else ""
    model, state = begun(
        tmp_path, f"kind: {kind}, {named}, relative_to: cube{motion}", engine=engine
    )
    for row, data in enumerate(states(model, state)):
        frame = data.body("leg") if thing == "body" else data.site("tip")
        matrix = frame.xmat.reshape(3, 3)
        seen = data.body("cube")
        axes = seen.xmat.reshape(3, 3)
        kinds = mujoco.mjtObj
        which = kinds.mjOBJ_XBODY if thing == "body" else kinds.mjOBJ_SITE
        own, other = np.zeros(6), np.zeros(6)
        mujoco.mj_objectVelocity(model, data, which, frame.id, own, 0)
        mujoco.mj_objectVelocity(model, data, kinds.mjOBJ_XBODY, seen.id, other, 0)
        place = frame.xpos - seen.xpos
        turn = np.zeros(4)
        mujoco.mju_mat2Quat(turn, (axes.T @ matrix).ravel())
        right = {
            "position": axes.T @ place,
            "orientation": turn,
            "linear": axes.T @ (own[3:] - other[3:] - np.cross(other[:3], place)),
            "angular": axes.T @ (own[:3] - other[:3]),
        }[what]
        got = np.asarray(state.critic_input[row], float)
        if what == "orientation":
            got = got * np.sign(got @ right)
        np.testing.assert_allclose(got, right, atol=2e-5)


@pytest.mark.parametrize("form", ["quaternion", "rotation_6d"])
@pytest.mark.parametrize(("error", "size"), [("uniform", 20.0), ("gaussian", 8.0)])
def test_noise_of_a_rotation_turns_it(tmp_path: Path, form: str, error: str, size: float) -> None:
    noise = f"noise: {{{error}: {size} deg}}"
    part = f"kind: body_orientation, bodies: [torso, leg], form: {form}, {noise}"
    _, state = begun(tmp_path, part, envs=400)
    inputs = (state.policy_input, state.critic_input)
    noisy, clean = (matrices(form, np.asarray(values, float)) for values in inputs)
    np.testing.assert_allclose(np.linalg.det(noisy), 1.0, atol=1e-4)
    angles = np.rad2deg(np.stack([vector(a.T @ b) for a, b in zip(clean, noisy, strict=True)]))
    assert len(angles) == 800
    if error == "uniform":
        assert size * 0.95 < np.abs(angles).max() <= size + 0.01
    else:
        np.testing.assert_allclose(angles.std(axis=0), size, rtol=0.1)
    assert np.abs(angles.mean(axis=0)).max() < 1.5


def test_a_bias_of_a_rotation_stays(tmp_path: Path) -> None:
    found = compiled(tmp_path, "kind: base_orientation, bias: 5 deg")
    assert found.plan is not None, found.diagnostics
    env = Env(found.plan, "native", threads=1)
    state, step = jax.jit(env.init)(env.params, jax.random.key(0)), jax.jit(env.step)
    turns = []
    for _ in range(3):
        pairs = zip(
            *(
                matrices("quaternion", np.asarray(v, float))
                for v in (state.critic_input, state.policy_input)
            ),
            strict=True,
        )
        turns.append(np.stack([vector(a.T @ b) for a, b in pairs]))
        state, _ = step(env.params, state, np.zeros((8, 1), np.float32))
    np.testing.assert_allclose(turns[1:], [turns[0]] * 2, atol=1e-4)
    assert 0.05 < np.abs(turns[0]).max() <= np.deg2rad(5) + 1e-4


@pytest.mark.parametrize(
    ("part", "code", "text"),
    [
        ("kind: base_orientation, noise: {gaussian: 0.1}", "KS0403", "has no unit"),
        ("kind: base_orientation, noise: {gaussian: 0.1, mode: multiplicative}", "", "multiplies"),
        ("kind: body_position, bodies: leg, frame: robot, relative_to: cube", "", "seen from"),
        ("kind: body_position, bodies: leg, relative_to: cub", "KS0205", "'cub'"),
    ],
)
def test_what_has_no_sense_is_refused(tmp_path: Path, part: str, code: str, text: str) -> None:
    errors = [d for d in compiled(tmp_path, part).diagnostics if d.severity == "error"]
    assert len(errors) == 1
    assert text in errors[0].message
    assert errors[0].code == code or not code


def matrices(form: str, values: np.ndarray) -> np.ndarray:
    """Rotation matrices of what is observed, one after the other."""
    if form == "rotation_6d":
        first, second = values.reshape(-1, 2, 3).swapaxes(0, 1)
        return np.stack([first, second, np.cross(first, second)], axis=-1)
    rows = []
    for quat in values.reshape(-1, 4):
        assert np.linalg.norm(quat) == pytest.approx(1.0, abs=1e-5)
        matrix = np.zeros(9)
        mujoco.mju_quat2Mat(matrix, quat)
        rows.append(matrix.reshape(3, 3))
    return np.stack(rows)


def vector(matrix: np.ndarray) -> np.ndarray:
    """A rotation as its axis times its angle."""
    quat, found = np.zeros(4), np.zeros(3)
    mujoco.mju_mat2Quat(quat, matrix.ravel())
    mujoco.mju_quat2Vel(found, quat, 1.0)
    return found

"""Terrains of tiles: heights worked by hand, MuJoCo's own rays, and where robots begin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.lowering.ground import ground_height
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from ksim_compiler.robot.ground import heights_at
from ksim_compiler.robot.tiles import field
from ksim_schema.robot import SensorRequest
from ksim_schema.vocabulary.terrain import GridTerrain

TROT = Path(__file__).parents[2] / "tasks" / "trot.yaml"
ALL = """{flat: {}, rough: {columns: 2, height: [2 cm, 10 cm]}, stairs_up: {step: [5 cm, 20 cm]},
      stairs_down: {step: 10 cm}, slope_up: {angle: [0 deg, 20 deg]}, slope_down: {angle: 10 deg},
      waves: {height: [10 cm, 40 cm]}, boxes: {height: 20 cm},
      stepping_stones: {gap: [10 cm, 30 cm]}, gaps: {gap: [20 cm, 50 cm]}}"""


def grid(tiles: dict[str, Any], **more: Any) -> GridTerrain:
    """A grid of tiles of 4 m with a flat spot of 1 m, and cells of 25 cm."""
    sizes = {"tile": "4 m", "flat": "1 m", "resolution": "25 cm", "border": "1 m", **more}
    return GridTerrain.model_validate({"tiles": tiles, **sizes})


def tile(terrain: GridTerrain, level: int, column: int) -> np.ndarray:
    """(17, 17) heights of a tile of `grid`, m; x along the first axis."""
    made = field(terrain)
    heights = made.heights.astype(float) * made.unit + made.lowest
    rows, columns = (4 + 16 * n for n in (column, level))
    return heights[rows : rows + 17, columns : columns + 17].T


def profile(kind: str, level: int = 1, **given: Any) -> np.ndarray:
    """Heights from the middle of a tile to its rim, along x: at 0, 0.25, ... 2 m."""
    terrain = grid({kind: given}, levels=2)
    found = tile(terrain, level, 0)
    np.testing.assert_array_equal(found[0], 0.0)  # the rim is flat, and at the ground's height
    np.testing.assert_array_equal(found[:, -1], 0.0)
    if kind not in ("rough", "boxes", "stepping_stones"):
        np.testing.assert_allclose(found, found.T, atol=1e-12)
        np.testing.assert_allclose(found, found[::-1], atol=1e-12)
    return found[8:, 8]


def test_stairs_lead_from_the_flat_spot_to_the_rim() -> None:
    # 1.5 m beside the flat spot have room for three steps of 0.5 m
    up = profile("stairs_up", step=("5 cm", "20 cm"), depth="0.5 m")
    np.testing.assert_allclose(up, [-0.6, -0.6, -0.6, -0.4, -0.4, -0.2, -0.2, 0, 0], atol=1e-4)
    down = profile("stairs_down", step=("5 cm", "20 cm"), depth="0.5 m")
    np.testing.assert_allclose(down, -up, atol=1e-4)
    easy = profile("stairs_up", level=0, step=("5 cm", "20 cm"), depth="0.5 m")
    np.testing.assert_allclose(easy, up / 4, atol=1e-4)


def test_slopes_rise_evenly() -> None:
    angle = np.degrees(np.arctan(0.2))
    down = profile("slope_down", angle=f"{angle} deg")
    np.testing.assert_allclose(down, [0.3, 0.3, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05, 0], atol=1e-4)
    np.testing.assert_allclose(profile("slope_up", angle=f"{angle} deg"), -down, atol=1e-4)


def test_ditches_have_land_between_them() -> None:
    found = profile("gaps", gap=("0 m", "0.5 m"), land="0.25 m", depth="2 m")
    np.testing.assert_allclose(found, [0, 0, 0, -2, -2, 0, -2, -2, 0], atol=1e-4)
    assert not profile("gaps", level=0, gap=("0 m", "0.5 m"), land="0.25 m").any()


def test_waves_stones_blocks_and_rough_ground() -> None:
    waves = profile("waves", height="40 cm", length="1 m")
    # cos(k x) + cos(0) at a crest, and within a quarter of a wave of the flat spot it has faded
    np.testing.assert_allclose(waves[[0, 2, 4, 6]], [0, 0, 0.2, 0], atol=1e-4)
    for kind, given in (("rough", {"spacing": "0.5 m"}), ("boxes", {"width": "0.5 m"})):
        found = tile(grid({kind: {"height": ("0 m", "30 cm"), **given}}, levels=3), 2, 0)
        assert np.abs(found).max() <= 0.15 + 1e-4
        assert np.ptp(found) > 0.2
        assert not found[6:11, 6:11].any()  # the flat spot
    boxes = tile(grid({"boxes": {"height": "30 cm", "width": "0.5 m"}}, levels=1), 0, 0)
    np.testing.assert_array_equal(boxes[2:6:2, 2:], boxes[3:6:2, 2:])
    stones = tile(grid({"stepping_stones": {"gap": "0.5 m", "width": "0.5 m"}}, levels=1), 0, 0)
    assert set(np.round(np.unique(stones), 3)) == {-1.0, 0.0}
    rows = np.all(stones[1:-1, 1:-1] < 0, axis=1)
    assert rows.sum() >= 4  # whole rows between two rows of stones


def test_a_grid_is_the_same_each_time_and_another_for_another_seed() -> None:
    one = grid({"rough": {"height": "10 cm"}, "boxes": {"height": "10 cm"}})
    field.cache_clear()
    first = field(one).heights
    field.cache_clear()
    np.testing.assert_array_equal(first, field(one).heights)
    assert first.dtype == np.uint16
    other = field(one.model_copy(update={"seed": 1})).heights
    assert not np.array_equal(first, other)
    more = grid({"rough": {"height": "10 cm", "columns": 2}, "boxes": {"height": "10 cm"}})
    assert not np.array_equal(tile(more, 9, 0), tile(more, 9, 1))  # each column is drawn for itself
    for column, before in ((0, 0), (2, 1)):  # and does not depend on what else there is
        same = tile(more, 9, column), tile(one, 9, before)
        np.testing.assert_allclose(*same, atol=2 * field(one).unit)


def task(folder: Path, terrain: str, reset: str = "{kind: terrain_tile}") -> Plan:
    path = folder / "task.yaml"
    path.write_text(
        f"ksim: 1\ntask: grid\nextends: {TROT}\nset:\n"
        f"  PhysicsState.quadruped.terrain: {terrain}\n  Reset.pose.range: 0 deg\n"
        f"Reset:\n  place: {reset}\n"
    )
    found = compile_file(path)
    assert found.plan is not None, found.diagnostics
    return found.plan


def test_rays_of_mujoco_meet_the_ground_where_it_is_said_to_be(tmp_path: Path) -> None:
    plan = task(tmp_path, f"{{kind: grid, levels: 4, tiles: {ALL}}}")
    model, facts = plan.robot.model, plan.robot.facts
    data = mujoco.MjData(model)
    data.qpos[2] = 50.0  # out of the way
    mujoco.mj_forward(model, data)
    surfaces = tuple(s for s in facts.surfaces if s.type == "hfield")
    rng = np.random.default_rng(0)
    points = np.stack([rng.uniform(-3, 42, 400), rng.uniform(-50, 50, 400)], axis=1)
    heights = np.asarray(ground_height(surfaces, jnp.asarray(points)))
    down, hit = np.array([0.0, 0.0, -1.0]), np.zeros(1, np.int32)
    for (x, y), height in zip(points, heights, strict=True):
        away = mujoco.mj_ray(model, data, np.array([x, y, 10.0]), down, None, 1, -1, hit)
        assert 10.0 - away == pytest.approx(height, abs=1e-4)
    bilinear = heights_at(surfaces[0], points)
    assert np.mean(np.abs(bilinear - heights) < 1e-3) > 0.7
    assert np.ptp(heights) > 1.0
    # the origin is on the flat ground before the first level
    assert ground_height(surfaces, jnp.zeros((1, 2)))[0] == pytest.approx(0.0, abs=1e-6)


def test_robots_begin_in_the_middle_of_the_tiles_of_their_column(tmp_path: Path) -> None:
    terrain = "{kind: grid, levels: 3, tile: 6 m, tiles: {flat: {}, stairs_up: {columns: 2, step: "
    plan = task(tmp_path, terrain + "[10 cm, 20 cm]}, slope_down: {angle: 45 deg}}}")
    grid = plan.robot.facts.grid
    assert grid is not None
    assert grid.kinds == ("flat", "stairs_up", "stairs_up", "slope_down")
    assert grid.corner == pytest.approx((4.0, -12.0))  # half the border before the first level
    env = Env(plan, "native", envs=8)
    begin = jax.jit(env.init)
    columns, heights = [], {}
    for seed in range(6):
        state = begin(env.params, jax.random.key(seed))
        qpos = np.asarray(state.world["qpos"])
        place = (qpos[:, :2] - grid.corner) / 6.0
        level, column = np.floor(place).T.astype(int)
        assert np.abs(place - np.floor(place) - 0.5).max() <= 0.5 / 6.0 + 1e-6
        assert np.array_equal(np.diff(column) % 4, np.ones(7))  # evenly shared out
        columns.append(column[0])
        for at, z in zip(zip(level, column, strict=True), qpos[:, 2], strict=True):
            heights.setdefault(at, []).append(z)
    assert len(set(columns)) > 1
    home = plan.robot.facts.home[2]
    for (level, column), found in heights.items():
        # six steps of 30 cm beside a flat spot of 2 m; a slope of 45 degrees 2 m long
        middle = (0.0, *2 * (-6 * (0.1 + 0.05 * level),), 2.0)[column]
        np.testing.assert_allclose(found, home + middle, atol=2e-3)


def test_each_environment_keeps_its_column(tmp_path: Path) -> None:
    plan = task(tmp_path, "{kind: grid, levels: 6, tile: 4 m, tiles: {flat: {columns: 5}}}")
    grid = plan.robot.facts.grid
    assert grid is not None
    env = Env(plan, "native", envs=4, longest=1)  # each tick begins an episode
    state, step = jax.jit(env.init)(env.params, jax.random.key(1)), jax.jit(env.step)
    places = []
    for _ in range(12):
        qpos = np.asarray(state.world["qpos"])
        places.append(np.floor((qpos[:, :2] - grid.corner) / 4.0))
        state, _ = step(env.params, state, jnp.zeros((4, env.action_size)))
    levels, columns = np.moveaxis(np.array(places), -1, 0)
    assert np.array_equal(columns, np.tile(columns[0], (12, 1)))
    assert set(levels.ravel()) == set(range(6))


def test_a_level_of_tiles_moves_robots_and_is_logged_by_kind(tmp_path: Path) -> None:
    path = tmp_path / "task.yaml"
    path.write_text(
        f"ksim: 1\ntask: grid\nextends: {TROT}\nset:\n"
        "  PhysicsState.quadruped.terrain: {kind: grid, levels: 3, tile: 4 m, tiles: "
        "{flat: {}, waves: {height: 1 cm, columns: 2}}}\n"
        "  Reset.pose.range: 0 deg\n  Command.velocity.forward: [0 m/s, 0 m/s]\n"
        "  Command.velocity.sideways: [0 m/s, 0 m/s]\n"
        "Reset:\n  place: {kind: terrain_tile, x: 0 m, y: 0 m}\n"
        "  thrown: {kind: base_velocity, horizontal: 0 m/s}\n"
        "Curriculum:\n  ground: {kind: terrain_level, command: velocity, raise_above: 1 mm}\n"
    )
    plan = compile_file(path).plan
    assert plan is not None
    grid = plan.robot.facts.grid
    assert grid is not None
    env = Env(plan, "native", envs=6, longest=40)
    state, step = jax.jit(env.init)(env.params, jax.random.key(1)), jax.jit(env.step)

    def places() -> np.ndarray:
        qpos = np.asarray(state.world["qpos"])
        return np.floor((qpos[:, :2] - grid.corner) / 4.0).astype(int)

    begun = places()
    assert not begun[:, 0].any()
    still = jnp.zeros((6, env.action_size))
    # the robots of every second environment are told to push off, the others stand
    for _ in range(40):
        state, out = step(env.params, state, still.at[::2].set(1.0))
    level = np.asarray(state.episode.level)
    assert set(level) <= {0.0, 0.5}
    assert level[::2].all()
    after = places()
    np.testing.assert_array_equal(after[:, 0], np.round(2 * level))
    np.testing.assert_array_equal(after[:, 1], begun[:, 1])
    kinds = np.array(grid.kinds)[begun[:, 1]]
    for kind in ("flat", "waves"):
        logged = float(np.mean(out.metrics[f"level.{kind}"]))
        assert logged == pytest.approx(level[kinds == kind].mean())
    assert float(np.mean(out.metrics["level"])) == pytest.approx(level.mean())


def test_heights_are_above_the_ground_beneath(tmp_path: Path) -> None:
    path, foot = tmp_path / "task.yaml", "site.sole_front_left"
    path.write_text(
        f"ksim: 1\ntask: grid\nextends: {TROT}\nset:\n"
        "  PhysicsState.quadruped.terrain: {kind: grid, levels: 2, tiles: "
        "{stairs_up: {step: 20 cm}, slope_down: {angle: 20 deg}, waves: {height: 30 cm}}}\n"
        "  Reset.pose.range: 0 deg\n  Termination.fallen.height: 10 cm\n"
        "  Critic.critic.judge.clean: [tall, scan]\n"
        "Observation:\n  tall: {kind: base_height}\n  scan: {kind: height_scan, points: [1, 1]}\n"
        "Reset:\n  place: {kind: terrain_tile, x: 3 m, y: 3 m}\n"
        "Reward:\n"
        "  base: {kind: base_height, height: 0 m, error_scale: 1 m}\n"
        "  range: {kind: base_height_range, range: [0 m, 0 m], dropoff: 0.1 1/m}\n"
        "  world: {kind: base_height_range, range: [0 m, 0 m], dropoff: 0.1 1/m, above: world}\n"
        '  named: {kind: formula, expression: "(base.height - body.torso.height) / m"}\n'
        '  told: {kind: formula, expression: "base.height / m"}\n'
        f'  foot: {{kind: formula, expression: "({foot}.z - {foot}.height) / m"}}\n'
        "Termination:\n  low: {kind: min_height, height: -1.2 m, above: world}\n"
    )
    found = compile_file(path)
    assert found.plan is not None, [d for d in found.diagnostics if d.severity == "error"]
    plan = found.plan
    assert not any(d.code == "KS0435" and "fallen" in d.path for d in found.diagnostics)
    env = Env(plan, "native", envs=24)
    state, step = jax.jit(env.init)(env.params, jax.random.key(0)), jax.jit(env.step)
    before = np.asarray(state.critic_input)
    state, out = step(env.params, state, jnp.zeros((24, env.action_size)))
    model = plan.robot.model
    data, down, hit = mujoco.MjData(model), np.array([0.0, 0.0, -1.0]), np.zeros(1, np.int32)
    heights, feet = [], []
    base, foot = (
        state.world["sensordata"][:, plan.robot.facts.sensor(request).address :]
        for request in (
            SensorRequest("framepos", "xbody", "torso"),
            SensorRequest("framepos", "site", "sole_front_left"),
        )
    )
    data.qpos[2] = 50.0  # out of the way
    mujoco.mj_forward(model, data)
    for at, into in ((base, heights), (foot, feet)):
        for x, y, _ in np.asarray(at[:, :3], float):
            away = mujoco.mj_ray(model, data, np.array([x, y, 10.0]), down, None, 1, -1, hit)
            into.append(10.0 - away)
    z = np.asarray(base[:, 2])
    above, terms = z - heights, out.reward_terms
    assert np.ptp(heights) > 1.0
    alive = ~np.asarray(out.done)  # of those whose episode ended, the state is that of the next
    assert alive.sum() > 8
    for name, value in {
        "base": np.exp(-(above**2)),
        "range": 1 - 0.1 * np.abs(above),
        "world": 1 - 0.1 * np.abs(z),
        "named": np.zeros(24),
        "told": above,
        "foot": np.array(feet),
    }.items():
        np.testing.assert_allclose(terms[name][alive], value[alive], atol=2e-4, err_msg=name)
    assert np.all(np.abs(before[:, 0] - before[:, 1]) < 1e-5)  # as the scan sees it
    assert not out.terminations["fallen"].any()
    assert 0 < out.terminations["low"].sum() < 24
    assert not (z < -1.2)[alive].any()


def test_episodes_end_in_a_time_out_at_the_edge_of_the_terrain(tmp_path: Path) -> None:
    # the field reaches from -2 to 10 m along x, and from -6 to 6 m along y
    terrain = "{kind: grid, levels: 1, tile: 4 m, border: 4 m, tiles: {flat: {}}}"
    text = (
        f"ksim: 1\ntask: edge\nextends: {TROT}\nset:\n"
        f"  PhysicsState.quadruped.terrain: {terrain}\n"
        "Reset:\n  place: {kind: terrain_tile, x: %s m, y: %s m}\n"
        "Termination:\n  edge: {kind: off_terrain, margin: 1 m}\n"
    )
    path = tmp_path / "task.yaml"
    for reach, ends in ((1.9, False), (2.9, False), (6.0, True)):
        path.write_text(text % (reach, reach))
        plan = compile_file(path).plan
        assert plan is not None
        env = Env(plan, "native", envs=32)
        state = jax.jit(env.init)(env.params, jax.random.key(0))
        x, y = np.asarray(state.world["qpos"])[:, :2].T
        beyond = (x < -1) | (x > 9) | (np.abs(y) > 5)
        assert beyond.any() == ends
        _, out = jax.jit(env.step)(env.params, state, jnp.zeros((32, env.action_size)))
        far = np.maximum(np.abs(x - 4) - 5, np.abs(y) - 5)
        clear = np.abs(far) > 0.05  # a tick moves the robot by less
        np.testing.assert_array_equal(out.terminations["edge"][clear], beyond[clear])
        assert np.all(np.asarray(out.timeout)[beyond & clear])


@pytest.mark.slow
def test_the_trot_over_rough_ground_runs() -> None:
    found = compile_file(TROT.with_name("trot_rough.yaml"))
    assert found.plan is not None
    assert not found.diagnostics  # not even a warning
    env = Env(found.plan, "native", envs=16)

    @jax.jit
    def run(params: Any, key: jax.Array) -> Any:
        def tick(state: Any, key: jax.Array) -> Any:
            action = jax.random.normal(key, (16, env.action_size))
            state, out = env.step(params, state, action)
            return state, (out.reward_terms, out.terminations, out.metrics, state.critic_input)

        return jax.lax.scan(tick, env.init(params, key), jax.random.split(key, 200))

    state, (terms, ends, metrics, inputs) = run(env.params, jax.random.key(0))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((terms, inputs, metrics)))
    assert not ends["non_finite"].any()
    assert ends["fallen"].any() or ends["tipped"].any()
    assert set(np.unique(np.round(9 * np.asarray(state.episode.level)))) <= set(range(10))

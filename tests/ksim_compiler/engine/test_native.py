"""The native engine is MuJoCo, bit for bit, and pure."""

from __future__ import annotations

import copy

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.engine import EngineSpec
from ksim_compiler.engine.native import NativeEngine
from tests.ksim_compiler.engine.bodies import FIELDS, Plain, actions, home, starts

N, SUBSTEPS = 4, 5


def build(model: mujoco.MjModel, n: int = N, **options) -> NativeEngine:
    return NativeEngine(EngineSpec(model, n, SUBSTEPS, FIELDS, **options))


def assert_same(tree, other) -> None:
    jax.tree.map(np.testing.assert_array_equal, tree, other)


def assert_follows(engine, state, world, plains, diverged=()) -> None:
    rows = engine.rows(state)
    for i, plain in enumerate(plains):
        np.testing.assert_array_equal(rows[i], plain.row())
        for name in ("qpos", "qvel", *FIELDS):
            right = np.full_like(plain.field(name), np.nan) if i in diverged else plain.field(name)
            np.testing.assert_array_equal(world[name][i], right, err_msg=name)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_200_ticks_of_the_humanoid_equal_mj_step(humanoid, threads):
    engine = build(humanoid, threads=threads)
    qpos, qvel = starts(humanoid, N)
    ctrl = actions(humanoid, 200, N)
    plains = [Plain(humanoid, *start) for start in zip(qpos, qvel, strict=True)]

    state, world = jax.jit(engine.reset)(qpos, qvel)
    assert_follows(engine, state, world, plains)
    step = jax.jit(engine.step)
    for tick in range(200):
        state, world = step(state, ctrl[tick])
        for i, plain in enumerate(plains):
            plain.step([ctrl[tick, i]] * SUBSTEPS)
        if tick % 20 in (0, 19):
            assert_follows(engine, state, world, plains)
    assert_follows(engine, state, world, plains)
    assert max(plain.data.ncon for plain in plains) > 0


def test_one_ctrl_row_per_substep(humanoid):
    engine = build(humanoid)
    qpos, qvel = starts(humanoid, N)
    plains = [Plain(humanoid, *start) for start in zip(qpos, qvel, strict=True)]
    state, _ = engine.reset(qpos, qvel)
    for ctrl in actions(humanoid, 20, N, SUBSTEPS):
        state, world = engine.step(state, ctrl)
        for i, plain in enumerate(plains):
            plain.step(ctrl[i])
        assert_follows(engine, state, world, plains)


def test_push_and_wrench_last_one_tick(walker):
    engine = build(walker)
    qpos, qvel = starts(walker, N)
    rng = np.random.default_rng(3)
    plains = [Plain(walker, *start) for start in zip(qpos, qvel, strict=True)]
    state, _ = engine.reset(qpos, qvel)
    for tick, ctrl in enumerate(actions(walker, 6, N)):
        push = wrench = None
        if tick % 3 == 0:
            push = rng.standard_normal((N, walker.nv)).astype(np.float32)
            wrench = 30 * rng.standard_normal((N, walker.nbody, 6)).astype(np.float32)
        state, world = engine.step(state, ctrl, push, wrench)
        for i, plain in enumerate(plains):
            events = (None, None) if push is None else (push[i], wrench[i])
            plain.step([ctrl[i]] * SUBSTEPS, *events)
        assert_follows(engine, state, world, plains)


@pytest.mark.parametrize("per_substep", [False, True])
def test_a_diverged_row_turns_non_finite_and_leaves_the_others(
    walker, per_substep, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)  # MuJoCo writes its warnings to a file in the working directory
    engine = build(walker)
    qpos, qvel = starts(walker, N)
    plains = [Plain(walker, *start) for start in zip(qpos, qvel, strict=True)]
    state, _ = engine.reset(qpos, qvel)
    push = np.zeros((N, walker.nv), np.float32)
    push[1] = 1e30
    for ctrl in actions(walker, 3, N, SUBSTEPS):
        held = np.repeat(ctrl[:, :1], SUBSTEPS, axis=1)
        state, world = engine.step(state, ctrl if per_substep else ctrl[:, 0], push)
        for i, plain in enumerate(plains):
            plain.step((ctrl if per_substep else held)[i], push[i])
    assert_follows(engine, state, world, plains, diverged=(1,))
    finite = np.isfinite(np.asarray(world["qpos"])).all(axis=1)
    assert finite.tolist() == [True, False, True, True]


@pytest.mark.parametrize("shape", [(2, 0), (2, SUBSTEPS, 0)])
def test_an_error_in_the_physics_marks_its_rows_and_keeps_their_state(shape):
    """Memory for a falling box, and too little for the solver once it touches the floor."""
    model = mujoco.MjModel.from_xml_string("""
        <mujoco>
          <size memory="8K"/>
          <worldbody>
            <geom type="plane" size="5 5 .1"/>
            <body pos="0 0 1"><freejoint/><geom type="box" size=".1 .1 .1"/></body>
          </worldbody>
        </mujoco>""")
    engine = NativeEngine(EngineSpec(model, 2, SUBSTEPS, ("ncon",)))
    qpos = np.tile(model.qpos0, (2, 1))
    qpos[1, 2] = 0.101
    qvel = np.zeros((2, model.nv))
    qvel[1, 2] = -2.0
    state, world = engine.reset(qpos, qvel)
    assert np.isfinite(world["qpos"]).all()
    after, world = engine.step(state, np.zeros(shape))
    finite = np.isfinite(np.asarray(world["qpos"])).all(axis=1)
    assert finite.tolist() == [True, False]
    assert np.isnan(world["qvel"][1]).all()
    np.testing.assert_array_equal(engine.rows(after)[1], engine.rows(state)[1])
    assert (engine.rows(after)[0] != engine.rows(state)[0]).any()


def test_reset_where_replaces_masked_rows_only(walker):
    engine = build(walker)
    qpos, qvel = starts(walker, N)
    state, world = engine.reset(qpos, qvel)
    state, world = engine.step(state, actions(walker, N))
    before = engine.rows(state)
    new_qpos, new_qvel = starts(walker, N, seed=9)
    ctrl = actions(walker, N, seed=4)
    mask = np.array([False, True, False, True])
    reset = jax.jit(engine.reset_where)
    state2, world2 = reset(mask, state, world, new_qpos, new_qvel, ctrl=ctrl)

    rows = engine.rows(state2)
    np.testing.assert_array_equal(rows[~mask], before[~mask])
    fresh, fresh_world = engine.reset(new_qpos, new_qvel, ctrl=ctrl)
    np.testing.assert_array_equal(rows[mask], engine.rows(fresh)[mask])
    for name in world:
        np.testing.assert_array_equal(world2[name][~mask], world[name][~mask])
        np.testing.assert_array_equal(world2[name][mask], fresh_world[name][mask])
    for i in np.flatnonzero(mask):
        plain = Plain(walker, new_qpos[i], new_qvel[i])
        plain.data.ctrl[:] = ctrl[i]
        mujoco.mj_forward(plain.model, plain.data)
        np.testing.assert_array_equal(world2["sensordata"][i], plain.field("sensordata"))
    # the operands are untouched, although the results share memory with their copies
    np.testing.assert_array_equal(engine.rows(state), before)

    same, same_world = reset(np.zeros(N, bool), state2, world2, new_qpos, new_qvel, ctrl=ctrl)
    assert_same((same, same_world), (state2, world2))


def test_model_fields_equal_a_model_with_mj_setconst(humanoid):
    engine = build(humanoid, model_fields=("body_mass", "geom_friction", "opt.gravity"))
    qpos, qvel = starts(humanoid, N)
    mass = np.tile(humanoid.body_mass.astype(np.float32), (N, 1))
    mass[1, 3] += 2.0
    mass[2] *= 1.5
    gravity = np.tile(humanoid.opt.gravity.astype(np.float32), (N, 1))
    gravity[3, 2] = -3.0
    plains = []
    for i in range(N):
        model = copy.copy(humanoid)
        changed = mass[i] != humanoid.body_mass.astype(np.float32)
        model.body_mass[changed] = mass[i][changed]
        if i == 3:
            model.opt.gravity[2] = gravity[i, 2]
        mujoco.mj_setConst(model, mujoco.MjData(model))
        plains.append(Plain(model, qpos[i], qvel[i]))
    state, world = engine.reset(qpos, qvel, {"body_mass": mass, "opt.gravity": gravity})
    assert_follows(engine, state, world, plains)
    for ctrl in actions(humanoid, 20, N):
        state, world = engine.step(state, ctrl)
        for i, plain in enumerate(plains):
            plain.step([ctrl[i]] * SUBSTEPS)
    assert_follows(engine, state, world, plains)

    # a reset may bring other values to its rows alone
    mask = np.array([False, True, False, False])
    heavier = {"body_mass": 2 * mass}
    state, _ = engine.reset_where(mask, state, world, qpos, qvel, heavier)
    np.testing.assert_array_equal(state.model["body_mass"][1], 2 * mass[1])
    np.testing.assert_array_equal(state.model["body_mass"][2], mass[2])
    np.testing.assert_array_equal(state.model["opt.gravity"], gravity)


def test_calls_are_pure(humanoid):
    engine = build(humanoid, model_fields=("body_mass",))
    qpos, qvel = starts(humanoid, N)
    step = jax.jit(engine.step)
    heavy = {"body_mass": 2 * np.tile(humanoid.body_mass.astype(np.float32), (N, 1))}
    light_state, _ = engine.reset(qpos, qvel)
    heavy_state, _ = engine.reset(qpos, qvel, heavy)
    ctrl = actions(humanoid, N)
    once = step(light_state, ctrl)
    other = step(heavy_state, ctrl)
    engine.reset(*starts(humanoid, N, seed=5))
    again = step(light_state, ctrl)
    assert_same(once, again)
    assert_same(other, step(heavy_state, ctrl))
    assert not np.array_equal(once[0].bits, other[0].bits)


def test_a_long_scan_with_many_environments_ends(humanoid):
    n = 512
    engine = build(humanoid, n)
    qpos, _ = home(humanoid)

    @jax.jit
    def rollout(qpos, ctrl):
        def tick(carry, action):
            state, world = engine.step(carry[0], action)
            done = world["qpos"][:, 2] < 0.7
            again = engine.reset_where(done, state, world, qpos, jnp.zeros((n, humanoid.nv)))
            return again, world["qpos"].mean()

        return jax.lax.scan(tick, engine.reset(qpos, jnp.zeros((n, humanoid.nv))), ctrl)

    (state, _), means = rollout(np.tile(qpos, (n, 1)), actions(humanoid, 24, n))
    assert means.shape == (24,)
    assert np.isfinite(means).all()
    assert np.isfinite(engine.rows(state)).all()


def test_wrong_arguments_are_named(walker):
    engine = build(walker, model_fields=("body_mass",))
    qpos, qvel = starts(walker, N)
    state, _ = engine.reset(qpos, qvel)
    with pytest.raises(ValueError, match="ctrl must have the shape"):
        engine.step(state, np.zeros((N, 7)))
    with pytest.raises(ValueError, match="geom_size"):
        engine.reset(qpos, qvel, {"geom_size": np.zeros((N, 1))})


def test_an_actuator_with_a_delay_was_told_its_control_before_the_episode() -> None:
    """It gives the force of that control from the first step on, and not that of 0."""
    model = mujoco.MjModel.from_xml_string("""
      <mujoco><worldbody><body>
        <joint name="j" axis="0 1 0"/><geom size=".1" mass="1"/>
      </body></worldbody><actuator>
        <motor joint="j" gear="2" delay=".02" nsample="20"/>
      </actuator></mujoco>""")
    spec = EngineSpec(model, 2, 1, ("actuator_force",), told=np.array([0.7]))
    engine = NativeEngine(spec)
    ctrl = np.full((2, 1), 0.7)
    state, _ = engine.reset(np.zeros((2, 1)), np.zeros((2, 1)), None, ctrl)
    for _ in range(15):  # longer than the delay
        state, world = engine.step(state, ctrl)
        np.testing.assert_allclose(np.asarray(world["actuator_force"]), 0.7, rtol=1e-6)


@pytest.mark.parametrize(
    "given", ["", 'interval=".006"', 'interp="cubic"', 'interval=".006 -.002"']
)
def test_a_sensor_with_a_delay_measured_the_pose_before_the_episode(given: str) -> None:
    """Then what MuJoCo's reads of a robot that was held there, and in each its own model values."""
    late = f'delay=".02" nsample="12" {given}'
    model = mujoco.MjModel.from_xml_string(f"""
      <mujoco><worldbody><body>
        <joint name="j" type="slide" axis="1 0 0"/><geom name="g" size=".1" mass="1"/>
        <site name="s"/>
      </body></worldbody><actuator><motor joint="j"/></actuator><sensor>
        <jointpos joint="j"/><jointpos joint="j" {late}/>
        <framepos objtype="site" objname="s" {late}/><accelerometer site="s" {late}/>
      </sensor></mujoco>""")
    engine = NativeEngine(EngineSpec(model, 3, 1, ("sensordata",), ("opt.gravity",)))
    starts = np.array([[0.5], [-1.0], [2.0]], np.float32)
    there = np.repeat(starts, 2, axis=1)
    gravity = np.array([[0, 0, -9.0], [0, 0, -4.0], [0, 0, -2.0]])
    state, world = engine.reset(starts, np.zeros((3, 1)), {"opt.gravity": gravity})
    first = np.zeros((3, 8))
    first[:, :3], first[:, 7] = starts, -gravity[:, 2]
    np.testing.assert_allclose(world["sensordata"], first, atol=1e-6)
    for _ in range(9):  # it is on its way
        state, world = engine.step(state, np.full((3, 1), 50.0))
        np.testing.assert_allclose(np.asarray(world["sensordata"])[:, 1:3], there, atol=1e-6)
    assert (np.asarray(world["qpos"]) > starts + 1e-3).all()
    for _ in range(20):
        state, world = engine.step(state, np.full((3, 1), 50.0))
    assert (np.asarray(world["sensordata"])[:, 1:3] > starts + 1e-3).all()
    # masked rows begin anew, and the others go on
    seen = np.asarray(world["sensordata"])
    state, world = engine.reset_where(
        np.array([True, False, True]), state, world, 2 * starts, np.zeros((3, 1))
    )
    np.testing.assert_allclose(np.asarray(world["sensordata"])[::2, 1:3], 2 * there[::2], atol=1e-6)
    np.testing.assert_array_equal(np.asarray(world["sensordata"])[1], seen[1])

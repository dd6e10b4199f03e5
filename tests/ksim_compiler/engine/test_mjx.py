"""MJX in float32 follows MuJoCo, and means the same by every array."""

from __future__ import annotations

import copy
import functools

import jax
import mujoco
import numpy as np
import pytest

from ksim_compiler.engine import EngineSpec, make_engine
from tests.ksim_compiler.engine.bodies import FIELDS, Plain, actions, home, starts

N, SUBSTEPS = 3, 4


@functools.cache
def compiled(model: mujoco.MjModel, name: str, model_fields: tuple[str, ...] = ()):
    """The engine and its three functions, compiled once for the tests of this file."""
    engine = make_engine(name, EngineSpec(model, N, SUBSTEPS, FIELDS, model_fields))
    return engine, jax.jit(engine.reset), jax.jit(engine.step), jax.jit(engine.reset_where)


def distance(world, other, *names) -> dict[str, float]:
    return {k: float(np.abs(np.asarray(world[k]) - np.asarray(other[k])).max()) for k in names}


def airborne(model: mujoco.MjModel) -> tuple[np.ndarray, np.ndarray]:
    """States about home, 20 m up and tumbling."""
    qpos, qvel = starts(model, N)
    qpos[:, 2] += 20.0
    qvel[:, 3:6] += 1.0
    return qpos, qvel


def test_worlds_have_equal_names_shapes_and_types(walker):
    qpos, qvel = starts(walker, N)
    worlds = [compiled(walker, name)[1](qpos, qvel)[1] for name in ("native", "mjx")]
    native, mjx = (jax.tree.map(lambda x: (x.shape, str(x.dtype)), w) for w in worlds)
    assert native == mjx


def test_20_ticks_in_contact_follow_native(walker):
    """From float32 rounding, contact amplifies: within 0.1 mm or mrad, and 1 mm/s, after 0.32 s."""
    qpos, qvel = starts(walker, N)
    ctrl = actions(walker, 20, N, scale=0.1)
    runs = []
    for name in ("native", "mjx"):
        engine, reset, step, _ = compiled(walker, name)
        state, world = reset(qpos, qvel)
        worlds = [world]
        for row in ctrl:
            state, world = step(state, row)
            worlds.append(world)
        runs.append((worlds, engine.rows(state)))
    (native, rows), (mjx, mjx_rows) = runs
    for a, b in zip(native, mjx, strict=True):
        apart = distance(a, b, "qpos", "qvel", "xpos", "subtree_com")
        assert max(apart["qpos"], apart["xpos"], apart["subtree_com"]) < 1e-4
        assert apart["qvel"] < 1e-3
    # the sensors lag the state by one substep on both
    np.testing.assert_allclose(native[-1]["sensordata"], mjx[-1]["sensordata"], atol=1e-2)
    at = slice(0, 1 + walker.nq)  # time and qpos lead a row
    np.testing.assert_allclose(rows[:, at], mjx_rows[:, at], atol=1e-4)


def test_free_flight_follows_native_for_two_seconds(walker):
    """125 ticks; position errors of a height of 20 m are a few float32 steps of 2e-6 m each."""
    qpos, qvel = airborne(walker)
    ends = []
    for name in ("native", "mjx"):
        _, reset, step, _ = compiled(walker, name)
        state, _ = reset(qpos, qvel)
        for row in actions(walker, 125, N):
            state, world = step(state, row)
        ends.append(world)
    apart = distance(*ends, "qpos", "qvel", "sensordata")
    assert apart["qpos"] < 1e-4
    assert apart["qvel"] < 1e-4
    assert apart["sensordata"] < 1e-3


def test_a_saturated_servo_is_integrated_as_mujoco_does(walker):
    """Both kinds of torque limit are reached; one tick, where MJX alone is off by 2 rad/s."""
    qpos, qvel = airborne(walker)
    qvel[:, 6:] = 2.0
    ctrl = np.full((N, walker.nu), 1.0, np.float32)
    native, mjx = (
        step(reset(qpos, qvel)[0], ctrl)[1]
        for _, reset, step, _ in (compiled(walker, name) for name in ("native", "mjx"))
    )
    assert (np.abs(native["qfrc_actuator"])[:, 6:] == [12.0, 10.0]).all()
    np.testing.assert_allclose(native["qvel"], mjx["qvel"], atol=1e-4)


def test_events_and_ctrl_per_substep_follow_the_plain_loop(walker):
    qpos, qvel = airborne(walker)
    rng = np.random.default_rng(3)
    ctrl = actions(walker, N, SUBSTEPS)
    push = rng.standard_normal((N, walker.nv)).astype(np.float32)
    wrench = 10 * rng.standard_normal((N, walker.nbody, 6)).astype(np.float32)
    _, reset, step, _ = compiled(walker, "mjx")
    state, world = step(reset(qpos, qvel)[0], ctrl, push, wrench)
    held = ctrl[:, 0]
    state, after = step(state, held)
    for i in range(N):
        plain = Plain(walker, qpos[i], qvel[i])
        plain.step(ctrl[i], push[i], wrench[i])
        np.testing.assert_allclose(world["qvel"][i], plain.field("qvel"), atol=1e-3)
        plain.step([held[i]] * SUBSTEPS)
        np.testing.assert_allclose(after["qvel"][i], plain.field("qvel"), atol=1e-3)


def test_reset_where_replaces_masked_rows_only(walker):
    _, reset, step, reset_where = compiled(walker, "mjx")
    qpos, qvel = starts(walker, N)
    state, world = step(reset(qpos, qvel)[0], actions(walker, N))
    new = starts(walker, N, seed=9)
    mask = np.array([False, True, False])
    state2, world2 = reset_where(mask, state, world, *new)
    fresh = reset(*new)
    for kept, got, made in zip(
        *(jax.tree.leaves(x) for x in ((state, world), (state2, world2), fresh)), strict=True
    ):
        np.testing.assert_array_equal(got[~mask], kept[~mask])
        np.testing.assert_allclose(got[mask], made[mask], atol=1e-4)
    nothing = reset_where(np.zeros(N, bool), state2, world2, *new)
    jax.tree.map(np.testing.assert_array_equal, nothing, (state2, world2))


def test_body_mass_and_gravity_per_environment(walker):
    """In flight, where MJX needs none of the constants that mj_setConst derives."""
    qpos, qvel = airborne(walker)
    _, reset, step, _ = compiled(walker, "mjx", ("body_mass", "opt.gravity"))
    mass = np.tile(walker.body_mass.astype(np.float32), (N, 1))
    mass[1, 2] += 1.5
    gravity = np.tile(walker.opt.gravity.astype(np.float32), (N, 1))
    gravity[2, 2] = -3.0
    state, world = reset(qpos, qvel, {"body_mass": mass, "opt.gravity": gravity})
    ctrl = actions(walker, 5, N)
    for row in ctrl:
        state, world = step(state, row)
    for i in range(N):
        model = copy.copy(walker)
        model.body_mass[:] = mass[i]
        model.opt.gravity[:] = gravity[i]
        mujoco.mj_setConst(model, mujoco.MjData(model))
        plain = Plain(model, qpos[i], qvel[i])
        for row in ctrl:
            plain.step([row[i]] * SUBSTEPS)
        np.testing.assert_allclose(world["qvel"][i], plain.field("qvel"), atol=1e-3)
        np.testing.assert_allclose(world["subtree_com"][i], plain.field("subtree_com"), atol=1e-4)


def test_a_field_that_mjx_lacks_is_named(walker):
    with pytest.raises(ValueError, match="geom_xquat"):
        make_engine("mjx", EngineSpec(walker, 1, 1, ("geom_xquat",)))


@pytest.mark.slow
def test_the_humanoid_standing_follows_native(humanoid):
    """20 ticks under its servos, feet on the floor: within 5 mm or mrad.

    MJX drops corners of a box that lie 1 mm above its deepest one, so box feet agree less well than
    round ones.
    """
    qpos, ctrl = home(humanoid)
    ends = []
    for name in ("native", "mjx"):
        engine = make_engine(name, EngineSpec(humanoid, 1, 5, ("xpos",)))

        def run(qpos, ctrl, engine=engine):
            state, _ = engine.reset(qpos, np.zeros((1, humanoid.nv)))
            return jax.lax.scan(lambda state, row: engine.step(state, row), state, ctrl)[1]

        ends.append(jax.jit(run)(qpos[None], np.tile(ctrl, (20, 1, 1))))
    apart = distance(*ends, "qpos", "xpos")
    assert max(apart.values()) < 5e-3


def products(jaxpr) -> list:
    """The products of matrices of a program, those inside loops and branches included."""
    found = []
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            found.append(equation.params["precision"])
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda x: hasattr(x, "eqns")
        ):
            if hasattr(inner, "eqns"):
                found += products(getattr(inner, "jaxpr", inner))
    return found


def test_no_product_of_matrices_is_rounded_by_an_accelerator(walker):
    """On a GPU the default is TF32, of 10 bits: the walker in flight was off by 3 mm after 2 s."""
    engine = make_engine("mjx", EngineSpec(walker, N, SUBSTEPS, FIELDS))
    qpos, qvel = starts(walker, N)
    state, _ = jax.eval_shape(engine.reset, qpos, qvel)
    for function, args in (
        (engine.reset, (qpos, qvel)),
        (engine.step, (state, actions(walker, N))),
    ):
        found = products(jax.make_jaxpr(function)(*args).jaxpr)
        highest = jax.lax.Precision.HIGHEST
        assert found
        assert set(found) == {(highest, highest)}


def test_warp_takes_what_any_model_may_say_and_is_quiet(walker, monkeypatch):
    """Warp refuses some flags that change nothing, and prints a line where a solver has used all of
    its iterations, for each environment and step."""
    pytest.importorskip("warp")
    from mujoco.mjx.third_party.mujoco_warp import OverflowType

    monkeypatch.setattr("ksim_compiler.engine.mjx._require_warp", lambda: None)
    model = copy.copy(walker)
    disable = mujoco.mjtDisableBit
    model.opt.disableflags |= int(disable.mjDSBL_MIDPHASE | disable.mjDSBL_AUTORESET)
    engine = make_engine("warp", EngineSpec(model, N, SUBSTEPS, ("xpos",)))
    said = OverflowType(engine._model.opt._impl.warn_overflow)
    assert OverflowType.LS_ITERATIONS not in said
    assert OverflowType.NARROWPHASE in said

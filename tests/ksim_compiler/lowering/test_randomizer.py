"""Randomizers change the dynamics by the amount that theory gives, on both engines."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from pydantic import ValidationError

from ksim_compiler.engine import EngineSpec, make_engine
from ksim_compiler.lowering import rules
from ksim_compiler.lowering.context import Context
from ksim_compiler.robot.model import ModelFiles, equip, load
from ksim_schema.robot import Drive
from ksim_schema.vocabulary import randomizer as v
from ksim_schema.vocabulary.state import Robot as RobotPart

MODEL = """
<mujoco>
  <option timestep="0.002" integrator="implicitfast" gravity="0 0 -10"/>
  <worldbody>
    <geom name="floor" type="plane" size="0 0 1" pos="0 0 -5" friction="0.3 0 0" contype="0"/>
    <body name="arm" pos="0 0 0">
      <joint name="hinge" type="hinge" axis="0 1 0" damping="0.5" armature="0.1"/>
      <inertial mass="2" pos="0 0 -0.5" diaginertia="0.01 0.01 0.01"/>
      <geom name="ball" type="sphere" size="0.1" pos="0 0 -0.5" contype="0" conaffinity="0"/>
    </body>
    <body name="cart" pos="0 2 0">
      <joint name="slide" type="slide" axis="1 0 0" frictionloss="0.5"/>
      <inertial mass="3" pos="0 0 0" diaginertia="0.01 0.01 0.01"/>
      <site name="imu"/>
    </body>
    <body name="free" pos="0 4 0">
      <freejoint name="root"/>
      <inertial mass="1" pos="0 0 0" diaginertia="0.01 0.01 0.01"/>
    </body>
  </worldbody>
  <sensor><accelerometer name="imu" site="imu"/></sensor>
</mujoco>
"""
ROBOT = equip(
    load(
        RobotPart.model_validate({"model": "m.xml", "control": "2 ms"}),
        ModelFiles("m.xml", {"m.xml": MODEL.encode()}),
    ),
    (),
    (Drive("slide", 100.0),),
)
ENGINES = pytest.mark.parametrize("engine", ["native", "mjx"])
INERTIA = 0.01 + 2 * 0.5**2 + 0.1
"""Of the arm about its hinge, with armature; kg*m^2."""


def drawn(part: v.Randomizer, level: float = 1.0) -> dict[str, jax.Array]:
    """The model values of two environments: as drawn by a part, and the model's own."""
    model = ROBOT.model
    own = {
        name: jnp.asarray(
            model.opt.gravity if name == "opt.gravity" else getattr(model, name), jnp.float32
        )
        for name in part.changes
    }
    x = Context(
        ROBOT.facts, own, jnp.float32(0), 0.002, jnp.float32(level), jax.random.key(7), jnp.zeros(1)
    )
    values, _ = rules.apply(part, x, ())
    return {name: jnp.stack([values[name], own[name]]) for name in part.changes}


class Case(NamedTuple):
    """A randomizer, the state and the control in which its effect is measured."""

    part: v.Randomizer
    hinge: float = 0.0
    hinge_speed: float = 0.0
    ctrl: float = 0.0


CASES = {
    "mass": Case(
        v.BodyMass(body=("cart",), factor=(1.5, 1.5), add=("0.5 kg", "0.5 kg")), ctrl=20.5
    ),
    "damping": Case(v.JointDamping(joints=("hinge",), factor=(3.0, 3.0)), hinge_speed=1.0),
    "armature": Case(v.Armature(joints=("hinge",), factor=(2.0, 2.0)), hinge=math.pi / 2),
    "friction": Case(v.StaticFriction(joints=("slide",), factor=(8.0, 8.0)), ctrl=3.0),
    "centre": Case(v.CentreOfMass(body=("arm",), range="10 cm")),
    "inertia": Case(v.BodyInertia(body=("arm",), factor=(20.0, 20.0)), hinge=math.pi / 2),
    "gravity": Case(v.Gravity(vertical="3 m/s^2")),
    "strength": Case(v.MotorStrength(joints=("slide",), factor=(0.5, 0.5)), ctrl=21.0),
    "limit": Case(v.MotorStrength(joints=("slide",), factor=(0.5, 0.5)), ctrl=1000.0),
    "zero": Case(v.JointZero(joints=("hinge",), range="0.5 rad")),
}


@functools.cache
def measured(engine: str) -> dict[str, np.ndarray]:
    """Case -> changes of qvel in one physics step over the timestep, (2, nv): drawn, nominal.

    All cases are environments of one batch, so that each engine is compiled once.
    """
    fields = tuple(dict.fromkeys(f for case in CASES.values() for f in case.part.changes))
    made = make_engine(engine, EngineSpec(ROBOT.model, 2 * len(CASES), 1, (), fields))
    own = {name: jnp.asarray(value) for name, value in made.spec.model_defaults().items()}
    model: dict[str, list[jax.Array]] = {name: [] for name in fields}
    qpos = np.tile(np.asarray(ROBOT.facts.home, np.float32), (2 * len(CASES), 1))
    qvel = np.zeros((2 * len(CASES), ROBOT.facts.nv), np.float32)
    ctrl = np.zeros((2 * len(CASES), 1), np.float32)
    for row, case in enumerate(CASES.values()):
        values = drawn(case.part)
        for which in (0, 1):
            for name in fields:
                model[name].append(values[name][which] if name in values else own[name])
        both = slice(2 * row, 2 * row + 2)
        qpos[both, HINGE] = case.hinge
        qvel[both, HINGE] = case.hinge_speed
        ctrl[both] = case.ctrl

    @jax.jit
    def run(model: dict[str, jax.Array]) -> jax.Array:
        state, _ = made.reset(jnp.asarray(qpos), jnp.asarray(qvel), model)
        return made.step(state, jnp.asarray(ctrl))[1]["qvel"]

    after = np.asarray(run({name: jnp.stack(values) for name, values in model.items()}))
    change = (after - qvel) / ROBOT.model.opt.timestep
    return {name: change[2 * row : 2 * row + 2] for row, name in enumerate(CASES)}


HINGE, SLIDE, FALL = 0, 1, 4
"""Indices in qvel (and, for the first two, in qpos)."""


@ENGINES
def test_a_heavier_cart_accelerates_less(engine: str) -> None:
    values = measured(engine)["mass"]
    # 20.5 N less 0.5 N of dry friction on 3 kg, and on 3 * 1.5 + 0.5 = 5 kg
    np.testing.assert_allclose(values[:, SLIDE], [20 / 5, 20 / 3], rtol=2e-2)


@ENGINES
def test_a_damped_arm_slows_down_faster(engine: str) -> None:
    values = measured(engine)["damping"]
    # implicit in the velocity: a = -d w / (I + h d)
    expected = [-d / (INERTIA + 0.002 * d) for d in (1.5, 0.5)]
    np.testing.assert_allclose(values[:, HINGE], expected, rtol=1e-3)


@ENGINES
def test_armature_adds_to_the_inertia(engine: str) -> None:
    values = measured(engine)["armature"]
    torque = 2 * 10 * 0.5
    expected = [torque / (i + 0.002 * 0.5) for i in (INERTIA + 0.1, INERTIA)]
    np.testing.assert_allclose(np.abs(values[:, HINGE]), expected, rtol=1e-3)


@ENGINES
def test_static_friction_holds_a_cart_that_moved(engine: str) -> None:
    values = measured(engine)["friction"]
    assert abs(values[0, SLIDE]) < 0.2  # 4 N of dry friction hold 3 N
    np.testing.assert_allclose(values[1, SLIDE], (3 - 0.5) / 3, rtol=5e-2)


@ENGINES
def test_a_moved_centre_of_mass_changes_the_lever(engine: str) -> None:
    values = measured(engine)["centre"]
    moved = np.asarray(drawn(CASES["centre"].part)["body_ipos"][0, ROBOT.facts.body_id("arm")])
    inertia = 0.01 + 2 * (moved[0] ** 2 + moved[2] ** 2) + 0.1 + 0.002 * 0.5
    np.testing.assert_allclose(values[0, HINGE], 2 * 10 * moved[0] / inertia, rtol=1e-3)
    assert abs(values[1, HINGE]) < 1e-5


@ENGINES
def test_inertia_about_the_centre_of_mass(engine: str) -> None:
    values = measured(engine)["inertia"]
    expected = [10 / (INERTIA + extra + 0.001) for extra in (0.19, 0.0)]
    np.testing.assert_allclose(np.abs(values[:, HINGE]), expected, rtol=1e-3)


@ENGINES
def test_gravity(engine: str) -> None:
    values = measured(engine)["gravity"]
    gravity = np.asarray(drawn(CASES["gravity"].part)["opt.gravity"])[:, 2]
    assert gravity[0] != gravity[1] == -10
    np.testing.assert_allclose(values[:, FALL], gravity, rtol=1e-4)


@ENGINES
def test_motor_strength(engine: str) -> None:
    values = measured(engine)["strength"]
    np.testing.assert_allclose(values[:, SLIDE], [10 / 3, 20.5 / 3], rtol=2e-2)
    limited = measured(engine)["limit"]  # the limit of 100 N is halved as well
    np.testing.assert_allclose(limited[:, SLIDE], [49.5 / 3, 99.5 / 3], rtol=2e-2)


@ENGINES
def test_the_zero_of_a_joint(engine: str) -> None:
    values = measured(engine)["zero"]
    # qpos0 is the coordinate at which the arm hangs straight down
    angle = -float(drawn(CASES["zero"].part)["qpos0"][0, 0])
    expected = -10 * math.sin(angle) / (INERTIA + 0.001)
    np.testing.assert_allclose(values[0, HINGE], expected, rtol=1e-3)


def test_servo_gains_change_the_servo_alone() -> None:
    part = v.ServoGains(joints=("slide",), kp=(2.0, 2.0), kd=(3.0, 3.0))
    servo = equip(load(ROBOT.part, ROBOT.files), (), (Drive("slide", 50.0, kp=10.0, kd=1.0),)).model
    own = {n: jnp.asarray(getattr(servo, n), jnp.float32) for n in part.changes}
    x = Context(
        ROBOT.facts, own, jnp.float32(0), 0.002, jnp.float32(1), jax.random.key(0), jnp.zeros(1)
    )
    values, _ = rules.apply(part, x, ())
    np.testing.assert_allclose(values["actuator_gainprm"][0, :3], [20, 0, 0])
    np.testing.assert_allclose(values["actuator_biasprm"][0, :3], [0, -20, -3])


@pytest.mark.parametrize(
    ("part", "check"),
    [
        (
            v.FloorFriction(range=(0.9, 0.9)),
            lambda m: np.testing.assert_allclose(m["geom_friction"][:, 0, 0], [0.9, 0.3]),
        ),
        (
            v.CollisionGeometry(geoms=("ball",), factor=(1.2, 1.2)),
            lambda m: np.testing.assert_allclose(m["geom_size"][:, 1, 0], [0.12, 0.1]),
        ),
    ],
    ids=["floor_friction", "collision_geometry"],
)
def test_values(part: v.Randomizer, check: Callable[[dict[str, jax.Array]], None]) -> None:
    check(drawn(part))


def test_imu_alignment_turns_the_site_by_a_small_angle() -> None:
    quat = np.asarray(drawn(v.ImuAlignment(site="imu", tilt="0.05 rad"))["site_quat"][0, 0], float)
    angle = 2 * np.arccos(min(1.0, abs(quat[0])))
    assert 0 < angle <= 0.05 * math.sqrt(3) + 1e-6
    np.testing.assert_allclose(np.linalg.norm(quat), 1, rtol=1e-6)


def test_a_level_of_zero_leaves_the_model_as_it_is() -> None:
    ramp = {"linear": {"from": 0.0, "to": 1.0}}
    part = v.BodyMass.model_validate(
        {"kind": "body_mass", "body": "arm", "factor": (2.0, 3.0), "scale": ramp}
    )
    body = ROBOT.facts.body_id("arm")
    masses = [float(drawn(part, level)["body_mass"][0, body]) for level in (0.0, 1.0)]
    assert masses[0] == 2.0
    assert masses[1] >= 4.0


def test_the_model_is_not_touched() -> None:
    before = ROBOT.model.body_mass.copy()
    drawn(v.BodyMass(body=(".*",), factor=(2.0, 2.0)))
    np.testing.assert_array_equal(ROBOT.model.body_mass, before)
    assert isinstance(ROBOT.model, mujoco.MjModel)


TABLE = """
<mujoco>
  <worldbody>
    <geom name="floor" type="plane" size="0 0 1" condim="6" friction="0.9 0.01 0.001"/>
    <body name="cube" pos="0 0 .1"><freejoint/>
      <geom name="cube" type="box" size=".1 .1 .1" friction="0.8 0.02 0.003"/></body>
    <body name="ball" pos="1 0 .1"><freejoint/><geom name="ball" size=".1"/></body>
    <body name="arm"><joint name="a" axis="0 1 0" frictionloss="0.2"/>
      <joint name="b" axis="1 0 0"/><geom name="rod" size=".1" contype="0" conaffinity="0"/></body>
  </worldbody>
  <contact><pair geom1="cube" geom2="floor" friction="0.5 0.6 0.01 0.002 0.003"/></contact>
</mujoco>
"""
THINGS = load(
    RobotPart.model_validate({"model": "m.xml", "control": "2 ms"}),
    ModelFiles("m.xml", {"m.xml": TABLE.encode()}),
)


def values(kind: type[v.Randomizer], seed: int = 0, level: float = 1.0, **fields: object) -> dict:
    """The fields of the model of the table that a randomizer changes, after it has drawn."""
    part = kind.model_validate({"kind": kind.kind_name, **fields})
    model, facts = THINGS.model, THINGS.facts
    names = part.changed_fields(facts)
    own = {
        name: jnp.asarray(
            model.opt.gravity if name == "opt.gravity" else getattr(model, name), jnp.float32
        )
        for name in names
    }
    x = Context(
        facts, own, jnp.float32(0), 0.002, jnp.float32(level), jax.random.key(seed), jnp.zeros(1)
    )
    return {name: np.asarray(value) for name, value in rules.apply(part, x, ())[0].items()}


def test_a_logarithm_is_as_likely_below_1_as_above() -> None:
    fields = {"body": "cube", "factor": (0.25, 4), "distribution": "log_uniform"}
    own = THINGS.model.body_mass[THINGS.facts.body_id("cube")]
    masses = np.array([values(v.BodyMass, s, **fields)["body_mass"] for s in range(300)])
    factors = masses[:, THINGS.facts.body_id("cube")] / own
    assert 0.25 <= factors.min() < 0.27
    assert 3.7 < factors.max() <= 4.0
    # ln(f) / ln(4) is uniform from -1 to 1
    share = np.log(factors) / math.log(4)
    assert abs(share.mean()) < 0.08
    assert abs(np.mean(share < -0.5) - 0.25) < 0.06
    with pytest.raises(ValidationError, match="no log"):
        values(v.FloorFriction, range=(0, 1), distribution="log_uniform")


def test_one_draw_for_all_or_one_for_each() -> None:
    fields = {"geoms": ("cube", "ball"), "factor": (0.5, 2)}
    own = THINGS.model.geom_size
    for shared in (True, False):
        size = values(v.CollisionGeometry, shared=shared, **fields)["geom_size"]
        cube, ball = (THINGS.facts.geom_id(name) for name in ("cube", "ball"))
        factors = size[cube, 0] / own[cube, 0], size[ball, 0] / own[ball, 0]
        assert bool(abs(factors[0] - factors[1]) < 1e-6) == shared


def test_what_is_0_in_the_model_is_drawn_by_adding() -> None:
    """Damping and dry friction: ``factor * own + add``."""
    a, b = (joint.dof for joint in THINGS.facts.motion_joints)
    drawn = [
        values(v.StaticFriction, s, factor=(2, 2), add=("0.1 N*m", "0.3 N*m"))["dof_frictionloss"]
        for s in range(40)
    ]
    found = np.array(drawn)
    assert (found[:, a] >= 0.5 - 1e-6).all()
    assert (found[:, a] <= 0.7 + 1e-6).all()
    assert 0.1 - 1e-6 <= found[:, b].min() < 0.12
    assert 0.28 < found[:, b].max() <= 0.3 + 1e-6
    half = values(
        v.JointDamping,
        level=0.5,
        add=("1 N*m*s/rad", "1 N*m*s/rad"),
        scale={"linear": {"from": 0, "to": 1}},
    )["dof_damping"]
    assert np.ravel(half.reshape(THINGS.model.nv, -1)[:, 0])[b] == pytest.approx(0.5)
    less = values(v.StaticFriction, add=("-1 N*m", "-1 N*m"))["dof_frictionloss"]
    np.testing.assert_array_equal(less[[a, b]], 0.0)
    with pytest.raises(ValidationError, match="neither a factor nor a summand"):
        values(v.Armature)


def test_three_coefficients_of_geoms_and_of_their_pairs() -> None:
    ranges = {"sliding": (0.3, 0.4), "rolling": ("1 cm", "2 cm")}
    found = values(v.GeomFriction, geoms=("cube", "ball"), **ranges)
    cube, ball, floor = (THINGS.facts.geom_id(name) for name in ("cube", "ball", "floor"))
    friction, own = found["geom_friction"], THINGS.model.geom_friction
    for geom in (cube, ball):
        assert 0.3 <= friction[geom, 0] <= 0.4
        assert 0.01 <= friction[geom, 2] <= 0.02
        assert friction[geom, 1] == pytest.approx(own[geom, 1])
    np.testing.assert_allclose(friction[floor], own[floor])
    assert friction[cube, 0] != friction[ball, 0]
    pair = found["pair_friction"][0]
    np.testing.assert_allclose(pair[:2], friction[cube, 0])
    assert pair[2] == pytest.approx(0.01)
    np.testing.assert_allclose(pair[3:], friction[cube, 2])
    same = values(v.GeomFriction, geoms=("cube", "ball"), shared=True, **ranges)["geom_friction"]
    assert same[cube, 0] == same[ball, 0]


def test_gravity_by_axis() -> None:
    drawn = np.array(
        [
            values(v.Gravity, s, x=("0.1 m/s^2", "0.5 m/s^2"), z=("-1 m/s^2", "0 m/s^2"))[
                "opt.gravity"
            ]
            for s in range(60)
        ]
    )
    assert 0.1 <= drawn[:, 0].min() < 0.15
    assert 0.45 < drawn[:, 0].max() <= 0.5
    np.testing.assert_array_equal(drawn[:, 1], 0.0)
    assert -10.81 - 1e-5 <= drawn[:, 2].min() < -10.7
    assert -9.9 < drawn[:, 2].max() <= -9.81 + 1e-5

"""MJX refuses a model of which it would leave something out, and says what."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from ksim_compiler.engine import EngineSpec, make_engine
from ksim_compiler.robot.gaps import clamped, gaps, gaps_of_warp, narrowed

MUSCLE = (
    'gaintype="muscle" biastype="muscle" dyntype="muscle" lengthrange="0 1" '
    'gainprm=".75 1.05 -1 200 .5 1.6 1.5 1.3 1.2" biasprm=".75 1.05 -1 200 .5 1.6 1.5 1.3 1.2"'
)
LEFT_OUT = {
    "the delay of actuator 'm'": {"motor": 'delay=".02" nsample="10"'},
    "the delay or interval of sensor 'q'": {"sensor": 'delay=".02" nsample="10"'},
    "the armature of actuator 'm'": {"motor": 'armature=".1"'},
    "the damping of actuator 'm'": {"motor": 'damping="1"'},
    "actearly of actuator 'm'": {"motor": 'dyntype="filter" dynprm=".05" actearly="true"'},
    "the non-linear stiffness of joint 'j'": {"joint": 'stiffness="1 2"'},
    "the non-linear damping of joint 'j'": {"joint": 'damping="1 2"'},
    "the non-linear stiffness of tendon 't'": {"tendon": 'stiffness="1 2"'},
    "the non-linear damping of tendon 't'": {"tendon": 'damping="1 2"'},
    "the fluid shape of geom 'g'": {"geom": 'fluidshape="ellipsoid"', "option": 'density="1"'},
    "noslip_iterations": {"option": 'noslip_iterations="3"'},
    'the flag spring="disable"': {"flag": 'spring="disable"'},
    'the flag damper="disable"': {"flag": 'damper="disable"'},
    'the flag sleep="enable"': {"flag": 'sleep="enable"'},
    "the disabled group of actuator 'm'": {
        "motor": 'group="2"',
        "option": 'actuatorgroupdisable="2"',
    },
    "the damping by muscle 'm'": {
        "motor": MUSCLE,
        "option": 'integrator="implicitfast"',
    },
    "the actuatorfrcrange of tendon 't' in the damping by its actuators": {
        "tendon": 'actuatorfrcrange="-1 1"',
        "more": '<position name="servo" tendon="t" kv="1"/>',
        "option": 'integrator="implicitfast"',
    },
    "the cutoff of sensor 's'": {
        "sensors": '<framelinacc name="s" objtype="body" objname="b" cutoff="1"/>'
    },
    "what a ray meets first for sensor 's'": {
        "sensors": '<rangefinder name="s" site="i"/>',
        "world": '<geom type="cylinder" size=".1 .1" pos="0 0 1"/>',
    },
    "which contacts are meant by sensor 's'": {
        "sensors": '<contact name="s" geom1="g" data="found force"/>'
    },
}


def model(**given: str) -> mujoco.MjModel:
    def at(what: str) -> str:
        return given.get(what, "")

    return mujoco.MjModel.from_xml_string(f"""
<mujoco>
  <option {at("option")}><flag {at("flag")}/></option>
  <worldbody>
    <body name="b">
      <joint name="j" axis="0 1 0" {at("joint")}/><geom name="g" size=".1" {at("geom")}/>
      <site name="i"/>
    </body>
    {at("world")}
  </worldbody>
  <tendon><fixed name="t" {at("tendon")}><joint joint="j" coef="1"/></fixed></tendon>
  <actuator><general name="m" joint="j" {at("motor")}/>{at("more")}</actuator>
  <sensor><jointpos name="q" joint="j" {at("sensor")}/>{at("sensors")}</sensor>
</mujoco>""")


@pytest.mark.parametrize("what", LEFT_OUT)
def test_what_mjx_would_leave_out_is_refused_by_name(what: str) -> None:
    spec = EngineSpec(model(**LEFT_OUT[what]), 1, 1, ("qpos",))
    with pytest.raises(NotImplementedError) as refused:
        make_engine("mjx", spec)
    assert str(refused.value) == f"mjx would leave out {what}; the engine native can"


def test_what_mjx_computes_of_the_same_things_is_not_refused() -> None:
    """A muscle under Euler, a ray that meets a box, a contact that is only counted."""
    near = '<rangefinder name="s" site="i"/><contact geom1="g" data="found"/>'
    box = '<geom type="box" size=".1 .1 .1" pos="0 0 1"/>'
    assert not list(gaps(model(motor=MUSCLE, sensors=near, world=box)))
    assert not list(gaps(model(motor='group="2"', option='actuatorgroupdisable="1"')))


def test_what_mjx_has_is_not_refused() -> None:
    plain = model(
        option='density="1.2" viscosity=".1"',
        joint='stiffness="1" damping="2" armature=".1"',
        tendon='stiffness="1" damping="2" armature=".1"',
    )
    make_engine("mjx", EngineSpec(plain, 1, 1, ("qpos",)))


TWO = '<position joint="j" kp="40"/>'
SERVOS = {
    "one": ('<position name="m" joint="j" kp="300" kv="20" gear="-2" {}/>', 1),
    "a pair": ('<position name="m" joint="j" kp="300" kv="20"/>' + TWO, 0),
    "on a tendon": ('<position name="m" tendon="t" kp="300" kv="20"/>', 0),
    "a motor": ('<motor name="m" joint="j" ctrlrange="-9 9"/>', None),
    "weak enough": ('<position name="m" joint="j" kp="300" kv="20" forcerange="-1 1.5"/>', None),
}


def servoed(actuators: str, integrator: str = "implicitfast") -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(f"""
<mujoco>
  <option integrator="{integrator}"/>
  <worldbody><body>
    <joint name="j" axis="0 1 0" actuatorfrcrange="-1 1.5"/><geom size=".1" mass="1" pos=".2 0 0"/>
  </body></worldbody>
  <tendon><fixed name="t"><joint joint="j" coef="1"/></fixed></tendon>
  <actuator>{actuators}</actuator>
</mujoco>""")


@pytest.mark.parametrize("what", SERVOS)
def test_a_joint_that_limits_its_servos_is_narrowed_or_refused_for_warp(what: str) -> None:
    """One servo gets the joint's range: plain MuJoCo moves it as before."""
    actuators, helped = SERVOS[what]
    for given in ("", 'forcerange="-.4 9"'):
        model = servoed(actuators.format(given))
        assert len(clamped(model)) == (helped is not None)
        left = list(gaps_of_warp(narrowed(model)))
        refused = ["the actuatorfrcrange of joint 'j' in the damping by its actuators"]
        assert left == ([] if helped in (1, None) else refused)
        before, after = mujoco.MjData(model), mujoco.MjData(narrowed(model))
        for _ in range(200):
            before.ctrl[:] = after.ctrl[:] = 1.0 if before.time < 0.2 else -1.0
            mujoco.mj_step(model, before)
            mujoco.mj_step(narrowed(model), after)
            np.testing.assert_allclose(after.qpos, before.qpos, rtol=0, atol=1e-12)
    assert not clamped(servoed(actuators.format(""), "Euler"))


def test_what_warp_would_begin_with_zeros_is_refused_by_name() -> None:
    late = 'delay=".02" nsample="10"'
    assert list(gaps_of_warp(model(motor=late, sensor=late))) == [
        "the past of actuator 'm', with a delay",
        "the past of sensor 'q', with a delay",
    ]
    assert not list(gaps_of_warp(model()))

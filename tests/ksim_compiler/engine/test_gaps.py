"""MJX refuses a model of which it would leave something out, and says what."""

from __future__ import annotations

import mujoco
import pytest

from ksim_compiler.engine import EngineSpec, make_engine

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
}


def model(**given: str) -> mujoco.MjModel:
    def at(what: str) -> str:
        return given.get(what, "")

    return mujoco.MjModel.from_xml_string(f"""
<mujoco>
  <option {at("option")}><flag {at("flag")}/></option>
  <worldbody>
    <body><joint name="j" axis="0 1 0" {at("joint")}/><geom name="g" size=".1" {at("geom")}/></body>
  </worldbody>
  <tendon><fixed name="t" {at("tendon")}><joint joint="j" coef="1"/></fixed></tendon>
  <actuator><general name="m" joint="j" {at("motor")}/></actuator>
  <sensor><jointpos name="q" joint="j" {at("sensor")}/></sensor>
</mujoco>""")


@pytest.mark.parametrize("what", LEFT_OUT)
def test_what_mjx_would_leave_out_is_refused_by_name(what: str) -> None:
    spec = EngineSpec(model(**LEFT_OUT[what]), 1, 1, ("qpos",))
    with pytest.raises(NotImplementedError) as refused:
        make_engine("mjx", spec)
    assert str(refused.value) == (
        f"mjx would leave out {what} of this model; the engine native does not"
    )


def test_what_mjx_has_is_not_refused() -> None:
    plain = model(
        option='density="1.2" viscosity=".1"',
        joint='stiffness="1" damping="2" armature=".1"',
        tendon='stiffness="1" damping="2" armature=".1"',
    )
    make_engine("mjx", EngineSpec(plain, 1, 1, ("qpos",)))

"""A robot that falls when its episodes begin, against what MuJoCo makes of its home pose."""

from __future__ import annotations

import mujoco
import pytest

from ksim_compiler.pipeline import compile_document
from ksim_compiler.robot.model import ModelFiles
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse

MODEL = """
<mujoco>
  <option timestep="0.005" gravity="0 0 GRAVITY"/>
  <worldbody>
    <geom name="floor" type="plane" size="0 0 1" pos="0 0 FLOOR" contype="MASK" conaffinity="MASK"/>
    <body name="hull" pos="0 0 0.5" gravcomp="COMP">
      <freejoint name="root"/>
      <site name="thruster"/>
      <geom name="hull" type="box" size=".1 .1 .1" mass="2"/>
      <body name="leg" pos="0 0 -.1" gravcomp="COMP">
        <joint name="hip" axis="0 1 0" actuatorfrcrange="-5 5"/>
        <geom name="leg" type="capsule" fromto="0 0 0 0 0 -.36" size=".04" mass="1"/>
      </body>
    </body>
    <body name="crane" mocap="true" pos="0 0 0.5"/>
  </worldbody>
  <equality>WELD</equality>
  <actuator>THRUST</actuator>
  <keyframe><key name="home" qpos="0 0 0.5 1 0 0 0 0" ctrl="CTRL"/></keyframe>
</mujoco>
"""
TASK = """
ksim: 1
task: fall
PhysicsState: {r: {model: m.xml, control: 50 Hz, home: {keyframe: home}}}
Observation: {q: {kind: joint_position, joints: hip}}
Action: {s: {kind: torque, joints: hip, scale: 1 N*m}}
Policy: {actor: {read: [q]}}
Critic: {critic: {judge: {clean: [q]}}}
Reward: {effort: {kind: torque_penalty, scale: 0.1}}
Termination: {limit: {kind: episode_length, after: 1 s}}
Reset: {RESET}
"""
THRUST = '<motor name="lift" site="thruster" gear="0 0 1 0 0 0"/>'


def model(floor: float, **given: str) -> str:
    values = {"gravity": "-10", "mask": "1", "comp": "0", "weld": "", "thrust": "", "ctrl": ""}
    text = MODEL.replace("FLOOR", f"{floor}")
    for name, value in {**values, **given}.items():
        text = text.replace(name.upper(), value)
    return text


def warned(text: str, reset: str = "", action: str = "") -> list[str]:
    found = Sink()
    task = TASK.replace("RESET", reset)
    if action:
        task = task.replace("Action: {", f"Action: {{r: {action}, ")
        task = task.replace("read: [q]", "read: [q], act: [r, s]")
    document = parse(task, "t.yaml", found)
    assert document is not None, found
    files = ModelFiles("m.xml", {"m.xml": text.encode()})
    result = compile_document(document, files)
    assert result.plan is not None, result.diagnostics
    return [d.message for d in result.diagnostics if d.code == "KS0470"]


def drop(text: str) -> float:
    """Metres that the robot has fallen after half a second, by MuJoCo alone."""
    compiled = mujoco.MjModel.from_xml_string(text)
    data = mujoco.MjData(compiled)
    mujoco.mj_resetDataKeyframe(compiled, data, 0)
    for _ in range(100):
        mujoco.mj_step(compiled, data)
    return 0.5 - float(data.qpos[2])


@pytest.mark.parametrize("gap", [0.3, 0.5, 3.0])
def test_a_floor_that_is_too_low(gap: float) -> None:
    text = model(-gap)
    (message,) = warned(text)
    assert f"{gap:g} m above the ground" in message
    assert drop(text) > 0.15


HELD = {
    "floor": model(0.0),
    "nearly": model(-0.05),
    "thrust": model(-1.0, thrust=THRUST, ctrl="30"),
    "floating": model(-1.0, comp="1"),
    "welded": model(-1.0, weld='<weld body1="crane" body2="hull"/>'),
    "space": model(-1.0, gravity="0"),
}


@pytest.mark.parametrize("text", HELD.values(), ids=HELD)
def test_what_stands_or_is_held(text: str) -> None:
    assert warned(text) == []
    assert drop(text) < 0.1


def test_thrust_that_the_keyframe_does_not_give() -> None:
    assert warned(model(-1.0, thrust=THRUST, ctrl="0"))


def test_a_floor_that_the_robot_falls_through_is_not_what_it_falls_to() -> None:
    assert warned(model(-1.0, mask="0")) == []


def test_episodes_that_begin_elsewhere() -> None:
    assert warned(model(-1.0), "start: {kind: keyframe, keyframes: [home]}") == []


@pytest.mark.parametrize(("ctrl", "told"), [("30", False), ("0", True)])
def test_rotors_that_an_action_tells_hold_what_flies(ctrl: str, told: bool) -> None:
    text = model(-1.0, thrust=THRUST, ctrl=ctrl)
    assert (drop(text) > 0.5) == told
    rotor = "{kind: actuator, actuators: lift, scale: 1 N}"
    assert bool(warned(text, action=rotor)) == told

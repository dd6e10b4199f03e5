"""What the checker takes a zero action for: the targets of every way to measure them."""

from __future__ import annotations

import numpy as np
import pytest

from ksim_compiler.checks.draws import Start, settled
from ksim_compiler.checks.resting import zero_controls
from ksim_compiler.pipeline import compile_document
from ksim_compiler.plan import Plan
from ksim_compiler.robot.model import ModelFiles
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse

MODEL = """
<mujoco>
  <compiler angle="radian"/>
  <option timestep="0.005" gravity="0 0 0"/>
  <worldbody>
    <body name="post">
      <geom size=".1"/>
      <body name="a"><joint name="a" range="-1 2"/><geom size=".1" pos=".2 0 0"/></body>
      <body name="b"><joint name="b" range="-1 2"/><geom size=".1" pos=".4 0 0"/></body>
    </body>
  </worldbody>
  <actuator>
    <motor name="b" joint="b" gear="2" ctrlrange="-1 3" ctrllimited="true"/>
  </actuator>
  <keyframe><key name="home" qpos="0.3 0.4" ctrl="0.7"/></keyframe>
</mujoco>
"""
TASK = """
ksim: 1
task: rest
PhysicsState: {r: {model: m.xml, control: 50 Hz, home: {keyframe: home}, settle: 2 s}}
Observation: {q: {kind: joint_position}}
Action:
  servo:
    kind: position_target
    joints: a
    around: SERVO
    scale: 0.1 rad
    gains: {kp: 50 N*m/rad, kd: 10 N*m*s/rad}
    torque_limit: 50 N*m
  own: {kind: actuator, actuators: b, around: OWN, scale: 0.1}
Policy: {actor: {act: [servo, own], read: [q]}}
Critic: {critic: {judge: {clean: [q]}}}
Reward: {effort: {kind: torque_penalty, scale: 0.1}}
Termination: {limit: {kind: episode_length, after: 1 s}}
"""


def planned(servo: str = "home", own: str = "zero") -> Plan:
    sink = Sink()
    document = parse(TASK.replace("SERVO", servo).replace("OWN", own), "t.yaml", sink)
    assert document is not None, sink
    result = compile_document(document, ModelFiles("m.xml", {"m.xml": MODEL.encode()}))
    assert result.plan is not None, result.diagnostics
    return result.plan


@pytest.mark.parametrize(
    ("servo", "target"), [("home", 0.3), ("now", 1.2), ("zero", 0.0), ("middle", 0.5)]
)
@pytest.mark.parametrize(
    ("own", "control"), [("home", 0.7), ("last", 0.7), ("zero", 0.0), ("middle", 1.0)]
)
def test_controls_of_a_zero_action(servo: str, target: float, own: str, control: float) -> None:
    plan = planned(servo, own)
    told = dict(
        zip(plan.robot.facts.actuators, zero_controls(plan, np.array([1.2, 0.1])), strict=True)
    )
    assert told == pytest.approx({"ksim/a": target, "b": control})


@pytest.mark.parametrize(("servo", "rests"), [("home", 0.3), ("now", 1.2), ("zero", 0.0)])
def test_starts_settle_where_a_zero_action_lets_them(servo: str, rests: float) -> None:
    plan = planned(servo)
    after = settled(plan, Start(np.array([1.2, 0.1]), np.zeros(2)))
    assert after.qpos[0] == pytest.approx(rests, abs=1e-2)

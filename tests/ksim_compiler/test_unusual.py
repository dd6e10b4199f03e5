"""What is unusual and right is not told; the mistake that each rule was made for still is."""

from __future__ import annotations

import pytest

from ksim_compiler.pipeline import compile_document
from ksim_compiler.robot.model import ModelFiles
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.source import parse

MODEL = """
<mujoco>
  <option timestep="0.005" integrator="implicitfast"/>
  <worldbody>
    <geom name="floor" type="plane" size="0 0 1"/>
    <body name="rail" pos="0 0 1">
      <joint name="lift" type="slide" axis="0 0 1" range="-0.4 0.4" damping="5"/>
      <geom type="box" size=".1 .1 .1" mass="2" contype="0" conaffinity="0"/>
      <body name="arm">
        <joint name="swing" axis="0 1 0" range="10 150" damping="0.5" frictionloss="0.1"/>
        <geom name="rod" type="capsule" fromto="0 0 0 .3 0 0" size=".02" mass="0.5"/>
        <site name="tip" pos=".3 0 0"/>
      </body>
    </body>
    <body name="cart" pos="2 0 0.1">
      <freejoint name="cart"/>
      <geom name="hull" type="box" size=".2 .1 .05" mass="3"/>
      <site name="imu"/>
      <body name="left" pos="0 .12 0">
        <joint name="left" axis="0 1 0" damping="0.1" armature="0.01"/>
        <geom name="left" type="cylinder" size=".1 .02" euler="90 0 0" mass="0.3"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="lift" joint="lift" ctrlrange="-60 60"/>
    <motor name="swing" joint="swing" ctrlrange="-5 5"/>
    <motor name="left" joint="left" ctrlrange="-5 5"/>
  </actuator>
  <sensor>
    <jointvel name="wheel" joint="left"/><jointpos name="height" joint="lift"/>
    <velocimeter name="speed" site="imu"/>
  </sensor>
</mujoco>
"""
ARM = """
ksim: 1
task: arm
PhysicsState: {r: {model: m.xml, control: 50 Hz, base: rail}}
Observation: {q: {kind: joint_position, joints: lift}, w: {kind: joint_position, joints: swing}}
Action: {a: {kind: torque, joints: "lift|swing", scale: {lift: 20 N, swing: 2 N*m}}}
Policy: {p: {act: a, read: [q, w], network: {kind: mlp, hidden: [8]}}}
Critic: {c: {judge: {clean: [q, w]}, network: {kind: mlp, hidden: [8]}}}
Reward:
  up: {kind: formula, expression: "exp(-square((joint.lift - 0.1) / (20*cm)))"}
  out: {kind: formula, expression: "exp(-square(joint.swing - 90*deg) / (1*rad**2))"}
Termination: {end: {kind: episode_length, after: 5 s}}
Reset:
  all: {kind: joint_limits, joints: swing}
"""
CART = """
ksim: 1
task: cart
PhysicsState: {r: {model: m.xml, control: 50 Hz, base: cart}}
Command:
  COMMAND
Observation:
  SEEN
Action: {a: {kind: torque, joints: left, scale: 2 N*m}}
Policy: {p: {act: a, read: [seen], obey: goal, network: {kind: mlp, hidden: [8]}}}
Critic: {c: {judge: {clean: [seen], obey: goal}, network: {kind: mlp, hidden: [8]}}}
Reward:
  REWARD
Termination: {end: {kind: episode_length, after: 5 s}}
Reset: {q: {kind: joint_limits, joints: swing}}
"""
POINT = "goal: {kind: cartesian_coordinate, x: [1 m, 3 m], y: [-1 m, 1 m], z: [10 cm, 10 cm]}"
NEAR = "near: {kind: position_tracking, command: goal, body: cart, error_scale: 1 m}"
SPEED = "goal: {kind: planar_velocity, forward: [0 m/s, 0.5 m/s], resample: [2 s, 3 s]}"
FOLLOW = "fast: {kind: track_linear_velocity, command: goal, error_scale: 0.3 m/s}"


def found(text: str, model: str = MODEL) -> list[Diagnostic]:
    sink = Sink()
    document = parse(text, "task.yaml", sink)
    if document is None:
        return list(sink)
    files = ModelFiles("m.xml", {"m.xml": model.encode()})
    return compile_document(document, files).diagnostics


def told(text: str, model: str = MODEL) -> list[str]:
    return [d.code for d in found(text, model) if d.severity != "info"]


def cart(seen: str, command: str = POINT, reward: str = NEAR) -> str:
    text = CART.replace("SEEN", f"seen: {seen}")
    return text.replace("COMMAND", command).replace("REWARD", reward)


@pytest.mark.parametrize(
    ("reset", "codes"),
    [
        ("{kind: joint_position, joints: lift, range: 0 m, offset: 5 cm}", []),
        ("{kind: joint_position, joints: lift, range: 0 m}", ["KS0388"]),
        ("{kind: joint_position, joints: lift, range: 0 m, offset: 0 m}", ["KS0388"]),
    ],
)
def test_an_offset_alone_is_a_reset(reset: str, codes: list[str]) -> None:
    assert told(ARM + f"  lift: {reset}\n") == codes


@pytest.mark.parametrize(
    ("draw", "codes"),
    [
        ("{kind: static_friction, joints: swing, add: [0 N*m, 0.2 N*m]}", []),
        ("{kind: joint_damping, joints: lift, add: [0 N*s/m, 2 N*s/m]}", []),
        ("{kind: static_friction, joints: swing, factor: [1, 1]}", ["KS0467"]),
        ("{kind: gravity, z: [-0.3 m/s^2, 0 m/s^2]}", []),
        ("{kind: gravity, x: [-0.3 m/s^2, 0.1 m/s^2]}", []),
        ("{kind: gravity, z: [0 m/s^2, 0 m/s^2]}", ["KS0467"]),
    ],
)
def test_what_is_added_alone_is_a_draw(draw: str, codes: list[str]) -> None:
    assert told(ARM + f"Randomizer:\n  draw: {draw}\n") == codes


DRAWN = "  all: {kind: joint_limits, joints: swing}"
PLACED = "  all: {kind: joint_position, joints: lift, range: 1 cm}"
MOTORS = 'kind: torque, joints: "lift|swing", scale: {lift: 20 N, swing: 2 N*m}'
SERVO = (
    "kind: position_target, joints: swing, scale: 0.3 rad, gains: {kp: 20 N*m/rad, kd: 1 N*m*s/rad}"
)


@pytest.mark.parametrize(
    ("old", "new", "codes"),
    [
        ("", "", []),  # 'swing' is at 0 in the model's own pose, and begins from 10 to 150 deg
        (DRAWN, PLACED, ["KS0434"]),
        (MOTORS, SERVO, ["KS0434"]),  # targets are around home
        (MOTORS, SERVO + ", around: middle", []),
    ],
)
def test_a_home_pose_that_nothing_uses_may_be_anywhere(
    old: str, new: str, codes: list[str]
) -> None:
    assert [c for c in told(ARM.replace(old, new)) if c == "KS0434"] == codes


@pytest.mark.parametrize(
    ("noise", "codes"),
    [
        ("0.2 rad/s", []),  # the sensor is of a hinge
        ("10 deg/s", []),
        ("0.2", []),  # SI units
        ("0.2 m/s", ["KS0403"]),
        ("0.2 rad", ["KS0403"]),
    ],
)
def test_the_sensor_of_a_joint_has_the_units_of_the_joint(noise: str, codes: list[str]) -> None:
    seen = "{kind: sensor, sensor: wheel, noise: {gaussian: " + noise + "}}"
    assert told(cart(seen, SPEED, FOLLOW)) == codes


@pytest.mark.parametrize(
    ("seen", "command", "reward", "codes"),
    [
        ("{kind: pose_error, command: goal}", POINT, NEAR, []),
        ("{kind: base_position}", POINT, NEAR, []),
        ('{kind: formula, expression: "[body.cart.x, body.cart.y]"}', POINT, NEAR, []),
        ("{kind: base_linear_velocity}", POINT, NEAR, ["KS0408"]),
        ('{kind: formula, expression: "body.cart.velocity"}', POINT, NEAR, ["KS0408"]),
        ("{kind: sensor, sensor: speed}", POINT, NEAR, ["KS0408"]),
        ("{kind: base_position}", SPEED, FOLLOW, ["KS0408"]),
        ("{kind: base_height}", SPEED, FOLLOW, ["KS0408"]),
        (
            "{kind: base_position}",
            POINT.replace("10 cm]}", "10 cm], relative_to: body}"),
            NEAR.replace("1 m}", "1 m, frame: base}"),
            ["KS0408"],
        ),
    ],
)
def test_who_is_told_places_in_the_world_knows_its_own(
    seen: str, command: str, reward: str, codes: list[str]
) -> None:
    assert [c for c in told(cart(seen, command, reward)) if c == "KS0408"] == codes


@pytest.mark.parametrize(
    ("written", "message", "help"),
    [
        ("{kind: joint_position, joints: leg[1-4], scale: 2}", "{ and }", '"leg[1-4]"'),
        ("{kind: joint_position, joints: [leg[1-4], arm]}", "[ and ]", '"leg[1-4]"'),
        ("{kind: x, scale: {leg[1-4]: 1 rad}}", "{ and }", '{"leg[1-4]": ...}'),
    ],
)
def test_a_pattern_with_brackets_is_to_be_quoted(written: str, message: str, help: str) -> None:
    (problem,) = found(f"ksim: 1\ntask: t\nObservation:\n  q: {written}\n")
    assert problem.code == "KS0002"
    assert message in problem.message
    assert help in problem.help
    assert problem.where.line == 4
    assert problem.where.column == f"  q: {written}".index("leg[") + 4


def test_a_pattern_where_names_stand_is_told_as_one() -> None:
    reward = FOLLOW + "\n  slip: {kind: feet_slip, geoms: le.*, sites: [imu]}"
    (problem,) = found(cart("{kind: sensor, sensor: wheel}", SPEED, reward))
    assert problem.code == "KS0204"
    assert "names stand here, not patterns: 'le.*' would match left" in problem.help
    assert problem.fix is None


@pytest.mark.parametrize(("density", "codes"), [("1000", []), ("1.2", ["KS0408"])])
def test_who_swims_measures_its_speed_by_sound(density: str, codes: list[str]) -> None:
    model = MODEL.replace("<option ", f'<option density="{density}" ')
    seen = cart("{kind: sensor, sensor: speed}", SPEED, FOLLOW)
    assert [c for c in told(seen, model) if c == "KS0408"] == codes

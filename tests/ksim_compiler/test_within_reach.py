"""Places that links, gravity or joints keep things from are told; those near to them are not."""

from __future__ import annotations

import pytest

from tests.ksim_compiler.test_unusual import ARM, CART, FOLLOW, MODEL, NEAR, POINT, SPEED, told

CUBE = """
    <body name="cube" pos="0.3 0.3 0.03">
      <freejoint name="cube"/>
      <geom name="cube" type="box" size=".03 .03 .03" mass="0.1"/>
    </body>
"""
SCENE = MODEL.replace('<body name="cart"', CUBE + '    <body name="cart"')
PLANAR = """
<mujoco>
  <option timestep="0.005" integrator="implicitfast"/>
  <worldbody>
    <geom name="floor" type="plane" size="0 0 1"/>
    <body name="cart" pos="0 0 0.4">
      <joint name="x" type="slide" axis="1 0 0"/>
      <joint name="z" type="slide" axis="0 0 1"/>
      <joint name="pitch" axis="0 1 0"/>
      <geom name="hull" type="box" size=".2 .1 .05" mass="3"/>
      <body name="leg">
        <joint name="left" axis="0 1 0" range="-60 60" damping="1"/>
        <geom name="leg" type="capsule" fromto="0 0 0 0 0 -.36" size=".03" mass="0.5"/>
      </body>
    </body>
  </worldbody>
  <actuator><motor name="left" joint="left" ctrlrange="-30 30"/></actuator>
</mujoco>
"""


def cart(command: str = SPEED, reward: str = FOLLOW, end: str = "") -> str:
    text = CART.replace("SEEN", "seen: {kind: joint_velocity, joints: left}")
    text = text.replace("COMMAND", command).replace("REWARD", reward)
    return text.replace("Termination: {", f"Termination: {{{end}")


# the tip is 1 m high, goes up and down by 0.4 m, and is 0.3 m from its hinge
@pytest.mark.parametrize(
    ("expression", "codes"),
    [
        ("site.tip.z > 1.6", []),
        ("site.tip.z > 1.9", ["KS0352"]),
        ("site.tip.z < 0.4", []),
        ("site.tip.z < 0.1", ["KS0352"]),
        ("abs(site.tip.y) > 3", ["KS0352"]),
        ("body.cube.z > 10*cm", []),
        ("body.cube.z > 1*m", []),
        ("body.cube.z > 10*m", ["KS0352"]),
        ("body.cube.z < -10", []),  # it may fall
        ("body.cube.x > 10", []),  # it may slide
    ],
)
def test_a_metric_has_a_bound_that_can_be_reached(expression: str, codes: list[str]) -> None:
    metric = f'Metric:\n  m: {{kind: formula, expression: "{expression}"}}\n'
    assert told(ARM + metric, SCENE) == codes


def test_what_ends_an_episode_may_be_where_a_simulation_goes_astray() -> None:
    text = ARM.replace(
        "Termination: {",
        'Termination: {lost: {kind: formula, expression: "body.cube.z > 10*m"}, ',
    )
    assert told(text, SCENE) == []


@pytest.mark.parametrize(
    ("expression", "codes"),
    [
        ("clip((body.cube.z - 3*cm) / (10*cm), 0, 1)", []),
        ("clip((body.cube.z - 30*m) / (10*cm), 0, 1)", ["KS0352"]),
    ],
)
def test_a_reward_of_a_height_can_change(expression: str, codes: list[str]) -> None:
    reward = f'Reward:\n  lift: {{kind: formula, expression: "{expression}"}}'
    assert told(ARM.replace("Reward:", reward), SCENE) == codes


@pytest.mark.parametrize(
    ("z", "codes"), [("[10 cm, 10 cm]", []), ("[10 cm, 2 m]", []), ("[10 m, 10 m]", ["KS0331"])]
)
def test_a_goal_in_the_air_is_for_what_flies(z: str, codes: list[str]) -> None:
    command = POINT.replace("[10 cm, 10 cm]", z)
    assert [c for c in told(cart(command, NEAR)) if c == "KS0331"] == codes


@pytest.mark.parametrize(
    ("x", "codes"),
    [("[-0.2 m, 0.3 m]", []), ("[0.2 m, 0.9 m]", []), ("[2 m, 6 m]", ["KS0331"])],
)
@pytest.mark.parametrize(
    "reward",
    [
        'exp(-distance(body.cube, command.goal) / (1*m))", commands: goal}',
        'exp(-abs(body.cube.x - command.goal.x) / (1*m))", commands: goal}',
    ],
)
def test_a_thing_is_not_asked_to_be_where_the_robot_cannot_bring_it(
    x: str, codes: list[str], reward: str
) -> None:
    pose = f"{{kind: pose, in: {{x: {x}, z: [3 cm, 3 cm]}}, body: cube, resample: [2 s, 3 s]}}"
    text = ARM.replace("Reward:", f'Reward:\n  b: {{kind: formula, expression: "{reward}')
    text = text.replace("Policy: {p: {act: a,", "Policy: {p: {act: a, obey: goal,")
    text = text.replace("Observation:", f"Command:\n  goal: {pose}\nObservation:")
    assert [c for c in told(text, SCENE) if c == "KS0331"] == codes


@pytest.mark.parametrize(
    ("direction", "model", "codes"),
    [
        ("[1, 0, 0]", PLANAR, []),
        ("[0, 0, 1]", PLANAR, []),
        ("[1, 1, 0]", PLANAR, []),
        ("[0, 1, 0]", PLANAR, ["KS0320"]),
        ("[0, 1, 0]", MODEL, []),
    ],
)
def test_no_velocity_is_rewarded_along_what_no_joint_moves(
    direction: str, model: str, codes: list[str]
) -> None:
    reward = FOLLOW + f"\n  run: {{kind: velocity_along, direction: {direction}}}"
    text = cart(SPEED, reward).replace("Reset: {q: {kind: joint_limits, joints: swing}}", "")
    assert [c for c in told(text, model) if c == "KS0320"] == codes


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ("", []),
        ("sideways: [-0.2 m/s, 0.2 m/s], ", ["KS0331"]),
        ("turn: [-1 rad/s, 1 rad/s], ", ["KS0331"]),
    ],
)
def test_a_planar_base_is_asked_to_go_ahead_alone(asked: str, codes: list[str]) -> None:
    command = SPEED.replace("resample", asked + "resample")
    text = cart(command).replace("Reset: {q: {kind: joint_limits, joints: swing}}", "")
    assert [c for c in told(text, PLANAR) if c == "KS0331"] == codes


@pytest.mark.parametrize(
    ("end", "codes"),
    [
        ("over: {kind: not_upright, max_tilt: 60 deg}, ", []),
        ("over: {kind: not_upright, body: cart, max_tilt: 60 deg}, ", []),
        ("over: {kind: not_upright, body: left, max_tilt: 60 deg}, ", ["KS0395"]),
    ],
)
def test_the_tilt_of_a_wheel_says_nothing(end: str, codes: list[str]) -> None:
    assert [c for c in told(cart(end=end)) if c == "KS0395"] == codes


@pytest.mark.parametrize(("geom", "codes"), [("hull", []), ("left", ["KS0432"])])
def test_what_a_robot_lands_on_may_touch_the_ground(geom: str, codes: list[str]) -> None:
    end = f"touch: {{kind: illegal_contact, geoms: {geom}, with: floor}}, "
    lifted = MODEL.replace('name="cart" pos="2 0 0.1"', 'name="cart" pos="2 0 0.12"')
    assert [c for c in told(cart(end=end), lifted) if c == "KS0432"] == codes


@pytest.mark.parametrize(
    ("reset", "codes"),
    [
        ("{kind: heading, range: 3.1415 rad}", []),
        ("{kind: heading, range: 360 deg}", []),
        ("{kind: heading, range: 45 rad}", ["KS0394"]),
        ("{kind: body_pose, yaw: [-180 rad, 180 rad]}", ["KS0394"]),
        ("{kind: joint_position, joints: left, range: 20 rad}", []),  # a wheel
    ],
)
def test_an_attitude_is_less_than_a_turn(reset: str, codes: list[str]) -> None:
    text = cart().replace("Reset: {", f"Reset: {{h: {reset}, ")
    assert [c for c in told(text) if c == "KS0394"] == codes


# the base is 0.1 m high
@pytest.mark.parametrize(
    ("terrain", "codes"),
    [
        ("{kind: stairs, step: 5 cm, depth: 40 cm}", []),
        ("{kind: stairs, step: 50 cm, depth: 40 cm}", ["KS0487"]),
        ("{kind: rough, amplitude: 15 cm}", []),
        ("{kind: rough, amplitude: 1.5 m}", ["KS0487"]),
        ("{kind: slopes, amplitude: 1 m, wavelength: 8 m}", []),  # hills
        ("{kind: grid, levels: 2, tiles: {gaps: {gap: [5 cm, 40 cm]}}}", []),
        ("{kind: grid, levels: 2, tiles: {gaps: {gap: [5 cm, 2 m]}}}", ["KS0487"]),
    ],
)
def test_the_ground_is_in_proportion_to_the_robot(terrain: str, codes: list[str]) -> None:
    text = cart().replace("base: cart}", f"base: cart, terrain: {terrain}}}")
    assert [c for c in told(text) if c == "KS0487"] == codes


OFF = "off: {kind: joint_outside, joints: left, range: [-20 deg, 20 deg]}, "


@pytest.mark.parametrize(
    ("noise", "ends", "codes"),
    [
        ("30 deg", "", []),  # a joint without limits
        ("30 deg", OFF, ["KS0360"]),
        ("1 deg", OFF, []),
    ],
)
def test_a_joint_is_seen_within_where_its_episodes_end(
    noise: str, ends: str, codes: list[str]
) -> None:
    text = cart(end=ends).replace(
        "{kind: joint_velocity, joints: left}",
        f"{{kind: joint_position, joints: left, noise: {{gaussian: {noise}}}}}",
    )
    assert [c for c in told(text) if c == "KS0360"] == codes


@pytest.mark.parametrize(
    ("scale", "codes"), [("30 deg/s", []), ("2 deg/s", []), ("0.5 deg/s", ["KS0362"])]
)
def test_targets_get_somewhere_in_an_episode(scale: str, codes: list[str]) -> None:
    action = f"kind: integrated_velocity, joints: swing, scale: {scale}, "
    action += "gains: {kp: 20 N*m/rad, kd: 1 N*m*s/rad}"
    motors = 'kind: torque, joints: "lift|swing", scale: {lift: 20 N, swing: 2 N*m}'
    assert [c for c in told(ARM.replace(motors, action)) if c == "KS0362"] == codes


@pytest.mark.parametrize(("scale", "codes"), [("20 deg", []), ("0.2 deg", ["KS0478"])])
def test_servos_without_a_ctrlrange_are_told_more_than_next_to_nothing(
    scale: str, codes: list[str]
) -> None:
    servo = '<position name="swing" joint="swing" kp="20" kv="1"/>'
    model = MODEL.replace('<motor name="swing" joint="swing" ctrlrange="-5 5"/>', servo)
    motors = 'kind: torque, joints: "lift|swing", scale: {lift: 20 N, swing: 2 N*m}'
    text = ARM.replace(motors, f"kind: actuator, actuators: swing, scale: {scale}")
    assert [c for c in told(text, model) if c == "KS0478"] == codes

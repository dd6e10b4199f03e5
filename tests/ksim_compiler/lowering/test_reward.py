"""Values of rewards in a state, against MuJoCo's own quantities and numbers worked by hand."""

from __future__ import annotations

import math

import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.lowering.reward import exp_kernel, exp_kernel_with_penalty, norm, reduced
from tests.ksim_compiler.lowering.rewarding import Scene

REWARDS = """
linear:
  {kind: linear_velocity, command: velocity, error_scale: 1 m/s, direction_scale: 1 rad,
   sq_scale: 0.2, abs_scale: 0.3}
along:
  {kind: linear_velocity, command: motion, error_scale: 1 m/s, direction_scale: 1 rad,
   sq_scale: 0, abs_scale: 0}
angular:
  {kind: angular_velocity, command: velocity, error_scale: 2 rad/s, sq_scale: 0,
   abs_scale: 0.5}
track: {kind: track_linear_velocity, command: velocity, error_scale: 1 m/s}
track_robot: {kind: track_linear_velocity, command: velocity, error_scale: 1 m/s, frame: robot}
turn: {kind: track_angular_velocity, command: velocity, error_scale: 2 rad/s}
turn_robot: {kind: track_angular_velocity, command: velocity, error_scale: 2 rad/s, frame: robot}
off_axis: {kind: off_axis_velocity, linear_scale: 2 m/s, angular_scale: 3 rad/s}
vertical: {kind: vertical_velocity}
height: {kind: base_height, command: height, error_scale: 0.5 m}
range: {kind: base_height_range, range: [2 m, 3 m], dropoff: 0.5 1/m}
upright:
  {kind: upright, angvel: {error_scale: 3 rad/s, sq_scale: 0, abs_scale: 0},
   pose: {error_scale: 1 rad, sq_scale: 0.5, abs_scale: 0}}
no_roll: {kind: no_roll, pose: {error_scale: 1 rad, sq_scale: 0, abs_scale: 0}}
flat: {kind: flat_body, bodies: [torso, foot_left]}
tilt: {kind: flat_orientation}
deviation:
  {kind: joint_deviation, joints: [knee_left, .*_right], targets: [1 rad, 0 rad],
   weights: [2, 0.5]}
deviation_l1: {kind: joint_deviation, norm: l1, reduce: mean}
limits: {kind: avoid_limits, joints: knee_.*, factor: -0.25}
tracking:
  {kind: joint_position_tracking, joints: knee_.*, command: knees, error_scale: 1 rad,
   velocity_scale: 2 rad/s, sq_scale: 0, abs_scale: 0}
still: {kind: motionless_at_rest, rest: {speed: 100 m/s, turn: 100 rad/s}}
still_left: {kind: motionless_at_rest, rest: {speed: 100 m/s, turn: [-100 rad/s, -99 rad/s]}}
stand: {kind: stand_still, command: velocity}
torque: {kind: torque_penalty}
share: {kind: torque_penalty, norm: l1, reduce: mean, relative: true}
energy: {kind: energy}
reach:
  {kind: reachability, joints: knee_left, max_velocity: 2 rad/s,
   max_acceleration: 50 rad/s^2, norm: l1}
position:
  {kind: position_tracking, body: foot_left, base: torso, command: target,
   error_scale: 0.5 m}
position_base:
  {kind: position_tracking, body: foot_left, frame: base, command: target, norm: l2,
   error_scale: 2 m}
near: {kind: intersection, sites: [sole_left, sole_right, imu], min_distance: 1 cm}
gait: {kind: sinusoidal_gait, sites: [sole_left, sole_right], command: gait, max_height: 50 cm}
clear: {kind: feet_clearance, sites: [sole_left, sole_right], height: 12 cm, above: ground}
clear_root: {kind: feet_clearance, bodies: foot_left, height: 12 cm, norm: l2, speed: root}
"""
MORE = """
Command: {knees: {kind: joint_position, joints: knee_.*, duration: 1 s}}
"""


@pytest.fixture(scope="module")
def scene() -> Scene:
    scene = Scene(REWARDS, more=MORE)
    scene.stir(seed=3)
    return scene


def gauss(error: float, scale: float) -> float:
    return math.exp(-((error / scale) ** 2))


def body_velocity(scene: Scene, body: str = "torso") -> tuple[np.ndarray, np.ndarray]:
    """Linear and angular velocity of a body's origin in its own frame, by mj_objectVelocity."""
    spatial = np.zeros(6)
    kind, index = mujoco.mjtObj.mjOBJ_XBODY, scene.model.body(body).id
    mujoco.mj_objectVelocity(scene.model, scene.data, kind, index, spatial, 1)
    return spatial[3:], spatial[:3]


def test_kernels_and_norms() -> None:
    assert float(exp_kernel(jnp.float32(4.0), 2.0)) == pytest.approx(math.exp(-1))
    value = exp_kernel_with_penalty(jnp.float32(-2.0), 2.0, 0.25, 0.5)
    assert float(value) == pytest.approx(math.exp(-1) - 0.25 * 4 - 0.5 * 2)
    values = jnp.array([1.0, -3.0])
    np.testing.assert_array_equal(norm(values, "l1"), [1, 3])
    np.testing.assert_array_equal(norm(values, "l2"), [1, 9])
    assert float(reduced(values, "sum")) == -2
    assert float(reduced(values, "mean")) == -1


def test_linear_velocity_has_four_components(scene: Scene) -> None:
    (x, y, _), _ = body_velocity(scene)
    value = scene.value("linear", commands={"velocity": [0.3, -0.4, 9.0]})

    def k(e: float) -> float:
        return gauss(e, 1) - 0.2 * e**2 - 0.3 * abs(e)

    turn = math.remainder(math.atan2(y, x) - math.atan2(-0.4, 0.3), 2 * math.pi)
    assert value == pytest.approx(
        {"vel": k(math.hypot(x, y) - 0.5), "yaw": k(turn), "x": k(x - 0.3), "y": k(y + 0.4)},
        rel=1e-4,
    )
    still = scene.value("linear", commands={"velocity": [0.0, 0.0, 1.0]})
    assert still["yaw"] == still["x"] == still["y"] == 0
    assert still["vel"] == pytest.approx(k(math.hypot(x, y)), rel=1e-4)


def test_linear_velocity_takes_speed_and_direction_of_a_command_that_has_them(scene: Scene) -> None:
    (x, y, _), _ = body_velocity(scene)
    backward = [-0.5, 0.2, -0.5 * math.cos(0.2), -0.5 * math.sin(0.2)]
    value = scene.value("along", commands={"motion": backward})
    assert value["vel"] == pytest.approx(gauss(math.hypot(x, y) + 0.5, 1), rel=1e-4)
    assert value["yaw"] == pytest.approx(gauss(math.atan2(y, x) - 0.2, 1), rel=1e-4)
    assert value["y"] == pytest.approx(gauss(y - backward[3], 1), rel=1e-4)


def test_angular_velocity_tells_the_side(scene: Scene) -> None:
    _, (_, _, rate) = body_velocity(scene)
    for told in (rate + 0.5, -rate, 0.0):
        value = scene.value("angular", commands={"velocity": [0, 0, told]})
        error = rate - told
        assert value["mag"] == pytest.approx(gauss(error, 2) - 0.5 * abs(error), rel=1e-4)
        assert value["dir"] == (1 if told * rate > 0 else -1)


def test_tracking_in_the_heading_frame_and_the_robots(scene: Scene) -> None:
    linear, angular = body_velocity(scene)
    world = scene.data.body("torso").xmat.reshape(3, 3)
    yaw = math.atan2(world[1, 0], world[0, 0])
    vx, vy, _ = world @ linear
    told = np.array([0.5, 0.1, 0.4])
    forward, left = math.cos(yaw) * vx + math.sin(yaw) * vy, math.cos(yaw) * vy - math.sin(yaw) * vx
    commands = {"velocity": told}
    wanted = gauss(math.hypot(forward - 0.5, left - 0.1), 1)
    assert scene.value("track", commands=commands) == pytest.approx(wanted, rel=1e-4)
    wanted = gauss(math.hypot(linear[0] - 0.5, linear[1] - 0.1), 1)
    assert scene.value("track_robot", commands=commands) == pytest.approx(wanted, rel=1e-4)
    wanted = gauss((world @ angular)[2] - 0.4, 2)
    assert scene.value("turn", commands=commands) == pytest.approx(wanted, rel=1e-4)
    wanted = gauss(angular[2] - 0.4, 2)
    assert scene.value("turn_robot", commands=commands) == pytest.approx(wanted, rel=1e-4)


def test_posture(scene: Scene) -> None:
    linear, angular = body_velocity(scene)
    world = scene.data.body("torso").xmat.reshape(3, 3)
    up, vertical, z = world[2], (world @ linear)[2], scene.data.body("torso").xpos[2]
    assert scene.value("vertical") == pytest.approx(vertical**2, rel=1e-4)
    assert scene.value("off_axis") == pytest.approx(
        {
            "linz": gauss(vertical, 2),
            "angx": gauss(angular[0], 3),
            "angy": gauss(angular[1], 3),
        },
        rel=1e-4,
    )
    assert scene.value("height", commands={"height": [1.2]}) == pytest.approx(
        gauss(z - 1.2, 0.5), rel=1e-4
    )
    assert scene.value("range") == pytest.approx(1 - 0.5 * (2 - z), rel=1e-4)
    pitch, roll = math.atan2(up[0], up[2]), -math.atan2(up[1], up[2])
    value = scene.value("upright")
    assert tuple(value) == ("angvel", "linvel", "pose")
    assert value["angvel"] == pytest.approx(gauss(angular[1], 3), rel=1e-4)
    assert value["pose"] == pytest.approx(gauss(pitch, 1) - 0.5 * pitch**2, rel=1e-4)
    assert scene.value("no_roll")["pose"] == pytest.approx(gauss(roll, 1), rel=1e-4)
    foot = scene.data.body("foot_left").xmat.reshape(3, 3)
    assert scene.value("flat") == pytest.approx((up[2] + foot[2, 2]) / 2, rel=1e-4)
    assert scene.value("tilt") == pytest.approx(1 - up[2] ** 2, rel=1e-4)


def test_joints(scene: Scene) -> None:
    joints = {j.name: j for j in scene.facts.motion_joints}
    q = {name: float(scene.data.qpos[j.qpos]) for name, j in joints.items()}
    v = {name: float(scene.data.qvel[j.dof]) for name, j in joints.items()}
    home = {name: j.home[0] for name, j in joints.items()}
    right = sum((0.5 * q[name]) ** 2 for name in q if name.endswith("_right"))
    wanted = (2 * (q["knee_left"] - 1)) ** 2 + right
    assert scene.value("deviation") == pytest.approx(wanted, rel=1e-4)
    away = [abs(q[name] - home[name]) for name in q]
    assert scene.value("deviation_l1") == pytest.approx(np.mean(away), rel=1e-4)
    commands = {"velocity": [0.03, 0.0, 0.0]}
    assert scene.value("stand", commands=commands) == pytest.approx(sum(away), rel=1e-4)
    assert scene.value("stand", commands={"velocity": [0.0, 0.0, 0.1]}) == 0
    speed = math.sqrt(sum(rate**2 for rate in v.values()))
    assert scene.value("still") == pytest.approx(speed, rel=1e-4)
    assert scene.value("still_left") == 0
    beyond = 0.0
    for name in ("knee_left", "knee_right"):
        low, high = joints[name].limits or (0, 0)
        margin = 0.25 * (high - low)
        beyond += max(0, low + margin - q[name], q[name] - high + margin)
    assert scene.value("limits") == pytest.approx(beyond, rel=1e-4)
    value = scene.value("tracking", commands={"knees": [0.5, 0.7, -1.0, 1.0]})
    errors = (0.5 - q["knee_left"], 0.7 - q["knee_right"])
    assert value["pos"] == pytest.approx(np.mean([gauss(e, 1) for e in errors]), rel=1e-4)
    errors = (-1.0 - v["knee_left"], 1.0 - v["knee_right"])
    assert value["vel"] == pytest.approx(np.mean([gauss(e, 2) for e in errors]), rel=1e-4)


def test_motors(scene: Scene) -> None:
    joints = scene.facts.motion_joints
    dofs = [j.dof for j in joints]
    torques, speeds = scene.data.qfrc_actuator[dofs], scene.data.qvel[dofs]
    assert np.abs(torques).max() > 1
    assert scene.value("torque") == pytest.approx(np.sum(torques**2), rel=1e-4)
    assert scene.value("energy") == pytest.approx(np.sum(np.abs(torques * speeds)), rel=1e-4)
    limits = [scene.facts.torque_limits[j.name] for j in joints]
    assert limits == [j.effort for j in joints]
    assert scene.value("share") == pytest.approx(np.mean(np.abs(torques) / limits), rel=1e-4)
    knee = next(j for j in joints if j.name == "knee_left")
    target = scene.data.ctrl[scene.facts.actuators.index("ksim/knee_left")]
    reach = 2 * 0.02 + 50 * 0.02**2 / 2
    wanted = max(0.0, abs(target - scene.data.qpos[knee.qpos]) - reach)
    assert scene.value("reach") == pytest.approx(wanted, rel=1e-4)


def test_places(scene: Scene) -> None:
    torso, foot = scene.data.body("torso"), scene.data.body("foot_left")
    told = np.array([0.1, 0.2, -0.7])
    error = foot.xpos - torso.xpos - told
    commands = {"target": told}
    wanted = gauss(np.abs(error).sum(), 0.5)
    assert scene.value("position", commands=commands) == pytest.approx(wanted, rel=1e-3)
    error = torso.xmat.reshape(3, 3).T @ (foot.xpos - torso.xpos) - told
    wanted = gauss((error**2).sum(), 2)
    assert scene.value("position_base", commands=commands) == pytest.approx(wanted, rel=1e-4)
    soles = [scene.data.site(f"sole_{side}").xpos[2] for side in ("left", "right")]
    value = scene.value("gait", commands={"gait": [0.1, 0.2, 0, 1]})
    wanted = 1 - (abs(soles[0] - 0.1) + abs(soles[1] - 0.2)) / 0.5
    assert value == pytest.approx(wanted, rel=1e-4)
    assert scene.value("near") == 0


def test_feet_that_move_should_be_up(scene: Scene) -> None:
    """Of mj_objectVelocity in the world's axes, the ground of the scene being at 0."""

    def moved(what: mujoco.mjtObj, index: int) -> float:
        spatial = np.zeros(6)
        mujoco.mj_objectVelocity(scene.model, scene.data, what, index, spatial, 0)
        return math.hypot(spatial[3], spatial[4])

    sites = [scene.model.site(f"sole_{side}").id for side in ("left", "right")]
    speeds = [moved(mujoco.mjtObj.mjOBJ_SITE, site) for site in sites]
    assert min(speeds) > 0.1
    costs = [abs(scene.data.site_xpos[s][2] - 0.12) * v for s, v in zip(sites, speeds, strict=True)]
    assert scene.value("clear") == pytest.approx(sum(costs), rel=1e-4)
    foot = scene.model.body("foot_left").id
    speed = moved(mujoco.mjtObj.mjOBJ_XBODY, foot)
    wanted = (scene.data.xpos[foot][2] - 0.12) ** 2 * math.sqrt(speed)
    assert scene.value("clear_root") == pytest.approx(wanted, rel=1e-4)


def test_contacts() -> None:
    scene = Scene(
        """
        near: {kind: intersection, sites: [sole_left, sole_right], min_distance: 1 m}
        force: {kind: force, geoms: [foot_left, foot_right], expected_weight: 100 N, bias: 20 N}
        undesired: {kind: undesired_contacts, geoms: [foot_.*, knee_.*, torso], threshold: 10 N}
        slip: {kind: feet_slip, geoms: [foot_left, foot_right], sites: [sole_left, sole_right]}
        """
    )
    mujoco.mj_step(scene.model, scene.data, nstep=250)  # it stands on both feet, or has fallen
    scene.data.qvel[:3] = (0.5, 0.0, 0.0)
    scene.forward()
    strongest = {"foot_left": 0.0, "foot_right": 0.0}
    for i, contact in enumerate(scene.data.contact):
        force = np.zeros(6)
        mujoco.mj_contactForce(scene.model, scene.data, i, force)
        for geom in contact.geom:
            name = scene.model.geom(geom).name
            if name in strongest:
                strongest[name] = max(strongest[name], float(np.linalg.norm(force[:3])))
    assert min(strongest.values()) > 20
    wanted = ((max(strongest.values()) - 20) / 100) ** 2
    assert scene.value("force") == pytest.approx(wanted, rel=1e-3)
    assert scene.value("undesired") == 2
    speeds = []
    for side in ("left", "right"):
        spatial = np.zeros(6)
        site = scene.model.site(f"sole_{side}").id
        mujoco.mj_objectVelocity(
            scene.model, scene.data, mujoco.mjtObj.mjOBJ_SITE, site, spatial, 0
        )
        speeds.append(np.linalg.norm(spatial[3:]))
    assert scene.value("slip") == pytest.approx(sum(speeds), rel=1e-4)
    assert scene.value("near") == 1


def test_episodes() -> None:
    scene = Scene(
        """
        alive: {kind: stay_alive}
        balanced: {kind: stay_alive, balance: 20, success: 0.7}
        fall: {kind: termination}
        """
    )
    lasting = {"failure": jnp.bool_(False), "done": jnp.bool_(False)}
    failed = {"failure": jnp.bool_(True), "done": jnp.bool_(True)}
    timed_out = {"failure": jnp.bool_(False), "done": jnp.bool_(True)}
    values = [
        [scene.value(name, **x) for x in (lasting, failed, timed_out)]
        for name in ("alive", "balanced", "fall")
    ]
    np.testing.assert_allclose(values, [[1, 0, 1], [0.05, -1, 0.7], [0, 1, 0]], rtol=1e-6)


def test_a_robot_without_a_floating_base() -> None:
    scene = Scene(
        """
        reach: {kind: position_tracking, site: tip, command: target, error_scale: 1 m}
        level: {kind: flat_orientation, body: hand}
        quiet: {kind: motionless_at_rest, body: hand}
        effort: {kind: energy, relative: true}
        links: {kind: link_acceleration}
        low: {kind: base_height, height: 0.3 m, body: hand}
        """,
        robot="arm",
    )
    scene.stir(speed=0.1)
    tip = scene.data.site("tip").xpos
    value = scene.value("reach", commands={"target": tip + np.array([0.1, 0.0, -0.2])})
    assert value == pytest.approx(gauss(0.3, 1), rel=1e-4)
    up = scene.data.body("hand").xmat.reshape(3, 3)[2]
    assert scene.value("level") == pytest.approx(1 - up[2] ** 2, rel=1e-4)
    assert scene.value("quiet") == pytest.approx(np.linalg.norm(scene.data.qvel), rel=1e-4)
    torques = scene.data.qfrc_actuator / [j.effort for j in scene.facts.joints]
    wanted = np.abs(torques * scene.data.qvel).sum()
    assert scene.value("effort") == pytest.approx(wanted, rel=1e-4)
    height = scene.data.body("hand").xpos[2]
    assert scene.value("low") == pytest.approx(gauss(height - 0.3, 0.35), rel=1e-4)
    assert scene.step("links", scene.start("links"))[0] == 0

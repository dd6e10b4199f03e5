"""The shipped robots: what tasks and the compiler rely on, checked against MuJoCo and MJX."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest
from numpy.typing import NDArray

ROBOTS = Path(__file__).parents[2] / "tasks" / "robots"
HUMANOID = ROBOTS / "humanoid" / "scene.xml"
CARTPOLE = ROBOTS / "cartpole" / "scene.xml"
QUADRUPED = ROBOTS / "quadruped" / "scene.xml"
ARM_7 = ROBOTS / "arm" / "scene.xml"
ALL = (HUMANOID, CARTPOLE, QUADRUPED, ARM_7)

LEG = ("hip_yaw", "hip_roll", "hip_pitch", "knee", "ankle_pitch", "ankle_roll")
ARM = ("shoulder_pitch", "shoulder_roll", "elbow")
SIDES = ("left", "right")
KP, KD = 120.0, 5.0  # N*m/rad, N*m*s/rad

Vector = NDArray[np.float64]


def load(path: Path) -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_path(str(path))


def with_servos(path: Path, kp: float, kd: float) -> mujoco.MjModel:
    """The model with a position servo on every hinge joint, in joint order."""
    spec = mujoco.MjSpec.from_file(str(path))
    for joint in spec.joints:
        if joint.type == mujoco.mjtJoint.mjJNT_HINGE:
            servo = spec.add_actuator(
                name=joint.name, target=joint.name, trntype=mujoco.mjtTrn.mjTRN_JOINT
            )
            servo.set_to_position(kp=kp, kv=kd)
    return spec.compile()


def at_home(model: mujoco.MjModel) -> mujoco.MjData:
    """Data in the home pose, the servos (if any) aiming at it."""
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, model.key("home").id)
    data.ctrl = data.qpos[model.jnt_qposadr[model.actuator_trnid[:, 0]]]
    mujoco.mj_forward(model, data)
    return data


def hinges(model: mujoco.MjModel) -> list[str]:
    return [
        model.joint(i).name
        for i in range(model.njnt)
        if model.jnt_type[i] == mujoco.mjtJoint.mjJNT_HINGE
    ]


def other_side(name: str) -> str:
    swap = {"left": "right", "right": "left"}
    return "_".join(swap.get(word, word) for word in name.split("_"))


def sign(joint: str) -> float:
    """How a joint's angle mirrors about the xz-plane: yaw and roll flip, pitch does not."""
    return -1.0 if "yaw" in joint or "roll" in joint else 1.0


def mirrored_qpos(model: mujoco.MjModel, qpos: Vector) -> Vector:
    mirrored = qpos.copy()
    mirrored[1] *= -1  # root y
    mirrored[[4, 6]] *= -1  # a reflection of y flips the x and z parts of a rotation
    for name in hinges(model):
        target, source = model.joint(other_side(name)).qposadr, model.joint(name).qposadr
        mirrored[target] = sign(name) * qpos[source]
    return mirrored


def dof_mirror(model: mujoco.MjModel) -> Vector:
    """The matrix that mirrors qvel (linear velocity in the world, angular in the base frame)."""
    mirror = np.zeros((model.nv, model.nv))
    mirror[range(6), range(6)] = [1, -1, 1, -1, 1, -1]
    for name in hinges(model):
        mirror[model.joint(other_side(name)).dofadr, model.joint(name).dofadr] = sign(name)
    return mirror


def tilt(upright: float) -> float:
    """Degrees between a body's z axis and the vertical, from that axis' z component."""
    return float(np.degrees(np.arccos(np.clip(upright, -1, 1))))


@pytest.fixture(scope="module")
def humanoid() -> mujoco.MjModel:
    return load(HUMANOID)


@pytest.fixture(scope="module")
def cartpole() -> mujoco.MjModel:
    return load(CARTPOLE)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.parent.name)
def test_scene_follows_the_conventions(path: Path) -> None:
    model = load(path)
    assert model.nu == 0, "the compiler adds the actuators"
    assert model.opt.integrator == mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    for kind, name in [("key", "home"), ("camera", "track"), ("geom", "floor")]:
        assert getattr(model, kind)(name).name == name


def test_humanoid_names(humanoid: mujoco.MjModel) -> None:
    joints = [f"{joint}_{side}" for side in SIDES for joint in LEG + ARM]
    assert sorted(hinges(humanoid)) == sorted([*joints, "abdomen_yaw", "abdomen_roll"])
    assert humanoid.joint("root").type == mujoco.mjtJoint.mjJNT_FREE
    assert humanoid.body("torso").id == humanoid.joint("root").bodyid[0]
    imu = humanoid.site("imu")
    assert imu.bodyid == humanoid.body("torso").id
    for sensor in ("imu_gyro", "imu_accelerometer"):
        assert humanoid.sensor(sensor).objid == imu.id
    for side in SIDES:
        foot = humanoid.body(f"foot_{side}").id
        assert humanoid.geom(f"foot_{side}").bodyid == foot
        assert humanoid.site(f"sole_{side}").bodyid == foot


def test_humanoid_size_and_mass(humanoid: mujoco.MjModel) -> None:
    data = mujoco.MjData(humanoid)  # legs straight
    mujoco.mj_kinematics(humanoid, data)
    head = data.geom("head").xpos[2] + humanoid.geom("head").size[0]
    assert head - data.site("sole_left").xpos[2] == pytest.approx(1.5, abs=0.01)
    assert 45 <= humanoid.body("torso").subtreemass[0] <= 75
    for segment in ("thigh", "shin", "foot", "upper_arm", "forearm"):
        left, right = (humanoid.body(f"{segment}_{side}") for side in SIDES)
        assert left.mass == right.mass
        np.testing.assert_allclose(left.inertia, right.inertia, rtol=1e-12)
    assert humanoid.body_inertia[1:].min() > 1e-4


def test_humanoid_joints_are_limited(humanoid: mujoco.MjModel) -> None:
    bounds = {
        "hip": (100, 200),
        "knee": (100, 200),
        "abdomen": (100, 200),
        "ankle": (60, 100),
        "shoulder": (30, 60),
        "elbow": (30, 60),
    }
    home = humanoid.key("home").qpos
    for name in hinges(humanoid):
        joint = humanoid.joint(name)
        assert humanoid.jnt_limited[joint.id]
        assert humanoid.jnt_actfrclimited[joint.id]
        low, high = humanoid.jnt_actfrcrange[joint.id]
        least, most = bounds[name.split("_")[0]]
        assert low == -high
        assert least <= high <= most
        assert 0.01 <= joint.armature[0] <= 0.05
        assert joint.range[0] < home[joint.qposadr[0]] < joint.range[1]
        mirrored = humanoid.joint(other_side(name)).range
        expected = joint.range if sign(name) > 0 else -joint.range[::-1]
        np.testing.assert_array_equal(mirrored, expected)


@pytest.mark.parametrize("path", [HUMANOID, QUADRUPED], ids=lambda path: path.parent.name)
def test_legged_robots_are_their_own_mirror_image(path: Path) -> None:
    """In any pose: the positions mirror, and so do the inertia matrix and the passive forces."""
    model = load(path)
    home = model.key("home").qpos
    np.testing.assert_array_equal(mirrored_qpos(model, home), home)

    rng = np.random.default_rng(0)
    qpos = home.copy()
    qpos[7:] += rng.uniform(-0.3, 0.3, qpos.size - 7)
    qpos[3:7] = (quat := rng.normal(size=4)) / np.linalg.norm(quat)
    qvel = rng.normal(size=model.nv)
    mirror = dof_mirror(model)

    original, image = mujoco.MjData(model), mujoco.MjData(model)
    original.qpos, original.qvel = qpos, qvel
    image.qpos, image.qvel = mirrored_qpos(model, qpos), mirror @ qvel
    inertia = []
    for data in (original, image):
        mujoco.mj_forward(model, data)
        full = np.zeros((model.nv, model.nv))
        mujoco.mj_fullM(model, data, full)
        inertia.append(full)

    flip = np.array([1, -1, 1])
    for i in range(1, model.nbody):
        name = model.body(i).name
        np.testing.assert_allclose(
            image.body(other_side(name)).xpos, flip * original.body(name).xpos, atol=1e-12
        )
    np.testing.assert_allclose(inertia[1], mirror @ inertia[0] @ mirror.T, atol=1e-10)
    np.testing.assert_allclose(image.qfrc_bias, mirror @ original.qfrc_bias, atol=1e-9)
    np.testing.assert_allclose(image.qfrc_passive, mirror @ original.qfrc_passive, atol=1e-10)


def test_humanoid_home_touches_the_floor(humanoid: mujoco.MjModel) -> None:
    data = at_home(humanoid)
    for side in SIDES:
        sole = data.site(f"sole_{side}")
        assert abs(sole.xpos[2]) < 1e-5
        np.testing.assert_allclose(sole.xmat.reshape(3, 3)[2], [0, 0, 1], atol=1e-12)
    assert min(data.contact.dist) > -1e-3
    feet = {humanoid.geom(f"foot_{side}").id for side in SIDES}
    touching = set(data.contact.geom.ravel()) - {humanoid.geom("floor").id}
    assert touching == feet
    # The centre of mass is above the feet, 6 cm or more from their front and back edges.
    forward = data.body("torso").subtree_com[0] - data.site("sole_left").xpos[0]
    assert abs(forward) < humanoid.geom("foot_left").size[0] - 0.06


@pytest.mark.parametrize("kp", [KP, 150.0, 250.0])
def test_humanoid_stands_under_its_servos(kp: float) -> None:
    model = with_servos(HUMANOID, kp, KD)
    data = at_home(model)
    height, worst = data.body("torso").xpos[2], 0.0
    for _ in range(round(5 / model.opt.timestep)):
        mujoco.mj_step(model, data)
        worst = max(worst, tilt(data.body("torso").xmat[8]))
    assert height - data.body("torso").xpos[2] < 0.01
    assert worst < 3
    assert np.abs(data.qvel).max() < 0.05
    assert min(data.contact.dist) > -1e-3


def test_humanoid_lies_on_the_floor_when_it_falls(humanoid: mujoco.MjModel) -> None:
    data = at_home(humanoid)  # no servos: it collapses
    data.qvel[4] = 1.0
    for _ in range(round(3 / humanoid.opt.timestep)):
        mujoco.mj_step(humanoid, data)
    assert 0.05 < data.body("torso").xpos[2] < 0.4
    assert np.isfinite(data.qvel).all()
    for name in ("head", "torso", "pelvis", "hand_left", "hand_right", "knee_left", "foot_right"):
        assert data.geom(name).xpos[2] > 0


def test_humanoid_legs_do_not_pass_through_each_other() -> None:
    model = with_servos(HUMANOID, KP, KD)
    data = at_home(model)
    data.qpos[2] += 10  # half a second of free fall
    data.actuator("hip_roll_left").ctrl = model.joint("hip_roll_left").range[0]
    data.actuator("hip_roll_right").ctrl = model.joint("hip_roll_right").range[1]
    for _ in range(round(0.5 / model.opt.timestep)):
        mujoco.mj_step(model, data)
    pairs = {frozenset(model.geom(int(g)).name for g in pair) for pair in data.contact.geom}
    assert frozenset({"shin_left", "shin_right"}) in pairs
    gap = data.geom("shin_left").xpos[1] - data.geom("shin_right").xpos[1]
    assert gap > 1.5 * model.geom("shin_left").size[0]


def test_mjx_takes_the_robots() -> None:
    mjx = pytest.importorskip("mujoco.mjx")
    for path in ALL:
        model = load(path)
        assert mjx.put_model(model).nv == model.nv


@pytest.mark.slow
def test_humanoid_stands_in_mjx() -> None:
    """Five seconds in float32, within a centimetre and a degree of the C engine."""
    jax = pytest.importorskip("jax")
    mjx = pytest.importorskip("mujoco.mjx")

    model = with_servos(HUMANOID, KP, KD)
    native = at_home(model)
    torso = model.body("torso").id
    device_model = mjx.put_model(model)
    start = mjx.make_data(model).replace(qpos=native.qpos.copy(), ctrl=native.ctrl.copy())
    ticks = round(5 / model.opt.timestep)

    @jax.jit
    def stand(data):
        def tick(data, _):
            data = mjx.step(device_model, data)
            return data, (data.xpos[torso, 2], data.xmat[torso, 2, 2])

        return jax.lax.scan(tick, data, None, length=ticks)[1]

    height, upright = (np.asarray(x) for x in stand(start))
    for _ in range(ticks):
        mujoco.mj_step(model, native)
    assert height[0] - height.min() < 0.01
    assert tilt(upright.min()) < 3
    assert height[-1] == pytest.approx(native.xpos[torso, 2], abs=0.01)
    assert tilt(upright[-1]) == pytest.approx(tilt(native.xmat[torso, 8]), abs=1)


def test_cartpole_names_and_limits(cartpole: mujoco.MjModel) -> None:
    slide, pole = cartpole.joint("slide"), cartpole.joint("pole")
    assert cartpole.njnt == 2
    assert slide.type == mujoco.mjtJoint.mjJNT_SLIDE
    assert pole.type == mujoco.mjtJoint.mjJNT_HINGE
    assert slide.bodyid == cartpole.body("cart").id
    assert pole.bodyid == cartpole.body("pole").id
    assert slide.range[0] <= -2.4
    assert slide.range[1] >= 2.4
    assert not cartpole.jnt_limited[pole.id]
    np.testing.assert_array_equal(cartpole.jnt_actfrcrange[slide.id], [-10, 10])
    data = at_home(cartpole)
    assert data.site("tip").xpos[2] - data.body("pole").xpos[2] == pytest.approx(1.0)


def test_cartpole_falls_as_theory_says(cartpole: mujoco.MjModel) -> None:
    """Near upright, theta'' = (M + m) g theta / (l (4/3 (M + m) - m)), l half the pole's length.

    From Lagrange's equations of a uniform rod on a free cart: M = 1 kg, m = 0.1 kg, l = 0.5 m.
    """
    data = mujoco.MjData(cartpole)
    angle = 0.01
    data.joint("pole").qpos = angle
    mujoco.mj_forward(cartpole, data)
    cart, pole, half = 1.0, 0.1, 0.5
    expected = (cart + pole) * 9.81 * angle / (half * (4 / 3 * (cart + pole) - pole))
    # The pole is a capsule of 2.5 cm radius, not a thin rod: a few percent.
    assert data.joint("pole").qacc[0] == pytest.approx(expected, rel=0.03)
    assert data.ncon == 0


def test_quadruped_names_and_limits() -> None:
    model = load(QUADRUPED)
    legs = [f"{end}_{side}" for end in ("front", "rear") for side in SIDES]
    joints = [f"{joint}_{leg}" for leg in legs for joint in ("hip_roll", "hip_pitch", "knee")]
    assert hinges(model) == joints
    assert model.joint("root").bodyid[0] == model.body("torso").id
    assert 10 <= model.body("torso").subtreemass[0] <= 16
    assert model.jnt_limited[1:].all()
    assert model.jnt_actfrclimited[1:].all()
    data = at_home(model)
    for leg in legs:
        np.testing.assert_allclose(data.site(f"sole_{leg}").xpos, data.geom(f"foot_{leg}").xpos)
        lowest = data.geom(f"foot_{leg}").xpos[2] - model.geom(f"foot_{leg}").size[0]
        assert abs(lowest) < 1e-5
    # The centre of mass is in the middle of the feet.
    middle = np.mean([data.site(f"sole_{leg}").xpos for leg in legs], axis=0)
    assert np.abs(data.body("torso").subtree_com - middle)[:2].max() < 0.01


def test_quadruped_stands_under_its_servos() -> None:
    model = with_servos(QUADRUPED, kp=60, kd=2)
    data = at_home(model)
    height = data.body("torso").xpos[2]
    for _ in range(round(5 / model.opt.timestep)):
        mujoco.mj_step(model, data)
    # The knees carry 5 N*m each, so they sag by 5 / 60 rad: 0.14 m * 5 / 60 = 1.2 cm and more.
    assert 0 < height - data.body("torso").xpos[2] < 0.025
    assert tilt(data.body("torso").xmat[8]) < 2
    assert np.abs(data.qvel).max() < 0.01


def test_arm_is_fixed_and_holds_its_home() -> None:
    model = with_servos(ARM_7, kp=150, kd=10)
    assert model.nq == model.nv == len(hinges(model)) == 7, "no floating base"
    assert model.jnt_limited.all()
    assert model.jnt_actfrclimited.all()
    data = at_home(model)
    assert data.ncon == 0
    gravity = data.qfrc_bias.copy()
    assert np.all(np.abs(gravity) < 0.3 * model.jnt_actfrcrange[:, 1]), "strength to spare"
    home = data.qpos.copy()
    for _ in range(round(3 / model.opt.timestep)):
        mujoco.mj_step(model, data)
    # At rest a servo's error times its gain is the weight it carries.
    np.testing.assert_allclose(150 * (home - data.qpos), data.qfrc_bias, atol=0.05)
    np.testing.assert_allclose(data.qpos, home, atol=0.1)


def test_arm_reaches_straight_up() -> None:
    data = mujoco.MjData(model := load(ARM_7))
    mujoco.mj_kinematics(model, data)
    np.testing.assert_allclose(data.site("tip").xpos, [0, 0, 1.14], atol=1e-9)
    reach = data.site("tip").xpos[2] - data.body("shoulder").xpos[2]
    assert reach == pytest.approx(0.87)

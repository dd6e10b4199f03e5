"""Clips through files, rates and forms, against SciPy, MuJoCo and each other."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation, Slerp

from ksim_compiler.cli.motion import main
from ksim_compiler.motion.clip import Clip, moving_joints
from ksim_compiler.motion.edit import at_origin, on_ground
from ksim_compiler.motion.ground import lowest
from ksim_compiler.motion.kinematics import bodies_of
from ksim_compiler.motion.resample import resampled, spline
from ksim_compiler.motion.write import Form, packed
from tests.ksim_compiler.motion.clips import CLIPS, ROOT, arrays, csv, humanoid, npz, read

SHIPPED = sorted(path.stem for path in CLIPS.glob("*.npz"))


def sound(name: str = "squat") -> Clip:
    clip = read((CLIPS / f"{name}.npz").read_bytes(), f"{name}.npz").clip
    assert clip is not None
    return clip


def rough(frames: int = 40, fps: float = 30.0) -> Clip:
    """A clip of the humanoid that turns and bends at random."""
    random = np.random.default_rng(1)
    names = tuple(joint.name for joint in moving_joints(humanoid().facts))
    turns = Rotation.from_rotvec(np.cumsum(random.normal(size=(frames, 3)) * 0.2, axis=0))
    quaternions = turns.as_quat(scalar_first=True)
    flips = np.sum(quaternions[1:] * quaternions[:-1], axis=1) < 0
    quaternions[1:] *= np.where(np.cumsum(flips) % 2, -1, 1)[:, None]
    joints = random.normal(size=(frames, len(names))) * 0.3
    place = np.cumsum(random.normal(size=(frames, 3)) * 0.05, axis=0)
    return Clip("rough", fps, names, joints, place, quaternions)


def test_splines_are_those_of_scipy() -> None:
    rows = np.random.default_rng(0).normal(size=(12, 3))
    at = np.linspace(0.0, 11.0, 97)
    here, rates = spline(rows, at, 30.0)
    truth = CubicSpline(np.arange(12), rows, bc_type="natural")
    np.testing.assert_allclose(here, truth(at), atol=1e-12)
    np.testing.assert_allclose(rates, truth(at, 1) * 30.0, atol=1e-10)
    straight, _ = spline(rows[:2], np.array([0.25]), 1.0)
    np.testing.assert_allclose(straight[0], 0.75 * rows[0] + 0.25 * rows[1])


def test_resampling_follows_scipy() -> None:
    clip = rough()
    track = resampled(clip, 0.02)
    times = np.arange(track.clip.frames) * 0.02
    own = np.arange(clip.frames) / clip.fps
    assert times[-1] <= own[-1] < times[-1] + 0.02 + 1e-9
    truth = CubicSpline(own, clip.joints, bc_type="natural")
    np.testing.assert_allclose(track.clip.joints, truth(times), atol=1e-9)
    np.testing.assert_allclose(track.joint_rates, truth(times, 1), atol=1e-7)
    assert clip.turn is not None
    assert track.clip.turn is not None
    assert track.angular is not None
    slerp = Slerp(own, Rotation.from_quat(clip.turn, scalar_first=True))
    here = Rotation.from_quat(track.clip.turn, scalar_first=True)
    assert np.max((slerp(times).inv() * here).magnitude()) < 1e-7
    # the angular velocity carries the orientation from the frame before to the one after
    for frame in range(1, track.clip.frames - 1):
        step = Rotation.from_rotvec(here[frame].apply(track.angular[frame]) * 0.04)
        np.testing.assert_allclose(
            (step * here[frame - 1]).as_quat(canonical=True),
            here[frame + 1].as_quat(canonical=True),
            atol=1e-9,
        )


def test_velocities_carry_the_state_to_the_next_frame() -> None:
    robot = humanoid()
    track = resampled(sound("squat"), 0.02)
    qpos, qvel = track.clip.qpos(robot.facts), track.qvel(robot.facts)
    for frame in range(20, 100):
        mean = (qvel[frame] + qvel[frame + 1]) / 2
        after = qpos[frame].copy()
        mujoco.mj_integratePos(robot.model, after, mean, 0.02)
        left = np.zeros(robot.model.nv)
        mujoco.mj_differentiatePos(robot.model, left, 1.0, after, qpos[frame + 1])
        assert np.abs(left).max() < 5e-4  # of steps of up to 0.04 rad; cubic, so not exactly


def test_a_rate_that_is_the_clips_changes_nothing() -> None:
    clip = sound()
    again = resampled(clip, 1 / clip.fps).clip
    np.testing.assert_allclose(again.joints, clip.joints, atol=1e-12)
    assert again.place is not None
    assert clip.place is not None
    np.testing.assert_allclose(again.place, clip.place, atol=1e-12)


def test_bodies_move_as_mujocos_sensors_say() -> None:
    robot = humanoid()
    spec = mujoco.MjSpec.from_file(str(ROOT / "tasks/robots/humanoid/scene.xml"))
    kinds = (
        mujoco.mjtSensor.mjSENS_FRAMEPOS,
        mujoco.mjtSensor.mjSENS_FRAMEQUAT,
        mujoco.mjtSensor.mjSENS_FRAMELINVEL,
        mujoco.mjtSensor.mjSENS_FRAMEANGVEL,
    )
    for kind in kinds:
        sensor = spec.add_sensor(type=kind, objtype=mujoco.mjtObj.mjOBJ_XBODY)
        sensor.objname = "hand_left" if "hand_left" in robot.facts.bodies else "forearm_left"
    model = spec.compile()
    data = mujoco.MjData(model)
    track = resampled(sound("walk"), 0.02)
    qpos, qvel = track.clip.qpos(robot.facts), track.qvel(robot.facts)
    body = robot.facts.body_id("forearm_left")
    found = bodies_of(robot.model, qpos[:5], qvel[:5], [body])
    for frame in range(5):
        data.qpos[:], data.qvel[:] = qpos[frame], qvel[frame]
        mujoco.mj_forward(model, data)
        told = data.sensordata[-13:]
        mine = np.concatenate([array[frame, 0] for array in found])
        np.testing.assert_allclose(mine, told, atol=1e-6)


@pytest.mark.parametrize("form", ["qpos", "bodies", "csv"])
def test_each_form_holds_the_clip(form: Form) -> None:
    robot, clip = humanoid(), sound("walk")
    data = packed(clip, form, robot.facts, robot.model)
    assert data == packed(clip, form, robot.facts, robot.model)
    name = "walk.csv" if form == "csv" else "walk.npz"
    found = read(data, name)
    again = found.clip
    assert again is not None
    assert [str(f.code) for f in found.faults if f.code.severity == "error"] == []
    assert again.fps == (30.0 if form == "csv" else 50.0)
    np.testing.assert_allclose(again.joints, clip.joints, atol=1e-5)
    np.testing.assert_allclose(again.place, clip.place, atol=1e-5)
    np.testing.assert_allclose(again.turn, clip.turn, atol=1e-5)


def test_a_csv_is_read_by_its_header_and_without_one_in_the_models_order() -> None:
    clip = arrays("walk")
    names = clip["joint_names"].tolist()
    plain = read(csv(clip), "walk.csv")
    assert [str(fault.code) for fault in plain.faults][-1] == "KS0668"
    order = [*range(5, 20), *range(5)]
    moved = {
        **clip,
        "qpos": np.concatenate([clip["qpos"][:, :7], clip["qpos"][:, 7:][:, order]], 1),
    }
    root = "root_translateX,root_translateY,root_translateZ,q.x,q.y,q.z,q.w"
    header = ",".join([root, *(f"{names[i]}_dof" for i in order)])
    named = read(csv(moved, header), "walk.csv")
    assert "KS0667" in [str(fault.code) for fault in named.faults]
    assert plain.clip is not None
    assert named.clip is not None
    np.testing.assert_allclose(named.clip.joints, plain.clip.joints, atol=1e-6)
    np.testing.assert_allclose(named.clip.turn, plain.clip.turn, atol=1e-6)


def test_a_clip_of_isaac_lab_is_known_by_where_its_bodies_are() -> None:
    """Without names, all first joints before all second ones."""
    robot, clip = humanoid(), sound("walk")
    facts = robot.facts
    track = resampled(clip, 0.02)
    bodies = [b for b in facts.names("body") if b != "world"]
    depth = {"world": 0}
    for body in bodies:
        parent = int(robot.model.body_parentid[facts.body_id(body)])
        depth[body] = depth[facts.bodies[parent] or "world"] + 1
    level = sorted(bodies, key=lambda b: depth[b])
    joints = sorted(moving_joints(facts), key=lambda j: level.index(j.body))
    columns = [clip.names.index(joint.name) for joint in joints]
    ids = [facts.body_id(body) for body in level]
    there = bodies_of(robot.model, clip.qpos(facts), track.qvel(facts), ids)
    content = {
        "fps": np.array([50]),
        "joint_pos": clip.joints[:, columns].astype(np.float32),
        "joint_vel": track.joint_rates[:, columns].astype(np.float32),
        "body_pos_w": there.place.astype(np.float32),
        "body_quat_w": there.turn.astype(np.float32),
    }
    found = read(npz(content))
    assert found.clip is not None
    assert "by depth" in " ".join(fault.text for fault in found.faults)
    np.testing.assert_allclose(found.clip.joints, clip.joints, atol=1e-5)
    content["joint_pos"] = content["joint_pos"][:, ::-1]
    assert "KS0680" in [str(fault.code) for fault in read(npz(content)).faults]


def test_a_clip_is_put_on_the_ground_and_at_the_origin() -> None:
    robot, clip = humanoid(), sound("walk")
    assert clip.place is not None
    assert clip.turn is not None
    turned = Rotation.from_euler("z", 1.0)
    place = turned.apply(clip.place) + np.array([2.0, -1.0, 0.4])
    turn = (turned * Rotation.from_quat(clip.turn, scalar_first=True)).as_quat(scalar_first=True)
    moved = Clip("moved", clip.fps, clip.names, clip.joints, place, turn)
    back = at_origin(on_ground(moved, robot.facts, robot.model))
    points = lowest(back, robot.facts, robot.model)
    assert points is not None
    assert abs(points.height.min()) < 1e-9
    assert back.place is not None
    assert back.turn is not None
    np.testing.assert_allclose(back.place[:, :2], clip.place[:, :2], atol=1e-4)
    same = np.abs(np.sum(back.turn * clip.turn, axis=1))
    np.testing.assert_allclose(same, 1.0, atol=1e-6)


def test_a_clip_without_frames_has_no_lowest_points() -> None:
    robot = humanoid()
    points = lowest(sound().cut(0, 0), robot.facts, robot.model)
    assert points is not None
    assert points.height.shape == points.slip.shape == (0, len(points.bodies))


@pytest.mark.parametrize("name", SHIPPED)
def test_the_clips_that_ship_are_sound(name: str) -> None:
    found = read((CLIPS / f"{name}.npz").read_bytes(), f"{name}.npz")
    assert found.faults == []
    poses = CLIPS / f"{name}.yaml"
    if not poses.exists():
        return
    clip = found.clip
    assert clip is not None
    assert clip.place is not None
    # as what it is made of says, and above its feet throughout
    robot = humanoid()
    data = mujoco.MjData(robot.model)
    feet = [robot.facts.body_id(f"foot_{side}") for side in ("left", "right")]
    for row in clip.qpos(robot.facts)[::10]:
        data.qpos[:] = row
        mujoco.mj_kinematics(robot.model, data)
        mujoco.mj_comPos(robot.model, data)
        low, high = (np.array([data.xpos[f] for f in feet])).min(0), data.xpos[feet].max(0)
        centre = data.subtree_com[robot.facts.body_id("torso")]
        assert np.all(centre[:2] > low[:2] - 0.06)
        assert np.all(centre[:2] < high[:2] + 0.12)
    assert (CLIPS / f"{name}.npz").stat().st_size < 100_000


def test_what_is_made_of_poses_is_what_they_say(tmp_path: Path) -> None:
    text = (CLIPS / "wave.yaml").read_text(encoding="utf-8")
    text = text.replace("../robots", str(ROOT / "tasks/robots"))
    (tmp_path / "wave.yaml").write_text(text, encoding="utf-8")
    assert main(["make", str(tmp_path / "wave.yaml"), "-o", str(tmp_path / "wave.npz")]) == 0
    made = read((tmp_path / "wave.npz").read_bytes()).clip
    assert made is not None
    np.testing.assert_allclose(made.joints, sound("wave").joints, atol=1e-5)
    column = made.names.index("shoulder_pitch_right")
    np.testing.assert_allclose(np.degrees(made.joints[round(1.9 * 50), column]), -70.0, atol=1e-3)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("elbow_right: -75 deg", "elbow_rigth: -75 deg", "10:88: error KS0681: unknown joint"),
        ("elbow_right: -75 deg", "elbow_right: 75 deg", "error KS0681: joint 'elbow_right' goes"),
        ("elbow_right: -75 deg", "knee_left: 75 deg", "follows from where 'foot_left' is"),
        ("elbow_right: -75 deg", "elbow_right: -75", "error KS0110"),
        ("base: {roll: -2 deg}", "base: {up: 40 cm}", "the legs cannot put 'foot_left'"),
        ("at: 0.4 s", "at: 0 s", "each pose of 'keys' is later"),
        ("motion: 1", "motion: 2", "error KS0106"),
    ],
)
def test_a_wrong_pose_is_told_with_its_place(
    old: str, new: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (CLIPS / "wave.yaml").read_text(encoding="utf-8")
    assert old in text
    text = text.replace("../robots", str(ROOT / "tasks/robots")).replace(old, new, 1)
    (tmp_path / "poses.yaml").write_text(text, encoding="utf-8")
    assert main(["make", str(tmp_path / "poses.yaml"), "-o", str(tmp_path / "a.npz")]) == 1
    assert told in capsys.readouterr().err

"""K-Scale's walk: on a robot of our own with the same names, and on the K-Bot itself.

KBOT_ROOT names the folder ``kbot-headless`` of kscalelabs/ksim: robot.mjcf, with its meshes.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from ksim_compiler.deploy.kinfer import archive
from ksim_compiler.learn.run.policy import fresh_policy
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_compiler.robot.model import load
from ksim_schema.diagnostics import TaskError
from ksim_schema.vocabulary.action import Action
from tests.examples.rolling import TASKS, roll

KSCALE = TASKS / "kscale"
LEFT = ("hip_pitch_04", "hip_roll_03", "hip_yaw_03", "knee_04", "ankle_02")
ARM = ("shoulder_pitch_03", "shoulder_roll_03", "shoulder_yaw_02", "elbow_02", "wrist_00")
LIMIT = {"00": 14, "02": 17, "03": 60, "04": 120}


def limb(side: str, joints: tuple[str, ...], start: str, step: str, end: str, last: str) -> str:
    """A chain of bodies, of which the last is named."""
    text = end
    for i, joint in reversed(list(enumerate(joints))):
        name = f"dof_{side}_{joint}"
        axis = "1 0 0" if "roll" in joint else "0 0 1" if "yaw" in joint else "0 1 0"
        turn = -1 if side == "right" else 1
        ends = sorted((-0.6 * turn, 2.2 * turn))
        limit = LIMIT[joint[-2:]]
        text = f"""<body name="{last if i == len(joints) - 1 else f"{side}_{i}{joint}"}"
          pos="{step if i else start}">
          <joint name="{name}" axis="{axis}" range="{ends[0]} {ends[1]}" armature="0.05"
            actuatorfrcrange="-{limit} {limit}"/>
          <geom size="0.03" mass="1" contype="0" conaffinity="0"/>{text}</body>"""
    return text


def foot(side: str, letter: str) -> str:
    capsules = "".join(
        f"""<geom name="{letter}FootBushing_GPF_1517_12_collision_capsule_{i}" type="capsule"
        size="0.02" fromto="-0.08 {y} -0.03 0.1 {y} -0.03" mass="0.2" friction="0.64 0.02 0.01"/>"""
        for i, y in enumerate((-0.02, 0.02))
    )
    return f'{capsules}<site name="{side}_foot" type="box" size="0.13 0.05 0.05"/>'


def stand_in(folder: Path) -> None:
    """A robot with the K-Bot's names: joints, bodies, sites, sensors and actuators."""
    limbs, motors = "", ""
    for side, letter, y in (("left", "L", 0.1), ("right", "R", -0.1)):
        last = f"{letter}FootBushing_GPF_1517_12"
        limbs += limb(side, LEFT, f"0 {y} 0", "0 0 -0.14", foot(side, letter), last)
    for side, y in (("right", -0.2), ("left", 0.2)):
        limbs += limb(side, ARM, f"0 {y} 0.4", "0 0 -0.08", "", f"{side}_hand")
    for side, joints in (("left", LEFT), ("right", LEFT), ("right", ARM), ("left", ARM)):
        for joint in joints:
            name = f"dof_{side}_{joint}"
            motors += f'<motor name="{name}_ctrl" joint="{name}" ctrlrange="-60 60"/>'
    (folder / "kbot-headless").mkdir(parents=True)
    (folder / "kbot-headless" / "robot.mjcf").write_text(
        f"""<mujoco><compiler angle="radian" autolimits="true"/><worldbody>
        <body name="base" pos="0 0 0.76"><freejoint name="floating_base"/>
          <body name="torso"><geom size="0.12" mass="12" contype="0" conaffinity="0"/>
            {limbs}
            <body name="imu"><inertial pos="0 0 0" mass="0.01" diaginertia="1e-6 1e-6 1e-6"/>
              <site name="imu_site"/></body>
          </body></body></worldbody><actuator>{motors}</actuator>
        <sensor><gyro name="imu_gyro" site="imu_site"/>
        <accelerometer name="imu_acc" site="imu_site"/></sensor></mujoco>""",
        encoding="utf-8",
    )


def compiled(folder: Path, *settings: str) -> Compiled:
    for path in KSCALE.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    return compile_file(folder / "kbot_walk.yaml", settings, name="kbot_walk.yaml")


def test_the_walk_of_the_k_bot_checks_on_its_names(tmp_path: Path) -> None:
    stand_in(tmp_path)
    found = compiled(tmp_path)
    assert found.plan is not None, [d for d in found.diagnostics if d.severity == "error"]
    assert [d.message for d in found.diagnostics if d.severity == "error"] == []
    plan = found.plan
    assert plan.action_size == 20
    assert plan.substeps == 5
    part = plan.parts(Action)["targets"]
    drives = {drive.joint: drive for drive in part.drives(plan.robot.facts)}
    assert drives["dof_left_hip_roll_03"].kp == pytest.approx(200 * 1.4)
    assert drives["dof_right_elbow_02"].kd == pytest.approx(1.266 * 1.4, rel=1e-3)
    home = dict(zip(*_home(plan), strict=True))
    assert home["dof_right_elbow_02"] == pytest.approx(np.radians(90), abs=1e-5)
    assert home["dof_left_ankle_02"] == pytest.approx(np.radians(-30), abs=1e-5)


def _home(plan: object) -> tuple[list[str], list[float]]:
    joints = plan.robot.facts.motion_joints  # type: ignore[attr-defined]
    return [joint.name for joint in joints], [joint.home[0] for joint in joints]


@pytest.mark.slow
def test_a_policy_of_the_k_bot_is_packed_for_kinfer(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    stand_in(tmp_path)
    found = compiled(tmp_path, "Policy.actor.network={kind: lstm, hidden: 8, depth: 2}")
    assert found.plan is not None
    try:
        parts = archive(found.plan, fresh_policy(found.plan), dict(found.sources))
    except TaskError as error:
        raise AssertionError([d.message for d in error.diagnostics]) from error
    assert parts.commands[:3] == ("xvel", "yvel", "yawrate")
    assert parts.commands[3:6] == ("posture.height", "posture.roll", "posture.pitch")
    assert len(parts.commands) == 16
    assert len(parts.joints) == 20


@pytest.mark.skipif("KBOT_ROOT" not in os.environ, reason="KBOT_ROOT is not set")
def test_the_walk_of_the_k_bot_on_the_k_bot(tmp_path: Path) -> None:
    shutil.copytree(os.environ["KBOT_ROOT"], tmp_path / "kbot-headless")
    found = compiled(tmp_path)
    told = [f"{d.code}: {d.message}" for d in found.diagnostics if d.severity != "info"]
    assert told == []
    assert found.plan is not None
    assert load(found.plan.robot.part, found.plan.robot.files).facts.nq == 27
    rollout = roll(found, 100)
    assert np.isfinite(rollout.total).all()

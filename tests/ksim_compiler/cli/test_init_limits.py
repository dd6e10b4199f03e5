"""What --init makes of odd limits: stand-ins for none, several turns, 0 to 0 that is meant."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest

from ksim_compiler.cli.compile import main
from ksim_compiler.pipeline import compile_file
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.physics import ODD_LIMITS
from tests.ksim_compiler.cli.test_init import begun

LINK = """<link name="{name}"><inertial><origin xyz="0 0 .15"/><mass value="{mass}"/>
  <inertia ixx=".02" iyy=".02" izz=".002" ixy="0" ixz="0" iyz="0"/></inertial></link>"""
JOINT = """<joint name="{name}" type="{type}"><parent link="{parent}"/><child link="{name}"/>
  <origin xyz="0 0 .3"/><axis xyz="{axis}"/>{limit}{more}</joint>"""


def chain(*joints: tuple[str, str, str], more: str = "") -> str:
    """A URDF of links one on the other: (type, axis, attributes of its limit) of each joint."""
    text, parent = '<robot name="r"><link name="base"/>', "base"
    for index, (kind, axis, limit) in enumerate(joints):
        name, last = f"j{index}", index == len(joints) - 1
        values = {"type": kind, "axis": axis, "limit": f"<limit {limit}/>", "parent": parent}
        text += LINK.format(name=name, mass=4 / (index + 1))
        text += JOINT.format(name=name, more=more if last else "", **values)
        parent = name
    return text + "</robot>"


def arm(*joints: str) -> str:
    """An MJCF of bodies one on the other: the attributes of each joint."""
    bodies = "".join(
        f'<body pos="0 0 .3"><joint name="j{i}" {joint}/>'
        '<geom type="capsule" size=".02" fromto="0 0 .05 0 0 .25" mass="1"/>'
        for i, joint in enumerate(joints)
    )
    return bodies + "</body>" * len(joints)


def warned(folder: Path, text: str, name: str) -> Diagnostic:
    """The one thing that the task that --init writes is told."""
    (folder / name).write_text(text, encoding="utf-8")
    assert (
        main(["--init", str(folder / f"of_{Path(name).stem}"), "--robot", str(folder / name)]) == 0
    )
    (problem,) = compile_file(folder / f"of_{Path(name).stem}.yaml").diagnostics
    return problem


UR = 'lower="-6.2832" upper="6.2832" effort="150" velocity="3"'
FAR = 'lower="-2" upper="2" effort="50" velocity="3"'
NOWHERE = 'lower="0" upper="0" effort="50" velocity="3"'
CLASSES = """<default><default class="arm"><joint axis="0 1 0" range="-90 90"/>
  <default class="roll"><joint axis="0 0 1" range="0 0" limited="false"/></default></default>
  </default>"""


def mjcf(text: str, before: str = "") -> str:
    return f"<mujoco>{before}<worldbody>{text}</worldbody></mujoco>"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.urdf", chain(*[("revolute", "0 1 0", UR)] * 3)),
        (
            "r.urdf",
            chain(
                ("revolute", "0 1 0", FAR),
                ("revolute", "0 1 0", NOWHERE),
                more='<mimic joint="j0"/>',
            ),
        ),
        ("r.xml", mjcf(arm(*['axis="0 1 0" range="-720 720"'] * 2))),
        (
            "r.xml",
            mjcf(arm(*['axis="0 1 0" range="-.05 .05"'] * 3), '<compiler angle="radian"/>'),
        ),
        ("r.xml", mjcf(arm('class="arm"', 'class="arm" range="0 0"'), CLASSES)),
        ("r.xml", mjcf(arm('class="arm"', 'class="roll" range="0 0"'), CLASSES)),
    ],
    ids=["two-turns", "mimic", "degrees", "radians", "range-taken-back", "class-not-limited"],
)
def test_limits_that_are_meant_are_not_told_of(tmp_path: Path, name: str, text: str) -> None:
    begun(tmp_path, text, name)  # which tells of nothing


def test_limits_are_told_as_the_file_has_them(tmp_path: Path) -> None:
    without = chain(("revolute", "0 1 0", 'effort="50" velocity="3"'))
    problem = warned(tmp_path, without, "none.urdf")
    assert problem.message == "joint 'j0' has no limits in none.urdf: it moves without end"
    zero = mjcf(arm('axis="0 1 0" range="0 0"'))
    problem = warned(tmp_path, zero, "zero.xml")
    assert "'j0' has limits of 0 to 0 in zero.xml, which MuJoCo takes for none" in problem.message
    assert problem.help == "write the range; limited='false' says that none is meant"
    meant = zero.replace('range="0 0"', 'range="0 0" limited="false"')
    begun(tmp_path, meant, "meant.xml")
    degrees = chain(("revolute", "0 1 0", FAR.replace("2", "180")), ("revolute", "0 1 0", FAR))
    problem = warned(tmp_path, degrees, "degrees.urdf")
    assert problem.code == ODD_LIMITS
    assert problem.help == "write the limits in radians, as a URDF has them"


def test_limits_that_stand_for_none_are_no_places_to_be_in(tmp_path: Path) -> None:
    """The inertia at the first joint is that of an arm, and not of a slide a kilometre away."""
    wide, far = 'lower="-1000" upper="1000"', 'lower="-2" upper="2"'
    joints = ("revolute", "0 1 0", far), ("prismatic", "0 0 1", wide), ("revolute", "0 1 0", far)
    plan, _ = begun(tmp_path, chain(*joints), "r.urdf")
    first = plan.drives[0]
    assert 4 * 9.81 * 0.3 < (first.kp or 0.0) < 5000
    assert first.kd < 0.2 * (first.kp or 0.0)


def test_the_damping_is_that_of_the_stiffness_that_the_timestep_bears(tmp_path: Path) -> None:
    """It hangs: next to nothing turns about its length, and much does when it reaches out."""
    joints = 'axis="0 0 1" range="-170 170"', 'axis="0 1 0" range="-90 90"'
    before = '<option timestep="0.005"/><default><geom density="0"/></default>'
    plan, text = begun(tmp_path, mjcf(arm(*joints, joints[0]), before))
    assert "implicitfast" in text
    assert all(drive.kd < 0.7 * (drive.kp or 0.0) for drive in plan.drives)


def test_a_servo_is_strong_enough_for_the_spring_of_its_joint(tmp_path: Path) -> None:
    joints = 'axis="0 1 0" range="-90 90" stiffness="200" damping="5"', 'axis="0 1 0" range="-9 9"'
    plan, _ = begun(tmp_path, mjcf(arm(*joints)))
    model = plan.robot.model
    data = mujoco.MjData(model)
    data.ctrl[0] = 0.3
    mujoco.mj_step(model, data, round(2.0 / model.opt.timestep))
    assert data.qpos[0] == pytest.approx(0.3, abs=0.1)


def test_a_servo_of_speeds_gives_a_joint_with_limits_no_damping(tmp_path: Path) -> None:
    """The model's kv=1 is not what a position servo of 1 kg*m^2 needs."""
    joint = 'axis="0 0 1" range="-45 45" armature="1"'
    servo = '<actuator><velocity joint="j0" kv="1"/></actuator>'
    plan, _ = begun(tmp_path, mjcf(arm(joint)).replace("</mujoco>", f"{servo}</mujoco>"))
    (drive,) = plan.drives
    assert drive.kp
    ratio = drive.kd / (2.0 * np.sqrt(drive.kp * float(plan.robot.model.dof_M0[0])))
    assert 0.5 <= ratio < 0.8


def test_an_action_moves_along_a_long_rail(tmp_path: Path) -> None:
    rail = 'lower="-5" upper="5" effort="1000" velocity="1"'
    _, text = begun(tmp_path, chain(("prismatic", "1 0 0", rail)), "r.urdf")
    assert "scale: 0.2 m\n" in text

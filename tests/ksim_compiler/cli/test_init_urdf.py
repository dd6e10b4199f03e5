"""What --init says of URDFs as real files are: mimic joints, missing limits, ROS packages."""

from __future__ import annotations

import re
from pathlib import Path

import mujoco
import pytest

from ksim_compiler.cli.compile import main
from tests.ksim_compiler.cli.test_init import URDF, begun

FOLLOWER = """
  <link name="hand"><inertial><mass value=".1"/>
    <inertia ixx=".01" iyy=".01" izz=".01" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <joint name="wrist" type="revolute"><parent link="arm"/><child link="hand"/><axis xyz="0 1 0"/>
    <limit lower="-1" upper="1" effort="7" velocity="3"/><mimic joint="elbow"/></joint>
</robot>"""


def test_a_joint_of_a_urdf_that_mimics_is_told_by_the_one_that_it_follows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, text = begun(tmp_path, URDF.replace("</robot>", FOLLOWER), "robot.urdf")
    assert [drive.joint for drive in plan.drives] == ["elbow"]
    why = "not driven: 'wrist', which follows 'elbow'"
    told = capsys.readouterr().out
    assert why in told
    assert "what torque" not in told
    assert "a guess" not in told
    assert f"# {why}" in text
    assert "passive" not in text


def test_limits_that_a_urdf_does_not_give_are_told_to_be_guesses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, text = begun(tmp_path, URDF.replace('effort="7" ', ""), "robot.urdf")
    guess = "a guess: the torque_limit of 'elbow': the model does not say what its motors give"
    assert guess in capsys.readouterr().out
    assert f"# {guess}" in text
    assert "torque_limit: " in text


def test_a_mesh_of_a_ros_package_is_told_where_the_compiler_element_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mesh = "<collision><geometry><mesh filename='package://r/far/arm.obj'/></geometry></collision>"
    urdf = URDF.replace('<link name="arm">', f'<link name="arm">{mesh}')
    (tmp_path / "robot.urdf").write_text(urdf)
    assert main(["--init", str(tmp_path / "new"), "--robot", str(tmp_path / "robot.urdf")]) == 1
    told = capsys.readouterr().err
    element = re.findall(r"<compiler .*?/>", told)[0].replace("FOLDER", "here")
    assert "in the <robot> of a URDF" in told
    (tmp_path / "here").mkdir()
    corners = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
    (tmp_path / "here" / "arm.obj").write_text(corners)
    whole = urdf.replace('<robot name="r">', f'<robot name="r"><mujoco>{element}</mujoco>')
    (tmp_path / "robot.urdf").write_text(whole)
    assert main(["--init", str(tmp_path / "new"), "--robot", str(tmp_path / "robot.urdf")]) == 0


UPRIGHT = """
<robot name="r">
  <link name="base"/>
  <joint name="turn" type="revolute"><parent link="base"/><child link="upper"/>
    <axis xyz="0 0 1"/><limit lower="-3" upper="3" effort="60" velocity="3"/></joint>
  <link name="upper"><inertial><origin xyz="0 0 .2"/><mass value="3"/>
    <inertia ixx=".04" iyy=".04" izz=".004" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <joint name="lift" type="revolute"><parent link="upper"/><child link="fore"/>
    <origin xyz="0 0 .4"/><axis xyz="0 1 0"/>
    <limit lower="-2" upper="2" effort="60" velocity="3"/></joint>
  <link name="fore"><inertial><origin xyz="0 0 .25"/><mass value="2"/>
    <inertia ixx=".04" iyy=".04" izz=".002" ixy="0" ixz="0" iyz="0"/></inertial></link>
</robot>"""


def test_an_arm_that_stands_upright_has_the_damping_that_it_needs_when_it_reaches_out(
    tmp_path: Path,
) -> None:
    plan, text = begun(tmp_path, UPRIGHT, "robot.urdf")
    assert "solver: {integrator: implicitfast}" in text
    model, turn = plan.robot.model, plan.robot.model.joint("turn").qposadr[0]
    data = mujoco.MjData(model)
    data.qpos[model.joint("lift").qposadr[0]] = data.ctrl[1] = 1.5  # it reaches out
    data.ctrl[0] = 0.3
    path = []
    for _ in range(round(2.0 / model.opt.timestep)):
        mujoco.mj_step(model, data)
        path.append(float(data.qpos[turn]))
    overshoot = max(path) / 0.3 - 1.0
    assert 0.0 <= overshoot < 0.25  # 0.16 at the damping ratio of 0.5, and 0.75 at 0.09
    assert path[-1] == pytest.approx(0.3, abs=0.02)

"""--init --robot: the task's numbers are those of the model, worked out here from its text."""

from __future__ import annotations

import re
from pathlib import Path

import mujoco
import numpy as np
import pytest

from ksim_compiler.cli.compile import main
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from ksim_schema.diagnostics import has_errors
from ksim_schema.vocabulary.action import Action
from tests.support.samples import blocks

FLOATING = """
<mujoco>
  <option timestep="0.003"/>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 .1"/>
    <body name="trunk" pos="0 0 .5">
      <freejoint/>
      <geom name="trunk" type="box" size=".1 .1 .05" mass="2"/>
      <body name="thigh" pos="0 .1 0">
        <joint name="hip" axis="0 1 0" range="-60 60"/>
        <geom type="capsule" size=".02" fromto="0 0 0 0 0 -.2" mass=".3"/>
        <body name="shank" pos="0 0 -.2">
          <joint name="knee" axis="0 1 0" range="-60 60"/>
          <geom type="capsule" size=".02" fromto="0 0 0 0 0 -.2" mass=".2"/>
          <body name="gear" pos="0 0 -.1">
            <joint name="knee_backlash" axis="0 1 0" range="-0.5 0.5"/>
            <geom type="sphere" size=".02" mass=".05"/>
          </body>
        </body>
      </body>
      <body name="shoulder" pos="0 -.1 0">
        <joint name="shoulder" type="ball"/>
        <geom type="capsule" size=".02" fromto="0 0 0 0 0 -.1" mass=".1"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <position name="hip" joint="hip" kp="21" kv="0.7" forcerange="-5 5"/>
    <motor name="knee" joint="knee" gear="2" ctrlrange="-4 4"/>
  </actuator>
  <keyframe><key name="home" qpos="0 0 .5 1 0 0 0 .2 -.4 0 1 0 0 0"/></keyframe>
</mujoco>"""

GANTRY = """
<mujoco>
  <worldbody>
    <body name="cart"><joint name="rail" type="slide" axis="1 0 0" range="-.2 .2"/>
      <geom size=".05" mass="1"/>
      <body name="left" pos="0 .02 0"><joint name="left" type="slide" axis="0 1 0" range="0 .04"/>
        <geom size=".01" mass=".05"/></body>
      <body name="right" pos="0 -.02 0">
        <joint name="right" type="slide" axis="0 -1 0" range="0 .04"/>
        <geom size=".01" mass=".05"/></body>
    </body>
  </worldbody>
  <tendon>
    <fixed name="split"><joint joint="left" coef=".5"/><joint joint="right" coef=".5"/></fixed>
  </tendon>
  <equality><joint joint1="right" joint2="left"/></equality>
  <actuator>
    <motor name="a" joint="rail" ctrlrange="-30 30"/>
    <damper name="b" joint="rail" kv="1" ctrlrange="0 1"/>
    <position name="grip" tendon="split" kp="40" forcerange="-20 20"/>
  </actuator>
</mujoco>"""

URDF = """
<robot name="r">
  <link name="base"><inertial><mass value="1"/>
    <inertia ixx=".1" iyy=".1" izz=".1" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <link name="arm"><inertial><origin xyz="0 0 .2"/><mass value="1"/>
    <inertia ixx=".01" iyy=".01" izz=".01" ixy="0" ixz="0" iyz="0"/></inertial></link>
  <joint name="elbow" type="revolute"><parent link="base"/><child link="arm"/><axis xyz="0 1 0"/>
    <limit lower="-1" upper="1" effort="7" velocity="3"/></joint>
</robot>"""


TOOL = """
  <link name="tool"/>
  <joint name="mount" type="fixed"><parent link="arm"/><child link="tool"/></joint>
</robot>"""


def begun(folder: Path, xml: str, name: str = "robot.xml") -> tuple[Plan, str]:
    """The plan and the text of the task that --init writes; it has no errors."""
    (folder / name).write_text(xml, encoding="utf-8")
    assert main(["--init", str(folder / "new"), "--robot", str(folder / name)]) == 0
    assert main(["--fmt", "--check", str(folder / "new.yaml")]) == 0
    compiled = compile_file(folder / "new.yaml")
    assert not has_errors(compiled.diagnostics)
    assert compiled.plan is not None
    assert not [d for d in compiled.diagnostics if d.severity == "warning"]
    return compiled.plan, (folder / "new.yaml").read_text(encoding="utf-8")


def test_a_walker(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan, text = begun(tmp_path, FLOATING)
    drives = {drive.joint: drive for drive in plan.drives}
    assert set(drives) == {"hip", "knee"}
    assert (drives["hip"].kp, drives["hip"].kd, drives["hip"].limit) == (21.0, 0.7, 5.0)
    assert drives["knee"].limit == 2 * 4
    assert drives["knee"].kp is not None
    assert 0 < drives["knee"].kp <= 8 / 0.5
    assert plan.robot.part.home.keyframe == "home"
    assert plan.period / 0.003 == pytest.approx(7)
    assert "base_angular_velocity" in text
    assert "projected_gravity" in text
    height = float(re.findall(r"min_height, height: (\S+) m", text)[0])
    lowest = 0.5 - 0.2 * np.cos(0.2) - 0.2 * np.cos(0.2) - 0.02
    assert 0.3 * (0.5 - lowest) < height < 0.6 * (0.5 - lowest)
    said = capsys.readouterr().out
    assert "'shoulder', a ball joint" in said
    assert "'knee_backlash'" in said


def test_slides_tendons_and_followers(tmp_path: Path) -> None:
    plan, text = begun(tmp_path, GANTRY)
    drives = {drive.joint: drive for drive in plan.drives}
    assert set(drives) == {"rail", "left"}
    assert drives["left"].limit == 0.5 * 20 + 0.5 * 20  # with what pulls at the follower
    assert drives["left"].kp == 40 * (0.5 + 0.5) ** 2
    assert " N/m" in text
    assert "rad" not in text
    assert "min_height" not in text
    assert "gravity" not in text


def test_a_urdf(tmp_path: Path) -> None:
    plan, _ = begun(tmp_path, URDF, "robot.urdf")
    assert [(d.joint, d.limit) for d in plan.drives] == [("elbow", 7.0)]


def test_gains_are_bounded_by_inertia_and_timestep(tmp_path: Path) -> None:
    light = GANTRY.replace('kp="40"', 'kp="4e6"').replace(
        'ctrlrange="-30 30"', 'ctrlrange="-9e5 9e5"'
    )
    plan, _ = begun(tmp_path, light)
    model = plan.robot.model
    data = mujoco.MjData(model)
    for _ in range(500):
        data.ctrl[:] = np.where(data.time % 0.1 < 0.05, 0.01, 0.03)
        mujoco.mj_step(model, data)
        assert np.abs(data.qvel).max() < 100


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("<body><freejoint/><geom size='.1'/></body>", "free joints only"),
        ("<body><joint/><geom size='.1'/></body>", "no names"),
        ("<geom size='.1'/>", "no joints"),
    ],
)
def test_nothing_to_drive(
    body: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "robot.xml").write_text(f"<mujoco><worldbody>{body}</worldbody></mujoco>")
    assert main(["--init", str(tmp_path / "new"), "--robot", str(tmp_path / "robot.xml")]) == 1
    assert why in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["robot.xml"]


def test_names_of_packages_and_models_that_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "robots_of_mine"
    package.mkdir()
    (package / "robot.xml").write_text(FLOATING, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["--init", "a", "--robot", "package:robots_of_mine/robot.xml"]) == 0
    assert "model: 'package:robots_of_mine/robot.xml'" in Path("a.yaml").read_text(encoding="utf-8")
    assert main(["--init", "b", "--robot", "package:robots_of_mine/no.xml"]) == 1
    assert "has no file 'no.xml'" in capsys.readouterr().err
    assert main(["--init", "c", "--robot", "robots_of_mine/no.xml"]) == 2
    assert main(["--init", "c", "robots_of_mine/robot.xml"]) == 2  # the robot is an option
    assert "robots_of_mine/robot.xml" in capsys.readouterr().err
    assert not Path("b.yaml").exists()
    assert not Path("c.yaml").exists()
    broken = tmp_path / "broken.xml"
    broken.write_text("<mujoco><worldbody><body/></worldbody>", encoding="utf-8")
    assert main(["--init", "d", "--robot", str(broken)]) == 1
    assert not Path("d.yaml").exists()


def test_a_velocity_servo_keeps_the_gain_of_the_model(tmp_path: Path) -> None:
    rover = """<mujoco><option timestep="0.005"/><worldbody><body>
      <joint name="x" type="slide" axis="1 0 0"/><geom size=".1" mass="5"/>
    </body></worldbody><actuator>
      <velocity joint="x" kv="43" forcerange="-60 60"/>
    </actuator></mujoco>"""
    plan, _ = begun(tmp_path, rover)
    assert [(d.joint, d.kp, d.kd, d.limit) for d in plan.drives] == [("x", None, 43.0, 60.0)]


def test_a_xacro_file_is_called_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "arm.urdf.xacro"
    path.write_text(
        "<robot name='a' xmlns:xacro='http://www.ros.org/wiki/xacro'>"
        "<xacro:macro name='leg' params='n'><link name='${n}'/></xacro:macro>"
        "<xacro:leg n='a'/></robot>"
    )
    assert main(["--init", str(tmp_path / "new"), "--robot", str(path)]) == 1
    assert "a xacro file, no URDF yet: expand it" in capsys.readouterr().err


MIXED = """
<mujoco><option timestep="0.005"><flag contact="disable"/></option><worldbody>
<body name="palm" pos="0 0 1">
  <geom type="box" size=".1 .1 .02" mass="1"/>
  <body pos=".05 0 0"><joint name="a" axis="0 1 0" range="-60 60" damping=".1"/>
    <geom type="capsule" fromto="0 0 0 0 0 -.1" size=".01" mass=".05"/>
    <body pos="0 0 -.1"><joint name="b" axis="0 1 0" range="-60 60" damping=".1"/>
      <geom type="capsule" fromto="0 0 0 0 0 -.1" size=".01" mass=".05"/></body></body>
  <body pos="-.05 0 0"><joint name="t" axis="0 1 0" range="-60 60" damping=".1"/>
    <geom type="capsule" fromto="0 0 0 0 0 -.1" size=".01" mass=".05"/></body></body></worldbody>
<tendon><fixed name="pull"><joint joint="a" coef="1"/><joint joint="b" coef=".5"/></fixed></tendon>
<actuator>
  <position name="index" tendon="pull" kp="1" kv=".05" ctrllimited="true" ctrlrange="-1 1"/>
  <motor name="tip" joint="b" ctrllimited="true" ctrlrange="-.1 .1"/>
  <motor name="thumb" joint="t" ctrllimited="true" ctrlrange="-.5 .5"/>
</actuator></mujoco>"""


def test_tendons_and_rotors_are_told_as_they_are(tmp_path: Path) -> None:
    """With a tendon goes the motor of a joint that it moves; a joint of its own has a servo."""
    plan, text = begun(tmp_path, MIXED)
    assert plan.parts(Action)["own"].actuators_of(plan.robot.facts) == ("index", "tip")
    assert [drive.joint for drive in plan.drives] == ["t"]
    assert "joint_deviation, joints: .*" in text
    rotors = Path(__file__).parents[3] / "tasks" / "robots" / "quadrotor" / "scene.xml"
    (tmp_path / "quadrotor").mkdir()
    plan, text = begun(tmp_path / "quadrotor", rotors.read_text(encoding="utf-8"))
    assert plan.drives == ()
    assert plan.action_size == 4
    assert "around: home" in text


ROVER = """
<mujoco>
  <option timestep="0.004"/>
  <worldbody>
    <geom name="floor" type="plane" size="20 20 .1"/>
    <body name="chassis" pos="0 0 .1">
      <freejoint/>
      <geom name="deck" type="cylinder" size=".2 .03" mass="4"/>
      <body pos=".05 .22 -.02" quat=".7071 .7071 0 0">
        <joint name="left" axis="0 0 -1" damping=".02"/>
        <geom type="cylinder" size=".08 .02" mass=".3"/></body>
      <body pos=".05 -.22 -.02" quat=".7071 .7071 0 0">
        <joint name="right" axis="0 0 -1" damping=".02"/>
        <geom type="cylinder" size=".08 .02" mass=".3"/></body>
      <body pos="-.17 0 -.07"><joint name="caster" type="ball" damping=".001"/>
        <geom type="sphere" size=".03" mass=".1"/></body>
      <body pos="0 0 .05"><joint name="mast" axis="0 1 0" range="-90 90"/>
        <geom type="capsule" size=".01" fromto="0 0 0 0 0 .2" mass=".2"/></body>
    </body>
  </worldbody>
  <actuator>
    <velocity joint="left" kv=".5" ctrlrange="-20 20" forcerange="-2 2"/>
    <velocity joint="right" kv=".5" ctrlrange="-20 20" forcerange="-2 2"/>
    <position joint="mast" kp="5" kv=".5" forcerange="-2 2"/>
  </actuator>
</mujoco>"""


def test_a_wheel_has_no_pose_to_be_near_or_to_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "rover.xml"
    model.write_text(ROVER)
    assert main(["--init", str(tmp_path / "rover"), "--robot", str(model)]) == 0
    assert "not driven: 'caster', a ball joint: actions" in capsys.readouterr().out
    text = (tmp_path / "rover.yaml").read_text()
    assert "near_home: {kind: joint_deviation, joints: [mast]" in text
    assert "joint_position: {kind: joint_position, joints: [mast], relative_to: home" in text
    assert "joint_velocity: {kind: joint_velocity, joints: [left, right, mast]" in text
    assert main(["--check", "--strict", str(tmp_path / "rover.yaml")]) == 0
    assert "no problems" in capsys.readouterr().out


ROVER_URDF = """<robot name="rover">
  <link name="world"/>
  <joint name="root" type="floating">
    <parent link="world"/><child link="chassis"/><origin xyz="0 0 .1"/></joint>
  <link name="chassis"><inertial><mass value="4"/>
    <inertia ixx=".03" iyy=".05" izz=".06" ixy="0" ixz="0" iyz="0"/></inertial>
    <collision><geometry><box size=".4 .2 .1"/></geometry></collision></link>
  <joint name="neck" type="continuous"><parent link="chassis"/><child link="head"/>
    <origin xyz="0 0 .06"/><axis xyz="0 0 1"/></joint>
  <link name="head"><inertial><mass value=".2"/>
    <inertia ixx=".001" iyy=".001" izz=".001" ixy="0" ixz="0" iyz="0"/></inertial>
    <collision><geometry><sphere radius=".04"/></geometry></collision></link>
  <joint name="arm" type="continuous"><parent link="chassis"/><child link="rod"/>
    <origin xyz=".05 0 .2"/><axis xyz="0 1 0"/></joint>
  <link name="rod"><inertial><origin xyz=".1 0 0"/><mass value=".1"/>
    <inertia ixx=".001" iyy=".001" izz=".001" ixy="0" ixz="0" iyz="0"/></inertial>
    <collision><origin xyz=".1 0 0"/><geometry><box size=".2 .02 .02"/></geometry></collision>
  </link>
WHEELS
</robot>"""
WHEEL = """<joint name="{name}" type="continuous"><parent link="chassis"/><child link="of_{name}"/>
    <origin xyz="{x} {y} 0"/><axis xyz="0 1 0"/>{limit}</joint>
  <link name="of_{name}"><inertial><mass value=".3"/>
    <inertia ixx=".0005" iyy=".0009" izz=".0005" ixy="0" ixz="0" iyz="0"/></inertial>
    <collision><origin rpy="1.5708 0 0"/><geometry><cylinder radius=".1" length=".04"/></geometry>
    </collision></link>"""


@pytest.mark.parametrize(
    ("limit", "gain", "torque"),
    [("", 0.05, 0.5), ('<limit effort="1" velocity="9"/>', 0.1, None)],
)
def test_a_wheel_without_a_motor_is_known_by_its_shape(
    limit: str, gain: float, torque: float | None, tmp_path: Path
) -> None:
    """Level, balanced, without limits, the last of its branch; a neck and an arm are none."""
    places = {"fl": (0.15, 0.15), "fr": (0.15, -0.15), "rl": (-0.15, 0.15), "rr": (-0.15, -0.15)}
    wheels = "".join(WHEEL.format(name=n, x=x, y=y, limit=limit) for n, (x, y) in places.items())
    (tmp_path / "rover.urdf").write_text(ROVER_URDF.replace("WHEELS", wheels))
    (scene,) = (b.text for b in blocks("docs/own-robot.md") if "rover.urdf" in b.text)
    plan, text = begun(tmp_path, scene)
    driven = {name: part.drives(plan.robot.facts) for name, part in plan.parts(Action).items()}
    assert {drive.joint for drive in driven["wheels"]} == {f"my_{name}" for name in places}
    assert {drive.kd for drive in driven["wheels"]} == {gain}
    assert f"torque_limit: {torque} N*m" in text or torque is None
    others = {
        drive.joint for name, drives in driven.items() if name != "wheels" for drive in drives
    }
    assert others == ({"my_neck", "my_arm"} if torque else set())
    near = "near_home: {kind: joint_deviation, joints: [my_neck, my_arm]"
    assert (near in text) == bool(torque)


def test_a_urdf_without_a_floor_is_told_the_scene_that_has_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The help is the file: written as it stands there, it mends the task."""
    (tmp_path / "rover.urdf").write_text(ROVER_URDF.replace("WHEELS", ""))
    assert main(["--init", str(tmp_path / "first"), "--robot", str(tmp_path / "rover.urdf")]) == 0
    help = capsys.readouterr().err
    assert "KS0439" in help
    scene = help[help.index("<mujoco>") : help.index("</mujoco>") + len("</mujoco>")]
    (tmp_path / "scene.xml").write_text(scene)
    assert main(["--init", str(tmp_path / "next"), "--robot", str(tmp_path / "scene.xml")]) == 0
    assert "KS0439" not in capsys.readouterr().err


def test_a_joint_of_a_urdf_without_a_limit_is_not_driven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = """<link name="wheel"><inertial><mass value="1"/>
      <inertia ixx=".1" iyy=".1" izz=".1" ixy="0" ixz="0" iyz="0"/></inertial></link>
      <joint name="caster" type="continuous"><parent link="base"/><child link="wheel"/></joint>"""
    plan, text = begun(tmp_path, URDF.replace("</robot>", f"{wheel}</robot>"), "robot.urdf")
    assert [drive.joint for drive in plan.drives] == ["elbow"]
    why = "not driven: 'caster': the model does not say what torque it may take"
    assert why in capsys.readouterr().out
    assert f"# {why} (in a URDF: <limit effort=...>)" in text


def test_a_scene_attaches_a_urdf_and_cannot_include_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "arm.urdf").write_text(URDF.replace("</robot>", TOOL), encoding="utf-8")
    (tmp_path / "robot.xml").write_text("<mujoco><include file='arm.urdf'/></mujoco>")
    assert main(["--init", str(tmp_path / "new"), "--robot", str(tmp_path / "robot.xml")]) == 1
    told = capsys.readouterr().err
    assert "robot.xml includes arm.urdf, which is a URDF, and MJCF includes MJCF only; " in told
    assert not (tmp_path / "new.yaml").exists()
    asset, attach = re.findall(r"<model .*?/>|<attach .*?/>", told)
    scene = f"<mujoco><asset>{asset}</asset><worldbody>{attach}</worldbody></mujoco>"
    plan, _ = begun(tmp_path, scene)
    assert [drive.joint for drive in plan.drives] == ["my_elbow"]
    assert "my_tool" in plan.robot.facts.bodies


def test_a_link_that_is_fixed_to_another_is_no_body(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun(tmp_path, URDF.replace("</robot>", TOOL), "robot.urdf")
    task = tmp_path / "new.yaml"
    part = "Observation:\n  tool: {kind: body_position, bodies: tool}\n"
    task.write_text(task.read_text().replace("Observation:\n", part))
    assert main(["--check", str(task)]) == 1
    told = capsys.readouterr().err
    assert "unknown body 'tool'" in told
    assert "has bodies (links that are fixed to each other are one body): world, arm" in told

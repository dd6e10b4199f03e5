"""Tasks out of the files of others: three public configurations, typed anew in tests/imported."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ksim_compiler.cli.importing import main
from ksim_compiler.pipeline import compile_file
from ksim_schema.task import Task

IMPORTED = Path(__file__).parents[2] / "imported"
CORNERS = {"FR": (1, -1), "FL": (1, 1), "RR": (-1, -1), "RL": (-1, 1)}
LEG = """
    <body name="{name}_hip" pos="{x} {y} 0">
      <joint name="{name}_hip_joint" axis="1 0 0" range="-0.8 0.8"/>
      <geom size="0.03" mass="0.5"/>
      <body name="{name}_thigh">
        <joint name="{name}_thigh_joint" axis="0 1 0" range="-1 3"/>
        <geom type="capsule" size="0.02" fromto="0 0 0 0 0 -0.2" mass="0.5"/>
        <body name="{name}_calf" pos="0 0 -0.2">
          <joint name="{name}_calf_joint" axis="0 1 0" range="-2.8 0.1"/>
          <geom name="{name}" size="0.02" pos="0 0 -0.2" mass="0.1"/>
        </body>
      </body>
    </body>"""


def robot(folder: Path) -> None:
    """A robot of our own with the Go1's names."""
    legs = "".join(LEG.format(name=name, x=0.2 * x, y=0.1 * y) for name, (x, y) in CORNERS.items())
    (folder / "robot.xml").write_text(
        f"""<mujoco><compiler angle="radian"/>
        <default><joint actuatorfrcrange="-40 40" armature="0.01"/></default>
        <worldbody><geom name="floor" type="plane" size="0 0 1"/>
        <body name="trunk" pos="0 0 0.42"><freejoint/><geom size="0.1" mass="6"/>
        {legs}</body></worldbody>
        <keyframe><key name="home" qpos="0 0 0.42 1 0 0 0{" 0" * 12}"/></keyframe></mujoco>"""
    )


def imported(folder: Path, file: str, capsys: pytest.CaptureFixture[str]) -> tuple[Task, str, str]:
    """The task, its text, and what was told; it checks."""
    robot(folder)
    out = folder / "task.yaml"
    told = [str(IMPORTED / file), "-o", str(out), "--robot", "robot.xml", "--home", "home"]
    status, err = main(told), capsys.readouterr().err
    assert status == 0, err
    compiled = compile_file(out)
    assert compiled.plan is not None
    return compiled.plan.task, out.read_text(encoding="utf-8"), err


def line_of(file: str, start: str) -> int:
    """The line of a file that begins so."""
    lines = (IMPORTED / file).read_text(encoding="utf-8").splitlines()
    (found,) = (i for i, line in enumerate(lines, 1) if line.strip().startswith(start))
    return found


def scales(task: Task) -> dict[str, Any]:
    return {name: part.scale.start for name, part in task.parts["Reward"].items()}  # type: ignore[attr-defined]


def test_isaac_lab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = "isaaclab/params/env.yaml"
    task, text, err = imported(tmp_path, file, capsys)
    state: Any = task.parts["PhysicsState"]["robot"]
    assert (state.timestep, state.control) == (0.005, 0.02)
    velocity: Any = task.parts["Command"]["base_velocity"]
    assert velocity.forward == velocity.sideways == velocity.turn == (-1.0, 1.0)
    assert (velocity.heading.gain, velocity.heading.share, velocity.stand_still) == (0.5, 1.0, 0.02)
    targets: Any = task.parts["Action"]["joint_pos"]
    assert targets.kind == "position_target"
    rewards: Any = task.parts["Reward"]
    assert rewards["track_lin_vel_xy_exp"].error_scale == 0.5
    assert rewards["dof_acc_l2"].expression.startswith("-2.5e-7 * sum(square(")
    assert all(part.per_second for part in rewards.values())
    assert list(rewards) == [
        "track_lin_vel_xy_exp",
        "track_ang_vel_z_exp",
        "lin_vel_z_l2",
        "dof_torques_l2",
        "dof_acc_l2",
        "action_rate_l2",
        "flat_orientation_l2",
        "undesired_contacts",
    ]
    observed: Any = task.parts["Observation"]
    assert observed["base_ang_vel"].scale == 0.25
    assert observed["joint_pos"].clip == (-3.0, 3.0)
    assert task.learner.steps == 300 * 24 * 4096
    assert task.learner.learning_rate.adaptive_kl == 0.01  # type: ignore[attr-defined]
    assert task.policy.network.hidden == (128, 128, 128)  # type: ignore[attr-defined]
    assert task.parts["Reset"]["reset_robot_joints"].factor == (0.5, 1.5)  # type: ignore[attr-defined]
    for name, start in (("ang_vel_xy_l2", "ang_vel_xy_l2:"), ("my_own", "my_own:")):
        place = f"env.yaml:{line_of(file, start)}: rewards.{name}"
        assert place in text
    assert "rewards.my_own (swing): a function that is not known here" in text
    assert f"env.yaml:{line_of(file, 'my_own:')}:11: warning KS0659" in err
    assert "observations.policy.height_scan" in text


def test_mjlab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task, text, _ = imported(tmp_path, "mjlab/params/env.yaml", capsys)
    observed: Any = task.parts["Observation"]
    assert observed["joint_pos"].history == 3
    assert observed["projected_gravity"].delay == pytest.approx(0.02)
    assert list(task.policy.read) == [
        "base_lin_vel",
        "projected_gravity",
        "joint_pos",
        "joint_vel",
        "actions",
    ]
    critic: Any = task.parts["Critic"]["critic"]
    assert list(critic.judge.clean) == ["base_lin_vel", "base_height"]
    fallen: Any = task.parts["Termination"]["fell_over"]
    assert fallen.max_tilt == pytest.approx(1.22173)
    randomized: Any = task.parts["Randomizer"]["foot_friction"]
    assert randomized.sliding == (0.3, 1.2)
    assert "rewards.pose (variable_posture)" in text
    state: Any = task.parts["PhysicsState"]["robot"]
    assert state.solver.iterations == 10
    rewards: Any = task.parts["Reward"]
    tilt = "square(body.trunk.up.x) + square(body.trunk.up.y)"
    assert rewards["upright"].expression == f"1 * exp(-({tilt}) / 0.25)"
    assert rewards["body_ang_vel"].expression.startswith("-0.05 * (square(body.trunk.angular")
    assert "curriculum.command_vel (commands_vel)" in text


def test_unilab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    task, text, _ = imported(tmp_path, "unilab/mujoco.yaml", capsys)
    rewards: Any = task.parts["Reward"]
    assert rewards["tracking_lin_vel"].error_scale == 0.5  # the root of tracking_sigma
    assert rewards["base_height"].expression == "-500 * square(base.height - 0.754)"
    assert "reward.scales.feet_phase" in text
    assert task.about == "G1WalkFlat"
    assert "joint_velocity: {kind: joint_velocity, noise: {uniform: 1.5 rad/s}}" in text
    assert task.learner.envs == 2048
    tilted: Any = task.parts["Termination"]["tilted"]
    assert tilted.max_tilt == pytest.approx(25 * 3.14159265 / 180)


def test_every_term_is_a_part_or_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = "isaaclab/params/env.yaml"
    _, text, _ = imported(tmp_path, file, capsys)
    for section in ("rewards", "terminations", "commands", "actions"):
        source = (IMPORTED / file).read_text(encoding="utf-8")
        block = re.search(rf"^{section}:\n((?:  .*\n)+)", source, re.MULTILINE)
        assert block is not None
        for name in re.findall(r"^  (\w+):", block[1], re.MULTILINE):
            assert f"  {name}:" in text or f"{section}.{name}" in text, f"{section}.{name}"


def test_mistakes_of_an_import(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "there is no" in capsys.readouterr().err
    (tmp_path / "other.yaml").write_text("a: 1\n")
    assert main([str(tmp_path / "other.yaml")]) == 1
    assert "other.yaml:1:1: error KS0658" in capsys.readouterr().err
    (tmp_path / "other.yaml").write_text("a: [1\n")
    assert main([str(tmp_path / "other.yaml")]) == 1
    assert "error KS0657: this file cannot be read" in capsys.readouterr().err
    odd = "decimation: x\nobservations: [1]\nrewards: {a: {func: 3, weight: .nan}, b: 2}\n"
    (tmp_path / "other.yaml").write_text(odd)
    assert main([str(tmp_path / "other.yaml")]) == 0
    seen = capsys.readouterr()
    assert seen.out.startswith("# After ")
    assert "--robot names the MuJoCo model to check it on" in seen.err


def test_the_task_that_the_page_ports_checks(tmp_path: Path) -> None:
    page = (IMPORTED.parents[1] / "docs" / "from-others.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(Command:.*?)^```$", page, re.DOTALL | re.MULTILINE)
    robot(tmp_path)
    state = "{model: robot.xml, timestep: 5 ms, control: 50 Hz, home: {keyframe: home}}"
    head = f"ksim: 1\ntask: ported\nPhysicsState: {{robot: {state}}}\n"
    (tmp_path / "task.yaml").write_text(head + block, encoding="utf-8")
    found = compile_file(tmp_path / "task.yaml")
    said = [f"{d.code} {d.message}" for d in found.diagnostics if d.severity != "info"]
    assert said == []
    assert found.plan is not None


def test_a_folder_of_a_run_is_enough(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(IMPORTED / "isaaclab")]) == 0
    assert "track_lin_vel_xy_exp:" in capsys.readouterr().out

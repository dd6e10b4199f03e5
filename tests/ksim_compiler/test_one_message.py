"""One mistake, one message, at the line where it is, in the words of who made it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ksim_compiler.pipeline import compile_file
from ksim_schema.diagnostics import Diagnostic

INVALID = Path(__file__).parents[1] / "invalid"
TASK = """ksim: 1
task: hop
PhysicsState:
  biped: {model: robots/biped.xml, control: 50 Hz, home: {keyframe: home}}
Command:
  goal:
    kind: pose
    in: {x: [0.2 m, 0.5 m], z: [70 cm, 75 cm]}
    body: trunk
Observation:
  hips: {kind: joint_position, joints: hip_.*}
  gyro: {kind: sensor, sensor: imu_gyro}
  last: {kind: last_action}
Action:
  targets:
    kind: position_target
    joints: hip_.*
    scale: {hip_left: 0.5 rad, hip_right: 0.5 rad}
    gains: {kp: 50 N*m/rad, kd: 1 N*m*s/rad}
Policy:
  actor: {read: [hips, gyro, last], obey: goal, network: {kind: mlp, hidden: [32, 32]}}
Critic:
  critic: {judge: {clean: [hips, gyro, last], obey: goal}}
Reward:
  alive: {kind: stay_alive, scale: 0.5}
  near: {kind: formula, expression: "exp(-distance(body.trunk, command.goal) / 0.5)"}
Termination:
  fallen: {kind: formula, expression: "base.height < 0.4 or base.tilt > 60*deg"}
  time_limit: {kind: episode_length, after: 20 s}
Reset:
  pose: {kind: joint_position, joints: hip_.*, range: {hip_left: 3 deg, hip_right: 3 deg}}
PPO: {envs: 256, rollout: 24, minibatches: 4, steps: 6144000}
"""


def told(folder: Path, text: str) -> list[Diagnostic]:
    shutil.copytree(INVALID / "robots", folder / "robots")
    path = folder / "task.yaml"
    path.write_text(text, encoding="utf-8")
    return [d for d in compile_file(path, name=path.name).diagnostics if d.severity != "info"]


def test_nothing_is_told_of_the_task_without_a_mistake(tmp_path: Path) -> None:
    assert [d.message for d in told(tmp_path, TASK)] == []


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        # the unit of both ends of a range, and a command that a formula names
        ("x: [0.2 m, 0.5 m]", "x: [0.2 kg, 0.5 kg]", "KS0109", "a mass"),
        ("x: [0.2 m, 0.5 m]", "x: [0.5 m, 0.2 m]", "KS0111", "lower end"),
        # formulas in the words of another language, and with brackets that do not match
        ("0.4 or base", "0.4 || base", "KS0417", "write 'or'"),
        ("0.4 or base", "0.4 && base", "KS0417", "write 'and'"),
        ("goal) / 0.5)", "goal / 0.5)", "KS0417", "a ')' is missing"),
        ("goal) / 0.5)", "goal)) / 0.5)", "KS0417", "closes no bracket"),
        ("command.goal)", "command.goal.forward)", "KS0417", "command.goal has"),
        # names that are not in a list, a field that is set as in a program
        ("read: [hips, gyro, last]", "read: hips gyro last", "KS0201", "[hips, gyro, last]"),
        ("scale: 0.5}", "scale=0.5}", "KS0104", "write 'scale: 0.5'"),
        # a text that a comma ends, as it stands in a flow mapping without quotes
        ("scale: 0.5}", "scale: 0.5, when: max(time, 1) > 0}", "KS0104", "stands in quotes"),
        # rad for deg: of values by patterns, where a formula says that it is to stand
        (
            "hip_left: 3 deg, hip_right: 3 deg",
            "hip_left: 9 rad, hip_right: 9 rad",
            "KS0365",
            "9 deg",
        ),
        # a base that would have to be in the ground
        ("base.height < 0.4", "base.height < -0.4", "KS0313", "ground"),
    ],
)
def test_one_mistake_is_told_once(
    tmp_path: Path, old: str, new: str, code: str, words: str
) -> None:
    assert old in TASK
    text = TASK.replace(old, new, 1)
    found = told(tmp_path, text)
    line = next(i for i, row in enumerate(text.splitlines(), 1) if new in row)
    assert [(d.code, d.where.line) for d in found] == [(code, line)]
    assert words in f"{found[0].message} {found[0].help}"


def test_an_observation_that_names_a_command_is_told_how_policies_know_it(tmp_path: Path) -> None:
    text = TASK.replace(
        "last: {kind: last_action}",
        "last: {kind: last_action}\n  off: {kind: formula, expression: body.trunk - command.goal}",
    ).replace("[hips, gyro, last]", "[hips, gyro, last, off]")
    found = [d for d in told(tmp_path, text) if d.code == "KS0417"]
    assert len(found) == 1
    assert "obey" in found[0].help


def test_what_a_base_that_cannot_be_read_would_have_is_not_missed(tmp_path: Path) -> None:
    text = "ksim: 1\ntask: hop\nextends: absent.yaml\nremove: [Reward.alive]\n"
    found = told(tmp_path, text + "set: {PPO.envs: 64, Command.goal.body: trunk}\n")
    assert [(d.code, d.where.line) for d in found] == [("KS0601", 3)]

"""Policies as files: they act as the run did, learn on, and know a robot that is another one."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from ksim_compiler.cli import trained
from ksim_compiler.cli.export import main as export
from ksim_compiler.cli.play import main as play
from ksim_compiler.cli.run import main as train
from ksim_compiler.learn.run import checkpoint, checkpoints, policy_file

TASKS = Path(__file__).parents[3] / "tasks"
CARTPOLE = TASKS / "cartpole.yaml"
ROBOT = TASKS / "robots" / "cartpole" / "scene.xml"
SMALL = ("--set", "PPO.envs=8", "--set", "PPO.rollout=8", "--set", "PPO.minibatches=2")
ARGUMENTS = (*SMALL, "--engine", "native", "--steps", "64", "--episodes", "2")


def trained_on(task: Path, folder: Path) -> Path:
    assert train([str(task), *ARGUMENTS, "--out", str(folder)]) == 0
    return folder


def exported(run: Path, file: Path) -> Path:
    assert export([str(run), "-o", str(file), "--episodes", "4"]) == 0
    return file


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_on(CARTPOLE, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def policy(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(run, tmp_path_factory.mktemp("policies") / "pole.ksimp")


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A policy of a robot of a package, and the robot's file."""
    robot = tmp_path / "somebodys_robots" / "scene.xml"
    robot.parent.mkdir()
    shutil.copy(ROBOT, robot)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    task = tmp_path / "task.yaml"
    text = CARTPOLE.read_text().replace("robots/cartpole/", "package:somebodys_robots/")
    assert "package:somebodys_robots/scene.xml" in text
    task.write_text(text)
    return exported(trained_on(task, tmp_path / "run"), tmp_path / "pole.ksimp"), robot


def test_a_policy_file_acts_as_the_run_did(
    run: Path, policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "events.jsonl"
    assert play([str(run), "--seed", "3", "--events", str(events)]) == 0
    of_run = capsys.readouterr().out.replace(f"wrote {events}", "")
    assert play([str(policy), "--verify", str(events)]) == 0
    assert "all as replayed" in capsys.readouterr().out
    assert play([str(policy), "--seed", "3"]) == 0
    told, acted = capsys.readouterr().out.split("\n", 1)
    assert of_run.startswith(acted)
    assert told.startswith(f"{policy}: task cartpole; evaluation over 4 episodes: return ")


def test_a_policy_file_holds_what_it_is_of(run: Path, policy: Path) -> None:
    file, about = policy_file.read(policy), json.loads((run / "run.json").read_text())
    assert file.about["fingerprint"] == about["fingerprint"]
    assert file.about["versions"] == about["versions"]
    assert file.about["contract"]["outputs"][1]["joints"] == ["slide"]
    assert file.about["judged"]["episodes"] == 4
    assert file.about["judged"]["figures"]["length"] > 0
    assert file.steps == 64
    assert {name.partition(".")[0] for name in file.arrays} == {
        *("networks", "policy_normalizer", "critic_normalizer", "value_normalizer"),
        "env",  # a row of means
    }
    assert not any(b"pickle" in part for part in (policy.read_bytes(),))


def test_a_training_begins_with_a_policy_file(
    run: Path, policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = tmp_path / "of_run", tmp_path / "of_file"
    for folder, source in zip(folders, (run, policy), strict=True):
        assert train([str(CARTPOLE), *ARGUMENTS, "--from", str(source), "--out", str(folder)]) == 0
    capsys.readouterr()
    starts = [checkpoint.read_arrays(checkpoints.checkpoints(f)[0][1]) for f in folders]
    learned = checkpoint.read_arrays(checkpoints.checkpoints(run)[-1][1])
    moments = [name for name in starts[0] if name.startswith("optimizer.") and ".mu." in name]
    assert moments
    for name in starts[0]:
        if name.startswith("networks."):
            np.testing.assert_array_equal(starts[1][name], learned[name])
        if not name.startswith("optimizer."):
            np.testing.assert_array_equal(starts[0][name], starts[1][name], name)
    assert any(np.any(starts[0][name]) for name in moments)
    assert not any(np.any(starts[1][name]) for name in moments)
    assert json.loads((folders[1] / "run.json").read_text())["from"] == str(policy)


def test_a_policy_file_becomes_onnx_as_its_run_does(
    run: Path, policy: Path, tmp_path: Path
) -> None:
    graphs = []
    for folder, source in ((tmp_path / "a", run), (tmp_path / "b", policy)):
        folder.mkdir()
        assert export([str(source), "-o", str(folder / "policy.onnx")]) == 0
        graphs.append((folder / "policy.onnx").read_bytes())
    assert graphs[0] == graphs[1]


def test_a_robot_of_a_package_does_not_travel(
    packed: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    policy, robot = packed
    capsys.readouterr()
    again = exported(policy, policy.with_name("again.ksimp"))
    assert "its robot is looked for where it is played" in capsys.readouterr().out
    content = policy.read_bytes()
    assert again.read_bytes() == content
    assert policy_file.read(policy).archive is None
    assert b"<mujoco" not in content
    assert play([str(policy)]) == 0
    assert capsys.readouterr().err == ""

    heavier = robot.read_text().replace('mass="', 'mass="1', 1)
    assert heavier != robot.read_text()
    robot.write_text(heavier)
    assert play([str(policy)]) == 0
    assert "may move otherwise; --episodes judges it" in capsys.readouterr().err
    assert play([str(policy), "--set", "Reward.alive.scale=2"]) == 0
    assert "may move otherwise" in capsys.readouterr().err


def test_a_robot_of_a_package_that_is_another_is_refused(
    packed: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    policy, robot = packed
    robot.unlink()
    assert play([str(policy)]) == 1
    message = capsys.readouterr().err
    assert "has no file 'scene.xml'" in message
    assert str(policy) in message
    shutil.copytree(TASKS / "robots" / "arm", robot.parent, dirs_exist_ok=True)
    assert play([str(policy)]) == 1
    assert "KS0" in capsys.readouterr().err  # the task does not fit: its names are not there


def test_what_a_policy_reads_and_sets_is_compared() -> None:
    from ksim_compiler.deploy.policies import differences

    def contract(**input: object) -> dict[str, object]:
        entry = {"name": "gyro", "kind": "sensor", "size": 3, "elements": ["x", "y", "z"], **input}
        outputs = [{"name": "legs", "size": 2, "joints": ["hip", "knee"]}]
        return {"control_period": 0.02, "inputs": [entry], "outputs": outputs}

    old = contract()
    assert list(differences(old, contract())) == []
    assert list(differences(old, contract(size=4))) == ["the size of gyro is 4, and not 3"]
    assert list(differences(old, {**old, "control_period": 0.01})) == [
        "it acts every 0.01 s, and not 0.02 s"
    ]
    (found,) = differences(old, {**old, "outputs": [{"name": "arms"}]})
    assert found == "it sets arms, and not legs"


def test_a_damaged_file_is_told(
    policy: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = policy.read_bytes()
    place = content.index(b'\\"trained_steps\\": 64')
    bad = tmp_path / "bad.ksimp"
    for changed in (
        content[:-1] + bytes([content[-1] ^ 1]),  # an array
        content[:place] + content[place:].replace(b"64", b"65", 1),  # the header
        content[: len(content) // 2],
        b"",
    ):
        bad.write_bytes(changed)
        assert play([str(bad)]) == 1
        assert f"{bad} is damaged" in capsys.readouterr().err
    shutil.copy(checkpoints.checkpoints(run)[-1][1], bad)
    assert play([str(bad)]) == 1
    assert "is no policy of this program" in capsys.readouterr().err
    assert play([str(CARTPOLE)]) == 2
    assert "neither the folder of a run nor a policy file (.ksimp)" in capsys.readouterr().err
    assert play([str(policy), "--report"]) == 2
    assert "--report is of a run" in capsys.readouterr().err
    assert train([str(CARTPOLE), "--from", str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err


def test_what_is_not_there_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.ksimp"
    assert play([str(missing)]) == 2
    assert f"there is no policy file {missing}" in capsys.readouterr().err


def test_mistakes_of_an_export(
    policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        export([str(policy), "-o", str(tmp_path / "p.bin")])
    assert "ends in .onnx, .kinfer or .ksimp" in capsys.readouterr().err
    assert export([str(policy), "-o", str(tmp_path / "p.onnx"), "--episodes", "3"]) == 2
    assert "leave it out" in capsys.readouterr().err


@pytest.mark.parametrize("command", [play, export, train])
def test_a_name_that_does_not_ship(command: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(command)
    words = ["pretrained:wolk"] if command is not train else [str(CARTPOLE), "--from"]
    with pytest.raises(SystemExit) as ended:
        command([*words, *(["pretrained:wolk"] if command is train else [])])
    assert ended.value.code == 2
    message = capsys.readouterr().err
    assert "no policy 'wolk' ships; did you mean 'walk'? there are: " in message


@pytest.mark.parametrize("name", trained.names())
def test_a_policy_that_ships(name: str) -> None:
    place = trained.place(f"pretrained:{name}")
    assert place.stat().st_size < 1_000_000
    file = policy_file.read(place)
    assert file.about["judged"]["episodes"] == 1024
    assert file.about["judged"]["figures"]["failed"] <= 0.05
    if file.archive is None:  # what is others' does not travel
        assert b"<mujoco" not in place.read_bytes()


def test_the_walk_that_ships_walks(capsys: pytest.CaptureFixture[str]) -> None:
    walk = ("pretrained:walk", "--seconds", "6", "--command", "velocity.forward=0.6")
    assert play([*walk, "--command", "velocity.turn=0", "--seed", "1"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("pretrained:walk: task walk; evaluation over 1024 episodes: ")
    assert "in 6.00 s, going on" in told

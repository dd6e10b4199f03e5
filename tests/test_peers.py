"""The comparison with peers: its judge, its rewards, its rows. Nothing is installed or trained."""

from __future__ import annotations

import dataclasses
import math
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.peers import (
    __main__ as command_line,
    reward,
    robot,
    senses,
    stamps,
    table,
    trainings as trainings_module,
    venvs,
)
from benchmarks.peers.ksim_player import differences
from benchmarks.peers.players import Mirrored, Plain
from benchmarks.peers.robot import ACTION_SCALE, COMMAND, STAND
from benchmarks.peers.table import Row
from benchmarks.peers.trainings import Sizes, Training
from benchmarks.peers.venvs import NoPeer
from ksim_compiler.pipeline import compile_file
from ksim_schema.vocabulary.command.velocity import PlanarVelocity

# the loop around mjbatch


def _tick(**changes: np.ndarray) -> reward.Tick:
    """A robot that stands as it should, told to stand."""
    zeros = np.zeros
    still = reward.Tick(
        velocity=zeros((1, 3)),
        gyro=zeros((1, 3)),
        up=np.array([[0.0, 0.0, 1.0]]),
        rising=zeros(1),
        joints=STAND[None].copy(),
        low=STAND - 0.5,
        high=STAND + 0.5,
        action=zeros((1, 12)),
        before=zeros((1, 12)),
        command=zeros((1, 3)),
        clock=np.array([0.25]),
        foot_height=np.full((1, 4), 0.023),
        foot_velocity=zeros((1, 4, 3)),
        touching=np.full((1, 4), 30.0),
        stood=np.ones((1, 4), bool),
        landing=zeros((1, 4, 3)),
    )
    return dataclasses.replace(still, **changes)


def test_standing_as_told_gives_the_whole_reward() -> None:
    values = reward.terms(_tick())
    assert {name: float(value[0]) for name, value in values.items() if value[0]} == {
        "track": 1.0,
        "turn": 1.0,
        "gait": 1.0,
        "pose": 1.0,
    }
    assert reward.total(values) == pytest.approx([1.0 + 0.5 + 2.0 + 0.5])


def test_each_term_of_the_reward_is_its_arithmetic() -> None:
    landing = np.zeros((1, 4, 3))
    landing[0, 1] = [0.1, 0.2, -1.0]
    stood = np.array([[True, False, True, True]])
    joints = STAND[None].copy()
    joints[0, 2] += 0.6  # a knee, 0.1 beyond its limit
    tick = _tick(
        velocity=np.array([[0.3, -0.4, 5.0]]),
        gyro=np.array([[1.0, 2.0, 0.5]]),
        up=np.array([[0.6, 0.0, 0.8]]),
        rising=np.array([0.5]),
        joints=joints,
        action=np.full((1, 12), 0.5),
        stood=stood,
        landing=landing,
    )
    values = {name: float(value[0]) for name, value in reward.terms(tick).items()}
    assert values == pytest.approx(
        {
            "track": math.exp(-0.25 / 0.25),
            "turn": math.exp(-0.25 / 0.25),
            "gait": 1.0,
            "pose": math.exp(-0.1 * 0.36),
            "orient": 0.36,
            "bounce": 0.25,
            "wobble": 5.0,
            "limits": 0.1,
            "rate": 12 * 0.25,
            "land": 0.01 + 0.04 + 1.0,
        }
    )
    tipped = dict.fromkeys(reward.WEIGHTS, np.zeros(1)) | {"orient": np.ones(1)}
    assert reward.total(tipped) == 0.0  # never below it


def test_at_the_height_of_the_wave_two_feet_swing_and_two_stand() -> None:
    command = np.array([[0.5, 0.0, 0.0]])
    up, down = 0.023 + 0.06, 0.023
    height = np.array([[up, down, down, up]])  # FR and RL
    force = np.array([[0.0, 40.0, 40.0, 0.0]])
    stood = force > 0
    right = _tick(command=command, foot_height=height, touching=force, stood=stood)
    assert reward.terms(right)["gait"] == pytest.approx([1.0])
    wrong = dataclasses.replace(right, clock=np.array([0.75]))  # half a turn later: the others
    low = math.exp(-40.0 / 10.0) * math.exp(-((0.06 / 0.035) ** 2))
    assert reward.terms(wrong)["gait"] == pytest.approx([low / 2])
    slides = np.zeros((1, 4, 3))
    slides[0, 1, 0] = 0.2
    slipping = dataclasses.replace(right, foot_velocity=slides)
    assert reward.terms(slipping)["gait"] == pytest.approx([(3 + math.exp(-0.04 / 0.05)) / 4])


def test_a_mirror_exchanges_right_and_left() -> None:
    rng = np.random.default_rng(1)
    seen = rng.normal(size=(3, senses.SIZE)).astype(np.float32)
    image = seen[:, senses.IMAGE] * senses.IMAGE_SIGN
    assert np.array_equal(image[:, senses.IMAGE] * senses.IMAGE_SIGN, seen)
    assert image[0, :9] * [1, -1, 1, -1, 1, -1, 1, -1, 1] == pytest.approx(seen[0, :9])
    stand = np.r_[np.zeros(9), STAND, np.zeros(29)]
    assert (stand[senses.IMAGE] * senses.IMAGE_SIGN)[9:21] == pytest.approx(STAND)
    # the front right knee, that of the front left
    assert image[0, 9 + 2] == seen[0, 9 + 5]
    # half a turn of the trot's clock later the diagonal of the mirrored legs swings
    assert set((senses.FEET_PHASE + 0.5) % 1) == set(senses.FEET_PHASE)
    assert image[0, 48:] == pytest.approx(-seen[0, 48:])


def test_the_clock_is_hidden_while_the_command_is_to_stand() -> None:
    command = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    rows = [np.zeros((2, size)) for size in (3, 3, 3, 12, 12, 12)]
    seen = senses.observed(*rows, command, np.full(2, 0.125))
    assert seen.shape == (2, senses.SIZE)
    assert seen[0, 48:].tolist() == [0.0, 0.0]
    assert seen[1, 48:] == pytest.approx([math.sqrt(0.5)] * 2)


def test_the_judged_policy_is_the_networks_mean_with_its_mirror_image(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    sizes = ((senses.SIZE, 8), (8, 8), (8, senses.ACTIONS))
    arrays = {f"weight{i}": rng.normal(size=size[::-1]) * 0.3 for i, size in enumerate(sizes)}
    arrays |= {f"bias{i}": rng.normal(size=size[1]) for i, size in enumerate(sizes)}
    arrays |= {"mean": rng.normal(size=senses.SIZE), "scale": rng.uniform(1, 2, senses.SIZE)}
    stamp = stamps.write(tmp_path, 7, arrays, since=0.0)
    assert [(s.file, s.steps) for s in stamps.read(tmp_path)] == [(stamp.file, 7)]
    player = Mirrored(stamp.file)

    def network(x: np.ndarray) -> np.ndarray:
        x = (x - arrays["mean"]) * arrays["scale"]
        for i in range(3):
            x = arrays[f"weight{i}"] @ x + arrays[f"bias{i}"]
            x = x if i == 2 else np.array([v if v > 0 else math.exp(v) - 1 for v in x])
        return x

    seen = rng.normal(size=senses.SIZE).astype(np.float32)
    there = network(seen[senses.IMAGE] * senses.IMAGE_SIGN)[senses.LEGS] * senses.LEGS_SIGN
    found = np.asarray(player.mean(seen[None]))[0]
    assert found == pytest.approx((network(seen) + there) / 2, rel=1e-4, abs=1e-6)
    image = (seen[senses.IMAGE] * senses.IMAGE_SIGN)[None]
    mirrored = np.asarray(player.mean(image))[0][senses.LEGS] * senses.LEGS_SIGN
    assert mirrored == pytest.approx(found, rel=1e-4, abs=1e-6)
    assert ACTION_SCALE == 0.5


def test_braxs_policy_observes_the_robot_as_playground_has_it(tmp_path: Path) -> None:
    size = 48
    rows = np.arange(12)
    weights = np.zeros((24, size))
    weights[rows, [0, 5, 8, 9, 20, 21, 32, 33, 44, 45, 46, 47]] = 1.0
    arrays = {"mean": np.full(size, 0.5), "scale": np.full(size, 2.0)}
    arrays |= {"weight0": weights, "bias0": np.full(24, 0.1)}
    player = Plain(stamps.write(tmp_path, 1, arrays, since=0.0).file)
    player.begin(1)
    trunk = {"velocity": [0.1, 0, 0], "gyro": [0, 0, 0.2], "up": [0, 0, 0.9]}
    posed, moved = np.zeros((1, 19)), np.zeros((1, 18))
    posed[0, 7:], moved[0, 6], moved[0, 17] = STAND, 0.3, 0.4
    posed[0, 7] += 0.15
    robots = SimpleNamespace(sensor=lambda name: np.array([trunk[name]]), qpos=posed, qvel=moved)
    seen = np.array([0.1, 0.2, -0.9, 0.15, 0, 0.3, 0.4, 0, 0, 1.5, -0.8, 1.2])
    action = np.tanh((seen - 0.5) * 2 + 0.1)
    command = np.array([[1.5, -0.8, 1.2]])
    found = player.act(robots, command)  # type: ignore[arg-type]
    assert found[0] == pytest.approx(STAND + 0.5 * action, abs=1e-6)
    seen[[7, 8]] = action[[0, 11]]  # the last action, in the next tick
    again = player.act(robots, command)  # type: ignore[arg-type]
    assert again[0] == pytest.approx(STAND + 0.5 * np.tanh((seen - 0.5) * 2 + 0.1), abs=1e-6)


# rows and the command line


def test_the_command_line_asks_for_parts_and_limits() -> None:
    asked = command_line.parser().parse_args(
        ["--only", "ksim", "bare", "--task", "x.yaml", "--seeds", "2", "--minutes", "1.5"]
    )
    assert (asked.only, asked.task, asked.seeds) == (["ksim", "bare"], Path("x.yaml"), 2)
    assert asked.minutes == 1.5
    whole = command_line.parser().parse_args([])
    assert (set(whole.only), whole.seeds) == (set(command_line.PARTS), 3)
    with pytest.raises(SystemExit):
        command_line.parser().parse_args(["--only", "nobody"])


def test_ratios_come_of_the_same_seed_and_of_goals_that_were_reached() -> None:
    rows = [
        Row("ksim", 0, speed=30_000, seconds=50),
        Row("mjbatch", 0, speed=20_000, seconds=100),
        Row("ksim", 1, speed=30_000),
        Row("mjbatch", 1, speed=15_000, seconds=90),
        Row("brax", 0, note="no brax"),
    ]
    bare = {"mujoco": [200_000.0], "mjbatch": [100_000.0]}
    found = table.ratios(rows, bare, substeps=5)
    assert "| seconds to the goal, ksim / mjbatch | never | 0.50, never |" in found
    assert "| environment steps/s, ksim / mjbatch | 1.75 | 1.50, 2.00 |" in found
    assert "| training / bare mujoco.batch, ksim | 0.75 | 0.75, 0.75 |" in found
    assert "| training / bare mjbatch, mjbatch | 0.88 | 1.00, 0.75 |" in found
    assert "| bare physics, mujoco.batch / mjbatch | 2.00 | 2.00 |" in found
    assert not any("brax" in line for line in found)
    assert table.trainings(rows)[-1] == "| brax | 0 | - | - | never | - | - | - | - | no brax |"


def test_a_peer_that_cannot_run_is_a_row_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(folder: Path, seed: int, sizes: Sizes) -> Training:
        raise NoPeer("no wheel for this machine")

    monkeypatch.setattr(command_line.robot, "folder", lambda: tmp_path)
    monkeypatch.setattr(command_line, "TRAININGS", {"mjbatch": refuse})
    out = tmp_path / "out"
    status = command_line.main(["--only", "mjbatch", "--seeds", "1", "--out", str(out)])
    printed = capsys.readouterr().out
    assert status == 1
    assert "| mjbatch | 0 |" in printed
    assert "no wheel for this machine" in printed
    assert (out / "results.md").read_text() == printed


def test_a_package_that_cannot_be_installed_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(venvs.REQUIREMENTS, "mjbatch", ("mjbatch==0.1.4",))  # type: ignore[arg-type]
    python = tmp_path / "venvs" / "mjbatch" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        "#!/bin/sh\necho 'ERROR: no matching distribution' >&2\necho hint >&2\nexit 1\n"
    )
    python.chmod(0o755)
    with pytest.raises(NoPeer, match=r"^no mjbatch: ERROR: no matching distribution$"):
        venvs.made("mjbatch", tmp_path)


def test_a_training_is_ended_at_its_limit_and_says_so(tmp_path: Path) -> None:
    run = trainings_module._run
    code = "import os, time; print(os.environ['PEER_STARTED']); time.sleep(60)"
    began, note = run([sys.executable, "-c", code], tmp_path / "slow", 0.01)
    assert note == "ended after 0.01 min"
    assert float((tmp_path / "slow.log").read_text() or repr(began)) == began
    _, note = run([sys.executable, "-c", "raise SystemExit('no luck')"], tmp_path / "bad", 1.0)
    assert note == "no luck"


def test_speed_counts_from_the_first_checkpoint(tmp_path: Path) -> None:
    found = [stamps.Stamp(tmp_path, steps, seconds) for steps, seconds in ((10, 5.0), (110, 7.0))]
    assert Training(tmp_path, found).speed == 50.0
    assert math.isnan(Training(tmp_path, found[:1]).speed)


@pytest.mark.skipif("MENAGERIE_ROOT" not in os.environ, reason="the Go1's files are not at hand")
def test_the_task_of_ksim_is_on_the_robot_that_is_judged() -> None:
    plan = compile_file(command_line.TASK).plan
    assert plan is not None
    assert differences(plan, robot.folder()) == []
    ranges = plan.task.of("Command")["velocity"]
    assert isinstance(ranges, PlanarVelocity)
    spans = (ranges.forward, ranges.sideways, ranges.turn)
    assert [tuple(map(float, span)) for span in spans] == [(-x, x) for x in COMMAND]

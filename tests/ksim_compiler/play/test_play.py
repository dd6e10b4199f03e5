"""``ksim-play`` as a user runs it, on a run of a few iterations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ksim_compiler.cli.play import main
from ksim_compiler.cli.run import main as train
from ksim_schema.exchange.replay import check_chain, first_difference, read_events

CARTPOLE = str(Path(__file__).parents[3] / "tasks" / "cartpole.yaml")
SMALL = ("--set", "PPO.envs=8", "--set", "PPO.rollout=8", "--set", "PPO.minibatches=2")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    arguments = ("--engine", "native", "--steps", "64", "--episodes", "2", "--out", str(folder))
    assert train([CARTPOLE, *SMALL, *arguments]) == 0
    return folder


def test_an_episode_as_numbers_events_and_an_acset(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: tmp_path / name for name in ("a.jsonl", "b.jsonl", "c.jsonl", "rollout.json")}
    rollout = ("--rollout", str(files["rollout.json"]))
    assert main([str(run), "--events", str(files["a.jsonl"]), "--seed", "3", *rollout]) == 0
    printed = capsys.readouterr().out
    assert "policy after 64 steps" in printed
    assert "upright" in printed
    assert main([str(run), "--events", str(files["b.jsonl"]), "--seed", "3"]) == 0
    assert main([str(run), "--events", str(files["c.jsonl"]), "--seed", "4"]) == 0
    assert files["a.jsonl"].read_bytes() == files["b.jsonl"].read_bytes()
    events, other = read_events(files["a.jsonl"]), read_events(files["c.jsonl"])
    assert check_chain(events) is None
    assert events[0]["kind"] == "birth"
    assert events[-1]["impact"] == 1  # the pole fell
    assert {event["trit"] for event in events[1:]} <= {-1, 0, 1}
    difference = first_difference(events, other)
    assert difference is not None
    assert difference.event == 0
    assert difference.field.startswith("delta.state.qpos")
    assert main([str(run), "--verify", str(files["a.jsonl"])]) == 0
    assert main([str(run), "--verify", str(files["a.jsonl"]), "--seed", "4"]) == 2
    assert "was recorded with seed 3; leave out --seed" in capsys.readouterr().err
    tables = json.loads(files["rollout.json"].read_text())
    assert any(len(rows) == len(events) for rows in tables.values())


def test_a_policy_is_judged_over_many_episodes(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mean of as many episodes as are asked for, of which the one with the seed is another."""

    def told(*arguments: str) -> str:
        assert main([str(run), "--episodes", "40", *arguments]) == 0
        return capsys.readouterr().out

    first = told("--seed", "1")
    assert first.startswith("policy after 64 steps: evaluation over 40 episodes: return ")
    assert "  upright  +" in first
    assert told("--seed", "1") == first != told("--seed", "2")
    length = float(first.split("length ")[1].split()[0])
    short = told("--set", "Termination.time_limit.after=0.2 s")
    assert float(short.split("length ")[1].split()[0]) <= 10 < length
    assert main([str(run), "--episodes", "2", "--seconds", "1"]) == 2
    assert "leave out --seconds" in capsys.readouterr().err


@pytest.mark.slow
def test_a_policy_is_judged_and_shown_at_the_level_that_it_was_trained_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task, folder = tmp_path / "task.yaml", tmp_path / "run"
    events, other = tmp_path / "events.jsonl", tmp_path / "other.jsonl"
    task.write_text(
        f"""
ksim: 1
task: rising
extends: {CARTPOLE}
set:
  Reward.alive.scale: {{linear: {{from: 0, to: 1}}}}
Curriculum:
  rising: {{kind: linear, ticks: 32}}
Randomizer:
  mass: {{kind: body_mass, body: pole, factor: [0.5, 2.0]}}
Metric:
  ticks: {{kind: formula, expression: time >= 0, over: sum}}
"""
    )
    arguments = ("--engine", "native", "--steps", "64", "--episodes", "2", "--out", str(folder))
    assert train([str(task), *SMALL, *arguments]) == 0  # 8 ticks of each environment
    (row,) = [json.loads(line) for line in (folder / "evaluations.jsonl").read_text().splitlines()]
    assert row["level"] == pytest.approx(8 / 32)
    # a tick's reward is the level while the episode lasts; its last tick is a failure's
    lasted = 1 - 1 / row["length"]
    assert row["reward/alive"] == pytest.approx(0.25 * lasted, rel=1e-4)
    assert main([str(folder), "--events", str(events), "--seed", "3"]) == 0
    birth, *ticks = read_events(events)
    assert f"  metric/ticks  {len(ticks)}\n" in capsys.readouterr().out
    assert birth["delta"]["state"]["level"] == 0.25
    masses = birth["delta"]["state"]["model.body_mass"]  # what was drawn for this episode
    changed = ["model.body_mass" in tick["delta"]["state"] for tick in ticks]
    assert changed == [False] * (len(ticks) - 1) + [True]  # the next episode has another
    assert main([str(folder), "--events", str(other), "--seed", "4"]) == 0
    assert read_events(other)[0]["delta"]["state"]["model.body_mass"] != masses
    assert not any("level" in tick["delta"]["state"] for tick in ticks)  # it stands still
    assert {tick["delta"]["reward"]["alive"] for tick in ticks[:-1]} == {0.25}
    assert main([str(folder), "--verify", str(events)]) == 0


@pytest.mark.slow
def test_several_curricula_are_logged_kept_and_shown_each_by_its_name(tmp_path: Path) -> None:
    task, folder, events = (tmp_path / name for name in ("task.yaml", "run", "events.jsonl"))
    task.write_text(
        f"""
ksim: 1
task: rising
extends: {CARTPOLE}
set:
  Reward.alive.scale: {{linear: {{from: 0, to: 1}}, curriculum: slow}}
Curriculum:
  slow: {{kind: linear, ticks: 32}}
  fast: {{kind: linear, ticks: 16}}
Randomizer:
  mass:
    kind: body_mass
    body: pole
    factor: [0.5, 2.0]
    scale: {{linear: {{from: 0, to: 1}}, curriculum: fast}}
"""
    )
    arguments = ("--engine", "native", "--steps", "64", "--episodes", "2", "--out", str(folder))
    assert train([str(task), *SMALL, *arguments]) == 0  # 8 ticks of each environment
    (row,) = [json.loads(line) for line in (folder / "evaluations.jsonl").read_text().splitlines()]
    assert {k: row[k] for k in row if k.startswith("level")} == {
        "level.slow": pytest.approx(8 / 32),
        "level.fast": pytest.approx(8 / 16),
    }
    (logged,) = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    ticks = range(1, 9)
    assert logged["task/level.slow"] == pytest.approx(sum(t / 32 for t in ticks) / 8)
    assert logged["task/level.fast"] == pytest.approx(sum(t / 16 for t in ticks) / 8)
    assert train(["--resume", str(folder), "--steps", "128", "--episodes", "2"]) == 0
    last = json.loads((folder / "evaluations.jsonl").read_text().splitlines()[-1])
    assert last["level.slow"] == pytest.approx(16 / 32)
    assert main([str(folder), "--events", str(events), "--seed", "3"]) == 0
    birth, first, *_ = read_events(events)
    state = birth["delta"]["state"]
    assert (state["level.slow"], state["level.fast"]) == (0.5, 1.0)
    assert first["delta"]["reward"]["alive"] == 0.5
    assert main([str(folder), "--verify", str(events)]) == 0


def test_a_changed_event_file_is_found(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.jsonl"
    assert main([str(run), "--events", str(path)]) == 0
    lines = path.read_text().splitlines()
    event = json.loads(lines[4])
    event["delta"]["state"]["qpos"][0] += 1e-3
    path.write_text("\n".join([*lines[:4], json.dumps(event), *lines[5:]]) + "\n")
    capsys.readouterr()
    assert main([str(run), "--verify", str(path)]) == 1
    assert "event 4: after_hash" in capsys.readouterr().out
    event = json.loads(lines[4])
    event["delta"]["reward"]["upright"] = 9.0  # the chain holds, the replay does not
    path.write_text("\n".join([*lines[:4], json.dumps(event), *lines[5:]]) + "\n")
    assert main([str(run), "--verify", str(path)]) == 1
    assert "event 4 in delta.reward.upright" in capsys.readouterr().out
    assert main([str(run), "--verify", str(tmp_path / "none.jsonl")]) == 1
    path.write_text("[]")
    assert main([str(run), "--verify", str(path)]) == 1


def test_plots(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "plots.png"
    assert main([str(run), "--plots", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--command", "velocity.forward=1"), 2, "there is no command 'velocity'"),
        (("--command", "velocity"), 2, "write for example"),
        (("--command", "velocity.forward=nan"), 2, "write for example"),
        (("--command", "velocity.forward=1e400"), 2, "write for example"),
        (("--seconds", "-1"), 2, "--seconds"),
        (("--report", "--video", "x.mp4"), 2, "leave out one of them"),
        (("--viewer", "web", "--events", "x.jsonl"), 2, "leave out one of them"),
        (("--verify", "x.jsonl", "--plots", "x.png"), 2, "leave out one of them"),
        (("--report", "--dump", "x.npz"), 2, "do not go together"),
        (("--dump", "no.npz"), 2, "not a dump"),
        (("--set", "Reward.nothing.scale=1"), 1, "KS0115"),
    ],
)
def test_mistakes(
    arguments: tuple[str, ...],
    status: int,
    message: str,
    run: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([str(run), *arguments]) == status
    assert message in capsys.readouterr().err


def test_a_folder_that_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err

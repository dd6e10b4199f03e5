"""What the page that follows a run draws, as it grows, goes away and is damaged."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ksim_compiler.live import drawer as drawing
from ksim_compiler.live.drawer import Drawer
from ksim_compiler.plan import Plan
from ksim_compiler.report.page import write_report
from tests.ksim_compiler.live.followed import judged, row, watcher, write


def test_a_page_gets_what_is_new_and_the_report_has_the_same(run: tuple[Path, Plan]) -> None:
    folder, plan = run
    watched = watcher(folder)
    watched.step(force=True)
    first = watched.state(0)
    report = write_report(folder, plan).read_text()
    assert first["order"] == list(first["parts"])
    assert "".join(first["parts"].values()) in report
    assert first["task"] == plan.task.name
    for title in ("episode return", "reward terms", "KL divergence", "terminations"):
        assert title in report
    assert watched.state(first["version"])["parts"] == {}

    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        line = json.dumps(row(plan, 10)) + "\n"
        file.write(line[:40])
        file.flush()
        watched.step(force=True)
        assert watched.state(first["version"])["parts"] == {}
        file.write(line[40:])
    watched.step(force=True)
    second = watched.state(first["version"])
    assert "10,000" in second["parts"]["figures"]
    assert not {"head", "task", "terrain", "evaluations"} & set(second["parts"])
    write(folder / "evaluations.jsonl", judged(10_000))
    watched.step(force=True)
    assert "10,000" in watched.state(second["version"])["parts"]["evaluations"]


def test_a_run_that_goes_away_and_comes_back(run: tuple[Path, Plan]) -> None:
    folder, _ = run
    watched = watcher(folder)
    watched.step(force=True)
    shown = watched.state(0)
    folder.rename(folder.with_name("elsewhere"))
    watched.step(force=True)
    gone = watched.state(shown["version"])
    assert gone["status"]["kind"] == "gone"
    assert str(folder) in gone["status"]["text"]
    assert gone["parts"] == {}
    assert gone["order"] == shown["order"]  # what was drawn stays
    folder.with_name("elsewhere").rename(folder)
    watched.step(force=True)
    assert watched.state(0)["status"]["kind"] == "stopped"


def test_damage_is_said_and_hides_nothing_else(run: tuple[Path, Plan]) -> None:
    folder, _ = run
    write(folder / "evaluations.jsonl", {"steps": 6000, "length": "long"})
    with (folder / "metrics.jsonl").open("a") as file:
        file.write("\x00\x00\n")
    watched = watcher(folder)
    watched.step(force=True)
    found = watched.state(0)
    assert "1 damaged line of metrics.jsonl" in found["trouble"]
    assert "figures cannot be drawn" in found["parts"]["figures"]
    assert "<svg" in found["parts"]["rewards"]
    (folder / "task.ksim").write_bytes(b"PK")
    again = watcher(folder)
    again.step(force=True)
    assert "the task cannot be read" in again.state(0)["parts"]["head"]


def test_numbers_of_a_learner_are_drawn_where_nobody_says_how() -> None:
    drawn = drawing.charts_of({}, [{"steps": 1, "seconds": 1.0, "loss/kl": 2.0, "reward/a": 1.0}])
    assert [each.lines for each in drawn] == [{"loss/kl": "loss/kl"}]
    told = {"charts": [{"title": "KL", "lines": {"KL": "loss/kl"}, "unit": "nat"}]}
    assert drawing.charts_of(told, [])[0].unit == "nat"


def test_drawing_rests_while_a_run_goes_on(
    run: tuple[Path, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, plan = run
    monkeypatch.setattr(drawing, "held", lambda _: True)
    drawer = Drawer(folder)
    assert [m for m in drawer.step() if "part" in m]
    write(folder / "metrics.jsonl", row(plan, 10))
    (told,) = drawer.step()  # it was drawn just now
    assert "10,000" in told["status"]["text"]
    assert drawer._due > time.monotonic()
    drawer._due = 0.0
    assert [m for m in drawer.step() if "part" in m]

"""The page of a run, its charts, and the look before training."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from ksim_compiler.cli.run import main
from ksim_compiler.learn.ppo import CHARTS
from ksim_compiler.learn.run import velocities
from ksim_compiler.learn.run.evaluate import Evaluation
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from ksim_compiler.report.charts import POINTS, Extras, Mark, chart, largest
from ksim_compiler.report.curves import marks
from ksim_compiler.report.page import write_report
from ksim_compiler.report.probe import Probe, warnings
from ksim_schema.drawing.page import drawing, page as page_of, table
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.termination import Termination
from tests.support import browser

TASKS = Path(__file__).parents[3] / "tasks"
CARTPOLE = str(TASKS / "cartpole.yaml")
SMALL = ("--set", "PPO.envs=8", "--set", "PPO.rollout=8", "--set", "PPO.minibatches=2")
VOID = {"meta", "link", "br", "img", "input"}


class Balanced(HTMLParser):
    """Fails on tags that do not close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [v or "" for k, v in attrs if k in ("href", "src")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_of_a_run_needs_nothing_else(tmp_path: Path) -> None:
    run = tmp_path / "run<b>"
    arguments = ("--engine", "native", "--steps", "256", "--episodes", "2", "--out", str(run))
    changing = ("--set", "PPO.gamma={start: 0.9, end: 0.99, between: [0, 1]}")
    assert main([CARTPOLE, *SMALL, *changing, *arguments]) == 0
    page = (run / "report.html").read_text()
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert all(link.startswith("data:") for link in parser.links)
    assert not re.search(r"url\((?!#)", page)
    assert "run<b>" not in page
    assert "run&lt;b&gt;" in page
    for title in ("episode return", "reward terms", "KL divergence", "learning rate", "throughput"):
        assert title in page
    assert "discount" in page  # as it changes
    assert "Observation" in page  # the graph
    assert page.count("<tr>") > 2  # evaluations


def walked(folder: Path) -> Plan:
    """The folder of a run of the walk, as a training would leave it; its plan."""
    plan = compile_file(TASKS / "walk.yaml").plan
    assert plan is not None
    folder.mkdir()
    terms = [f"reward/{name}" for name in plan.parts(Reward)]
    ends = [f"termination/{name}" for name in plan.parts(Termination)]
    logged = ["episode/length", "episode/return", *terms, *ends]
    logged += [name for drawn in CHARTS for name in drawn.lines.values()]
    metrics = [
        {"steps": 1000 * i, "seconds": 0.5 * i, **{n: i / 7 - j for j, n in enumerate(logged)}}
        for i in range(1, 50)
    ]
    tracked = {f"tracking/velocity.{name}": 0.1 for name in velocities.UNITS}
    judged = {"episodes": 4, "return": 9.0, "length": 500.0, "failed": 0.25, **tracked}
    evaluations = [{"steps": steps, **judged, terms[0]: 0.5} for steps in (20000, 49000)]
    for name, rows in (("metrics.jsonl", metrics), ("evaluations.jsonl", evaluations)):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    path = {"seconds": [0.0, 0.1], "path_told": [0.0, 1.0], "path_measured": [0.0, 0.9]}
    of = {"unit": "m/s", "told": [0.1, 0.9, 0.4], "measured": [0.2, 0.8, 0.4], **path}
    found = {"window": 2.0, "of": {f"velocity.{name}": of for name in velocities.UNITS}}
    text = json.dumps({"steps": 49000, "episodes": 4, **found})
    (folder / velocities.VELOCITIES).write_text(text)
    (folder / "run.json").write_text(json.dumps({"engine": "native", "seed": 3}))
    return plan


def test_the_page_of_a_run_in_a_browser(tmp_path: Path) -> None:
    with browser.chromium() as page:
        plan = walked(tmp_path / "run")
        browser.readable(page, write_report(tmp_path / "run", plan).as_uri())
        assert len(page.find_elements("css selector", "figure svg polyline")) > 20
        headings = [e.text for e in page.find_elements("tag name", "h2")]
        assert "Commanded and achieved velocity" in headings
        clouds = page.find_elements("css selector", ".square .cloud")
        assert [c.get_attribute("data-name") for c in clouds] == [
            *("velocity.forward", "velocity.sideways", "velocity.turn")
        ]


def test_the_page_of_a_robot_that_falls_at_once_does_not_speak_of_charts_it_has_not(
    tmp_path: Path,
) -> None:
    plan, file = walked(tmp_path / "run"), tmp_path / "run" / velocities.VELOCITIES
    assert "on the dashed line" in write_report(tmp_path / "run", plan).read_text()
    found = json.loads(file.read_text())
    for of in found["of"].values():
        of |= {"told": [], "measured": []}
    file.write_text(json.dumps(found))
    page = write_report(tmp_path / "run", plan).read_text()
    assert "on the dashed line" not in page
    assert "None lasted long enough for a mean of 2 s." in page


def test_a_chart_says_its_values_under_the_pointer_and_by_the_arrow_keys(tmp_path: Path) -> None:
    lines = {"up": [(0.0, 1.0), (1e6, 3.5)], "down": [(0.0, 2.0), (1e6, 0.25)]}
    extras = Extras(dots={"up": [(1e6, 3.25)]}, marks=[Mark(1e6, "the floor tilts", "level")])
    file = tmp_path / "page.html"
    file.write_text(page_of("t", chart("lines", lines, "m", extras=extras)), encoding="utf-8")
    with browser.chromium() as page:
        browser.show(page, 800, 600, "light")
        page.get(file.as_uri())
        plot = page.find_element("css selector", ".plot")
        tip = page.find_element("css selector", ".tip")
        assert not tip.is_displayed()
        webdriver = pytest.importorskip("selenium.webdriver")
        right = plot.size["width"] // 2 - 2
        webdriver.ActionChains(page).move_to_element_with_offset(plot, right, 0).perform()
        told = "environment steps\n1M\nup\n3.5\ndown\n0.25\nup, evaluation\n3.25\nthe floor tilts"
        assert tip.text == told
        plot.send_keys("\ue012")  # the left arrow
        assert tip.text == "environment steps\n0\nup\n1\ndown\n2"
        assert browser.complaints(page) == []


def test_what_is_too_wide_says_so_and_nothing_is_cut(tmp_path: Path) -> None:
    wide = '<svg width="2000" height="300" viewBox="0 0 2000 300"><rect width="2000"/></svg>'
    rows = [["1234567"] * 20]
    body = drawing(wide, "a drawing") + table(["head"] * 20, rows, "numbers")
    file = tmp_path / "page.html"
    file.write_text(page_of("t", body), encoding="utf-8")
    with browser.chromium() as page:
        for width, fits in ((1280, True), (390, False)):
            browser.show(page, width, 800, "light")
            page.get(file.as_uri())
            hints = [e.is_displayed() for e in page.find_elements("css selector", ".hint")]
            assert hints == [not fits, True]
            page.find_element("tag name", "label").click()
            box = page.find_element("css selector", ".drawing .scroll")
            shown = page.execute_script(
                "return [arguments[0].scrollWidth, arguments[0].clientWidth]", box
            )
            assert (shown[0] > shown[1]) == fits  # the click has changed it
            browser.readable(page, file.as_uri())


def test_a_chart_spans_its_lines_and_thins_them() -> None:
    steps = range(1000)
    text = chart(
        "t", {"a": [(s, float(s)) for s in steps], "b": [(s, float("nan")) for s in steps]}
    )
    points = re.search(r' points="([^"]+)"', text)
    assert points is not None
    assert 2 < len(points[1].split()) <= POINTS
    assert text.count("<polyline") == 1
    ys = [float(point.split(",")[1]) for point in points[1].split()]
    assert ys == sorted(ys, reverse=True)
    assert chart("t", {"a": []}) == ""
    flat = chart("t", {"a": [(0, 1.0), (1, 1.0)]})  # a line without slope
    assert len(re.findall(r'class="y"', flat)) > 1


def test_many_lines_are_eight_and_the_sum_of_the_others() -> None:
    lines = {f"l{i}": [(0.0, 0.5 * i), (1.0, -1.0 * i)] for i in range(11)}
    shown, others = largest(lines)
    assert list(shown) == [*(f"l{i}" for i in range(4, 11)), "the other 4 together"]
    assert others == ["l0", "l1", "l2", "l3"]
    assert shown["the other 4 together"] == [(0.0, 3.0), (1.0, -6.0)]
    assert largest(lines, 11) == (lines, [])


@pytest.mark.parametrize("most", [3e-5, 1e-4, 3e-4, 0.02, 7.0, 3e4, 2e6])
def test_the_axis_of_a_chart_fits_its_margin(most: float) -> None:
    labels = re.findall(r'class="y"[^>]*>([^<]+)<', chart("t", {"a": [(0, 0.0), (1, most)]}))
    assert len(labels) > 2
    assert max(map(len, labels)) <= 6
    short = {"k": "e3", "M": "e6"}
    values = [float(re.sub("[kM]", lambda m: short[m[0]], label)) for label in labels]
    assert values == sorted(values)
    assert values[-1] >= most * 0.999


def test_marks_are_where_the_task_changes_and_numbers_were_not_finite(tmp_path: Path) -> None:
    levels = [0.0, 0.0, 0.5, 1.0, 1.0]
    metrics = [{"steps": 10 * i, "task/level": level} for i, level in enumerate(levels)]
    (tmp_path / "000000000030.npz").touch()
    found = marks(metrics, [{"steps": 40}], tmp_path)
    assert [(m.x, m.kind) for m in found] == [(40, ""), (20, "level"), (30, "level"), (30, "bad")]


def test_velocities_are_means_over_windows_and_over_time(tmp_path: Path) -> None:
    ticks, period = 300, 0.02  # three windows of 2 s, of which the first is left out
    told = np.ones((ticks, 2), np.float32)
    got = np.tile(np.arange(ticks, dtype=np.float32)[:, None] / ticks, (1, 2))
    alive = np.ones((ticks, 2), bool)
    alive[250:, 1] = False
    result = Evaluation(
        *(np.zeros(2) for _ in range(2)), *(np.zeros(2, bool) for _ in range(2)),
        {}, alive, {"v.turn": (told, got)}, {}, {},
    )  # fmt: skip
    velocities.write(tmp_path, 7, result, period)
    found = velocities.read(tmp_path)
    turn = found["of"]["v.turn"]
    assert (found["steps"], found["window"], turn["unit"]) == (7, 2.0, "rad/s")
    second, third = np.mean(got[100:200, 0]), np.mean(got[200:300, 0])
    assert turn["measured"] == pytest.approx([second, second, third], abs=1e-4)
    assert turn["told"] == [1.0, 1.0, 1.0]
    assert turn["path_measured"] == pytest.approx(got[:, 0].reshape(-1, 5).mean(axis=1), abs=1e-4)
    assert turn["seconds"][:3] == [0.0, 0.1, 0.2]
    (tmp_path / velocities.VELOCITIES).write_text("{")
    assert velocities.read(tmp_path) == {}


def test_what_is_out_of_scale_is_named() -> None:
    rng = np.random.default_rng(0)
    found = Probe(
        {"Observation.far": rng.normal(0, 50, (100, 2)), "Observation.flat": np.ones((100, 1))},
        {"big": np.full(100, 9.0), "small": np.full(100, 0.1), "never": np.zeros(100)},
        None,
    )
    words = " ".join(warnings(found, normalized=False))
    assert "Observation.far varies" in words
    assert "Observation.flat hardly changes" in words
    assert "big is 99%" in words
    assert "never is always 0" in words
    assert "far" not in " ".join(warnings(found, normalized=True))


def test_a_probe_prints_each_input_and_reward(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([CARTPOLE, "--probe", "--engine", "native", "--out", str(tmp_path / "none")]) == 0
    printed = capsys.readouterr().out
    for name in ("Observation.pole_speed", "upright", "zero actions", "random actions"):
        assert name in printed
    assert not (tmp_path / "none").exists()

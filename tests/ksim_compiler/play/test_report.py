"""The page of a run, its charts, and the look before training."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from ksim_compiler.cli.run import main
from ksim_compiler.report.charts import POINTS, chart
from ksim_compiler.report.probe import Probe, warnings
from tests.support import browser

TASKS = Path(__file__).parents[3] / "tasks"
CARTPOLE = str(TASKS / "cartpole.yaml")
SMALL = ("--set", "PPO.envs=8", "--set", "PPO.rollout=8", "--set", "PPO.minibatches=2")
VOID = {"meta", "link", "br", "img"}


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


CONTRAST = """
const channel = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = colour => {
  const [r, g, b] = colour.match(/[0-9.]+/g).map(Number).map(channel);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const paper = light(getComputedStyle(document.body).backgroundColor);
return Array.from(document.querySelectorAll('h1, h2, p, b, span, li, td, th, figcaption'), e => {
  const style = getComputedStyle(e);
  const both = [light(style.color), paper].sort((a, b) => b - a);
  return [(both[0] + 0.05) / (both[1] + 0.05), parseFloat(style.fontSize), e.tagName];
});
"""
"""Contrast with the page (as WCAG defines it), font size and tag of each text."""
HEIGHTS = """
return Array.from(document.querySelectorAll('figure text'), e => e.getBoundingClientRect().height);
"""
"""Heights of the numbers in charts, in CSS pixels on the screen."""


def test_the_page_of_a_run_in_a_browser(tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ("--engine", "native", "--steps", "256", "--episodes", "2", "--out", str(run))
    with browser.chromium() as page:  # skipped before anything is trained
        assert main([str(TASKS / "walk.yaml"), *SMALL, *arguments]) == 0
        papers = set()
        for scheme in ("light", "dark"):
            for width, height in ((390, 844), (1280, 800)):
                browser.show(page, width, height, scheme)
                page.get((run / "report.html").as_uri())
                assert page.execute_script("return document.documentElement.scrollWidth") <= width
                for contrast, size, tag in page.execute_script(CONTRAST):
                    assert contrast >= 4.5, tag
                    assert size >= 12, tag
                assert min(page.execute_script(HEIGHTS)) >= 11
            papers.add(page.find_element("tag name", "body").value_of_css_property("background"))
        assert len(papers) == 2
        assert len(page.find_elements("css selector", "figure svg polyline")) > 20
        assert {link.partition(":")[0] for link in browser.requests(page)} <= {"file", "data"}
        assert browser.complaints(page) == []


def test_a_chart_spans_its_lines_and_thins_them() -> None:
    steps = range(1000)
    text = chart(
        "t", {"a": [(s, float(s)) for s in steps], "b": [(s, float("nan")) for s in steps]}
    )
    points = re.search(r'points="([^"]+)"', text)
    assert points is not None
    assert 2 < len(points[1].split()) <= POINTS
    assert text.count("<polyline") == 1
    ys = [float(point.split(",")[1]) for point in points[1].split()]
    assert ys == sorted(ys, reverse=True)
    assert chart("t", {"a": []}) == ""
    assert chart("t", {"a": [(0, 1.0), (1, 1.0)]})  # a line without slope


@pytest.mark.parametrize("most", [3e-5, 1e-4, 3e-4, 0.02, 7.0, 3e4, 2e6])
def test_the_axis_of_a_chart_fits_its_margin(most: float) -> None:
    labels = re.findall(r'text-anchor="end">([^<]+)<', chart("t", {"a": [(0, 0.0), (1, most)]}))
    assert len(labels) > 2
    assert max(map(len, labels)) <= 5
    short = {"k": "e3", "M": "e6"}
    values = [float(re.sub("[kM]", lambda m: short[m[0]], label)) for label in labels]
    assert values == sorted(values)
    assert values[-1] >= most * 0.999


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

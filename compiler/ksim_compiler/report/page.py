"""``report.html``: a run on one page that needs nothing else."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from ksim_compiler.env.measures import METRIC, SUCCESS
from ksim_compiler.learn.learner import charts
from ksim_compiler.learn.run.run import EVALUATIONS, METRICS, rows
from ksim_compiler.plan import Plan
from ksim_compiler.report.charts import chart
from ksim_compiler.report.formats import PlotError
from ksim_compiler.report.relief import relief_png, terrain_of
from ksim_schema.diagnostics import Sink
from ksim_schema.drawing import drawing
from ksim_schema.drawing.svg import svg
from ksim_schema.graph import Node
from ksim_schema.graph.wiring import wire
from ksim_schema.source.files import write_text
from ksim_schema.vocabulary.learner import Learner
from ksim_schema.vocabulary.metric import Metric

MAX_VIDEO = 30_000_000
"""Largest video in bytes that is put into the page."""
_TYPES = {".mp4": "video/mp4", ".gif": "image/gif"}

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #ffffff;
  --card: #f6f8fa; --line: #d0d7de; --c0: #0969da; --c1: #bc4c00; --c2: #1a7f37; --c3: #8250df;
  --c4: #bf3989; --c5: #0f766e; --c6: #9a6700; --c7: #cf222e; --c8: #57606a; --c9: #3730a3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --paper: #0d1117;
  --card: #161b22; --line: #30363d; --c0: #58a6ff; --c1: #f0883e; --c2: #56d364; --c3: #bc8cff;
  --c4: #f778ba; --c5: #39c5cf; --c6: #e3b341; --c7: #ff7b72; --c8: #9198a1; --c9: #a5b4fc; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.6rem; } h2 { margin: 2rem 0 .6rem; font-size: 1.15rem; }
p { margin: .2rem 0; color: var(--soft); overflow-wrap: anywhere; }
.tiles, .charts { display: grid; gap: .8rem; }
.tiles { grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); margin-top: 1rem; }
.charts { grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); }
.tile, figure { margin: 0; padding: .7rem .9rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .5rem; min-width: 0; }
.tile b { display: block; font-size: 1.25rem; } .tile span { color: var(--soft); }
figcaption { font-weight: 600; margin-bottom: .3rem; }
figure svg { width: 100%; height: auto; display: block; }
figure text { font: 10px system-ui, sans-serif; fill: var(--soft); }
@media (max-width: 600px) { figure text { font-size: 16px; } }
.grid { stroke: var(--line); stroke-width: 1; }
polyline { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem .9rem; margin: .4rem 0 0; padding: 0;
  list-style: none; font-size: .82rem; }
.legend li::before { content: ""; display: inline-block; width: .8em; height: .25em;
  margin-right: .4em; vertical-align: middle; background: currentColor; }
.legend li b { color: var(--ink); font-weight: 600; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; white-space: nowrap; }
th { background: var(--card); } tr + tr td { border-top: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
video, img { max-width: 100%; border-radius: .5rem; display: block; }
""" + "".join(
    f"polyline.s{i} {{ stroke: var(--c{i}); }} li.s{i} {{ color: var(--c{i}); }}\n"
    for i in range(10)
)


def write_report(run: Path, plan: Plan) -> Path:
    """Write a run's ``report.html``. Returns the file.

    Raises:
        OSError: it cannot be written.
    """
    path = run / "report.html"
    write_text(path, report(run, plan))
    return path


def report(run: Path, plan: Plan) -> str:
    """The page of a run: what it is, how it went, its evaluations, its graph and video."""
    about = json.loads((run / "run.json").read_text(encoding="utf-8"))
    metrics, evaluations = rows(run / METRICS), rows(run / EVALUATIONS)
    title = escape(f"{plan.task.name}: {run.name}")
    sections = [
        f"<h1>{escape(plan.task.name)}</h1><p>{escape(plan.task.about)}</p>",
        f"<p>{escape(_origin(run, about))}</p>",
        _tiles(metrics, evaluations),
        _section("Video", _video(run)),
        _section("Learning", _cards(_learning(metrics, plan.period))),
        _section("Metrics", _cards(_measures(metrics, evaluations, plan))),
        _section("Rewards", _cards(_rewards(metrics, evaluations))),
        _section("Training", _cards(_training(metrics, plan.task.learner))),
        _section("Evaluations", _table(evaluations)),
        _section("Terrain", _terrain(plan)),
        _section("Task", f'<div class="scroll">{_graph(plan)}</div>'),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{title}</title><style>{_STYLE}</style></head>\n'
        f"<body>{''.join(sections)}</body></html>\n"
    )


def _origin(run: Path, about: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {text}" for name, text in about.get("versions", {}).items())
    machine = about.get("hardware", {})
    devices = ", ".join(machine.get("devices", ()))
    return (
        f"{run.name}: engine {about.get('engine')}, seed {about.get('seed')}; "
        f"{machine.get('processor')}, {machine.get('cores')} cores, {devices}; "
        f"{versions}; fingerprint {str(about.get('fingerprint'))[:12]}"
    )


def _section(title: str, content: str) -> str:
    return f"<h2>{title}</h2>{content}" if content else ""


def _tiles(metrics: list[dict[str, Any]], evaluations: list[dict[str, Any]]) -> str:
    tiles: list[tuple[str, str]] = []
    if metrics:
        last = metrics[-1]
        tiles += [("environment steps", f"{last['steps']:,}")]
        tiles += [("minutes", f"{last['seconds'] / 60:.1f}")]
    if evaluations:
        last = evaluations[-1]
        tiles += [("return", f"{last['return']:.4g}")] if last.get("return") is not None else []
        tiles += [("episode length (ticks)", f"{last['length']:.0f}")]
        tiles += [("episodes failed", f"{last['failed']:.0%}")]
        if last.get(SUCCESS) is not None:
            tiles += [("episodes succeeded", f"{last[SUCCESS]:.0%}")]
        for name, value in last.items():
            if name.startswith("tracking/") and value is not None:
                tiles.append((f"{name.removeprefix('tracking/')} error", f"{value:.3f}"))
    cells = (f'<div class="tile"><b>{v}</b><span>{escape(n)}</span></div>' for n, v in tiles)
    return f'<div class="tiles">{"".join(cells)}</div>'


def _cards(figures: Iterable[str]) -> str:
    found = "".join(figures)
    return f'<div class="charts">{found}</div>' if found else ""


def _line(metrics: list[dict[str, Any]], name: str) -> list[tuple[float, float]]:
    pairs = ((row["steps"], row.get(name)) for row in metrics)
    return [(steps, value) for steps, value in pairs if value is not None]


def _learning(metrics: list[dict[str, Any]], period: float) -> Iterable[str]:
    seconds = [(x, y * period) for x, y in _line(metrics, "episode/length")]
    yield chart("episode length", {"length": seconds}, "s", zero=True)
    yield chart("episode return", {"return": _line(metrics, "episode/return")})


def _measures(
    metrics: list[dict[str, Any]], evaluations: list[dict[str, Any]], plan: Plan
) -> Iterable[str]:
    """A chart of the share of successes, and one of each other metric: training, evaluations."""
    parts = plan.parts(Metric)
    rates = {name: _line(metrics, METRIC + name) for name, part in parts.items() if part.success}
    if rates:
        judged = {"evaluations": _line(evaluations, SUCCESS)} if evaluations else {}
        yield chart("episodes that are a success", {**rates, **judged}, "(share)", zero=True)
    for name, part in parts.items():
        if part.success:
            continue
        unit = str(plan.units[Node("Metric", name)][0])
        lines = {"training": _line(metrics, METRIC + name)}
        if evaluations:
            lines["evaluations"] = _line(evaluations, METRIC + name)
        yield chart(f"{name}, {part.taken} of an episode", lines, unit, zero=False)


def _rewards(metrics: list[dict[str, Any]], evaluations: list[dict[str, Any]]) -> Iterable[str]:
    names = [n for n in (metrics[-1] if metrics else {}) if n.startswith("reward/")]
    terms = {n.removeprefix("reward/"): _line(metrics, n) for n in names if n != "reward/total"}
    yield chart("reward terms", terms, "(per tick)", zero=True)
    shares: dict[str, list[tuple[float, float]]] = {name: [] for name in terms}
    for row in metrics:
        values = {name: row.get(f"reward/{name}") or 0.0 for name in terms}
        total = sum(map(abs, values.values())) or 1.0
        for name, value in values.items():
            shares[name].append((row["steps"], 100.0 * abs(value) / total))
    yield chart("share of each term in the reward's size", shares, "(%)", zero=True)


def _training(metrics: list[dict[str, Any]], learner: Learner) -> Iterable[str]:
    for drawn in charts(learner):
        lines = {name: _line(metrics, metric) for name, metric in drawn.lines.items()}
        if not drawn.varying or len({value for line in lines.values() for _, value in line}) > 1:
            yield chart(drawn.title, lines, drawn.unit, zero=drawn.zero)
    rates = [
        (b["steps"], (b["steps"] - a["steps"]) / (b["seconds"] - a["seconds"]))
        for a, b in itertools.pairwise(metrics)
        if b["seconds"] > a["seconds"]
    ]
    yield chart("throughput", {"rate": rates}, "environment steps per second", zero=True)
    ends = [n for n in (metrics[-1] if metrics else {}) if n.startswith("termination/")]
    lines = {n.removeprefix("termination/"): _line(metrics, n) for n in ends}
    yield chart("terminations", lines, "(share of ticks)", zero=True)
    levels = [n for n in (metrics[-1] if metrics else {}) if n.startswith("task/")]
    yield chart("task", {n.removeprefix("task/"): _line(metrics, n) for n in levels}, zero=True)


def _table(evaluations: list[dict[str, Any]]) -> str:
    if not evaluations:
        return ""
    names = list(evaluations[-1])
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = ""
    for row in evaluations:
        cells = (_cell(row.get(name)) for name in names)
        body += f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _cell(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else "-"


def _graph(plan: Plan) -> str:
    return svg(drawing.picture(wire(plan.task, Sink()), plan.task.name, plan.task.about))


def _terrain(plan: Plan) -> str:
    """The ground from above, where it is not flat and matplotlib is there to draw it."""
    if terrain_of(plan.robot.facts) is None:
        return ""
    try:
        data = base64.b64encode(relief_png(plan.robot.facts, plan.task.name)).decode()
    except PlotError as error:
        return f"<p>not drawn: {escape(str(error))}</p>"
    return f'<img alt="the terrain from above" src="data:image/png;base64,{data}">'


def _video(run: Path) -> str:
    for name in ("video.mp4", "video.gif"):
        path = run / name
        if path.is_file() and path.stat().st_size <= MAX_VIDEO:
            data = base64.b64encode(path.read_bytes()).decode()
            source = f"data:{_TYPES[path.suffix]};base64,{data}"
            if path.suffix == ".gif":
                return f'<img alt="an episode" src="{source}">'
            return f'<video controls muted loop playsinline src="{source}"></video>'
    return ""

"""``report.html``: a run on one page that needs nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ksim_compiler.learn.run.files import (
    CLIP_UNITS,
    DUMPS,
    EVALUATIONS,
    METRICS,
    MOTION,
    RUN_FILE,
    motions as motions_of,
    rows,
    unit_of as unit_of_velocity,
    velocities,
)
from ksim_compiler.plan import Plan
from ksim_compiler.plan.logged import METRIC, SUCCESS, Chart
from ksim_compiler.report import curves
from ksim_compiler.report.charts import Mark
from ksim_compiler.report.curves import TERM, TRACKING, Rows, grid
from ksim_compiler.report.formats import PlotError
from ksim_compiler.report.motions import motions
from ksim_compiler.report.relief import relief_png, terrain_of
from ksim_schema.diagnostics import Sink
from ksim_schema.drawing import drawing
from ksim_schema.drawing.page import drawing as fitted, number, page, section, table
from ksim_schema.drawing.svg import svg
from ksim_schema.graph import Node
from ksim_schema.graph.wiring import wire
from ksim_schema.source.files import write_text
from ksim_schema.vocabulary.metric import Metric

MAX_VIDEO = 30_000_000
"""Largest video in bytes that is put into the page."""
_TYPES = {".mp4": "video/mp4", ".gif": "image/gif"}
_MARKS = {
    "": "dotted lines are evaluations",
    "level": "dashed lines where the task changes",
    "bad": "red lines where numbers were not finite",
}


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
    from ksim_compiler.learn.learner import charts  # brings JAX, which a page is drawn without

    about = json.loads((run / RUN_FILE).read_text(encoding="utf-8"))
    logs = rows(run / METRICS), rows(run / EVALUATIONS)
    found = parts(run, plan, about, *logs, charts(plan.task.learner))
    body = "".join(draw() for draw in found.values())
    return page(f"{plan.task.name}: {run.name}", body)


def parts(
    run: Path,
    plan: Plan,
    about: Mapping[str, Any],
    metrics: Rows,
    evaluations: Rows,
    charts: Iterable[Chart],
) -> dict[str, Callable[[], str]]:
    """What the page of a run is made of, one below the other: name -> what draws it.

    Those of LASTING are the same as long as the run goes on.

    Args:
        run: its folder.
        plan: its task.
        about: what ``run.json`` says.
        metrics, evaluations: the rows of its logs.
        charts: of the learner's own numbers.
    """
    at = curves.marks(metrics, evaluations, run / DUMPS)
    newest = velocities(run)
    longest = plan.longest_episode
    return {
        "head": lambda: _head(run, plan, about),
        "figures": lambda: _tiles(metrics, evaluations, plan),
        "video": lambda: section("Video", video(run)),
        "learning": lambda: section(
            "Learning",
            grid(curves.learning(metrics, evaluations, plan.period, longest, at)),
            _says(at),
        ),
        "velocity": lambda: section(
            "Commanded and achieved velocity",
            grid(curves.following(evaluations))
            + grid(curves.velocities(newest))
            + grid(curves.episode(newest)),
            _says_velocities(newest),
        ),
        "motions": lambda: motions(motions_of(run), evaluations),
        "metrics": lambda: section(
            "Metrics", grid(curves.measures(metrics, evaluations, plan, at))
        ),
        "rewards": lambda: section("Rewards", grid(curves.rewards(metrics, at))),
        "terms": lambda: _each(grid(curves.each_reward(metrics, evaluations), "charts small")),
        "training": lambda: section("Training", grid(curves.training(metrics, charts, at))),
        "evaluations": lambda: section("Evaluations", _evaluations(evaluations, plan)),
        "terrain": lambda: section("Terrain", _terrain(plan)),
        "task": lambda: section("Task", fitted(_graph(plan), "the task's graph")),
    }


LASTING = frozenset({"head", "terrain", "task"})


def _head(run: Path, plan: Plan, about: Mapping[str, Any]) -> str:
    said = f"<h1>{escape(plan.task.name)}</h1><p>{escape(plan.task.about)}</p>"
    return f'{said}<p class="note">{escape(_origin(run, about))}</p>'


def _says(at: Sequence[Mark]) -> str:
    """What the vertical lines in the charts are."""
    said = [text for kind, text in _MARKS.items() if any(mark.kind == kind for mark in at)]
    return f"In all charts: {', '.join(said)}." if said else ""


def _says_velocities(newest: Mapping[str, Any]) -> str:
    if not newest.get("of"):
        return ""
    said = f"Of {newest['episodes']} episodes after {newest['steps']:,} steps."
    if any(curves.velocities(newest)):
        said += (
            f" A point is the mean of {newest['window']:g} s; on the dashed line the robot does "
        )
        return said + "what it is told."
    if not any(of["told"] for of in newest["of"].values()):
        said += f" None lasted long enough for a mean of {newest['window']:g} s."
    return said


def _each(content: str) -> str:
    return f"<h3>Each term on its own axis</h3>{content}" if content else ""


def _origin(run: Path, about: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {text}" for name, text in about.get("versions", {}).items())
    machine = about.get("hardware", {})
    devices = ", ".join(machine.get("devices", ()))
    return (
        f"{run.name}: engine {about.get('engine')}, seed {about.get('seed')}; "
        f"{machine.get('processor')}, {machine.get('cores')} cores, {devices}; "
        f"{versions}; fingerprint {str(about.get('fingerprint'))[:12]}"
    )


def _tiles(metrics: Rows, evaluations: Rows, plan: Plan) -> str:
    tiles: list[tuple[str, str]] = []
    if metrics:
        last = metrics[-1]
        tiles += [(f"{last['steps']:,}", "environment steps")]
        tiles += [(f"{last['seconds'] / 60:.1f}", "minutes")]
    if evaluations:
        last = evaluations[-1]
        tiles += [(number(last["return"]), "return")] if last.get("return") is not None else []
        tiles += [(f"{number(last['length'] * plan.period)} s", "episode length")]
        tiles += [(f"{last['failed']:.1%}", "episodes failed")]
        if last.get(SUCCESS) is not None:
            tiles += [(f"{last[SUCCESS]:.1%}", "episodes succeeded")]
        for name, value in last.items():
            if name.startswith(TRACKING) and value is not None:
                unit = unit_of_velocity(name)
                tiles.append((f"{value:.3f} {unit}", said(name)))
    cells = (f'<div class="tile"><b>{v}</b><span>{escape(n)}</span></div>' for v, n in tiles)
    return f'<div class="tiles">{"".join(cells)}</div>'


def _evaluations(evaluations: Rows, plan: Plan) -> str:
    """What was judged and, apart, the reward's terms: a row each, a column an evaluation."""
    if not evaluations:
        return ""
    head = ["after steps", *(f"{row['steps']:,}" for row in evaluations)]
    known = list(dict.fromkeys(name for row in evaluations for name in row if name != "steps"))
    rewards = [n for n in known if n.startswith(TERM)]
    judged = [n for n in known if n not in rewards]
    first = table(head, [_row(said(n), n, evaluations, plan) for n in judged], "evaluations")
    if not rewards:
        return first
    terms = [_row(n.removeprefix(TERM), n, evaluations, plan) for n in rewards]
    return f"{first}<h3>Reward terms, per tick</h3>{table(head, terms, 'reward terms')}"


def _row(shown: str, name: str, evaluations: Rows, plan: Plan) -> list[str]:
    scale, unit = 1.0, unit_of(name, plan)
    if _is_share(name):
        scale = 100.0
    if name == "length":
        scale = plan.period
    label = f"{escape(shown)} <small>{escape(unit)}</small>" if unit else escape(shown)
    return [label, *(_cell(row.get(name), scale) for row in evaluations)]


def unit_of(name: str, plan: Plan) -> str:
    """The unit in which a number of an evaluation is shown: shares in %, lengths in s."""
    if _is_share(name):
        return "%"
    if name == "length":
        return "s"
    if name.startswith(MOTION):
        return CLIP_UNITS.get(name.rpartition("/")[2], "")
    if name.startswith(TRACKING):
        return unit_of_velocity(name)
    metric = name.removeprefix(METRIC).removesuffix("/spread")
    if name.startswith(METRIC) and metric in plan.parts(Metric):
        return str(plan.units[Node("Metric", metric)][0])
    return ""


def _is_share(name: str) -> bool:
    if name.startswith(MOTION):
        return name.endswith("/completed")
    return name in ("failed", SUCCESS) or name.startswith("ended/")


def said(name: str) -> str:
    """How a number of an evaluation is called on a page."""
    if name.startswith(TRACKING):
        return f"error of {name.removeprefix(TRACKING)}"
    if name.startswith(MOTION):
        return name.removeprefix(MOTION).replace("/", " ").replace("_", " ")
    if name.startswith("ended/"):
        return f"ended by {name.removeprefix('ended/')}"
    return name.removeprefix(METRIC)


def _cell(value: Any, scale: float) -> str:
    if isinstance(value, int) and scale == 1.0:
        return f"{value:,}"
    return number(value * scale) if isinstance(value, int | float) else "-"


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


def video(run: Path) -> str:
    """A run's video as HTML that holds it; "" where there is none, or it is too large."""
    for name in ("video.mp4", "video.gif"):
        path = run / name
        if path.is_file() and path.stat().st_size <= MAX_VIDEO:
            data = base64.b64encode(path.read_bytes()).decode()
            source = f"data:{_TYPES[path.suffix]};base64,{data}"
            if path.suffix == ".gif":
                return f'<img alt="an episode" src="{source}">'
            return f'<video controls muted loop playsinline src="{source}"></video>'
    return ""

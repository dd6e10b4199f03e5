"""Recorded motions on the page of a run: how each clip is followed, and where it fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from ksim_compiler.learn.run.files import CLIP_UNITS, MOTION, WORST
from ksim_compiler.report.charts import Extras, Line, Mark, chart, largest
from ksim_compiler.report.curves import Rows, grid, line
from ksim_schema.drawing.page import number, section, table

TIME = "time in the clip (s)"


def motions(newest: Mapping[str, Any], evaluations: Rows) -> str:
    """The section of the page; "" for a run without recorded motions.

    Args:
        newest: what ``motions.json`` holds.
        evaluations: the rows of the log.
    """
    clips = _named(newest.get("of", ()))
    content = _table(clips) if clips else ""
    content += _below("Body error over the clips", grid(errors(clips)))
    content += _below("Over the training", grid(over_training(evaluations)))
    begins = grid(starts(clips), "charts small")
    content += _below("Where episodes of the training begin", begins, BEGINS)
    return section("Recorded motions", content, _says(newest))


def _below(title: str, content: str, note: str = "") -> str:
    said = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<h3>{escape(title)}</h3>{said}{content}" if content else ""


BEGINS = (
    "By stretches of the clips: more begin where training fails, and in the two stretches before. "
    "The second line is where they would begin if nothing had failed."
)


def _named(clips: Any) -> dict[str, Mapping[str, Any]]:
    """The clips by what they are called: with their command where there are several of these."""
    several = len({of["command"] for of in clips}) > 1
    return {f"{of['command']}.{of['clip']}" if several else of["clip"]: of for of in clips}


def _says(newest: Mapping[str, Any]) -> str:
    if not newest.get("of"):
        return ""
    low, high = newest["spread"]
    return (
        f"Of {newest['episodes']} episodes after {newest['steps']:,} steps, which begin anywhere. "
        f"In the charts of a clip a line is the mean over the attempts, the band their {low}th to "
        f"{high}th percentile; dashed lines enclose the worst second of the mean, red ones are "
        "failures."
    )


def _table(clips: Mapping[str, Mapping[str, Any]]) -> str:
    head = ["clip", "length", "attempts", "completed"]
    head += [escape(figure.replace("_", " ")) for figure in CLIP_UNITS if figure != "completed"]
    rows: list[list[str]] = []
    for name, of in clips.items():
        cells = [escape(name), f"{of['seconds']:.3g} s"]
        cut = f" <small>{of['cut']} cut off</small>" if of["cut"] else ""
        cells.append(f"{of['attempts']:,}{cut}")
        for figure, unit in CLIP_UNITS.items():
            value = of[figure]
            if value is None:
                cells.append("-")
            else:
                cells.append(f"{value:.1%}" if not unit else f"{number(value, 3)} {unit}")
        rows.append(cells)
    return table(head, rows, "how each clip is followed")


def over_training(evaluations: Rows) -> Iterator[str]:
    """The share completed and the body error of each clip over the training."""
    for figure, title, unit, scale in (
        ("completed", "attempts that are completed", "%", 100.0),
        ("body_error", "body error", "m", 1.0),
    ):
        names = dict.fromkeys(
            n for row in evaluations for n in row if n.startswith(MOTION) and n.endswith(figure)
        )
        several = len({_command(name) for name in names}) > 1
        lines: dict[str, Line] = {}
        for name in names:
            clip = name.removeprefix(MOTION).rpartition("/")[0]
            shown = clip if several else clip.partition(".")[2]
            lines[shown] = [(x, y * scale) for x, y in line(evaluations, name)]
        if figure == "body_error":
            lines, _ = largest(lines)
        yield chart(title, lines, unit, zero=True, extras=Extras(lines))


def _command(name: str) -> str:
    return name.removeprefix(MOTION).partition(".")[0]


def errors(clips: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The body error over the time of each clip."""
    for name, of in clips.items():
        curve = of["curve"]
        seconds = curve["seconds"]
        mean = list(zip(seconds, curve["mean"], strict=False))
        band = list(zip(seconds, curve["low"], curve["high"], strict=False))
        marks = [*worst(mean), *(Mark(at, "failure", "bad") for at in of["failed_at"])]
        extras = Extras(bands={"mean": band}, marks=marks, ends=False)
        yield chart(name, {"mean": mean}, "m", zero=True, x=TIME, extras=extras, about="body error")


def worst(mean: Line) -> Iterator[Mark]:
    """The two ends of the second in which a mean is largest; none of a clip that is no longer."""
    best, found = -1.0, None
    for start, _ in mean:
        within = [(x, y) for x, y in mean if start <= x <= start + WORST]
        if within[-1][0] - start < 0.9 * WORST:
            break
        value = sum(y for _, y in within) / len(within)
        if value > best:
            best, found = value, (start, within[-1][0])
    for at in found or ():
        yield Mark(at, "worst second", "level")


def starts(clips: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Where episodes begin in each clip, as steps."""
    for name, of in clips.items():
        lines = {key: _steps(of["starts"], key) for key in ("begin", "anywhere")}
        about, extras = "of all episodes", Extras(ends=False)
        yield chart(name, lines, "%", zero=True, x=TIME, extras=extras, about=about)


def _steps(stretches: Any, key: str) -> list[tuple[float, float]]:
    return [(of[end], of[key]) for of in stretches for end in ("from", "to")]

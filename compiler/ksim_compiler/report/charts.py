"""Line charts: SVG that takes the room there is, with words of one size around it.

A chart works without its page's script, which adds the values under the pointer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import NamedTuple

from ksim_schema.drawing.page import number

POINTS = 300
"""Most points that a line is drawn with; longer ones are averaged."""
SERIES = 8
"""Most lines of a chart that have a colour of their own, which is as many as can be told apart."""
SIZE = 1000
"""The picture's own units along a side."""
STEPS = "environment steps"

Line = Sequence[tuple[float, float]]
Band = Sequence[tuple[float, float, float]]


class Mark(NamedTuple):
    """A vertical line: where something happened.

    Attributes:
        x: where.
        text: what.
        kind: of the line: "" dotted, "level" dashed, "bad" red.
    """

    x: float
    text: str
    kind: str = ""


@dataclass(frozen=True)
class Extras:
    """What a chart shows besides its lines.

    Attributes:
        dots: name of a line, or another name -> points that are drawn apart.
        bands: name of a line -> (x, low, high).
        marks: vertical lines.
        faint: names of lines that stand behind the others and are not in the legend.
        places: names at the horizontal axis in place of numbers.
        ends: whether the legend says where lines end.
    """

    dots: Mapping[str, Line] | None = None
    bands: Mapping[str, Band] | None = None
    marks: Iterable[Mark] = ()
    faint: Mapping[str, Sequence[Line]] | None = None
    places: Mapping[float, str] | None = None
    ends: bool = True


def chart(
    title: str,
    lines: Mapping[str, Line],
    unit: str = "",
    zero: bool = False,
    *,
    x: str = STEPS,
    extras: Extras | None = None,
    cloud: bool = False,
    same: bool = True,
    about: str = "",
) -> str:
    """A figure, or "" when there is nothing to draw.

    Args:
        title: what it shows.
        lines: name -> (x, value); values that are not finite are left out. At most SERIES of them.
        unit: of the values.
        zero: whether the axis includes zero.
        x: name of the horizontal axis, with its unit.
        extras: dots, bands and marks.
        cloud: whether each point stands for itself.
        same: whether a cloud's axes are the same, on a square with a line where x is y.
        about: name of the vertical axis, where the title is not one.
    """
    more = extras or Extras()
    names: list[str] = list(dict.fromkeys([*lines, *(more.dots or {})]))
    colours = {name: f"s{i}" if i < SERIES else "rest" for i, name in enumerate(names)}
    drawn = {n: _finite(line) if cloud else _thinned(line) for n, line in lines.items()}
    drawn = {n: line for n, line in drawn.items() if len(line) > 1}
    dots = {n: _finite(line) for n, line in (more.dots or {}).items()}
    dots = {n: line for n, line in dots.items() if line}
    if not drawn and not any(len(line) > 1 for line in dots.values()):
        return ""
    bands = {n: [p for p in b if _all_finite(p)] for n, b in (more.bands or {}).items()}
    faint = {n: [_thinned(line) for line in each] for n, each in (more.faint or {}).items()}
    whole = [_finite(lines[n]) for n in drawn]  # a mean ends before the line that it is of
    every = [*whole, *dots.values(), *(line for each in faint.values() for line in each)]
    square = cloud and same
    scale = _Scale.around(every, bands.values(), zero, square)
    if more.places:
        scale = scale.over(more.places)
    parts = [*scale.grid()]
    if square:
        ends = [(v, v) for v in (scale.x0, scale.x1)]
        parts.append(f'<path class="same" d="M{scale.at(*ends[0])}L{scale.at(*ends[1])}"/>')
    marks = [mark for mark in more.marks if scale.x0 <= mark.x <= scale.x1]
    parts += [scale.mark(mark) for mark in marks]
    for name, band in bands.items():
        if len(band) > 1:
            edge = [(a, high) for a, _, high in band] + [(a, low) for a, low, _ in reversed(band)]
            parts.append(f'<polygon class="band {colours[name]}" points="{scale.path(edge)}"/>')
    for name, each in faint.items():
        parts += [
            f'<polyline class="faint {colours[name]}" points="{scale.path(line)}"/>'
            for line in each
            if len(line) > 1
        ]
    for name, line in drawn.items():
        if cloud:
            parts.append(_dots("cloud", colours[name], name, line, scale))
        else:
            shape = f'<polyline class="{colours[name]}" points="{scale.path(line)}"'
            parts.append(f"{shape}{_data(colours[name], name, line)}/>")
    for name, line in dots.items():
        said = f"{name}, evaluation" if name in drawn else name
        parts.append(_dots("dots", colours[name], said, line, scale))
    legend = _legend(drawn, dots, colours, cloud, more.ends)
    return _figure(title, unit, x, about, scale, parts, legend, square)


def _figure(
    title: str,
    unit: str,
    x: str,
    about: str,
    scale: _Scale,
    parts: Sequence[str],
    legend: str,
    square: bool,
) -> str:
    measured = f" <span>({escape(unit)})</span>" if unit and not about else ""
    vertical = f'<div class="yname">{escape(f"{about} ({unit})" if unit else about)}</div>'
    label = f"{title}{f' ({unit})' if unit else ''} over {x}"
    bounds = " ".join(f"{v:.9g}" for v in (scale.x0, scale.x1, scale.y0, scale.y1))
    kind = "chart square" if square else "chart"
    return (
        f'<figure class="{kind}"><figcaption>{escape(title)}{measured}</figcaption>'
        f"{vertical if about else ''}"
        f'<div class="plot" data-range="{bounds}" data-x="{escape(x)}">'
        f'<svg viewBox="0 0 {SIZE} {SIZE}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">{"".join(parts)}</svg>{scale.numbers()}</div>'
        f'<div class="xname">{escape(x)}</div>{legend}</figure>'
    )


def _legend(
    drawn: Mapping[str, Line],
    dots: Mapping[str, Line],
    colours: Mapping[str, str],
    cloud: bool,
    ends: bool,
) -> str:
    """What each line is, and where it ends."""
    items: list[str] = []
    for name, line in drawn.items():
        kind = f"{colours[name]} dot" if cloud else colours[name]
        last = "" if cloud or not ends else f" <b>{number(line[-1][1], 3)}</b>"
        items.append(f'<li class="{kind}">{escape(name)}{last}</li>')
    for name, line in dots.items():
        said = "evaluations" if name in drawn else escape(name)
        if name in drawn and (len(drawn) > 1 or len(line) == len(drawn[name])):
            continue  # said once, below, or the dots are those that the line joins
        last = f" <b>{number(line[-1][1], 3)}</b>" if name in drawn else ""
        items.append(f'<li class="{colours[name]} dot">{said}{last}</li>')
    apart = [n for n, line in dots.items() if n in drawn and len(line) < len(drawn[n])]
    if len(drawn) > 1 and apart:
        items.append('<li class="rest dot">dots: evaluations</li>')
    return f'<ul class="legend">{"".join(items)}</ul>' if items else ""


def _dots(kind: str, colour: str, name: str, line: Line, scale: _Scale) -> str:
    path = "".join(f"M{scale.at(*point)}h0" for point in line)
    return f'<path class="{kind} {colour}" d="{path}"{_data(colour, name, line)}/>'


def _data(colour: str, name: str, line: Line) -> str:
    """What the script shows of a line."""
    points = " ".join(f"{x:.7g},{y:.5g}" for x, y in line)
    return f' data-series="{colour}" data-name="{escape(name)}" data-points="{points}"'


@dataclass(frozen=True)
class _Scale:
    """Where values are in the picture."""

    x0: float
    x1: float
    y0: float
    y1: float
    levels: tuple[float, ...]
    places: tuple[tuple[float, str], ...] = ()

    def over(self, places: Mapping[float, str]) -> _Scale:
        """The same with names at the horizontal axis, and room beside the outermost."""
        start, end = min(self.x0, *places), max(self.x1, *places)
        room = 0.06 * ((end - start) or 1.0)
        return replace(self, x0=start - room, x1=end + room, places=tuple(places.items()))

    @classmethod
    def around(
        cls, lines: Sequence[Line], bands: Iterable[Band], zero: bool, square: bool
    ) -> _Scale:
        edges = [v for band in bands for _, *ends in band for v in ends]
        xs = [x for line in lines for x, _ in line]
        ys = [y for line in lines for _, y in line] + edges + ([0.0] if zero else [])
        if square:
            xs = ys = xs + ys
        low, high = min(ys), max(ys)
        if low == high:  # a line without slope has an axis as well
            low, high = min(low, 0.0), max(high, 0.0) if high else 1.0
        found = tuple(ticks(low, high))
        low, high = min(low, found[0]), max(high, found[-1])
        start, end = min(xs), max(xs)
        if square:
            start, end = low, high
        elif 0.0 < start < 0.4 * end:
            start = 0.0
        return cls(start, end, low, high, found)

    def at(self, x: float, y: float) -> str:
        across = (x - self.x0) / ((self.x1 - self.x0) or 1.0) * SIZE
        down = SIZE - (y - self.y0) / ((self.y1 - self.y0) or 1.0) * SIZE
        return f"{across:.1f},{down:.1f}"

    def path(self, line: Iterable[tuple[float, float]]) -> str:
        return " ".join(self.at(x, y) for x, y in line)

    def grid(self) -> Iterable[str]:
        for tick in self.levels:
            kind = "axis" if tick == 0.0 else "gridline"
            start, end = self.at(self.x0, tick), self.at(self.x1, tick)
            yield f'<path class="{kind}" d="M{start}L{end}"/>'

    def mark(self, mark: Mark) -> str:
        kind = f"mark {mark.kind}".strip()
        path = f"M{self.at(mark.x, self.y0)}L{self.at(mark.x, self.y1)}"
        said = f'data-mark="{escape(mark.text)}" data-x="{mark.x:.9g}"'
        return f'<path class="{kind}" d="{path}" {said}><title>{escape(mark.text)}</title></path>'

    def numbers(self) -> str:
        """The numbers at both axes."""
        parts: list[str] = []
        height, width = (self.y1 - self.y0) or 1.0, (self.x1 - self.x0) or 1.0
        for tick in self.levels:
            share = 100 * (tick - self.y0) / height
            parts.append(f'<span class="y" style="bottom:{share:.2f}%">{number(tick, 3)}</span>')
        shown = [(tick, number(tick, 3)) for tick in ticks(self.x0, self.x1, 5)]
        for tick, text in self.places or shown:
            if self.x0 <= tick <= self.x1:
                share = 100 * (tick - self.x0) / width
                parts.append(f'<span class="x" style="left:{share:.2f}%">{escape(text)}</span>')
        return "".join(parts)


def largest(lines: Mapping[str, Line], most: int = SERIES) -> tuple[dict[str, Line], list[str]]:
    """At most so many lines, the largest in the mean of their sizes, and the names of the others.

    The order stays. Of the others there is one line, their sum, when all have the same x.
    """
    if len(lines) <= most:
        return dict(lines), []
    sizes = {n: sum(abs(y) for _, y in line) / max(1, len(line)) for n, line in lines.items()}
    kept = set(sorted(sizes, key=lambda n: -sizes[n])[: most - 1])
    others = [n for n in lines if n not in kept]
    found = {n: line for n, line in lines.items() if n in kept}
    together: dict[float, float] = {}
    for name in others:
        for x, y in lines[name]:
            together[x] = together.get(x, 0.0) + y
    found[f"the other {len(others)} together"] = sorted(together.items())
    return found, others


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers that span a range."""
    span = (high - low) or abs(high) or 1.0
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _thinned(line: Line) -> list[tuple[float, float]]:
    """At most POINTS finite points, each the mean of its neighbours."""
    points = _finite(line)
    size = max(1, math.ceil(len(points) / POINTS))
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]


def _finite(line: Line) -> list[tuple[float, float]]:
    return [(x, y) for x, y in line if math.isfinite(x) and math.isfinite(y)]


def _all_finite(point: tuple[float, ...]) -> bool:
    return all(map(math.isfinite, point))

"""Line charts as inline SVG, whose colours follow the page's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 480, 200
LEFT, RIGHT, TOP, BOTTOM = 58, 24, 10, 30
POINTS = 300
"""Most points that a line is drawn with; longer ones are averaged."""
SERIES = 10
"""Number of line colours in the page's style."""

Line = Sequence[tuple[float, float]]


def chart(title: str, lines: Mapping[str, Line], unit: str = "", zero: bool = False) -> str:
    """A figure with lines over environment steps, or "" when there is nothing to draw.

    Args:
        title: what it shows.
        lines: name -> (steps, value); values that are not finite are left out.
        unit: of the values, shown behind the title.
        zero: whether the axis includes zero.
    """
    drawn = {name: _thinned(line) for name, line in lines.items()}
    drawn = {name: line for name, line in drawn.items() if len(line) > 1}
    if not drawn:
        return ""
    xs = [x for line in drawn.values() for x, _ in line]
    ys = [y for line in drawn.values() for _, y in line] + ([0.0] if zero else [])
    ticks = _ticks(min(ys), max(ys))
    low, high = min(*ys, ticks[0]), max(*ys, ticks[-1])
    span_x, span_y = (max(xs) - min(xs)) or 1.0, (high - low) or 1.0

    def x_of(value: float) -> float:
        return LEFT + (value - min(xs)) / span_x * (WIDTH - LEFT - RIGHT)

    def y_of(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / span_y * (HEIGHT - TOP - BOTTOM)

    parts = []
    for tick in ticks:
        y = y_of(tick)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(tick)}</text>'
        )
    for tick in _ticks(min(xs), max(xs), 5):
        if min(xs) <= tick <= max(xs):
            text = f'<text x="{x_of(tick):.1f}" y="{HEIGHT - 10}" text-anchor="middle">'
            parts.append(f"{text}{_number(tick)}</text>")
    for index, line in enumerate(drawn.values()):
        points = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in line)
        parts.append(f'<polyline class="s{index % SERIES}" points="{points}"/>')
    legend = ""
    if len(drawn) > 1:
        items = "".join(
            f'<li class="s{index % SERIES}">{escape(name)} <b>{_number(line[-1][1])}</b></li>'
            for index, (name, line) in enumerate(drawn.items())
        )
        legend = f'<ul class="legend">{items}</ul>'
    else:
        (line,) = drawn.values()
        title = f"{title}: {_number(line[-1][1])}"
    label = escape(f"{title} {unit}".strip())
    picture = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
    return (
        f"<figure><figcaption>{label}</figcaption>{picture}{''.join(parts)}</svg>{legend}</figure>"
    )


def _thinned(line: Line) -> list[tuple[float, float]]:
    """At most POINTS finite points, each the mean of its neighbours."""
    points = [(x, y) for x, y in line if math.isfinite(y)]
    size = max(1, math.ceil(len(points) / POINTS))
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]


def _ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers that span a range."""
    span = (high - low) or abs(high) or 1.0
    raw = span / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def _number(value: float) -> str:
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            divisor = 1e3 if suffix == "k" else size
            return f"{value / divisor:.3g}{suffix}"
    if 0.0 < abs(value) < 1e-3:  # "0.0001" is too wide for the margin of a narrow page
        digits, power = f"{value:.2e}".split("e")
        return f"{float(digits):g}e{int(power)}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"

"""Plots as SVG within a page: lines, axes that say what they are, and a caption.

They take the colours of the page around them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 520, 220
LEFT, RIGHT, TOP, BOTTOM = 74, 14, 14, 44
POINTS = 161


class Curve(NamedTuple):
    """A line of a plot: what it is called, and its points."""

    name: str
    points: Sequence[tuple[float, float]]


def plot(curves: Sequence[Curve], x: str, y: str, caption: str) -> str:
    """A figure with lines, axes that say what they are, and a caption."""
    xs = [point[0] for curve in curves for point in curve.points]
    ys = [point[1] for curve in curves for point in curve.points]
    low, high = min(*ys, 0.0), max(ys)
    high += 0.06 * (high - low or 1.0)
    left, right = min(xs), max(xs)

    def at(px: float, py: float) -> tuple[float, float]:
        across = LEFT + (px - left) / (right - left) * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - (py - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
        return round(across, 1), round(down, 1)

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{y} over {x}" class="plot">'
    ]
    for tick in _ticks(low, high):
        _, down = at(left, tick)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down}" y2="{down}"/>'
        )
        parts.append(f'<text x="{LEFT - 6}" y="{down + 4}" text-anchor="end">{tick:g}</text>')
    for tick in _ticks(left, right):
        across, _ = at(tick, low)
        parts.append(
            f'<text x="{across}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{tick:g}</text>'
        )
    for number, curve in enumerate(curves):
        line = " ".join(f"{a},{b}" for a, b in (at(*point) for point in curve.points))
        parts.append(f'<polyline class="line-{number}" points="{line}"/>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:g}" y="{HEIGHT - 6}" text-anchor="middle">{x}</text>'
    )
    parts.append(
        f'<text transform="translate(15 {(TOP + HEIGHT - BOTTOM) / 2:g}) rotate(-90)" '
        f'text-anchor="middle">{y}</text>'
    )
    parts.append("</svg>")
    named = [curve for curve in curves if curve.name]
    keys = "".join(
        f'<span class="key-{number}">{curve.name}</span>' for number, curve in enumerate(named)
    )
    legend = f'<span class="keys">{keys}</span>' if keys else ""
    about = f"<figcaption>{legend}{caption}</figcaption>"
    return f'<figure class="plot">{"".join(parts)}{about}</figure>\n'


def _ticks(low: float, high: float) -> list[float]:
    """About five round numbers within a range."""
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def curve(name: str, low: float, high: float, of: Callable[[float], float]) -> Curve:
    """A function over a range."""
    xs = [low + (high - low) * i / (POINTS - 1) for i in range(POINTS)]
    return Curve(name, [(x, of(x)) for x in xs])

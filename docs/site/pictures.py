"""Pictures of kinds, as SVG within a page: they take the colours of the page around them.

A picture is of the formula that the kind's page states, at the defaults or at the values that its
caption names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ksim_schema.units import Unit
from ksim_schema.vocabulary import KINDS, Model, Part
from ksim_schema.vocabulary.base import field_annotation

WIDTH, HEIGHT = 520, 220
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 14, 44
POINTS = 161


class Curve(NamedTuple):
    """A line of a plot: what it is called, and its points."""

    name: str
    points: Sequence[tuple[float, float]]


def picture(model: type[Model]) -> str:
    """A figure about a kind; "" for one that a picture does not help to understand."""
    make = _OF.get(_key(model))
    if make is None and "error_scale" in model.model_fields:
        make = _kernel
    return make(model) if make else ""


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
        f'<text transform="translate(14 {(TOP + HEIGHT - BOTTOM) / 2:g}) rotate(-90)" '
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


def kernel(error: float) -> float:
    """``exp(-e^2)``, the error in multiples of ``error_scale``."""
    return math.exp(-(error**2))


def _key(model: type[Model]) -> str:
    if issubclass(model, Part):
        return f"{model.object}.{model.kind_name}"
    return model.__name__


def _kernel(model: type[Model]) -> str:
    info = model.model_fields["error_scale"]
    unit = field_annotation(info, Unit)
    given = " or ".join(str(d) for d in unit.allowed) if unit else ""
    given = f" ({given})" if given else ""
    caption = (
        "1 at no error, 0.37 at <code>error_scale</code>, 0.02 at twice that. It leads best where "
        "it is steep: choose a scale of about half of the usual error at the start of the training."
    )
    if "sq_scale" in model.model_fields:
        sq, ab = (model.model_fields[name].default for name in ("sq_scale", "abs_scale"))
        curves = (
            curve("the exponential alone", -3, 3, kernel),
            curve(
                f"with sq_scale {sq:g} and abs_scale {ab:g}, at an error_scale of 1",
                -3,
                3,
                lambda e: kernel(e) - ab * abs(e) - sq * e * e,
            ),
        )
        caption = "The penalties pull also where the exponential is flat."
    else:
        curves = (curve("", -3, 3, kernel),)
    return plot(curves, f"error, in multiples of error_scale{given}", "value", caption)


def _feet_clock(model: type[Model]) -> str:
    def foot(shift: float) -> Callable[[float], float]:
        return lambda turn: max(0.0, math.sin(2 * math.pi * (turn + shift)))

    def bezier(turn: float) -> float:
        u = abs(1 - 2 * (turn % 1.0))
        return u * u * (3 - 2 * u)

    curves = (
        curve("foot 0", 0, 2, foot(0)),
        curve("foot 1 of 2, half a turn later", 0, 2, foot(0.5)),
        curve("foot 0 with curve: bezier", 0, 2, bezier),
    )
    caption = "The heights that the feet are to have."
    return plot(curves, "time, in periods", "h_ref / height", caption)


def _phase_clock(model: type[Model]) -> str:
    curves = (
        curve("sine", 0, 2, lambda t: math.sin(2 * math.pi * t)),
        curve("cosine", 0, 2, lambda t: math.cos(2 * math.pi * t)),
    )
    return plot(curves, "time, in periods", "value", "Two numbers that tell the time of a turn.")


def _ramp(model: type[Model]) -> str:
    def level(time: float) -> float:
        return min(1.0, max(0.0, (time - 0.2) / 0.6))

    curves = (
        curve("min_level: 0", 0, 1, level),
        curve("min_level: 0.3", 0, 1, lambda t: 0.3 + 0.7 * level(t)),
        curve("levels: 4", 0, 1, lambda t: math.floor(level(t) * 4) / 4),
    )
    caption = (
        "Here <code>after</code> is a fifth of the run, and the top is reached at four fifths."
    )
    return plot(curves, "share of the training", "level", caption)


def _noise(model: type[Model]) -> str:
    curves = (
        curve("uniform: 1", -3, 3, lambda x: 0.5 if abs(x) <= 1 else 0.0),
        curve("gaussian: 1", -3, 3, lambda x: math.exp(-x * x / 2) / math.sqrt(2 * math.pi)),
    )
    caption = "What is drawn: anything within the number alike, or with it as standard deviation."
    return plot(curves, "error", "density", caption)


def _range(model: type[Model]) -> str:
    def value(height: float) -> float:
        off = max(0.8 - height, height - 1.0, 0.0)
        return max(0.0, 1 - dropoff * off)

    dropoff = float(model.model_fields["dropoff"].default)
    caption = f"Here with a range from 0.8 m to 1 m and the dropoff {dropoff:g}."
    return plot((curve("", 0.5, 1.3, value),), "height (m)", "value", caption)


_OF: dict[str, Callable[[type[Model]], str]] = {
    "Reward.feet_clock": _feet_clock,
    "Reward.base_height_range": _range,
    "Observation.phase_clock": _phase_clock,
    "Curriculum.linear": _ramp,
    "Noise": _noise,
}
"""Kinds with a picture of their own. What has an ``error_scale`` has that of a kernel."""


def pictured() -> set[str]:
    """The kinds that :func:`picture` has a figure of their own for, as ``Object.kind``."""
    known = {f"{object}.{kind}" for object, kinds in KINDS.items() for kind in kinds} | {"Noise"}
    return set(_OF) & known

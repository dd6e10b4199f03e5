"""Pictures of kinds: each is of the formula that the kind's page states.

They are drawn at the defaults, or at the values that the caption names.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from docs.site.ground import cut
from docs.site.plots import curve, plot
from ksim_schema.units import Unit
from ksim_schema.vocabulary import Model, Part
from ksim_schema.vocabulary.base import field_annotation


def picture(model: type[Model]) -> str:
    """A figure about a kind; "" for one that a picture does not help to understand."""
    make = _OF.get(_key(model))
    if make is None and "error_scale" in model.model_fields:
        make = _kernel
    return make(model) if make else cut(model)


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


def _torque_speed(model: type[Model]) -> str:
    def most(speed: float) -> float:
        return min(60.0, 100 - 10 * speed)

    def least(speed: float) -> float:
        return max(-60.0, -100 - 10 * speed)

    curves = (curve("most torque", -15, 15, most), curve("least torque", -15, 15, least))
    caption = (
        "Here with <code>stall: 100 N*m</code>, <code>no_load_speed: 10 rad/s</code> and "
        "<code>torque_limit: 60 N*m</code> of the action. The torque is between the two lines."
    )
    return plot(curves, "speed (rad/s)", "torque (N*m)", caption)


def _scale(model: type[Model]) -> str:
    curves = (
        curve("linear", 0, 1, lambda level: level),
        curve("quadratic", 0, 1, lambda level: level**2),
        curve("square_root", 0, 1, math.sqrt),
    )
    return plot(curves, "level of the curriculum", "value", "Each from 0 to 1.")


def _annealed(model: type[Model]) -> str:
    line = curve("", 0, 1, lambda done: min(1.0, max((1 - done) / 0.2, 0.05)))
    caption = "What <code>anneal: 0.2</code> multiplies the learning rate with."
    return plot((line,), "share of the run", "factor", caption)


def _discount(model: type[Model]) -> str:
    line = curve("", 0, 1, lambda done: 0.98 + 0.01 * min(1.0, max((done - 0.6) / 0.2, 0.0)))
    caption = "Here <code>{start: 0.98, end: 0.99}</code>, and <code>between</code> by default."
    return plot((line,), "share of the run", "discount", caption)


_OF: dict[str, Callable[[type[Model]], str]] = {
    "Reward.feet_clock": _feet_clock,
    "Reward.base_height_range": _range,
    "Observation.phase_clock": _phase_clock,
    "Curriculum.linear": _ramp,
    "Noise": _noise,
    "TorqueSpeed": _torque_speed,
    "Scale": _scale,
    "LearningRate": _annealed,
    "Discount": _discount,
}
"""Kinds with a picture of their own. What has an ``error_scale`` has that of a kernel."""


def pictured() -> set[str]:
    """The kinds with a picture of their own, as ``Object.kind`` or by the model's name."""
    return set(_OF)

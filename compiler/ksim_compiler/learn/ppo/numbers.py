"""The numbers of PPO as runtime arguments, so that trainings that differ in them share a program.

What decides on the shape of the program stays in it: whole numbers, switches, shares of a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ksim_compiler.lowering.binding import Parameters, bind, extract
from ksim_schema.vocabulary.learner.ppo import PPO

STATIC: Mapping[str, tuple[str, ...]] = {
    "": ("episode", "mirror"),
    "learning_rate": ("anneal",),
    "gamma": ("between",),
}
"""Real numbers that the program is made for: ``if`` asks for them, or they count whole ticks."""


def numbers(ppo: PPO) -> Parameters:
    """The numbers of PPO that a program takes as arguments, by field."""
    found = extract(ppo)
    for within, names in STATIC.items():
        fields = found[within] if within else found
        for name in names:
            fields.pop(name, None)
    return found


def with_numbers(ppo: PPO, params: Mapping[str, Any]) -> PPO:
    """PPO with the numbers among runtime parameters in place of its own, if there are any."""
    return bind(ppo, params[PPO.section]) if PPO.section in params else ppo

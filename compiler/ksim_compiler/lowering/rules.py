"""The table of lowering rules: one pure function for each declared component.

A rule is unbatched: it computes one environment's value, and the environment maps it over the
batch. A component without memory has a rule ``(c, x) -> value``; one with memory has
``(c, x, memory) -> (value, memory)`` and a function that gives its memory at the start of an
episode. ``c`` is the declared component with its numbers replaced by runtime arguments, ``x`` is
what the rules of its object see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ksim_schema.custom.api import Custom, Remembers
from ksim_schema.vocabulary import KINDS, Part


class Rule(NamedTuple):
    """How a component is computed, and its memory at the start of an episode."""

    apply: Callable[..., Any]
    initial: Callable[..., Any] | None


RULES: dict[type[Part], Rule] = {}
"""Declared component -> rule."""


def lower(
    component: type[Part], initial: Callable[..., Any] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as the rule of a component.

    Raises:
        ValueError: the component has a rule already.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        if component in RULES:
            raise ValueError(f"{component.__name__} has two rules")
        RULES[component] = Rule(function, initial)
        return function

    return register


def rule_of(component: Part) -> Rule:
    """The rule of a component; one of a task's own files is its own rule."""
    if isinstance(component, Custom):
        declared = type(component)
        return Rule(declared.value, declared.initial if issubclass(declared, Remembers) else None)
    return RULES[type(component)]


def apply(component: Part, x: Any, memory: Any) -> tuple[Any, Any]:
    """Apply the rule of a component: its value and its new memory (``()`` without one)."""
    rule = rule_of(component)
    if rule.initial is None:
        return rule.apply(component, x), ()
    return rule.apply(component, x, memory)


def initial(component: Part, x: Any) -> Any:
    """The memory of a component at the start of an episode (``()`` without one)."""
    rule = rule_of(component)
    return () if rule.initial is None else rule.initial(component, x)


WITHOUT_RULE = frozenset(("PhysicsState", "Trajectory", "Policy", "Critic"))
"""Objects that the environment and the learner are themselves."""


def lowered_kinds() -> set[type[Part]]:
    """Every declared component that needs a rule."""
    return {
        kind
        for object, kinds in KINDS.items()
        if object not in WITHOUT_RULE
        for kind in kinds.values()
    }

"""What ``ksim-compile --explain`` says of a field, of a section and of the other keys of a file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from ksim_schema.acset import sch_task
from ksim_schema.exchange.json_schema import task_schema
from ksim_schema.explain.models import Row, others, parameters, width
from ksim_schema.vocabulary import Model
from ksim_schema.vocabulary.base import Kinds
from ksim_schema.vocabulary.learner import LEARNERS
from ksim_schema.vocabulary.objects import OBJECT

EXAMPLES = {
    "ksim": "ksim: 1",
    "task": "task: walk",
    "about": "about: A humanoid follows a commanded speed.",
    "components": "components: [my_rewards.py]",
    "extends": "extends: walk.yaml",
    "remove": "remove: [Reward.torque]",
    "set": "set:\n  Reward.linvel.scale: 1.5",
    "morphisms": "morphisms:\n  judge: {Observation.gyro: Critic.critic}",
}
"""How the keys of a file that are no sections are written."""


def explain_key(word: str) -> str | None:
    """The text about a key of a task file that is no section; None for another word."""
    if word not in EXAMPLES:
        return None
    about = task_schema()["properties"][word].get("description", "")
    return f"{word}\n\n{about}\n\nExample:\n{EXAMPLES[word]}\n"


def about_object(name: str) -> str:
    """What an object of the schema is, and the arrows from and to it."""
    arrows = [
        f"  {hom.name + ':':20} {hom.dom} -> {hom.codom}" + (f"   {hom.about}" if hom.about else "")
        for hom in sch_task().homs.values()
        if name in (hom.dom, hom.codom)
    ]
    return f"{OBJECT[name].about}\n\nEdges:\n" + "\n".join(arrows) + "\n"


def explain_field(word: str, kinds: Kinds) -> str | None:
    """The text about a field: ``rollout``, ``PPO.rollout``, ``feet_clock.period``, ``gains.kp``.

    Returns:
        None when nothing has such a field.
    """
    of, _, name = word.rpartition(".")
    found: dict[Row, list[str]] = {}
    for title, model in _models(kinds):
        for row in parameters(model):
            if _meant(row.name, title, of, name):
                same = found.setdefault(row._replace(name=name), [])
                same.append(f"{title}.{row.name}")
    if not found:
        return None
    return f"{word}\n\n" + "\n".join(_entry(row, places) for row, places in found.items())


def fields(kinds: Kinds) -> set[str]:
    """The names that :func:`explain_field` knows, without what has them."""
    return {r.name.rpartition(".")[2] for _, model in _models(kinds) for r in parameters(model)}


def _models(kinds: Kinds) -> Iterator[tuple[str, type[Model]]]:
    seen: set[type[Model]] = set()
    for object, of in kinds.items():
        for kind, model in of.items():
            yield (object if len(of) == 1 else f"{object}.{kind}"), model
    named: Mapping[str, type[Model]] = {**LEARNERS, **dict(others())}
    for title, model in named.items():
        if model not in seen:
            seen.add(model)
            yield title, model


def _meant(row: str, title: str, of: str, name: str) -> bool:
    """Whether a field of a model is what a word names; ``of`` may leave out any beginning."""
    path = [*title.split("."), *row.split(".")]
    if path[-1] != name:
        return False
    wanted = of.split(".") if of else []
    rest = iter(path[:-1])
    return all(step in rest for step in wanted)


def _entry(row: Row, places: list[str]) -> str:
    """A field, with all places where it means the same."""
    if row.default == "required":
        default = "required"
    else:
        default = f"by default {row.default}" if row.default else "optional"
    head = textwrap.fill(", ".join(places), width())
    about = textwrap.fill(row.about, width(), initial_indent="  ", subsequent_indent="  ")
    return f"{head}\n  {row.takes}; {default}\n" + (f"{about}\n" if row.about else "")

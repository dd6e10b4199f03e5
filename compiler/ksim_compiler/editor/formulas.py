"""What a word in a formula is about, and what it can go on with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ksim_compiler.editor.view import View
from ksim_schema.units.formula_calls import FUNCTIONS
from ksim_schema.units.formula_text import AXES
from ksim_schema.units.quantity import UNITS
from ksim_schema.vocabulary.formula import BASE
from ksim_schema.vocabulary.formula_loads import LOADS
from ksim_schema.vocabulary.formula_several import FRAME, SUBTREE

_ONE = ("joint", "body", "site", "geom", "sensor", "contact", "command")
_SEVERAL = {
    "joints": "joint",
    "bodies": "body",
    "sites": "site",
    "geoms": "geom",
    "contacts": "geom",
}
_HEADS = {
    "base": "the robot's base",
    "joint": "a hinge or slide: joint.<name>",
    "joints": "all that a pattern matches: joints['hip_.*']",
    "body": "where a body is: body.<name>",
    "bodies": "all that a pattern matches: bodies['foot_.*']",
    "site": "where a site is: site.<name>",
    "sites": "all that a pattern matches: sites['foot_.*']",
    "geom": "where a geom is: geom.<name>",
    "geoms": "all that a pattern matches: geoms['foot_.*']",
    "contact": "1 where a geom touches anything: contact.<geom>",
    "contacts": "all that a pattern matches: contacts['foot_.*']",
    "sensor": "a sensor of the model: sensor.<name>",
    "command": "what the policy was told: command.<name>",
    "action": "the policy's output of this tick",
    "time": "since the episode began, in s",
    "inf": "no bound",
    "pi": "half a turn",
}
_JOINT = (
    "velocity",
    "acceleration",
    "torque",
    "constraint_force",
    "home",
    "lower",
    "upper",
    "target",
)
_FRAME = (*FRAME, "height", "orientation", *AXES)
_ASKED = {
    "joint": _JOINT,
    "body": (*_FRAME, *SUBTREE, *LOADS),
    "site": _FRAME,
    "geom": _FRAME,
    "contact": ("force",),
}
_TYPED = re.compile(
    r"(?:(?P<several>[a-z]+)\[(?P<mark>['\"])(?P<pattern>[^'\"]*)$)|"
    r"(?P<word>[A-Za-z_][\w]*(?:\[(?:'[^']*'|\"[^\"]*\")\])?(?:\.[\w/-]*)*)$"
)
_NAME = re.compile(r"[A-Za-z_]\w*(?:\.\w+|\[(?:'[^']*'|\"[^\"]*\")\])*")
_COMMAND = re.compile(r"\bcommand(?:\.([\w-]+)|\[(?:'([^']*)'|\"([^\"]*)\")\])")


class Word(NamedTuple):
    """What may stand next: the word, what it is, and how much of what is typed it replaces."""

    text: str
    about: str
    replaces: int


def words(view: View, typed: str, terms: tuple[str, ...] = ()) -> list[Word]:
    """What can be typed next in a formula.

    Args:
        view: the task.
        typed: the formula up to the cursor.
        terms: the terms that it names itself.
    """
    found = _TYPED.search(typed)
    if found is None:
        return [Word(*row, 0) for row in _heads(terms)]
    if found["several"] is not None:
        what = _SEVERAL.get(found["several"], found["several"])
        pattern = found["pattern"]
        return [Word(t.name, t.brief, len(pattern)) for t in view.known.things.get(what, ())]
    word = found["word"]
    head, dot, rest = word.partition(".")
    if not dot:
        return [Word(*row, len(word)) for row in _heads(terms)]
    last = word.rpartition(".")[2]
    return [Word(name, about, len(last)) for name, about in _after(view, head, rest)]


def _heads(terms: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    yield from ((term, "a term of this formula") for term in terms)
    yield from _HEADS.items()
    yield from ((name, "a function") for name in FUNCTIONS)
    yield from ((unit, "a unit") for unit in UNITS if unit.isalpha())
    yield from ((word, "") for word in ("and", "or", "not"))


def _after(view: View, head: str, rest: str) -> Iterator[tuple[str, str]]:
    """What can stand behind the last dot of a word."""
    bracket = head.partition("[")[0]
    if "[" in head:
        what = _SEVERAL.get(bracket, bracket)
        yield from ((name, "") for name in _ASKED.get(what, ()))
        return
    steps = rest.split(".")
    if head == "base":
        yield from ((name, str(unit)) for name, unit in BASE.items())
    elif head == "action" and len(steps) == 1:
        yield "previous", "the policy's output of the tick before"
    elif head == "command":
        if len(steps) == 1:
            yield from ((name, kind) for _, name, kind in view.names(("Command",)))
        else:
            signals = view.known.signals.get(steps[0], ())
            yield from ((name, f"of {steps[0]}") for name in signals)
    elif head in _ONE:
        what = "geom" if head == "contact" else head
        if len(steps) == 1:
            yield from ((t.name, t.brief) for t in view.known.things.get(what, ()))
        else:
            yield from ((name, "") for name in _ASKED.get(head, ()))
        if head == "contact" and len(steps) == 2:
            yield from ((t.name, t.brief) for t in view.known.things.get("geom", ()))


def about(view: View, text: str, at: int) -> tuple[str, int, int] | None:
    """What the word at a place of a formula is, in Markdown, and its stretch in the formula."""
    for found in _NAME.finditer(text):
        if not found.start() <= at <= found.end():
            continue
        word = found[0]
        head, _, rest = word.partition(".")
        name = rest.partition(".")[0]
        said = ""
        if head in _ONE and name:
            thing = view.known.thing("geom" if head == "contact" else head, name)
            said = thing.about if thing else ""
            if head == "command" and name in view.parts("Command"):
                kind = view.parts("Command")[name]
                labels = ", ".join(view.known.signals.get(name, ()))
                said = f"**{name}**: Command of kind `{kind}`" + (f" ({labels})" if labels else "")
        if head == "base" and name in BASE:
            said = f"**base.{name}**: of the robot's base, {BASE[name]}"
        if not said and head in _HEADS:
            said = f"**{head}**: {_HEADS[head]}"
        if not said and word in FUNCTIONS:
            said = f"**{word}**: a function; `ksim-compile --explain formula` says more"
        if not said and word in UNITS:
            factor, dimension = UNITS[word]
            said = f"**{word}**: a unit, {float(factor):g} {dimension}".rstrip()
        return (said, found.start(), found.end()) if said else None
    return None


def named_at(text: str, at: int) -> tuple[str, str] | None:
    """What of the robot or the task the word at a place of a formula names: what, and its name."""
    for found in _NAME.finditer(text):
        if found.start() <= at <= found.end():
            head, _, rest = found[0].partition(".")
            name = rest.partition(".")[0]
            if head in _ONE and name:
                return ("geom" if head == "contact" else head), name
    return None


def commands_in(text: str) -> Iterator[tuple[str, int, int]]:
    """The commands that a formula names, with their stretches in it."""
    for found in _COMMAND.finditer(text):
        group = next(i for i in (1, 2, 3) if found[i] is not None)
        yield found[group], found.start(group), found.end(group)

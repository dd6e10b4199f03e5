"""The text of a formula: Python's grammar of expressions, and the names that it spells."""

from __future__ import annotations

import ast
import keyword
import re
import warnings

MAX_LENGTH = 1000
AXES = ("x", "y", "z")
MEMBERS = (
    *AXES,
    "w",
    *("velocity", "angular_velocity", "acceleration", "torque", "com", "com_velocity"),
    *("force", "external_force", "external_torque"),
    *("x_axis", "y_axis", "z_axis", "up", "orientation"),
)
"""What is asked of a joint, a body, a site or a sensor, after its name."""


class FormulaError(ValueError):
    """A formula that has no meaning.

    Attributes:
        start, stop: offsets in its text.
        help: what to write instead.
        meant: what surely was meant between the two; "" where that is not known.
        term: the term with a name of its own in whose text it is; "" for the formula's.
    """

    def __init__(
        self, message: str, start: int, stop: int, help: str = "", meant: str = ""
    ) -> None:
        super().__init__(message)
        self.start, self.stop, self.help, self.meant = start, stop, help, meant
        self.term = ""


def names_in(text: str) -> frozenset[str]:
    """The dotted names that stand in a formula, with those that they begin with.

    None where it is not a formula, which :func:`tree_of` says.
    """
    if len(text) > MAX_LENGTH:
        return frozenset()
    try:
        tree = tree_of(text)
    except FormulaError:
        return frozenset()
    return frozenset(filter(None, map(dotted, ast.walk(tree))))


def whole_names_in(text: str) -> frozenset[str]:
    """As :func:`names_in`, without what a name begins with: ``a.b.c`` alone, and not ``a.b``."""
    found: set[str] = set()
    frontier: list[ast.AST] = []
    if names_in(text):
        frontier.append(tree_of(text))
    while frontier:
        node = frontier.pop()
        name = dotted(node)
        if name:
            found.add(name)
        else:
            frontier += ast.iter_child_nodes(node)
    return frozenset(found)


def commands_in(text: str) -> tuple[str, ...]:
    """The commands that a formula names, in the order of their names; also one with a slip."""
    if len(text) <= MAX_LENGTH and not names_in(text):
        return tuple(sorted(set(re.findall(r"\bcommand\.([A-Za-z_]\w*)", text))))
    names = (name.split(".") for name in names_in(text))
    return tuple(sorted({steps[1] for steps in names if steps[0] == "command" and steps[1:]}))


def tree_of(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's own of odd literals are not the author's
            return ast.parse(text.lstrip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        told = error if isinstance(error, SyntaxError) else None
        line, offset = (told.lineno or 1, told.offset or 1) if told else (1, 1)
        lead = len(text) - len(text.lstrip())
        start = lead if line == 1 else text.rfind("\n") + 1
        start = max(0, min(start + offset - 1, len(text) - 1))
        raise _slip(text, start) from error


_WORDS = (("&&", "and"), ("||", "or"), ("!", "not"))
"""Operators of other languages, and the words of formulas."""
_CLOSING = {"(": ")", "[": "]"}


def _slip(text: str, start: int) -> FormulaError:
    """What is wrong with a text that is no expression: another language's operator, a bracket."""
    opened: list[tuple[str, int]] = []
    quote = ""
    for at, sign in enumerate(text):
        if quote or sign in "'\"":
            quote = "" if sign == quote else quote or sign
            continue
        for other, word in _WORDS:
            if text.startswith(other, at) and not text.startswith("!=", at):
                message = f"{other!r} is not part of the language of formulas"
                return FormulaError(message, at, at + len(other), f"write '{word}'")
        if sign in _CLOSING:
            opened.append((sign, at))
        elif sign in _CLOSING.values():
            if not opened or _CLOSING[opened[-1][0]] != sign:
                return FormulaError(f"this {sign!r} closes no bracket", at, at + 1, "take it out")
            opened.pop()
    if opened:
        sign, at = opened[-1]
        return FormulaError(
            f"this {sign!r} is never closed", at, at + 1, f"a {_CLOSING[sign]!r} is missing"
        )
    return FormulaError("this is not an arithmetic expression", start, start + 1)


def dotted(node: ast.AST) -> str:
    """The name that an expression spells: ``joint.knee.velocity``, or with parts in quotes."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=owner, attr=name):
            pass
        case ast.Subscript(value=owner, slice=ast.Constant(value=str() as name)):
            pass
        case _:
            return ""
    first = dotted(owner)
    return f"{first}.{name}" if first else ""


def spelt(name: str) -> str:
    """How a quantity is written in a formula: with quotes where its name needs them."""
    kind, dot, rest = name.partition(".")
    if not dot or all(plain(step) for step in rest.split(".")):
        return name
    first, _, last = rest.rpartition(".")
    if kind == "command":
        first, _, last = rest.partition(".")
        parts = (first, last)
    elif first and last in MEMBERS:
        parts = _members(rest)
    else:
        parts = (rest,)
    return kind + "".join(f".{p}" if plain(p) else f"[{p!r}]" for p in parts)


def _members(rest: str) -> tuple[str, ...]:
    """A name, and what is asked of it: ``left/foot``, ``velocity``, ``x``."""
    first, _, last = rest.rpartition(".")
    return (*_members(first), last) if first and last in MEMBERS else (rest,)


def plain(step: str) -> bool:
    return step.isidentifier() and not keyword.iskeyword(step)

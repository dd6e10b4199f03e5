"""Slips in values: units, ranges, signs, types."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from ksim_schema.source import Path_
from ksim_schema.vocabulary.base import KINDS, Spread
from tests.mutations.source import (
    NAMES,
    PROSE,
    QUANTITY,
    REFERENCES,
    Mutation,
    Source,
    at,
    field_of,
    misspelt,
    mutator,
    with_line,
)

UNITS = ("m", "kg", "s", "rad", "N", "Hz", "m/s", "N*m", "kg*m^2")


@mutator
def swap_a_unit(s: Source) -> Iterator[Mutation]:
    from ksim_schema.units import FREQUENCY, TIME, parse_unit

    for path, value in s.leaves():
        match = QUANTITY.fullmatch(str(value))
        if match and isinstance(value, str):
            old = parse_unit(match[2])[1]
            either = {TIME, FREQUENCY} if field_of(path) == "control" else {old}
            wrong = [u for u in UNITS if parse_unit(u)[1] not in {old, *either}]
            if float(match[1]):
                yield at(s, "unit", path, f"{match[1]} {s.random.choice(wrong)}")
                yield at(s, "unit", path, f"{match[1]} {misspelt(match[2], s.random)}q")


@mutator
def drop_a_unit(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        match = QUANTITY.fullmatch(str(value))
        if match and isinstance(value, str) and float(match[1]):
            yield at(s, "no-unit", path, match[1])


@mutator
def add_a_unit(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and value and path[0] != "ksim":
            yield at(s, "a-unit", path, f"{value} kg")


@mutator
def close_a_cycle(s: Source) -> Iterator[Mutation]:
    if "PhysicsState" not in s.document.data:
        return  # it is in the task that this one extends
    state = next(iter(s.document.data["PhysicsState"]))
    read = [p for p, _ in s.leaves() if field_of(p) == "read"]
    last = len(s.lines)
    for path in read:
        name = s.value(path)
        edge = f"{{src: {state}.next, tgt: {name}}}"
        kind = s.document.data["Observation"][name]["kind"]
        if kind in ("last_action", "phase_clock"):
            continue
        text = f"{s.text}morphisms:\n  observe:\n    - {edge}\n"
        yield Mutation("cycle", f"observe {name}", text, frozenset((last + 3,)))


@mutator
def duplicate_a_key(s: Source) -> Iterator[Mutation]:
    for path, key in s.document.keys.items():
        rows = s.part_lines(path)
        block = s.lines[key.line - 1][: key.column - 1].strip() == ""
        if block:
            copy = "".join(s.lines[rows.start - 1 : rows.stop - 1])
            head, tail = s.lines[: rows.stop - 1], s.lines[rows.stop - 1 :]
            text = "".join(head) + copy + "".join(tail)
            lines = frozenset((rows.start, rows.stop))
        else:
            value = s.document.values[path]
            end = s.end(value)
            entry = s.text[s.offset(key.line, key.column) : end]
            text = f"{s.text[:end]}, {entry}{s.text[end:]}"
            lines = frozenset((key.line, value.end_line))
        yield Mutation("duplicate", ".".join(map(str, path)), text, lines)


@mutator
def name_a_part_twice(s: Source) -> Iterator[Mutation]:
    for path, items in s.lists():
        if field_of(path) in ("read", "clean", "geoms", "sites") and items:
            span = s.document.values[(*path, len(items) - 1)]
            new = f"{items[-1]}, {items[0] if len(items) > 1 else items[-1]}"
            text = s.replaced(span, new)
            what = ".".join(map(str, path))
            yield Mutation("named-twice", what, text, frozenset((span.line,)))


@mutator
def flip_a_range(s: Source) -> Iterator[Mutation]:
    for path, items in s.lists():
        if "tiles" in path:
            continue  # it goes from the first level to the last, either way
        if len(items) == 2 and QUANTITY.fullmatch(str(items[0])) and items[0] != items[1]:
            yield at(s, "flipped", path, f"[{items[1]}, {items[0]}]")


@mutator
def a_probability_over_one(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if path in (("PPO", "gamma"), ("PPO", "lam")):
            yield at(s, "probability", path, s.random.choice(("1.5", "97", "-0.1", "101 %")))
        if len(path) == 3 and path[0] in ("Action", "Command") and path[2] == "kind":
            field = "drop" if path[0] == "Action" else "switch"
            kind = s.value(path)
            line = s.document.values[path].line
            text = s.replaced(s.document.values[path], f"{kind}\n    {field}: 1.5")
            yield Mutation("probability", f"{path} {field}", text, frozenset((line + 1,)))


POSITIVE = frozenset(
    [
        "timestep",
        "control",
        "period",
        "error_scale",
        "height",
        "kp",
        "kd",
        "max_tilt",
        "after",
        "rollout",
        "envs",
        "epochs",
        "minibatches",
        "start",
        "adaptive_kl",
        "min",
        "init_std",
        "iterations",
        "ls_iterations",
        "hidden",
        "steps",
        "resample",
        "uniform",
        "gaussian",
    ]
)


@mutator
def a_negative_number(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        scale = path[0] == "Reward" and field_of(path) == "scale"
        if path[0] != "ksim" and (scale or field_of(path) in POSITIVE) and value is not None:
            if path[0] == "Termination" and field_of(path) == "height":
                continue  # a height may be below the world's zero
            yield at(s, "negative", path, f"-{value}")


@mutator
def zero(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if field_of(path) in POSITIVE - {"height", "kd", "uniform", "gaussian"}:
            new = re.sub(r"^[-+.\de]+", "0", str(value))
            yield at(s, "zero", path, new)
        if path[0] == "Reward" and field_of(path) == "scale":
            yield at(s, "zero", path, "0")


@mutator
def a_wrong_type(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        name = field_of(path)
        if isinstance(value, int | float) or QUANTITY.fullmatch(str(value)):
            yield at(s, "type", path, s.random.choice(("many", "true", "{a: 1}", "'x y'")))
        elif name not in PROSE:
            yield at(s, "type", path, s.random.choice(("17", "3.5", "true", "{a: 1}")))
        else:
            yield at(s, "type", path, s.random.choice(("[1]", "{a: 1}", "17")))
    for path in s.document.values:
        if isinstance(s.value(path), dict) and path and len(path) != 1:
            key = s.document.keys[path]
            rows = s.part_lines(path)
            if rows.stop - rows.start == 1 and s.text[s.end(s.document.values[path]) - 1] == "}":
                new = s.random.choice(("17", "some text", "[1, 2]"))
                yield with_line(at(s, "type", path, new), key.line)


@mutator
def a_list_instead_of_a_scalar(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        single = not isinstance(path[-1], int)
        if single and field_of(path) not in (*NAMES, *REFERENCES, "hidden", "range"):
            yield at(s, "list", path, f"[{value}, {value}, {value}]")


PAIR = get_args(Spread)[1]  # makes a range of one value


def takes_one_value(s: Source, path: Path_) -> bool:
    """Whether a field that takes a range takes a single value too, see ``Spread``."""
    if len(path) != 3:
        return False
    section, part, name = map(str, path)
    kind = s.value((section, part)).get("kind")
    fields = KINDS[section][kind].model_fields if kind in KINDS.get(section, {}) else {}
    if name not in fields:
        return False
    optional = (getattr(choice, "__metadata__", ()) for choice in get_args(fields[name].annotation))
    return any(PAIR in metadata for metadata in (fields[name].metadata, *optional))


@mutator
def a_scalar_instead_of_a_list(s: Source) -> Iterator[Mutation]:
    for path, items in s.lists():
        if "tiles" in path:
            continue  # one value is that of all levels
        if QUANTITY.fullmatch(str(items[0])) and not takes_one_value(s, path):
            yield at(s, "scalar", path, str(items[1]))
        elif field_of(path) == "hidden":
            yield at(s, "scalar", path, str(items[0]))


@mutator
def a_list_of_another_length(s: Source) -> Iterator[Mutation]:
    for path, items in s.lists():
        if QUANTITY.fullmatch(str(items[0])):
            yield at(s, "length", path, f"[{items[0]}]")
            yield at(s, "length", path, f"[{items[0]}, {items[1]}, {items[1]}]")
        if path[-1] not in ("hidden", "head"):  # a network may have no hidden layer
            yield at(s, "length", path, "[]")


@mutator
def nothing(s: Source) -> Iterator[Mutation]:
    for path, _ in s.leaves():
        if not isinstance(path[-1], int):
            yield at(s, "empty", path, "")
    for path in s.document.values:
        if isinstance(s.value(path), dict) and len(path) == 1:
            rows = s.part_lines(path)
            text = s.without_lines(range(rows.start + 1, rows.stop))
            every = frozenset(range(1, text.count("\n") + 2))
            if path[0] not in ("Reset", "PPO"):
                yield Mutation("empty", str(path[0]), text, every)

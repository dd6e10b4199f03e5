"""Broken tasks, made from good ones by one edit each.

A mutation is an edit of the text at a place that the reader knows of, together with the lines at
which a report of it would be right: the edited line; for something that was taken out, the lines
that name it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from ksim_schema.task import SECTIONS
from tests.mutations import names, numbers, texts
from tests.mutations.source import (
    MUTATORS,
    QUANTITY,
    Mutation,
    Source,
    at,
    edited,
    field_of,
    mutator,
    with_line,
)


@mutator
def a_bad_control_period(s: Source) -> Iterator[Mutation]:
    for path, _ in s.leaves():
        if path[0] == "PhysicsState" and path[-1] == "control":
            for new in ("23.3 ms", "47 Hz", "1 us", "0 Hz", "-50 Hz", "50", "50 kHz"):
                yield at(s, "control", path, new)


@mutator
def minibatches_that_do_not_divide(s: Source) -> Iterator[Mutation]:
    for path, _ in s.leaves():
        if path == ("PPO", "minibatches"):
            for new in ("5", "7", "100003", "4.5"):
                yield at(s, "minibatches", path, new)
        if path == ("PPO", "envs"):
            mutation = at(s, "minibatches", path, "509")
            if 509 * s.document.data["PPO"]["rollout"] % s.document.data["PPO"]["minibatches"]:
                yield with_line(mutation, s.document.keys[("PPO", "minibatches")].line)


@mutator
def a_number_out_of_all_bounds(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        number = isinstance(value, int | float) or QUANTITY.fullmatch(str(value))
        if number and path != ("PPO", "steps"):
            for new in (".nan", ".inf", "-.inf", "1e400", "1e30", "9e99"):
                if new == "1e30" and isinstance(path[-1], int) and path[-1] == 0:
                    continue
                unit = re.sub(r"^[-+.\de]+", "", str(value))
                yield at(s, "huge", path, new + unit)


@mutator
def patterns(s: Source) -> Iterator[Mutation]:
    for path, _ in s.leaves():
        if field_of(path) == "joints":
            for new in ("nothing_.*", '"["', '"*"', '"(a"', '""', "'.*_elbow_of_nobody'"):
                yield at(s, "pattern", path, new)


@mutator
def other_kinds(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if path[-1] == "kind" and len(path) == 3:
            other = {"Observation": "stay_alive", "Reward": "mlp"}.get(str(path[0]), "contact")
            if other != value:
                yield at(s, "other-kind", path, other)


@mutator
def more_fields(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) == 2 and path[0] in SECTIONS:
            key = s.document.keys[path]
            line = s.lines[key.line - 1].rstrip("\n")
            if line.rstrip().endswith("}"):
                new = line.rstrip()[:-1] + ", colour: red}\n"
                yield edited(s, "more", key.line, new)


@mutator
def what_is_not_in_the_language(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if path[0] in ("Reward", "Termination", "PPO") and not isinstance(path[-1], int):
            new = s.random.choice(("!!python/object:os.system x", "*nobody", "!include x", "<<"))
            if new != "<<":
                yield at(s, "language", path, new)
            else:
                yield at(s, "language", path, f"&a {value} {{")


@mutator
def files(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if path[0] == "PhysicsState" and path[-1] == "model":
            for new in ("robots/none.xml", str(value)[:-1], "..", "/dev/null", "robots", '""'):
                yield at(s, "file", path, new)
        if path == ("ksim",):
            for new in ("2", "0", "one", "1.5", ""):
                yield at(s, "file", path, new)


OTHERS = names, numbers, texts
"""The modules whose mutators come before those of this one, in their order."""


def mutations(text: str, seed: int) -> Iterator[Mutation]:
    """Every mutation of a task."""
    for name, make in MUTATORS.items():
        yield from make(Source(text, random.Random(f"{seed} {name}")))

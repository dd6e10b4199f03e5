"""Frozen records are as the standard library's: the same class, made by both, does the same."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, fields, replace
from pathlib import Path
from typing import Any

import pytest

from ksim_schema import records

ROOT = Path(__file__).parents[2]
Make = Callable[..., Any]


def made_by(make: Make, **options: bool) -> type[Any]:
    """A class with all sorts of fields, made a frozen dataclass."""

    @make(frozen=True, **options)
    class Sample:
        """Text."""

        first: int
        second: tuple[float, ...] = (1.0,)
        third: dict[str, int] = field(default_factory=lambda: {}, compare=False)
        fourth: str = field(default="hidden", repr=False)
        fifth: int = field(default=3, kw_only=True)

        def __post_init__(self) -> None:
            if self.first < 0:
                raise ValueError("negative")

    return Sample


OPTIONS: tuple[dict[str, bool], ...] = (
    {},
    {"slots": True},
    {"eq": False},
    {"kw_only": True},
    {"slots": True, "kw_only": True},
)


def observed(cls: type[Any]) -> list[object]:
    """What can be seen of a class and its objects."""
    one, same = cls(first=1), cls(first=1, third={"a": 1})
    other = cls(first=1, second=(math.nan,), fifth=4)
    seen: list[object] = [repr(one), repr(other), one == same, one != same, one == other, one == 1]
    seen += [one == one, other == replace(other)]
    seen += [[f.name for f in fields(cls)], cls.__match_args__, dataclasses.asdict(same)]
    seen += [replace(one, first=5).first, one.third is not cls(first=1).third]
    if cls.__eq__ is not object.__eq__:
        seen += [hash(one), hash(one) == hash(same), len({one, same, other})]
    seen += [list(inspect.signature(cls).parameters), hasattr(one, "__dict__"), cls.__doc__]
    seen += [[p.kind for p in inspect.signature(cls).parameters.values()]]
    for wrong in ({}, {"first": 1, "sixth": 2}, {"first": -1}):
        with pytest.raises((TypeError, ValueError)) as caught:
            cls(**wrong)
        seen += [type(caught.value), str(caught.value)]
    for act in (
        lambda: setattr(one, "first", 2),
        lambda: setattr(one, "sixth", 2),
        lambda: delattr(one, "first"),
    ):
        with pytest.raises((FrozenInstanceError, TypeError)):  # Python's own, with slots: TypeError
            act()
    deep = copy.deepcopy(same)
    seen += [repr(copy.copy(other)), repr(deep), deep.third is not same.third]
    return seen


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(options) or "plain")
def test_a_record_is_as_the_standard_library_makes_it(options: dict[str, bool]) -> None:
    ours, theirs = (made_by(m, **options) for m in (records.dataclass, dataclasses.dataclass))
    assert observed(ours) == observed(theirs)


@records.dataclass(frozen=True, slots=True)
class Pair:
    """At the top of a module, where pickle finds it."""

    left: int
    right: tuple[int, ...] = ()


@records.dataclass(frozen=True, slots=True)
class Triple(Pair):
    """With what it derives from."""

    more: int = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Triple) and self.left == other.left


def test_a_record_with_slots_is_pickled() -> None:
    assert pickle.loads(pickle.dumps(Pair(1, (2,)))) == Pair(1, (2,))


def test_a_record_derives_from_another_and_may_say_itself_what_is_equal() -> None:
    assert Triple(1, (2,), more=3) == Triple(1)
    assert Triple(1) != Triple(2)
    assert hash(Triple(1, (2,), 3)) == hash((1, (2,), 3))
    assert Pair(1) != Triple(1)


CODE = """
import dataclasses, json
made = []
make = dataclasses._process_class
def process(cls, init, repr, eq, order, unsafe_hash, frozen, *rest):
    if frozen and eq and not order and cls.__module__.startswith("ksim"):
        made.append(f"{cls.__module__}.{cls.__name__}")
    return make(cls, init, repr, eq, order, unsafe_hash, frozen, *rest)
dataclasses._process_class = process
import ksim_compiler.pipeline
print(json.dumps(made))
"""


def test_what_a_check_imports_has_no_other_frozen_dataclass() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert json.loads(done.stdout) == []

"""Slips are repaired: the task is clean again and means what it meant; nothing is made worse."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from ksim_compiler.pipeline import Compiled, compile_file
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.source.repair import Repaired, repair
from tests.mutations.mutate import mutations
from tests.mutations.slips import SLIPS, slips
from tests.mutations.source import Mutation

TASKS = Path(__file__).parents[2] / "tasks"
SEED = 7
COUNT, WORSE = 40, 25
"""How many slips are repaired, and how many broken tasks of mutate.py as far as that goes."""
MANY = 10
"""How many times as many in the slow tests."""


def chosen(make: object, count: int) -> list[tuple[Path, Mutation]]:
    """A fixed sample, in which each sort has about as many."""
    every: dict[str, list[tuple[Path, Mutation]]] = {}
    for path in sorted(TASKS.glob("*.yaml")):
        for mutation in make(path.read_text(encoding="utf-8"), SEED):  # type: ignore[operator]
            every.setdefault(mutation.sort, []).append((path, mutation))
    picked = random.Random(SEED)
    for found in every.values():
        picked.shuffle(found)
    turns = max(map(len, every.values()))
    flat = (found[turn] for turn in range(turns) for found in every.values() if turn < len(found))
    return [case for case, _ in zip(flat, range(count), strict=False)]


CORPUS = chosen(slips, MANY * COUNT)
EACH = [1, pytest.param(MANY, marks=pytest.mark.slow)]


@cache
def good(path: Path) -> Compiled:
    return compile_file(path)


def compiled(path: Path, text: str) -> Compiled:
    return compile_file(path, text=text)


def repaired(path: Path, text: str) -> Repaired:
    return repair(text, str(path), lambda new: compiled(path, new).diagnostics)


def errors(found: Sequence[Diagnostic]) -> int:
    return sum(d.severity == "error" for d in found)


def failures(count: int) -> Iterator[str]:
    for path, mutation in CORPUS[:count]:
        done = repaired(path, mutation.text)
        after = compiled(path, done.text)
        left = [d for d in after.diagnostics if d.severity != "info"]
        what = f"{path.name} [{mutation.sort}] {mutation.what}"
        before = errors(compiled(path, mutation.text).diagnostics)
        assert errors(after.diagnostics) <= before, f"made worse: {what}"
        if left:
            yield f"{what}: " + "; ".join(f"{d.where.line} {d.code} {d.message}" for d in left)
        elif after.fingerprint != good(path).fingerprint:
            yield f"{what}: another meaning"


@pytest.mark.parametrize("times", EACH)
def test_slips_are_repaired(times: int) -> None:
    count = times * COUNT
    found = list(failures(count))
    assert len(CORPUS) >= count
    assert len(found) <= count // 20, "\n".join(found)


def test_the_corpus_holds_every_sort() -> None:
    sorts = Counter(mutation.sort for _, mutation in CORPUS)
    assert len(sorts) >= 20
    assert len(SLIPS) >= 20


@pytest.mark.parametrize("times", EACH)
def test_nothing_is_made_worse(times: int) -> None:
    """What is broken so that nobody can know what was meant is left as it is, or better."""
    for path, mutation in chosen(mutations, times * WORSE):
        before = compiled(path, mutation.text).diagnostics
        done = repaired(path, mutation.text)
        assert errors(done.diagnostics) <= errors(before), mutation.what
        assert not done.taken or done.text != mutation.text


@pytest.mark.parametrize("path", sorted(TASKS.glob("*.yaml")), ids=lambda path: path.stem)
def test_good_tasks_stay(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert repaired(path, text).text == text

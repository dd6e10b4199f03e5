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
from tests.mutations.mutate import Mutation, mutations
from tests.mutations.slips import SLIPS, slips

TASKS = Path(__file__).parents[2] / "tasks"
SEED = 7
COUNT = 100
WORSE = 60
"""How many of the broken tasks of mutate.py are repaired as far as that goes."""


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


CORPUS = chosen(slips, COUNT)


@cache
def good(path: Path) -> Compiled:
    return compile_file(path)


def compiled(path: Path, text: str) -> Compiled:
    return compile_file(path, text=text)


def repaired(path: Path, text: str) -> Repaired:
    return repair(text, str(path), lambda new: compiled(path, new).diagnostics)


def errors(found: Sequence[Diagnostic]) -> int:
    return sum(d.severity == "error" for d in found)


def failures() -> Iterator[str]:
    for path, mutation in CORPUS:
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


def test_slips_are_repaired() -> None:
    found = list(failures())
    assert len(CORPUS) == COUNT
    assert len(found) <= COUNT // 20, "\n".join(found)


def test_the_corpus_holds_every_sort() -> None:
    sorts = Counter(mutation.sort for _, mutation in CORPUS)
    assert len(sorts) >= 20
    assert len(SLIPS) >= 20


def test_nothing_is_made_worse() -> None:
    """What is broken so that nobody can know what was meant is left as it is, or better."""
    for path, mutation in chosen(mutations, WORSE):
        before = compiled(path, mutation.text).diagnostics
        done = repaired(path, mutation.text)
        assert errors(done.diagnostics) <= errors(before), mutation.what
        assert not done.taken or done.text != mutation.text


@pytest.mark.parametrize("path", sorted(TASKS.glob("*.yaml")), ids=lambda path: path.stem)
def test_good_tasks_stay(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert repaired(path, text).text == text

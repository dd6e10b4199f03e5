"""Broken tasks are reported: each with an error or a warning, at the right line, without an
exception. The tasks are the shipped ones, broken in hundreds of ways (see mutate.py)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from ksim_compiler.pipeline import compile_file
from tests.mutations.mutate import mutations
from tests.mutations.source import MUTATORS, Mutation

TASKS = Path(__file__).parents[2] / "tasks"
SEED = 20
EACH = 16
"""Largest number of mutations of each sort that is tried."""


def corpus() -> dict[str, list[tuple[str, Mutation]]]:
    """A fixed sample of the mutations of the shipped tasks, by sort."""
    every: dict[str, list[tuple[str, Mutation]]] = {}
    for path in sorted(TASKS.glob("*.yaml")):
        for mutation in mutations(path.read_text(encoding="utf-8"), SEED):
            every.setdefault(mutation.sort, []).append((path.stem, mutation))
    chosen = random.Random(SEED)
    return {sort: chosen.sample(all_, min(EACH, len(all_))) for sort, all_ in every.items()}


CORPUS = corpus()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for folder in ("robots", "motions"):
        (tmp_path / folder).symlink_to(TASKS / folder)
    for base in ("walk.yaml", "trot.yaml"):  # which others extend
        (tmp_path / base).symlink_to(TASKS / base)
    return tmp_path


def test_there_are_many() -> None:
    assert sum(map(len, CORPUS.values())) >= 300
    assert len(CORPUS) >= 30
    assert len(MUTATORS) >= 30


@pytest.mark.parametrize("path", sorted(TASKS.glob("*.yaml")), ids=lambda path: path.stem)
def test_unbroken_tasks_have_no_problems(path: Path) -> None:
    assert [d for d in compile_file(path).diagnostics if d.severity != "info"] == []


def missed(folder: Path, sort: str) -> Iterator[str]:
    for task, mutation in CORPUS[sort]:
        path = folder / "task.yaml"
        path.write_text(mutation.text, encoding="utf-8")
        found = compile_file(path, name="task.yaml").diagnostics
        told = [d for d in found if d.severity in ("error", "warning")]
        if not any(d.where.line in mutation.lines for d in told):
            places = ", ".join(f"{d.code} in line {d.where.line}" for d in told) or "nothing"
            lines = sorted(mutation.lines)[:5]
            yield f"{task}: {mutation.what}: expected in lines {lines}, but found {places}"


@pytest.mark.parametrize("sort", CORPUS)
def test_broken_tasks_are_reported_at_the_right_line(sort: str, folder: Path) -> None:
    assert list(missed(folder, sort)) == []

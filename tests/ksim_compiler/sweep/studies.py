"""A study of cartpole, and what a process sees of it."""

from __future__ import annotations

from pathlib import Path

import optuna

from ksim_compiler.sweep.book import Book
from ksim_compiler.sweep.check import Ready, check
from ksim_compiler.sweep.storage import open_storage, quiet

STUDY = """
study: rates
task: cartpole
search:
  PPO.learning_rate.start: {from: 1.0e-4, to: 1.0e-2, log: true}
  PPO.minibatches: {from: 2, to: 8}
goal: {maximize: return}
budget: {trials: 8, steps: 100k}
"""
GRACE = 0.2


def ready(folder: Path, text: str = STUDY) -> Ready:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    found = check(path)
    assert found.study is not None, found.diagnostics
    return found


STORED: dict[Path, optuna.storages.BaseStorage] = {}


def book(folder: Path, study: Ready, storage: str = "") -> Book:
    """A process's view of a study, in memory that all of a folder share where no file is named."""
    quiet()
    kept = open_storage(str(folder / storage)) if storage else None
    memory = STORED.setdefault(folder, optuna.storages.InMemoryStorage())
    return Book(study, kept or memory, folder, GRACE)

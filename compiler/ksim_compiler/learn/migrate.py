"""Warm starts: what another run learned, moved to a task whose columns are others.

A column that goes on keeps its weights, its moments of Adam and its statistics, wherever it now
stands. A new input starts with zero weights, so that the policy acts at first as it did before;
a new action starts as in a fresh network. The environments, the random numbers, the learning
rate and the count of steps are the new run's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ksim_compiler.learn import checkpoint, store
from ksim_compiler.learn.checkpoint import CheckpointError
from ksim_compiler.learn.types import TrainState
from ksim_schema.diff.columns import ColumnMap, Migration

_LEARNED = re.compile(r"(?:networks|optimizer\..+)\.(actor|critic)\.(.+)")
_INPUT = re.compile(r"network\.(?:layers|cells)\.0\.(?:inputs\.)?weight")
_OUTPUT = re.compile(r"network\.(?:head\.)?layers\.(\d+)\.(?:weight|bias)")
FRESH = 10
"""Iterations' worth of rows that statistics count for when some of their columns are new, so that
these find their mean soon."""


class MigrationError(Exception):
    """What another run learned cannot be used; the message says why."""


def migrate(state: TrainState, way: Migration, run: Path, rows: int) -> TrainState:
    """Move what a run learned into a fresh state.

    Args:
        state: the fresh state of the new task.
        way: where the new task's columns come from.
        run: the folder of the other run.
        rows: environment steps of an iteration.

    Raises:
        MigrationError: its networks are others, or it has no checkpoint that can be read.
    """
    if not way.possible:
        raise MigrationError(way.sentence())
    old, fresh = _newest(run), checkpoint.arrays(state)
    if not way.actions.is_identity and state.networks.actor.head.output_size > 2 * len(
        way.actions.index
    ):
        raise MigrationError("the actions have changed, and a mixture's outputs cannot be moved")
    moved: dict[str, np.ndarray] = {}
    for name, array in fresh.items():
        before = old.get(name)
        value = None if before is None else _moved(name, before, array, way, rows, fresh)
        if value is not None and value.shape != array.shape:
            raise MigrationError(
                f"{name} has the shape {list(value.shape)} in {run} and {list(array.shape)} here"
            )
        moved[name] = array if value is None else value.astype(array.dtype)
    return checkpoint.with_arrays(state, moved)


def _newest(run: Path) -> Mapping[str, np.ndarray]:
    problem = f"{run} holds no checkpoint"
    for _, path in reversed(store.checkpoints(run)):
        try:
            return checkpoint.read_arrays(path)
        except CheckpointError as error:
            problem = str(error)
    raise MigrationError(problem)


def _moved(
    name: str,
    old: np.ndarray,
    fresh: np.ndarray,
    way: Migration,
    rows: int,
    all_fresh: Mapping[str, np.ndarray],
) -> np.ndarray | None:
    """The array of the other run with its columns in the new task's places; None to start anew."""
    for prefix, columns, obstacles in (
        ("policy_normalizer.", way.policy, ()),
        ("critic_normalizer.", way.critic, way.critic_obstacles),
    ):
        if name.startswith(prefix):
            return None if obstacles else _statistics(name, old, columns, rows)
    if name.startswith("value_normalizer."):
        return None if way.critic_obstacles else old
    learned = _LEARNED.fullmatch(name)
    if learned is None:
        return old if name.startswith("optimizer.") else None
    network, place = learned[1], learned[2]
    if network == "critic" and way.critic_obstacles:
        return None
    columns = way.policy if network == "actor" else way.critic
    if _INPUT.fullmatch(place):
        normalized = f"{'policy' if network == 'actor' else 'critic'}_normalizer.mean" in all_fresh
        old = _rows(old, columns, rescale=not normalized and name.startswith("networks."))
    if network == "actor" and not way.actions.is_identity:
        output = _OUTPUT.fullmatch(place)
        last = output is not None and int(output[1]) == _last_layer(all_fresh)
        if last or place.startswith("head."):
            old = _outputs(old, fresh, way.actions)
    return old


def _last_layer(arrays: Mapping[str, Any]) -> int:
    found = (_LEARNED.fullmatch(name) for name in arrays if name.startswith("networks.actor."))
    outputs = (_OUTPUT.fullmatch(match[2]) for match in found if match)
    return max(int(match[1]) for match in outputs if match)


def _rows(old: np.ndarray, columns: ColumnMap, rescale: bool) -> np.ndarray:
    """Weights (inputs, outputs) with the rows of the new inputs."""
    new = np.zeros((columns.new_size, *old.shape[1:]), old.dtype)
    for row, (index, factor) in enumerate(zip(columns.index, columns.factor, strict=True)):
        if index is not None:
            new[row] = old[index] / (factor if rescale else 1.0)
    return new


def _outputs(old: np.ndarray, fresh: np.ndarray, columns: ColumnMap) -> np.ndarray:
    """Weights or biases (..., blocks * actions) with the columns of the new actions."""
    blocks, rest = divmod(old.shape[-1], columns.old_size)
    if rest or fresh.shape[-1] != blocks * columns.new_size:
        return old  # not one for each action
    new = fresh.copy()
    for block in range(blocks):
        for column, index in enumerate(columns.index):
            if index is not None:
                place = block * columns.new_size + column
                new[..., place] = old[..., block * columns.old_size + index]
    return new


def _statistics(name: str, old: np.ndarray, columns: ColumnMap, rows: int) -> np.ndarray:
    """Mean or variance of the new inputs, or the count that they have."""
    field = name.rpartition(".")[2]
    if field == "count":
        return np.asarray(np.minimum(old, FRESH * rows)) if columns.born else old
    new = np.full(columns.new_size, 0.0 if field == "mean" else 1.0, old.dtype)
    for place, (index, factor) in enumerate(zip(columns.index, columns.factor, strict=True)):
        if index is not None:
            new[place] = old[index] * (factor if field == "mean" else factor**2)
    return new

"""Recordings as event files; see :mod:`ksim_schema.exchange.replay`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ksim_compiler.play.record import Recording
from ksim_schema.exchange import replay


def plain(values: Any) -> Any:
    """Arrays of float32 as lists of the shortest decimals that give them again."""
    array = np.asarray(values)
    if array.dtype.kind == "f":
        shortest = np.array([float(str(v)) for v in array.astype(np.float32).ravel()])
        return shortest.reshape(array.shape).tolist()
    return array.tolist()


def states(recording: Recording) -> list[dict[str, Any]]:
    """The canonical state before each tick and after the last."""
    columns: dict[str, Any] = {
        "qpos": plain(recording.qpos),
        "qvel": plain(recording.qvel),
        "age": plain(recording.age),
        **_levels(recording.level),
        "last_action": plain(recording.last_action),
        **{f"command.{name}": plain(values) for name, values in recording.commands.items()},
        **{f"model.{name}": plain(values) for name, values in recording.model.items()},
    }
    return [
        {name: values[row] for name, values in columns.items()}
        for row in range(recording.ticks + 1)
    ]


def _levels(level: np.ndarray | Mapping[str, np.ndarray]) -> dict[str, Any]:
    if not isinstance(level, Mapping):
        return {"level": plain(level)}
    return {f"level.{name}": plain(values) for name, values in level.items()}


def events(recording: Recording, origin: replay.Origin | None = None) -> Iterator[dict[str, Any]]:
    """The events of a recording, which was made as ``origin`` says."""
    terms = {name: plain(values) for name, values in recording.terms.items()}
    ends = recording.terminations
    ticks = range(recording.ticks)
    return replay.events(
        states(recording),
        plain(recording.action),
        plain(recording.reward),
        [{name: values[t] for name, values in terms.items()} for t in ticks],
        [[name for name, values in ends.items() if values[t]] for t in ticks],
        [bool(f) for f in recording.failure],
        [bool(d) for d in recording.done],
        origin,
    )


def text(recording: Recording, origin: replay.Origin) -> str:
    """The event file of a recording, which was made as ``origin`` says."""
    return "".join(replay.canonical_text(event) + "\n" for event in events(recording, origin))

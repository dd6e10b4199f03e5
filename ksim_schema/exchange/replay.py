"""Replays as event files: one JSON object a line, each with the hashes of two states.

The first event is ``birth``, the state that the episode began in, with its ``origin``: how it was
recorded, so that it can be replayed. Each further one is a ``transition``:

* event_id: 0 for the birth, then 1, 2, 3, ...
* before_hash, after_hash: SHA-256 of the canonical state before and after; the birth has no
  before_hash. Each event's before_hash is the after_hash of the one before.
* delta: what changed: the action, the reward by term, done, and the fields of the state that are
  others, with their new values.
* trit: the sign of the reward: -1 a penalty, 0 neutral, 1 a reward.
* impact: 1 when the episode ended in a failure or the class of the state changed, else 0. The
  class of a state is the set of terminations that hold in it.

The canonical state is the JSON text of ``state`` with sorted keys and without spaces, numbers as
the shortest decimals that give the same float32 again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, field
from pathlib import Path
from typing import Any, cast

from ksim_schema.records import dataclass
from ksim_schema.source.files import FileError, read_bytes
from ksim_schema.source.plain import is_mapping

MAX_SIZE = 500_000_000
"""Largest event file in bytes."""


class ReplayError(Exception):
    """An event file that cannot be used; the message says why, and where."""


@dataclass(frozen=True)
class Origin:
    """How a replay was recorded.

    Attributes:
        task: its name.
        fingerprint: of the task.
        steps: environment steps that the policy had been trained for.
        seed: of all random numbers.
        commands: ``<command>.<element>`` -> the value that it was held at, in SI units.
        settings: ``path=value`` texts that changed the task.
    """

    task: str
    fingerprint: str
    steps: int
    seed: int
    commands: Mapping[str, float] = field(default_factory=dict[str, float])
    settings: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: Sequence[Mapping[str, Any]]) -> Origin:
        """That of an event file.

        Raises:
            ReplayError: it names none.
        """
        data = found[0].get("origin")
        if not is_mapping(data):
            raise ReplayError("the birth does not say how it was recorded: it has no origin")
        names = (data.get("task"), data.get("fingerprint"))
        steps, seed = data.get("steps"), data.get("seed")
        commands, settings = data.get("commands"), _texts(data.get("settings"))
        if (
            not all(isinstance(name, str) for name in names)
            or type(steps) is not int
            or type(seed) is not int
            or not is_mapping(commands)
            or not all(map(_is_number, commands.values()))
            or settings is None
        ):
            raise ReplayError("the birth's origin is not as one is written")
        held = {str(name): float(value) for name, value in commands.items()}
        return cls(str(names[0]), str(names[1]), steps, seed, held, tuple(settings))

    def as_json(self) -> dict[str, Any]:
        """For the birth."""
        return {**asdict(self), "settings": list(self.settings)}


@dataclass(frozen=True)
class Difference:
    """Where two replays part.

    Attributes:
        event: number of the first event that differs.
        field: the field in it, such as ``delta.reward.upright`` or ``delta.state.qpos[3]``.
        old, new: its two values; None for one that is not there.
    """

    event: int
    field: str
    old: Any
    new: Any

    def __str__(self) -> str:
        if not self.field:
            return f"the replays part at event {self.event}: one of them has ended"
        return f"the replays part at event {self.event} in {self.field}: {self.old} and {self.new}"


def canonical_text(data: Any) -> str:
    """JSON with sorted keys and without spaces."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=True)


def state_hash(state: Mapping[str, Any]) -> str:
    """SHA-256 of a state, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_text(state).encode()).hexdigest()


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the state that differ from those before."""
    return {name: value for name, value in after.items() if before.get(name) != value}


def trit(reward: float) -> int:
    """The sign of a reward."""
    return (reward > 0) - (reward < 0)


def events(
    states: Sequence[Mapping[str, Any]],
    actions: Sequence[Sequence[float]],
    rewards: Sequence[float],
    terms: Sequence[Mapping[str, float]],
    terminations: Sequence[Sequence[str]],
    failed: Sequence[bool],
    done: Sequence[bool],
    origin: Origin | None = None,
) -> Iterator[dict[str, Any]]:
    """The events of a recording.

    Args:
        states: n + 1 states.
        actions, rewards, terms, terminations, failed, done: of n ticks; ``terminations`` are the
            names of those that hold after the tick.
        origin: how it was recorded.
    """
    before = state_hash(states[0])
    yield {
        "event_id": 0,
        "kind": "birth",
        "after_hash": before,
        "delta": {"state": dict(states[0])},
        "trit": 0,
        "impact": 0,
        **({} if origin is None else {"origin": origin.as_json()}),
    }
    kind: Sequence[str] = ()
    for tick, reward in enumerate(rewards):
        after = state_hash(states[tick + 1])
        impact = failed[tick] or sorted(terminations[tick]) != sorted(kind)
        yield {
            "event_id": tick + 1,
            "kind": "transition",
            "before_hash": before,
            "after_hash": after,
            "delta": {
                "action": list(actions[tick]),
                "reward": dict(terms[tick]),
                "total": reward,
                "terminations": sorted(terminations[tick]),
                "failure": failed[tick],
                "done": done[tick],
                "state": changed(states[tick], states[tick + 1]),
            },
            "trit": trit(reward),
            "impact": int(impact),
        }
        before = after
        kind = () if done[tick] else terminations[tick]


def read_events(path: Path) -> list[dict[str, Any]]:
    """Read an event file.

    Raises:
        ReplayError: it cannot be read or is not an event file.
    """
    try:
        lines = read_bytes(path, MAX_SIZE).decode().splitlines()
    except FileError as error:
        raise ReplayError(f"cannot read {path}: {error}") from error
    except UnicodeDecodeError as error:
        raise ReplayError(f"cannot read {path}: it is not text in UTF-8") from error
    found: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ReplayError(f"{path}:{number}: not valid JSON: {error}") from error
        if not is_mapping(event) or "event_id" not in event or "delta" not in event:
            raise ReplayError(f"{path}:{number}: this is not an event")
        found.append(dict(event))
    if not found:
        raise ReplayError(f"{path} holds no events")
    return found


def check_chain(found: Sequence[Mapping[str, Any]]) -> str | None:
    """What is wrong with a file's own chain of hashes: the first problem, or None.

    The states are rebuilt from the changes, so a changed value is found as well as a changed hash.
    """
    state: dict[str, Any] = {}
    kind: list[str] = []
    for number, event in enumerate(found):
        delta = event["delta"]
        if event["event_id"] != number:
            return f"event {number} has the number {event['event_id']}"
        if number and event.get("before_hash") != found[number - 1].get("after_hash"):
            return f"event {number} does not follow from event {number - 1}: before_hash"
        new = delta.get("state") if is_mapping(delta) else None
        if not is_mapping(new):
            return f"event {number} has no delta.state"
        state = {**state, **new}
        if event.get("after_hash") != state_hash(state):
            return f"event {number}: after_hash is not that of its state"
        if number == 0:
            continue
        total, terminations = delta.get("total"), _texts(delta.get("terminations"))
        if terminations is None:
            return f"event {number} has no delta.terminations"
        if not isinstance(total, (int, float)) or event.get("trit") != trit(total):
            return f"event {number}: trit is not the sign of delta.total"
        impact = int(bool(delta.get("failure")) or sorted(terminations) != kind)
        if event.get("impact") != impact:
            return f"event {number}: impact is {event.get('impact')}, and should be {impact}"
        kind = [] if delta.get("done") else sorted(terminations)
    return None


def _texts(value: Any) -> list[str] | None:
    """A list of texts, or None for anything else."""
    if not isinstance(value, list):
        return None
    items = cast(list[Any], value)
    return items if all(isinstance(item, str) for item in items) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def first_difference(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> Difference | None:
    """Where two replays part, or None when they are the same, wherever they come from."""
    for number, (a, b) in enumerate(zip(map(_told, old), map(_told, new), strict=False)):
        if a != b:
            # what differs in the state or the reward says more than the hash of it
            found = list(_differences(a, b, ""))
            found.sort(key=lambda item: item[0].endswith("_hash"))
            return Difference(number, *found[0])
    if len(old) != len(new):
        return Difference(min(len(old), len(new)), "", None, None)
    return None


def _told(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event without how it was recorded."""
    return {name: value for name, value in event.items() if name != "origin"}


def _differences(a: Any, b: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if is_mapping(a) and is_mapping(b):
        for key in sorted({*a, *b}, key=str):
            inner = f"{path}.{key}" if path else str(key)
            yield from _differences(a.get(key), b.get(key), inner)
    elif isinstance(a, list) and isinstance(b, list):
        lefts, rights = cast(list[Any], a), cast(list[Any], b)
        if len(lefts) != len(rights):
            yield f"{path} (length)", len(lefts), len(rights)
        for index, (left, right) in enumerate(zip(lefts, rights, strict=False)):
            yield from _differences(left, right, f"{path}[{index}]")
    elif a != b:
        yield path, a, b

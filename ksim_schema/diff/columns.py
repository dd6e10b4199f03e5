"""Which column of a network's old input or output each new column is: how to move its weights."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from ksim_schema.records import dataclass
from ksim_schema.vocabulary.distributions import Distribution

REACH = 0.95
"""The farthest that the centre of what is squashed by tanh is put from zero."""


@dataclass(frozen=True)
class Segment:
    """A stretch of columns that one part gives or takes.

    Attributes:
        name: the part, for example ``Observation.gyro``.
        size: how many columns.
        labels: what each column is called, of which no two are alike; () when nothing tells them
            apart but their places.
        meaning: a text that is the same while a column of the same label means the same.
        scale: the factor between the value and what it stands for: that of an observation, or one
            over that of an action; one for all columns, or one for each.
        offset: the value of what is zero in the unit that it stands for, alike.
        squashed: whether what it stands for is so of the value's tanh; for all or for each.
        senses: what each column means apart from the part's meaning; () for nothing more.
    """

    name: str
    size: int
    labels: tuple[str, ...] = ()
    meaning: str = ""
    scale: float | tuple[float, ...] = 1.0
    offset: float | tuple[float, ...] = 0.0
    squashed: bool | tuple[bool, ...] = False
    senses: tuple[str, ...] = ()

    def each(self) -> tuple[tuple[float, float], ...]:
        """Scale and offset of each column."""
        spread = [
            v if isinstance(v, tuple) else (v,) * self.size for v in (self.scale, self.offset)
        ]
        return tuple(zip(*spread, strict=True))

    def squashes(self, column: int) -> bool:
        """Whether a column stands for what its value's tanh says."""
        return self.squashed[column] if isinstance(self.squashed, tuple) else self.squashed

    def __post_init__(self) -> None:
        if self.labels and len(set(self.labels)) != self.size:
            raise ValueError(f"{self.name} needs {self.size} labels, each once")


@dataclass(frozen=True)
class Move:
    """What became of one part's columns.

    Attributes:
        name: the part by its new name, or by its old one when it is gone.
        old: its first and last-but-one column in the old task, None if it was not there.
        new: the same in the new task, None if it is gone.
        kept: how many of the new columns come from old ones.
        rescaled: what the value is multiplied with, where that is one factor for all columns.
        shifted: whether it is measured from elsewhere, or has a factor for each column.
    """

    name: str
    old: tuple[int, int] | None
    new: tuple[int, int] | None
    kept: int
    rescaled: float = 1.0
    shifted: bool = False


@dataclass(frozen=True)
class ColumnMap:
    """Where the columns of an input or output come from.

    Attributes:
        old_size: columns in the old task.
        index: for each new column the old column it continues, or None for one that is new.
        factor: for each new column what its value before is multiplied with; 1 where it is new.
        shift: for each new column what is added then; 0 where it is new.
        moves: the same by part, those of the new task first.
        rough: parts whose values are not quite so: those that tanh squashes, in other units.
    """

    old_size: int
    index: tuple[int | None, ...]
    factor: tuple[float, ...]
    shift: tuple[float, ...] = ()
    moves: tuple[Move, ...] = field(default=(), compare=False)
    rough: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.shift:
            object.__setattr__(self, "shift", (0.0,) * len(self.index))

    @property
    def new_size(self) -> int:
        """Columns in the new task."""
        return len(self.index)

    @property
    def born(self) -> tuple[int, ...]:
        """New columns that continue no old one."""
        return tuple(new for new, old in enumerate(self.index) if old is None)

    @property
    def dropped(self) -> tuple[int, ...]:
        """Old columns that no new one continues."""
        kept = set(self.index)
        return tuple(old for old in range(self.old_size) if old not in kept)

    @property
    def is_identity(self) -> bool:
        """Whether nothing has moved and nothing is rescaled."""
        same = self.index == tuple(range(self.old_size))
        return same and all(f == 1.0 for f in self.factor) and not any(self.shift)

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "old_size": self.old_size,
            "new_size": self.new_size,
            "index": list(self.index),
            "factor": list(self.factor),
            "shift": list(self.shift),
            "parts": [
                {
                    "name": m.name,
                    "old": list(m.old) if m.old else None,
                    "new": list(m.new) if m.new else None,
                    "kept": m.kept,
                    "rescaled": m.rescaled,
                    "shifted": m.shifted,
                }
                for m in self.moves
            ],
        }


def column_map(
    old: Sequence[Segment], new: Sequence[Segment], renames: Mapping[str, str] | None = None
) -> ColumnMap:
    """Map the columns of a new input (or output) to those of the old.

    A part's columns are continued when its meaning is the same: by label where both tasks have
    labels, by place where neither has and the size is the same.

    Args:
        old: the segments of the old task, in order.
        new: those of the new one.
        renames: old name -> new name, of parts that are called otherwise.
    """
    names = renames or {}
    before: dict[str, tuple[Segment, int]] = {}
    start = 0
    for segment in old:
        before[names.get(segment.name, segment.name)] = segment, start
        start += segment.size
    old_size, start = start, 0
    index, factor, moves = list[int | None](), list[float](), list[Move]()
    shift, rough = list[float](), list[str]()
    for segment in new:
        was, first = before.pop(segment.name, (None, 0))
        places = [None] * segment.size if was is None else _places(was, segment)
        ways = [_way(was, segment, new, old) for new, old in enumerate(places)]
        places = [p if way else None for p, way in zip(places, ways, strict=True)]
        index += [None if p is None else first + p for p in places]
        factor += [way[0] if way else 1.0 for way in ways]
        shift += [way[1] if way else 0.0 for way in ways]
        if any(way and not way[2] for way in ways):
            rough.append(segment.name)
        factors = {way[0] for way in ways if way}
        rescaled = factors.pop() if len(factors) == 1 else 1.0
        moved = any(way and way[1] for way in ways) or bool(factors)
        kept = sum(p is not None for p in places)
        stretch = None if was is None else (first, first + was.size)
        now = start, start + segment.size
        moves.append(Move(segment.name, stretch, now, kept, rescaled, moved))
        start += segment.size
    for name, (was, first) in before.items():
        moves.append(Move(name, (first, first + was.size), None, 0))
    return ColumnMap(
        old_size, tuple(index), tuple(factor), tuple(shift), tuple(moves), tuple(rough)
    )


def _way(
    old: Segment | None, new: Segment, column: int, place: int | None
) -> tuple[float, float, bool] | None:
    """Factor and shift of a new column, and whether they are exact; None where it is new."""
    if old is None or place is None:
        return None
    (before, then), (after, now) = old.each()[place], new.each()[column]
    if not (before and after):  # a column that is always zero tells nothing
        return None
    factor = after / before
    shift = now - factor * then
    if abs(shift) < 1e-12 * max(1.0, abs(now)):
        shift = 0.0
    squashed, squashes = old.squashes(place), new.squashes(column)
    exact = not (squashed or squashes)
    if exact or (squashed == squashes and abs(factor) == 1.0 and not shift):
        return factor, shift, True  # tanh is odd
    if not squashes:
        return factor, shift, False  # the slope of tanh at zero is 1
    centre = min(max(shift, -REACH), REACH)
    return factor / (1.0 - centre**2), math.atanh(centre), False


def _places(old: Segment, new: Segment) -> list[int | None]:
    """For each column of a part its place in the old part."""
    found: list[int | None] = [None] * new.size
    if old.meaning != new.meaning:
        return found
    if old.labels and new.labels:
        place = {label: number for number, label in enumerate(old.labels)}
        found = [place.get(label) for label in new.labels]
    elif old.size == new.size:
        found = list(range(new.size))
    before, after = (s.senses or ("",) * s.size for s in (old, new))
    same = (p is not None and before[p] == sense for p, sense in zip(found, after, strict=True))
    return [p if keep else None for p, keep in zip(found, same, strict=True)]


@dataclass(frozen=True)
class Migration:
    """Whether a checkpoint of the old task can go on in the new one, and how.

    Attributes:
        policy: the policy's input.
        critic: the critic's input.
        actions: the policy's output.
        obstacles: why the policy's weights cannot be moved; empty when they can.
        critic_obstacles: the same of the critic's, which may as well start anew.
        inexact: what of the policy is not carried exactly, in sentences.
        distribution: that of the old policy; None for that of the new one.
        other_returns: whether what the critic estimates has changed: rewards, ends or the discount.
        not_carried: how the model gives columns another meaning that the weights do not take into
            account, in sentences.
    """

    policy: ColumnMap
    critic: ColumnMap
    actions: ColumnMap
    obstacles: tuple[str, ...] = ()
    critic_obstacles: tuple[str, ...] = ()
    inexact: tuple[str, ...] = ()
    distribution: Distribution | None = None
    other_returns: bool = False
    not_carried: tuple[str, ...] = ()

    @property
    def possible(self) -> bool:
        """Whether the policy's weights can be moved."""
        return not self.obstacles

    @property
    def needed(self) -> bool:
        """Whether the old checkpoint does not fit as it is."""
        maps = (self.policy, self.critic, self.actions)
        same = all(m.is_identity for m in maps)
        return not same or bool(self.obstacles or self.critic_obstacles or self.inexact)

    def sentence(self) -> str:
        """What a reader wants to know first."""
        if self.obstacles:
            return "a checkpoint cannot be migrated: " + "; ".join(self.obstacles)
        if not self.needed:
            return "a checkpoint fits as it is: each input and output keeps its column"
        notes = [*_notes(self.policy, "policy input"), *_notes(self.actions, "action")]
        if self.critic_obstacles:
            notes.append("the critic starts anew: " + "; ".join(self.critic_obstacles))
        else:
            notes += _notes(self.critic, "critic input")
        said = "a checkpoint can be migrated" + (": " + "; ".join(notes) if notes else "")
        return said + (", but not exactly: " + "; ".join(self.inexact) if self.inexact else "")

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "needed": self.needed,
            "possible": self.possible,
            "obstacles": list(self.obstacles),
            "critic_obstacles": list(self.critic_obstacles),
            "inexact": list(self.inexact),
            "not_carried": list(self.not_carried),
            "policy_input": self.policy.as_dict(),
            "critic_input": self.critic.as_dict(),
            "actions": self.actions.as_dict(),
        }


def _notes(columns: ColumnMap, what: str) -> list[str]:
    def count(number: int) -> str:
        return f"{number} {what}{'s' if number != 1 else ''}"

    born, dropped = len(columns.born), len(columns.dropped)
    kept = [(i, f) for i, f in zip(columns.index, columns.factor, strict=True) if i is not None]
    moved = sum(old != new for new, old in enumerate(columns.index) if old is not None)
    scaled = sum(abs(f) != 1.0 for _, f in kept)
    negated = sum(f < 0.0 for _, f in kept)
    shifted = sum(s != 0.0 for s in columns.shift)
    return [
        *([f"{count(born)} new, starting at zero"] if born else []),
        *([f"{count(dropped)} dropped"] if dropped else []),
        *([f"{count(moved)} moved"] if moved else []),
        *([f"{count(scaled)} rescaled"] if scaled else []),
        *([f"{count(negated)} with the other sign"] if negated else []),
        *([f"{count(shifted)} measured from elsewhere"] if shifted else []),
    ]


def obstacles(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Why the weights of a network cannot be moved to another.

    Args:
        old: the canonical values of the policy or critic.
        new: those of the new task; both are empty of a task without a critic.
    """
    before, after = (side.get("network", {}) for side in (old, new))
    paths = [("network", key) for key in sorted({*before, *after})]
    paths += [("distribution", key) for key in ("kind", "components", "state_dependent")]
    found: list[str] = []
    for part, key in paths:
        a, b = (side.get(part, {}).get(key) for side in (old, new))
        if a != b:
            found.append(f"{part}.{key} was {_flow(a)} and is {_flow(b)}")
    return tuple(found)


def _flow(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "not given" if value is None else str(value)

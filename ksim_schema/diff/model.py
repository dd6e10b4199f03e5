"""What a difference between two tasks is made of, and its form in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any, Final, Literal, cast, get_args

from ksim_schema.records import dataclass

Tier = Literal["policy-io", "training", "runtime", "cosmetic"]
TIERS: Final[tuple[Tier, ...]] = get_args(Tier)
"""What a change means, the gravest first.

* policy-io: the policy's inputs or outputs, or what they mean, have changed.
* training: old checkpoints of the policy load, and results differ.
* runtime: the same task, on other means: number of environments, names in logs, random draws.
* cosmetic: the same fingerprint.
"""
Action = Literal["born", "died", "changed", "renamed"]
Subject = Literal["task", "part", "wire", "order", "learner", "file"]
Step = str | int
FORMAT: Final = 2
"""Version of the JSON form."""
_READ: Final = (1, FORMAT)
"""Versions that are read: in the first, a learner's place was without its section, PPO."""


class Absent(Enum):
    """The value of what is not there (``null`` is a value)."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class DiffError(ValueError):
    """A difference that cannot be read, or that is not one of this task."""


@dataclass(frozen=True)
class Change:
    """One change.

    Attributes:
        action: born, died, changed or renamed.
        subject: what kind of thing has changed.
        place: where, in the old task's names for what has died and the new one's otherwise:
            ``(object, name)`` of a part and ``(object, name, *path)`` of a value in it,
            ``(hom, src, tgt, port)`` of a wire, ``(hom,)`` of an order of wires, ``(name,)`` of a
            file, ``(section, *path)`` of a value of the learner or ``(section,)`` of all of it,
            the keys of a value of the task's head.
        tier: what it means.
        why: the reason for the tier where the place does not say it.
        old: value before, ABSENT if it is born. Of a wire its index among those of its morphism
            that are left, of an order the places in the old task of the wires that remain.
        new: value after, ABSENT if it has died.
    """

    action: Action
    subject: Subject
    place: tuple[Step, ...]
    tier: Tier
    why: str = ""
    old: Any = ABSENT
    new: Any = ABSENT

    def as_dict(self) -> dict[str, Any]:
        """The JSON form; ``old`` and ``new`` are left out when absent."""
        data: dict[str, Any] = {
            "action": self.action,
            "subject": self.subject,
            "place": list(self.place),
            "tier": self.tier,
            "why": self.why,
        }
        data |= {k: v for k in ("old", "new") if (v := getattr(self, k)) is not ABSENT}
        return data


@dataclass(frozen=True)
class Diff:
    """All changes from one task to another, in the order in which they are applied."""

    changes: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def tier(self) -> Tier | None:
        """The gravest tier of all changes, None when there is none."""
        found = {c.tier for c in self.changes}
        return next((tier for tier in TIERS if tier in found), None)

    def of(self, tier: Tier) -> tuple[Change, ...]:
        """The changes of a tier."""
        return tuple(c for c in self.changes if c.tier == tier)

    def reaches(self, tier: Tier) -> bool:
        """Whether there is a change of this tier or a graver one."""
        return self.tier is not None and TIERS.index(self.tier) <= TIERS.index(tier)

    @property
    def renames(self) -> dict[tuple[str, str], str]:
        """(object, old name) -> new name of the parts that are called otherwise."""
        return {
            (str(c.place[0]), c.old): c.new
            for c in self.changes
            if c.action == "renamed" and c.subject == "part"
        }

    def with_files(self, tier: Tier, why: str) -> Diff:
        """The diff with changed model files in a tier that is known from the compiled models."""
        return Diff(
            tuple(
                replace(c, tier=tier, why=why) if c.subject == "file" else c for c in self.changes
            )
        )

    def as_dict(self) -> dict[str, Any]:
        """The JSON form as data."""
        return {
            "format": FORMAT,
            "tier": self.tier,
            "changes": [change.as_dict() for change in self.changes],
        }

    def to_json(self) -> str:
        """The JSON form, which :meth:`from_json` reads back to an equal diff."""
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Diff:
        """Read the JSON form.

        Raises:
            DiffError: the text is not a diff.
        """
        try:
            data: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DiffError("the text is not JSON") from error
        changes: Any = cast("Any", data).get("changes") if isinstance(data, dict) else None
        if not isinstance(changes, list) or cast("Any", data).get("format") not in _READ:
            raise DiffError(f"the text is not a diff of format {FORMAT}")
        return cls(tuple(_change(item) for item in cast("Iterable[Any]", changes)))


def _change(data: Any) -> Change:
    if not isinstance(data, dict):
        raise DiffError("a change is a mapping")
    fields = dict(cast("Mapping[str, Any]", data))
    place: Any = fields.get("place")
    if fields.get("subject") == "PPO" and isinstance(place, list):  # of format 1
        fields["subject"], place = "learner", ["PPO", *cast("list[Any]", place)]
    good = (
        fields.get("action") in get_args(Action)
        and fields.get("subject") in get_args(Subject)
        and fields.get("tier") in TIERS
        and isinstance(fields.get("why"), str)
        and isinstance(place, list)
        and all(isinstance(s, str | int) for s in cast("list[Any]", place))
    )
    if not good:
        raise DiffError("a change lacks its action, subject, tier, reason or place")
    return Change(
        fields["action"],
        fields["subject"],
        tuple(cast("list[Step]", place)),
        fields["tier"],
        fields["why"],
        fields.get("old", ABSENT),
        fields.get("new", ABSENT),
    )

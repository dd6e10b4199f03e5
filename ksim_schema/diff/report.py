"""A comparison as it is shown: lines of words, and the forms that hold them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import cache
from typing import Any, NamedTuple, cast

from ksim_schema.acset import sch_task
from ksim_schema.diff.columns import ColumnMap, Migration, Move
from ksim_schema.diff.model import ABSENT, TIERS, Change, Diff, Tier
from ksim_schema.graph.canonical import values_of
from ksim_schema.records import dataclass
from ksim_schema.source import dotted
from ksim_schema.units import QuantityError, parse
from ksim_schema.vocabulary import KINDS
from ksim_schema.vocabulary.learner import LEARNERS

SHOWN = 3
"""How many changes of meaning are told; of others their number."""
MEANING: Mapping[Tier, str] = {
    "policy-io": "the policy's inputs or outputs; old checkpoints need migration",
    "training": "old checkpoints of the policy load, results differ",
    "runtime": "the same task",
    "cosmetic": "the same fingerprint",
}


@dataclass(frozen=True)
class Comparison:
    """Two tasks and what is between them.

    Attributes:
        old_name: how the old task is called, "" when there is none.
        new_name: how the new one is called, "" when there is none.
        diff: the changes.
        migration: what becomes of a checkpoint, None when one of the tasks is not there.
        old: canonical data of the old task.
        new: canonical data of the new one.
        fingerprints: of the old and the new task.
    """

    old_name: str
    new_name: str
    diff: Diff
    migration: Migration | None = None
    old: Mapping[str, Any] = field(default_factory=lambda: {})
    new: Mapping[str, Any] = field(default_factory=lambda: {})
    fingerprints: tuple[str, str] = ("", "")

    @property
    def tier(self) -> Tier | None:
        """The gravest tier; a task that is gone leaves its policies without one."""
        if not self.new_name:
            return "policy-io"
        return self.diff.tier if self.old_name else "runtime"

    @property
    def title(self) -> str:
        """The two names."""
        if not self.new_name:
            return f"{self.old_name} is gone"
        return f"{self.old_name} -> {self.new_name}" if self.old_name else f"{self.new_name} is new"

    def summary(self) -> str:
        """The gravest tier and how many changes there are of each."""
        if not (self.old_name and self.new_name):
            return f"{self.tier}"
        counts = {t: len(list(lines(self.diff, t))) for t in TIERS}
        listed = ", ".join(f"{n} {t}" for t, n in counts.items() if n)
        return listed or ("equal" if not self.diff else "nothing but what follows of names")

    @property
    def verdict(self) -> str:
        """What becomes of a checkpoint, in a sentence; "" when nothing has changed."""
        if self.migration is None or not self.diff:
            return ""
        if self.diff.tier == "policy-io" and not self.migration.needed:
            said = "a checkpoint loads as it is, but what its inputs or outputs mean has changed"
            lost = in_short(self.migration.not_carried)
            return f"{said}: {lost}" if lost else said
        verdict = self.migration.sentence()
        if self.migration.possible and self.migration.not_carried:
            what = in_short(self.migration.not_carried)
            return f"{verdict}; the model gives columns another meaning, not carried: {what}"
        if any(c.subject == "file" and c.tier == "policy-io" for c in self.diff.changes):
            return f"{verdict}; what its inputs or outputs mean has changed with the model"
        return verdict

    def maps(self) -> Iterator[tuple[str, ColumnMap]]:
        """The column maps that are worth showing, with their titles."""
        if self.migration is not None and self.diff:
            for title, columns in (
                ("policy input", self.migration.policy),
                ("action", self.migration.actions),
                ("critic input", self.migration.critic),
            ):
                if not columns.is_identity:
                    yield title, columns

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "old": self.old_name or None,
            "new": self.new_name or None,
            "tier": self.tier,
            "fingerprints": list(self.fingerprints),
            "diff": self.diff.as_dict(),
            "migration": None if self.migration is None else self.migration.as_dict(),
        }


def in_short(sentences: Sequence[str]) -> str:
    """The first of some sentences, and how many more there are."""
    more = len(sentences) - SHOWN
    return "; ".join(sentences[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def to_json(comparisons: Sequence[Comparison]) -> str:
    """All comparisons as JSON."""
    tiers = [c.tier for c in comparisons if c.tier]
    data = {
        "tier": min(tiers, key=TIERS.index, default=None),
        "comparisons": [c.as_dict() for c in comparisons],
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


class Line(NamedTuple):
    """One change in words.

    Attributes:
        sign: ``+`` born, ``-`` died, ``~`` changed, ``=`` renamed.
        place: what has changed.
        text: how.
        why: the reason for its tier.
        old: the value before, in short ("" when it is not a value).
        new: the value after.
    """

    sign: str
    place: str
    text: str
    why: str = ""
    old: str = ""
    new: str = ""


_SIGNS = {"born": "+", "died": "-", "changed": "~", "renamed": "="}


def lines(diff: Diff, tier: Tier) -> Iterator[Line]:
    """The changes of a tier in words.

    Wires of parts that are born or die are told with the part, and what is recorded or implied is
    left out: it follows from the rest.
    """
    fresh = {c.place for c in diff.changes if c.subject == "part" and c.action in ("born", "died")}
    homs = sch_task().homs
    for change in diff.of(tier):
        sign, place = _SIGNS[change.action], change.place
        match change.subject:
            case "part" if place[0] == "Trajectory":
                continue
            case "part" if change.action == "renamed":
                text = f"was {change.old}"
                yield Line(sign, dotted(place), text, change.why, str(change.old), str(change.new))
            case "part" if len(place) == 2 and place in fresh:
                values = change.new if change.action == "born" else change.old
                text = brief(str(place[0]), values) + _readers(diff, change)
                yield Line(sign, dotted(place), text, change.why)
            case "learner" if len(place) == 1:
                values = change.new if change.action == "born" else change.old
                yield Line(sign, str(place[0]), learner(str(place[0]), values), change.why)
            case "wire":
                hom, src, tgt, port = (str(step) for step in place)
                ends = (homs[hom].dom, src), (homs[hom].codom, tgt)
                if not port or any(end in fresh for end in ends):
                    continue
                named = f"{'.'.join(ends[0])} -> {'.'.join(ends[1])}"
                yield Line(sign, named, f"({port})", change.why)
            case "order":
                yield Line(sign, f"order of {place[0]!r}", "", change.why)
            case "file":
                text = f"was {change.old}" if change.action == "renamed" else ""
                yield Line(sign, str(place[0]), text, change.why)
            case _:
                yield _valued(sign, change)


def _valued(sign: str, change: Change) -> Line:
    place = change.place
    if place[-1] == "constant":  # `scale: 3` is how an author writes it
        place = place[:-1]
    old, new = short(change.old), short(change.new)
    if old == new:  # the difference is in the digits that are not shown
        old, new = short(change.old, exact=True), short(change.new, exact=True)
    return Line(sign, dotted(place), f"{old} -> {new}", change.why, old, new)


def _readers(diff: Diff, part: Change) -> str:
    """Which parts read a part that is born or has died."""
    object, name = part.place
    homs = sch_task().homs
    ends = [
        f"{homs[str(c.place[0])].codom}.{c.place[2]}"
        for c in diff.changes
        if c.subject == "wire"
        and c.action == part.action
        and c.place[3]
        and (homs[str(c.place[0])].dom, c.place[1]) == (object, name)
        and homs[str(c.place[0])].codom not in ("Trajectory", "PhysicsState")
    ]
    return " -> " + ", ".join(dict.fromkeys(ends)) if ends else ""


def learner(section: str, values: Mapping[str, Any]) -> str:
    """A learner as its author would write it: without what is as by default."""
    usual = values_of(LEARNERS[section]())
    return short({k: v for k, v in values.items() if k not in usual or usual[k] != v})


def brief(object: str, values: Mapping[str, Any]) -> str:
    """A part as its author would write it: without what is as by default."""
    usual = _defaults(object, str(values.get("kind", "")))
    shown = {k: v for k, v in values.items() if k not in usual or usual[k] != v}
    kind = {"kind": values["kind"]} if "kind" in values else {}
    return short({**kind, **shown})


@cache
def _defaults(object: str, kind: str) -> Mapping[str, Any]:
    cls = KINDS.get(object, {}).get(kind)
    if cls is None:
        return {}
    return cls.model_construct().model_dump(mode="json", by_alias=True, warnings=False)


_USUAL_NOISE: Mapping[str, Any] = {"mean": 0.0, "mode": "additive", "scale": {"constant": 1.0}}


def short(value: Any, *, exact: bool = False) -> str:
    """A value in one line as an author would write it; numbers with six digits unless exact."""
    if value is ABSENT:
        return "not given"
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        if set(items) == {"constant"}:
            return short(items["constant"], exact=exact)
        if "mode" in items and "mean" in items:
            items = {k: v for k, v in items.items() if _USUAL_NOISE.get(k, ABSENT) != v}
        return "{" + ", ".join(f"{k}: {short(v, exact=exact)}" for k, v in items.items()) + "}"
    if isinstance(value, list | tuple):
        many = cast("list[Any]", value)
        if len(many) == 1 and isinstance(many[0], dict):
            return short(many[0], exact=exact)
        return "[" + ", ".join(short(v, exact=exact) for v in many) + "]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, float):
        return repr(value) if exact else f"{value:g}"
    if isinstance(value, str) and not exact:
        try:
            measured = parse(value)
        except QuantityError:
            return value if value else "''"
        unit = str(measured.dimension)
        return f"{float(measured):g} {unit}" if unit else value
    return str(value)


def moves(columns: ColumnMap) -> Iterator[tuple[Move, str, str, str]]:
    """The parts of a column map: the part, its old and new columns, what happened."""
    for move in columns.moves:
        old, new = (f"[{m[0]}:{m[1]}]" if m else "-" for m in (move.old, move.new))
        yield move, old, new, _fate(move)


def _fate(move: Move) -> str:
    if move.new is None:
        return "dropped"
    size = move.new[1] - move.new[0]
    if not move.kept:
        return "new" if move.old is None else "means something else: starts at zero"
    notes = [f"{size - move.kept} of {size} are new"] if move.kept < size else []
    old = move.old or (0, 0)
    if old[1] - old[0] > move.kept:
        notes.append(f"{old[1] - old[0] - move.kept} dropped")
    if move.rescaled != 1.0:
        notes.append(f"values times {move.rescaled:g}")
    if move.shifted:
        notes.append("values measured otherwise")
    if not notes:
        return "kept" if old == move.new else "moved"
    return ", ".join(notes)

"""From two tasks in canonical form to the changes between them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard, cast

from ksim_schema.acset import sch_task
from ksim_schema.diff.model import ABSENT, Change, Diff, Step
from ksim_schema.diff.tiers import Tiers
from ksim_schema.graph.canonical import ORDERED, UNNAMED, renamed
from ksim_schema.task import SECTIONS
from ksim_schema.vocabulary.learner import LEARNERS

Data = Mapping[str, Any]
Path = tuple[Step, ...]
Wire = tuple[str, str, str]
"""Source, target and port of an edge."""


def diff(old: Data, new: Data) -> Diff:
    """What has changed from one task to another.

    Args:
        old: canonical data (:func:`ksim_schema.graph.canonical.canonical`), with the digests of the
            model's files under ``files`` where they are known.
        new: the same of the other task.

    Returns:
        The changes; applied to ``old`` they give ``new``.
    """
    names = _renames(old, new)
    moved = renamed(old, names)
    tiers = Tiers(moved, new)
    changes = [
        Change("renamed", "part", (object, to), *tiers.rename(object), old=name, new=to)
        for (object, name), to in names.items()
    ]
    changes += _head(moved, new, tiers)
    for object in SECTIONS:
        changes += _parts(object, moved.get(object, {}), new.get(object, {}), tiers)
    for hom in sorted({*moved["morphisms"], *new["morphisms"]}):
        before, after = (list(map(_wire, d["morphisms"].get(hom, ()))) for d in (moved, new))
        changes += _wires(hom, before, after, tiers)
    changes += _learner(moved, new, tiers)
    changes += _files(moved.get("files", {}), new.get("files", {}))
    return Diff(tuple(changes))


def text(value: Any) -> str:
    """A text that two values share only when they are equal and of one type (1 and 1.0 differ)."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _head(old: Data, new: Data, tiers: Tiers) -> Iterator[Change]:
    """Changes of what stands beside the sections: the name, the description."""
    known = {*SECTIONS, "morphisms", *LEARNERS, "files"}
    before, after = ({k: v for k, v in d.items() if k not in known} for d in (old, new))
    for path, a, b in _values(before, after):
        yield _valued("task", path, a, b, *tiers.head(path))


def _learner(old: Data, new: Data, tiers: Tiers) -> Iterator[Change]:
    """Changes of how the task is trained: another learner, or other values of the same."""
    before, after = ({k: d[k] for k in LEARNERS if k in d} for d in (old, new))
    for path, a, b in _values(before, after):
        action = "died" if b is ABSENT else "born" if a is ABSENT else "changed"
        action = "changed" if len(path) > 1 else action
        yield Change(action, "learner", path, *tiers.learner(path), old=a, new=b)


def _parts(object: str, old: Data, new: Data, tiers: Tiers) -> Iterator[Change]:
    for name in old:
        if name not in new:
            tier = tiers.part(object, name)
            yield Change("died", "part", (object, name), *tier, old=old[name])
    for name in new:
        if name not in old:
            tier = tiers.part(object, name)
            yield Change("born", "part", (object, name), *tier, new=new[name])
            continue
        for path, a, b in _values(old[name], new[name]):
            tier = tiers.value(object, name, path, a, b)
            yield _valued("part", (object, name, *path), a, b, *tier)


def _valued(subject: Any, place: Path, a: Any, b: Any, tier: Any, why: str) -> Change:
    return Change("changed", subject, place, tier, why, a, b)


def _values(old: Any, new: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """The values that differ, as deep as both sides are mappings or lists of mappings."""
    if isinstance(old, dict) and isinstance(new, dict):
        a, b = cast("Data", old), cast("Data", new)
        for key in (*a, *(k for k in b if k not in a)):
            yield from _values(a.get(key, ABSENT), b.get(key, ABSENT), (*path, key))
    elif _is_chain(old) and _is_chain(new) and len(old) == len(new):
        for index, (x, y) in enumerate(zip(old, new, strict=True)):
            yield from _values(x, y, (*path, index))
    elif old is ABSENT or new is ABSENT or text(old) != text(new):
        yield path, old, new


def _is_chain(value: Any) -> TypeGuard[list[Any]]:
    """Whether a value is a list of mappings, as a chain of noises is."""
    return isinstance(value, list) and all(isinstance(v, dict) for v in cast("list[Any]", value))


def _wire(edge: Data) -> Wire:
    return edge["src"], edge["tgt"], edge.get("port", "")


def _wires(hom: str, old: list[Wire], new: list[Wire], tiers: Tiers) -> Iterator[Change]:
    """Wires that died, then those left in another order, then those born, with their places."""
    spare = Counter(old)
    spare.subtract(Counter(new))
    rest: list[Wire] = []
    for index, wire in reversed(list(enumerate(old))):
        if spare[wire] > 0:
            spare[wire] -= 1
            yield Change("died", "wire", (hom, *wire), *tiers.wire(hom, wire), old=index)
        else:
            rest.append(wire)
    rest.reverse()
    born, stay = list[tuple[int, Wire]](), list[Wire]()
    for index, wire in enumerate(new):
        if spare[wire] < 0:
            spare[wire] += 1
            born.append((index, wire))
        else:
            stay.append(wire)
    if hom in ORDERED and rest != stay:
        places: dict[Wire, list[int]] = {}
        for index, wire in reversed(list(enumerate(rest))):
            places.setdefault(wire, []).append(index)
        order = [places[wire].pop() for wire in stay]
        yield Change("changed", "order", (hom,), *tiers.order(hom), new=order)
    for index, wire in born:
        yield Change("born", "wire", (hom, *wire), *tiers.wire(hom, wire), new=index)


def _files(old: Data, new: Data) -> Iterator[Change]:
    """Changes of the model's files: the same content under another name is a rename."""
    gone = {name: digest for name, digest in old.items() if name not in new}
    for name, digest in new.items():
        if name in old:
            if old[name] != digest:
                why = "the model is another"
                yield Change("changed", "file", (name,), "training", why, old[name], digest)
            continue
        before = next((n for n, d in gone.items() if d == digest), None)
        if before is None:
            yield Change("born", "file", (name,), "training", "the model is another", new=digest)
        else:
            del gone[before]
            why = "the same content"
            yield Change("renamed", "file", (name,), "runtime", why, before, name)
    for name, digest in gone.items():
        yield Change("died", "file", (name,), "training", "the model is another", old=digest)


def _renames(old: Data, new: Data) -> dict[tuple[str, str], str]:
    """Parts that live on under another name: the same values, and the most neighbours in common.

    A part of which a task has only one is the same part under any name.
    """
    found: dict[tuple[str, str], str] = {}
    around = _neighbours(old), _neighbours(new)
    for object in SECTIONS:
        before, after = old.get(object, {}), new.get(object, {})
        died = {n: text(before[n]) for n in before if n not in after}
        born = {n: text(after[n]) for n in after if n not in before}
        if not died or not born or object == "Trajectory":
            continue
        if object in UNNAMED and len(before) == len(after) == 1:
            found[object, next(iter(died))] = next(iter(born))
            continue
        by_content: dict[str, list[str]] = {}
        for name, content in born.items():
            by_content.setdefault(content, []).append(name)
        for name, content in died.items():
            choices = by_content.get(content, [])
            if choices:
                mine = around[0].get((object, name), Counter())
                best = max(choices, key=lambda n: (mine & around[1][object, n]).total())
                choices.remove(best)
                found[object, name] = best
    return found


def _neighbours(data: Data) -> dict[tuple[str, str], Counter[tuple[str, str, str]]]:
    """For each part the morphisms, ports and other ends of its wires."""
    homs, found = sch_task().homs, dict[tuple[str, str], Counter[tuple[str, str, str]]]()
    for object in SECTIONS:
        found |= {(object, name): Counter() for name in data.get(object, ())}
    for hom, edges in data["morphisms"].items():
        for edge in edges:
            port = edge.get("port", "")
            for own, other, of in (("src", "tgt", homs[hom].dom), ("tgt", "src", homs[hom].codom)):
                mine = found.get((of, edge[own]))
                if mine is not None:
                    mine[hom, port, edge[other]] += 1
    return found

"""What a change of the model means for the columns of a policy's input and output."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import field

from ksim_compiler.plan.columns import along, inputs, outputs
from ksim_compiler.plan.plan import Plan
from ksim_compiler.robot.anatomy import Anatomy, Key, anatomy
from ksim_compiler.robot.differences import changes, negated
from ksim_compiler.robot.model import Robot
from ksim_schema.diff.columns import Segment
from ksim_schema.graph import Node
from ksim_schema.graph.canonical import values_of
from ksim_schema.records import dataclass
from ksim_schema.robot import RobotFacts
from ksim_schema.vocabulary import Named, Part, annotated_fields
from ksim_schema.vocabulary.action import Action, PositionServo
from ksim_schema.vocabulary.command.motion import JointPosition as JointCommand
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.observation.base import selected
from ksim_schema.vocabulary.observation.joint import JointObservation
from ksim_schema.vocabulary.observation.signal import LastAction, WiredObservation


@dataclass(frozen=True)
class Stretch:
    """The columns of one part.

    Attributes:
        segment: what they are.
        start: the first of them.
        node: the part's name.
        parts: the part, and those that it hands on.
    """

    segment: Segment
    start: int
    node: Node
    parts: tuple[Part, ...]


@dataclass
class Sentence:
    """A change of meaning and the columns that it is of.

    Attributes:
        text: what has changed.
        carried: whether a policy that is moved to the new task takes it into account.
        columns: of which inputs and outputs.
    """

    text: str
    carried: bool = False
    columns: list[str] = field(default_factory=lambda: [])

    def __str__(self) -> str:
        return f"{', '.join(self.columns)}: {self.text}" if self.columns else self.text


@dataclass(frozen=True)
class Meanings:
    """How the models of two tasks give the columns of a policy another meaning.

    Attributes:
        sentences: each change.
        negated: the joints and sensors whose numbers have the other sign.
    """

    sentences: tuple[Sentence, ...]
    negated: frozenset[Key]


def meanings(
    old: Plan, new: Plan, models: tuple[Robot, Robot], names: Mapping[str, str]
) -> Meanings:
    """How the models of two tasks give the columns of a policy another meaning.

    Only what both tasks have is compared: columns that are born or gone are told elsewhere.

    Args:
        old: the old task, after shape inference.
        new: the new one.
        models: their robots as the models have them, without what tasks add.
        names: old name -> new name of the parts that are called otherwise.
    """
    before, after = (anatomy(robot.model) for robot in models)
    opposite = negated(before, after)
    was = {names.get(s.segment.name, s.segment.name): s for s in _stretches(old)}
    found: dict[tuple[str, bool], Sentence] = {}
    for stretch in _stretches(new):
        other = was.get(stretch.segment.name)
        if other is not None:
            for key, text, carried in _told(old, new, before, after, opposite, other, stretch):
                told = found.setdefault((text, carried), Sentence(text, carried))
                told.columns.append(_columns(stretch, key))
    sentences = list(found.values())
    order = [[s.segment.name for s in _stretches(p)] for p in (old, new)]
    labels = [[(s.segment.size, s.segment.labels) for s in _stretches(p)] for p in (old, new)]
    if not sentences and order[0] == order[1] and labels[0] != labels[1]:
        sentences.append(Sentence("the columns are of other joints, or in another order", True))
    return Meanings(tuple(sentences), opposite)


def _stretches(plan: Plan) -> Iterator[Stretch]:
    for segments in (inputs(plan, plan.policy_input), outputs(plan)):
        start = 0
        for segment in segments:
            object, _, name = segment.name.removesuffix(" (noisy)").partition(".")
            part = plan.task.of(object)[name]
            parts = [part]
            if isinstance(part, WiredObservation):
                edges = plan.graph.into(Node(object, name), part.source)
                parts += [plan.task.of(e.src.object)[e.src.name] for e in edges]
            yield Stretch(segment, start, Node(object, name), tuple(parts))
            start += segment.size


def _told(
    old: Plan,
    new: Plan,
    before: Anatomy,
    after: Anatomy,
    opposite: frozenset[Key],
    was: Stretch,
    now: Stretch,
) -> Iterator[tuple[Key, str, bool]]:
    """What has changed for one part: the thing that it is about, how, and whether it is carried."""
    facts = old.robot.facts, new.robot.facts
    keys = [
        [key for part in s.parts for key in _rests_on(part, f)]
        for s, f in zip((was, now), facts, strict=True)
    ]
    for a, b in zip(*(_frames(k) for k in keys), strict=False):
        if a != b and [values_of(p) for p in was.parts] == [values_of(p) for p in now.parts]:
            yield b, f"it is about {b[0]} {b[1]!r}, not about {a[0]} {a[1]!r}", False
    signed = opposite & set(along(new, now.node)) if opposite else ()
    for key in dict.fromkeys(keys[1]):
        if key in keys[0]:
            for text, other_sign in changes(before, after, key):
                yield key, text, other_sign and key in signed
    plain = all(isinstance(part, _MEASURED) for part in now.parts)
    yield from ((*told, plain) for told in _homes(facts, now, keys[1]))
    held = any(_held(part) for part in now.parts)
    yield from ((*told, plain and not held) for told in _limits(before, after, now, keys[1]))


_MEASURED = (Action, JointObservation, JointCommand, LastAction)
"""Parts whose home positions and limits are taken into account where columns are moved."""


def _frames(keys: list[Key]) -> list[Key]:
    return [key for key in keys if key[0] != "joint"]


def _rests_on(part: Part, facts: RobotFacts) -> Iterator[Key]:
    """The things of the model that a part's numbers are about, in their order."""
    for (name, *_), named, value in annotated_fields(part, Named):
        if not value or name == "partners" or named.what in ("geom", "keyframe"):
            continue
        patterns = value if isinstance(value, tuple) else (value,)
        if named.what == "joint" and named.pattern:
            yield from (("joint", joint.name) for joint in facts.match_joints(patterns))
        elif named.pattern:
            yield from ((named.what, n) for n in selected(facts, named.what, patterns))
        else:
            yield from ((named.what, n) for n in patterns)
    if isinstance(part, Observation):
        what = {"xbody": "body"}
        for request in part.sensors(facts):
            for kind, thing in (
                (request.objtype, request.objname),
                (request.reftype, request.refname),
            ):
                if kind and thing and thing != facts.bodies[0]:
                    yield what.get(kind, kind), thing


def _homes(
    facts: tuple[RobotFacts, RobotFacts], now: Stretch, keys: list[Key]
) -> Iterator[tuple[Key, str]]:
    """Home positions, where something is measured from them."""
    if not any('"home"' in json.dumps(values_of(part)) for part in now.parts):
        return
    homes = [{joint.name: joint.home for joint in f.joints} for f in facts]
    for key in dict.fromkeys(keys):
        a, b = (h.get(key[1]) for h in homes)
        if key[0] == "joint" and a is not None and b is not None and a != b:
            yield key, f"the home position of joint {key[1]!r} was {_text(a)} and is {_text(b)}"


def _limits(
    before: Anatomy, after: Anatomy, now: Stretch, keys: list[Key]
) -> Iterator[tuple[Key, str]]:
    """Limits of joints, where something is derived from them or held within them."""
    if not any(part.needs_limits or _held(part) for part in now.parts):
        return
    for key in dict.fromkeys(keys):
        a, b = (m.joints.get(key[1]) if key[0] == "joint" else None for m in (before, after))
        if a is not None and b is not None and a.limits != b.limits:
            was, is_ = (_text(j.limits) if j.limits else "none" for j in (a, b))
            yield key, f"the limits of joint {key[1]!r} were {was} and are {is_}"


def _held(part: Part) -> bool:
    """Whether what it sets is held within the joints' limits."""
    return isinstance(part, PositionServo) and part.clip_to_limits


def _text(values: tuple[float, ...]) -> str:
    return f"{values[0]:g}" if len(values) == 1 else "[" + ", ".join(f"{v:g}" for v in values) + "]"


def _columns(stretch: Stretch, key: Key) -> str:
    """The columns of a part that are about a thing: all of them if its labels do not say."""
    segment, first = stretch.segment, stretch.start
    places = [i for i, label in enumerate(segment.labels) if label.startswith(f"{key[1]}[")]
    places = places or list(range(segment.size))
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] + 1 == place:
            runs[-1].append(place)
        else:
            runs.append([place])
    shown = " ".join(f"[{first + run[0]}:{first + run[-1] + 1}]" for run in runs)
    return f"{segment.name} {shown}"

"""``ksim-compile --emit context``: one page with all that one needs to write or mend a task.

For a task: its robot, the kinds that fit it, what it says of each quantity, and what is wrong with
it. For a robot: the same, with a task to begin with. It is for people, and for language models.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ksim_compiler.cli import common
from ksim_schema.checks.ranges import shown, shown_range, table, text
from ksim_schema.diagnostics import Diagnostic, render_text
from ksim_schema.explain import models
from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.task import Task
from ksim_schema.units import FORCE, TORQUE
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary import KINDS, Model, Named, Part
from ksim_schema.vocabulary.base import Kinds, field_annotation
from ksim_schema.vocabulary.objects import OBJECT

MODELS = (".xml", ".mjcf", ".urdf")
_HOW = """\
A task is one YAML file: `ksim: 1`, `task: NAME`, then a section for each object. In a section each
part has a name of its own, and is a mapping with `kind:` and the kind's fields. Parts name each
other: a policy reads observations, obeys commands and acts by actions; a reward may name a command.
Quantities are written with their unit (`20 ms`, `5 deg`, `0.3 m/s`, `40 N*m/rad`), pure numbers
without. Ranges are `[low, high]`. Rewards add `scale * value`; those that are penalties subtract
it, and scales are never negative. Names of joints are regular expressions that match whole names.
`ksim-compile --check --format json FILE` checks; `--fix FILE` repairs what is certain."""


def context(given: str, settings: Sequence[str], trust: bool) -> int:
    """Print the page. Returns the exit status.

    Args:
        given: a task, a compiled task, or a robot: a model's file, menagerie:... or package:...
        settings: ``path=value`` texts that change the task.
        trust: whether to run the component files that a compiled task carries.

    Raises:
        UsageError: there is no such robot.
    """
    from ksim_compiler.robot import locate

    is_model = given.startswith((locate.PACKAGE, locate.MENAGERIE))
    if is_model or Path(given).suffix.lower() in MODELS:
        return _of_robot(given)
    return _of_task(Path(given), settings, trust)


def _of_robot(model: str) -> int:
    from ksim_compiler.cli.init import beginning

    found = beginning(model, Path())
    if found is None:
        return common.ERRORS
    sections = [f"# Robot {model}", "", *_robot(found.robot.facts), ""]
    sections += ["## A task to begin with", "", "ksim: 1", "task: NAME", "about: WHAT IT IS TO DO"]
    sections += ["", found.text().rstrip(), ""]
    sections += [f"Not driven: {sentence}" for sentence in found.left_out]
    sections += ["", "## How a task is written", "", _HOW, "", *_kinds(found.robot.facts, KINDS)]
    print("\n".join(sections))
    return common.OK


def _of_task(path: Path, settings: Sequence[str], trust: bool) -> int:
    compiled = common.load(path, settings, trust)
    plan = compiled.plan
    task, facts = (None, None) if plan is None else (plan.task, plan.robot.facts)
    if plan is None and path.suffix != common.ARCHIVE:
        task, facts = _without_plan(path, settings)
    kinds = KINDS if task is None else task.components.kinds
    sections = [f"# Task {path if task is None else f'{task.name} ({path})'}", ""]
    if task is not None and task.about:
        sections += [task.about, ""]
    sections += [*_problems(compiled.diagnostics, compiled.sources)]
    if facts is not None:
        sections += ["## The robot", "", *_robot(facts), ""]
    if task is not None and facts is not None and plan is not None:
        sections += ["## What the task says of each quantity", ""]
        said = text(task, table(task, facts), facts).split("\n", 2)[2]
        sections += [said.strip("\n"), ""]
    sections += ["## How a task is written", "", _HOW, "", *_kinds(facts, kinds)]
    print("\n".join(sections))
    return common.OK if plan is not None else common.ERRORS


def _without_plan(path: Path, settings: Sequence[str]) -> tuple[Task | None, RobotFacts | None]:
    """What can be known of a task with errors: its parts that are right, and its robot."""
    from ksim_compiler.robot import locate, model
    from ksim_compiler.robot.files import ModelError
    from ksim_schema.frontend import check_file
    from ksim_schema.vocabulary.state import Robot

    task = check_file(path, settings).task
    part = next(iter(task.of(Robot).values()), None) if task else None
    if task is None or part is None:
        return task, None
    try:
        files = model.read_files(locate.locate(part.model, task.folder).path)
        return task, model.load(part, files).facts
    except ModelError:  # it is among the problems
        return task, None


def _problems(diagnostics: Sequence[Diagnostic], sources: Any) -> list[str]:
    if not diagnostics:
        return ["`ksim-compile --check` finds no problems.", ""]
    return ["## What is wrong with it", "", render_text(list(diagnostics), sources).rstrip(), ""]


def _robot(facts: RobotFacts) -> Iterator[str]:
    """The robot in some lines: names, limits, the home pose."""
    floats = facts.base is not None
    base = f"base `{facts.root}` ({'floats' if floats else 'does not float'}), "
    yield f"model `{facts.source}`: {base}{facts.mass:.4g} kg, timestep {facts.timestep * 1e3:g} ms"
    yield from _listed("keyframes", facts.names("keyframe"))
    yield ""
    yield "joint (type): limits; home; the largest torque or force that its motors give"
    for joint in facts.joints:
        if joint.type == "free":
            continue
        yield f"* `{joint.name or '(without a name)'}` ({joint.type}): {_joint(facts, joint)}"
    yield ""
    heights = [
        f"{name} {facts.measures[f'body.{name}.height']:.3g}"
        for name in facts.names("body")
        if f"body.{name}.height" in facts.measures and name != "world"
    ]
    yield f"bodies, with their height in the home pose in m: {', '.join(heights)}"
    yield from _listed("sites", facts.names("site"))
    solid = [name for name in facts.solid if name and not name.startswith("ksim/")]
    nameless = sum(not name or name.startswith("ksim/geom") for name in facts.solid)
    without = [f"{nameless} without a name"] if nameless else []
    yield from _listed("geoms that collide", [*solid, *without])
    yield from _listed("geoms that stand still", [n for n in facts.ground if n in solid])
    sensors = [f"{s.name} ({s.type})" for s in facts.sensors.values() if s.name[:5] != "ksim/"]
    yield from _listed("sensors", sensors)
    yield from _listed("the model's own actuators", facts.names("actuator"))


def _joint(facts: RobotFacts, joint: Joint) -> str:
    if joint.type == "ball":
        return "a ball joint, which no action drives"
    limits = (
        "none" if joint.limits is None else shown_range(Interval(*joint.limits), joint.dimension)
    )
    effort = joint.effort if joint.effort is not None else joint.cap
    force = FORCE if joint.type == "slide" else TORQUE
    most = "not limited" if not math.isfinite(effort) else shown(effort, force)
    return f"{limits}; {shown(joint.home[0], joint.dimension)}; {most}"


def _listed(title: str, names: Sequence[str]) -> Iterator[str]:
    if names:
        yield f"{title}: {', '.join(names)}"


def _kinds(facts: RobotFacts | None, kinds: Kinds) -> Iterator[str]:
    """The kinds that fit a robot, a line for each, with their fields."""
    yield "## Kinds"
    yield ""
    yield "`kind(field: what it takes = default, ...)`; a field with `?` may be left out, and one "
    yield "without `?` or a default is required."
    yield "`ksim-compile --explain KIND` says more."
    for object, known in kinds.items():
        if object == "Trajectory":
            continue
        fitting = {name: kind for name, kind in known.items() if fits(kind, facts)}
        if not fitting:
            continue
        row = OBJECT[object]
        yield ""
        yield f"### {object}: {row.about[0].lower()}{row.about[1:]}"
        shared = _shared(list(fitting.values()))
        if shared:
            yield f"all take: {', '.join(shared)}"
        for name, kind in fitting.items():
            fields = [f for f in _fields(kind) if f not in shared]
            yield f"* `{name}`({', '.join(fields)}): {models.first_sentence(kind)}"
    yield ""
    yield "### Networks, distributions, noise, scales, learners"
    for title, model in models.others():
        yield f"* `{title}`({', '.join(_fields(model))}): {models.first_sentence(model)}"
    left_out = [
        name for known in kinds.values() for name, kind in known.items() if not fits(kind, facts)
    ]
    if left_out:
        yield ""
        yield f"This robot has not what these kinds need: {', '.join(left_out)}."


def fits(kind: type[Part], facts: RobotFacts | None) -> bool:
    """Whether a robot has what a kind cannot do without: a free joint, a site, a sensor, ..."""
    if facts is None:
        return True
    if kind.floating and facts.base is None:
        return False
    for info in kind.model_fields.values():
        named = field_annotation(info, Named)
        if named is not None and info.is_required() and not facts.names(named.what):
            return False
    return True


def _fields(kind: type[Model]) -> list[str]:
    """The fields of a model: ``name: what it takes = default``, with a ``?`` where none is one."""
    found: list[str] = []
    for row in models.parameters(kind):
        if row.takes == "a mapping:":  # its fields follow
            continue
        if row.default == "none":
            found.append(f"{row.name}?: {row.takes}")
        elif row.default == "required":
            found.append(f"{row.name}: {row.takes}")
        else:
            found.append(f"{row.name}: {row.takes} = {row.default}")
    return found


def _shared(kinds: Sequence[type[Part]]) -> list[str]:
    """The fields that all of several kinds have, in their order."""
    if len(kinds) < 2:
        return []
    others = [set(_fields(kind)) for kind in kinds[1:]]
    return [field for field in _fields(kinds[0]) if all(field in other for other in others)]

"""Two compiled tasks against each other: what has changed, and what becomes of a checkpoint."""

from __future__ import annotations

from typing import Any

from ksim_compiler.pipeline import Compiled
from ksim_compiler.plan import Plan
from ksim_compiler.plan.meaning import Meanings, meanings
from ksim_compiler.plan.migration import migration
from ksim_compiler.robot import model
from ksim_schema.diagnostics import Sink
from ksim_schema.diff import Diff, diff
from ksim_schema.diff.report import Comparison, in_short
from ksim_schema.graph.canonical import canonical, digests
from ksim_schema.graph.wiring import wire


def compare(old: Compiled, new: Compiled, old_name: str, new_name: str) -> Comparison:
    """Compare two compiled tasks without errors.

    Args:
        old: the task before.
        new: the task after.
        old_name: how to call the task before.
        new_name: how to call the task after.
    """

    def data(plan: Plan) -> dict[str, Any]:
        files = digests(plan.robot.files.content)
        return {**canonical(plan.task, wire(plan.task, Sink())), "files": files}

    assert old.plan is not None
    assert new.plan is not None
    before, after = data(old.plan), data(new.plan)
    changes, told = _with_models(diff(before, after), old.plan, new.plan)
    negated = told.negated if told else ()
    lost = [str(s) for s in told.sentences if not s.carried] if told else ()
    moved = migration(old.plan, new.plan, changes, negated, lost)
    marks = (old.fingerprint, new.fingerprint)
    return Comparison(old_name, new_name, changes, moved, before, after, marks)


def _with_models(changes: Diff, old: Plan, new: Plan) -> tuple[Diff, Meanings | None]:
    """The changes with those of the model's files in the tier that the compiled models show.

    What else the columns mean in the new model comes with them, where it is another.
    """
    if not any(change.subject == "file" for change in changes.changes):
        return changes, None

    part = new.robot.part  # the same options for both, which are compared apart
    models = model.load(part, old.robot.files), model.load(part, new.robot.files)
    if model.image(models[0]) == model.image(models[1]):
        return changes.with_files("runtime", "MuJoCo compiles both to the same model"), None
    names = {f"{object}.{a}": f"{object}.{b}" for (object, a), b in changes.renames.items()}
    found = meanings(old, new, models, names)
    told = in_short([str(sentence) for sentence in found.sentences])
    return (changes.with_files("policy-io", told) if told else changes), found

"""Policy files, made of a run and read again with their task.

A robot of the author's own travels in the file. One of a package (``menagerie:``, ``package:``)
does not: it is looked for where the policy is played, and what is there is compared with what the
policy was trained on, by the fingerprint first, and by the contract where that is another.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ksim_compiler import artifact
from ksim_compiler.artifact import Archive
from ksim_compiler.deploy.contract import contract
from ksim_compiler.learn.run import manifest, policy_file
from ksim_compiler.learn.run.checkpoint import CheckpointError
from ksim_compiler.learn.run.evaluate import Evaluation
from ksim_compiler.learn.run.judge import describe
from ksim_compiler.learn.run.policy import Policy, fresh_policy
from ksim_compiler.learn.run.policy_file import PolicyFile
from ksim_compiler.pipeline import Compiled
from ksim_compiler.plan import Plan
from ksim_compiler.robot import locate
from ksim_compiler.robot.files import ModelError
from ksim_compiler.robot.model import read_files
from ksim_schema.diagnostics import Diagnostic, Sink, Span
from ksim_schema.source import parse
from ksim_schema.vocabulary.base import files_of

OF_PACKAGE = (locate.PACKAGE, locate.MENAGERIE)
"""How the reference to a robot begins that is somebody else's to give."""


@dataclass(frozen=True)
class Loaded:
    """The task of a policy file.

    Attributes:
        compiled: the task.
        remarks: what is otherwise here than where the policy was trained.
    """

    compiled: Compiled
    remarks: tuple[str, ...] = ()


def write(path: Path, place: Path, compiled: Compiled, policy: Policy, judged: Evaluation) -> None:
    """Write a policy file.

    Args:
        path: the file.
        place: the run, or another policy file.
        compiled: its task.
        policy: its policy.
        judged: how that does.

    Raises:
        CheckpointError: there is no checkpoint, the file cannot be written, or the task has files
            of its own beside a robot of a package.
    """
    plan = compiled.plan
    assert plan is not None
    newest = policy_file.learned(place, policy.steps)
    if newest is None:
        raise CheckpointError(f"{place} has no checkpoint after {policy.steps:,} steps")
    of_package = travels_not(plan)
    if of_package and (plan.task.components.files or _own_files(compiled)):
        message = "its robot is that of a package, and does not travel: nor can its own files"
        raise CheckpointError(f"{place} cannot be one file: {message}")
    summary = {k: v if math.isfinite(v) else None for k, v in judged.summary().items()}
    told = {
        "episodes": len(judged.returns),
        "sentence": describe(judged, plan),
        "figures": summary,
    }
    about = {
        "task": plan.task.name,
        "fingerprint": compiled.fingerprint,
        "canonical": artifact.canonical_text(plan),
        "steps": policy.steps,
        "versions": manifest.versions(),
        "contract": contract(plan, policy, compiled.fingerprint),
        "judged": told,
    }
    archive = None if of_package else artifact.pack(compiled)
    policy_file.write(path, PolicyFile(policy_file.kept(newest.state), archive, about))


def travels_not(plan: Plan) -> bool:
    """Whether a task's robot is that of a package, and is left out of a policy file."""
    return plan.robot.part.model.startswith(OF_PACKAGE)


def _own_files(compiled: Compiled) -> bool:
    """Whether parts of a task name files beside it."""
    assert compiled.plan is not None
    return any(True for _, _, part in compiled.plan.task for _ in files_of(part))


def load(path: Path, settings: Sequence[str] = (), name: str = "", trust: bool = False) -> Loaded:
    """Compile the task of a policy file; what is wrong with it is in the diagnostics.

    Args:
        path: the file.
        settings: ``path=value`` texts that change the task.
        name: how to call the file in messages; the path by default.
        trust: whether to run the Python files that it carries.

    Raises:
        CheckpointError: it is no policy file, it is damaged, or the robot that is here is one that
            the policy cannot act on.
    """
    name, file = name or str(path), policy_file.read(path)
    if file.archive is not None:
        own = artifact.read(path, settings, name, trust=trust, data=file.archive)
        return Loaded(own)
    told = f"{name}/task.json"
    try:
        archive, downloaded = _with_robot(file, told)
    except ModelError as error:
        found = Diagnostic(error.code, str(error), Span(told), help=error.help)
        return Loaded(Compiled(None, [found], {}))
    compiled, meaning = artifact.with_meaning(archive, settings, told)
    remarks = [f"downloaded {downloaded}"] if downloaded else []
    if compiled.plan is not None and meaning != archive.fingerprint:
        plain = artifact.with_meaning(archive, (), told)[0] if settings else compiled
        remarks.append(_compared(file.about, plain, name))
    return Loaded(compiled, tuple(remarks))


def _with_robot(file: PolicyFile, name: str) -> tuple[Archive, str]:
    """The task with the robot that this machine has, and what was downloaded for it.

    Raises:
        ModelError: there is none.
        CheckpointError: the file names no robot of a package.
    """
    document = parse(file.about["canonical"], name, Sink())
    states = document.data.get("PhysicsState") if document is not None else None
    robots = list(states.values()) if isinstance(states, Mapping) else []
    model = robots[0].get("model") if robots and isinstance(robots[0], Mapping) else None
    if not isinstance(model, str) or not model.startswith(OF_PACKAGE):
        raise CheckpointError(f"{name} is damaged: it names no robot of a package")
    located = locate.locate(model, Path())
    files, about = read_files(located.path), file.about
    texts = (about["fingerprint"], (), about["versions"], about["canonical"], "", "")
    return Archive(*texts, files, {}), located.downloaded


def _compared(about: Mapping[str, Any], here: Compiled, name: str) -> str:
    """That the task is another one here than where the policy was trained.

    Raises:
        CheckpointError: the policy cannot act in it.
    """
    assert here.plan is not None
    now = contract(here.plan, fresh_policy(here.plan), here.fingerprint)
    wrong = next(differences(about["contract"], json.loads(json.dumps(now))), None)
    model = here.plan.robot.part.model
    if wrong is not None:
        raise CheckpointError(f"{name} is not of the robot {model} that is here: {wrong}")
    return (
        f"the robot {model} or this version of ksim-schema is not the one that {name} was "
        "trained with: it reads and sets the same, and may move otherwise; --episodes judges it"
    )


_READ = ("kind", "size", "elements", "unit", "history")
_SET = ("kind", "size", "joints", "unit")


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What a policy of one contract would read or set otherwise under another.

    Args:
        old: the contract of the policy.
        new: that of the task it is to act in.
    """
    if old.get("control_period") != new["control_period"]:
        yield f"it acts every {new['control_period']:g} s, and not {old.get('control_period')} s"
    for section, verb, fields in (("inputs", "reads", _READ), ("outputs", "sets", _SET)):
        before, after = (_by_name(side.get(section)) for side in (old, new))
        if list(before) != list(after):
            yield f"it {verb} {', '.join(after)}, and not {', '.join(before)}"
        for part in before.keys() & after.keys():
            for field in fields:
                was, now = before[part].get(field), after[part].get(field)
                if was != now:
                    yield f"the {field} of {part} is {now}, and not {was}"


def _by_name(entries: Any) -> dict[str, Mapping[str, Any]]:
    """The entries of a section of a contract."""
    listed = entries if isinstance(entries, list) else []
    return {str(entry.get("name")): entry for entry in listed if isinstance(entry, dict)}

"""What names a trained policy in a program, and the task that it was trained in."""

from __future__ import annotations

import os
from pathlib import Path

from ksim_compiler import artifact
from ksim_compiler.api.task import PathLike, Task, task_of
from ksim_compiler.deploy import policies, pretrained
from ksim_compiler.deploy.pretrained import UnknownPolicyError
from ksim_compiler.learn.run.checkpoint import CheckpointError
from ksim_compiler.learn.run.files import TASK


class PolicyError(ValueError):
    """There is no policy, it is damaged, or it cannot act in a task; the message says which."""


def find(source: PathLike) -> tuple[Path, str]:
    """The folder of a run or a policy file, and how to call it.

    Raises:
        PolicyError: no policy of that name ships.
    """
    text = os.fspath(source)
    try:
        shipped = text.startswith(pretrained.PREFIX)
        return (pretrained.path_of(text) if shipped else Path(text)), text
    except UnknownPolicyError as error:
        raise PolicyError(str(error)) from error


def trained_task(place: Path, name: str, trust: bool) -> Task:
    """The task that a policy was trained in.

    Args:
        place: the folder of a run, or a policy file.
        name: how to call it.
        trust: whether the Python files that come with it may run.

    Raises:
        PolicyError: there is none, or it is damaged.
        CompileError: its task has errors here.
    """
    try:
        if place.is_file():
            return task_of(policies.load(place, (), name, trust).compiled, place, {}, trust)
    except CheckpointError as error:
        raise PolicyError(str(error)) from error
    path = place / TASK
    if not path.is_file():
        raise PolicyError(f"{place} is neither a run nor a policy file")
    return task_of(artifact.read(path, trust=trust), path, {}, trust)

"""What names a trained policy in a command: a run's folder, a policy file, or pretrained:NAME."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ksim_compiler.cli import common
from ksim_compiler.cli.common import UsageError
from ksim_compiler.deploy.pretrained import (
    ENDING as ENDING,
    FOLDER as FOLDER,
    PREFIX,
    UnknownPolicyError,
    names as names,
    path_of,
    shown as shown,
)

if TYPE_CHECKING:
    from ksim_compiler.pipeline import Compiled

HELP = f"the folder of a run, a policy file ({ENDING}), or {PREFIX}NAME for one that ships"


def place(text: str) -> Path:
    """The type of an option that names a trained policy.

    Raises:
        ArgumentTypeError: the text is empty, or no policy of that name ships.
    """
    if not text.startswith(PREFIX):
        return common.task(text)
    try:
        return path_of(text)
    except UnknownPolicyError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def check(place: Path) -> None:
    """See that there is a trained policy.

    Raises:
        UsageError: there is none.
    """
    if place.is_file():
        if place.suffix != ENDING:
            what = f"neither the folder of a run nor a policy file ({ENDING})"
            if place.suffix in (".yaml", ".yml", common.ARCHIVE):
                what += "; ksim-play shows a task with --zero or --random"
            raise UsageError(f"{place} is {what}")
    elif place.suffix == ENDING and not place.exists():
        raise UsageError(f"there is no policy file {place}")
    elif not (place / "task.ksim").is_file():
        raise UsageError(f"{place} is not a run: there is no task.ksim in it")


def load(place: Path, settings: Sequence[str], program: str, trust: bool) -> Compiled:
    """Compile the task of a trained policy; what is otherwise here than there is printed.

    Raises:
        UsageError: there is none.
        CheckpointError: it is damaged, or the robot that is here is one that it cannot act on.
    """
    check(place)
    if not place.is_file():
        return common.load(place / "task.ksim", settings, trust)
    from ksim_compiler.deploy import policies

    loaded = policies.load(place, settings, shown(place), trust)
    for remark in loaded.remarks:
        print(f"{program}: {remark}", file=sys.stderr)
    return loaded.compiled


def tell(place: Path) -> None:
    """Print what a policy file says of itself."""
    from ksim_compiler.learn.run import policy_file

    about = policy_file.read(place).about
    print(f"{shown(place)}: task {about['task']}; {about['judged'].get('sentence', 'not judged')}")

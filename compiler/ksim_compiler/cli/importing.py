"""``ksim-import``: a task out of the configuration of mjlab, of Isaac Lab or of UniLab."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ksim_compiler.cli import common, outputs
from ksim_compiler.cli.common import ERRORS, OK, UsageError

if TYPE_CHECKING:
    from ksim_schema.exchange.others.draft import Draft
    from ksim_schema.exchange.others.tagged import Value

PROGRAM = "ksim-import"
ROBOT = "robot.xml"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see ``--help``. Returns the exit status."""
    return common.main_without_windows(PROGRAM, parser(), run, argv)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Write a task after the env.yaml that mjlab or Isaac Lab wrote beside a run "
        "(with the agent.yaml beside it), or after a task file of UniLab. What has no counterpart "
        "stands in it as a comment, with its place and the reason. Nothing in the file is run.",
        epilog="Exit status: 0 when the task checks, 1 when it does not yet, 2 for a wrong command "
        "line.",
        allow_abbrev=False,
    )
    add = result.add_argument
    add("file", type=common.path, metavar="FILE", help="the file, or the folder that it is in")
    task = outputs.Output(outputs.TASK)
    add("-o", "--out", type=task, metavar="TASK.yaml", help="default: on standard output")
    add(
        "--robot",
        type=common.given,
        metavar="MODEL",
        help="the robot's MuJoCo model, as a task names it: a path beside TASK.yaml, "
        "menagerie:NAME or package:FILE. The file knows none of these",
    )
    add("--home", type=common.given, metavar="KEYFRAME", help="of the model: the home pose")
    common.add_colour(result)
    return result


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status."""
    file = options.file / "env.yaml" if options.file.is_dir() else options.file
    if options.file.is_dir() and not file.is_file():
        file = options.file / "params" / "env.yaml"
    if not file.is_file():
        raise UsageError(f"there is no {file}")
    draft = _draft(file, options.robot or ROBOT)
    if options.home is not None:
        draft.sections["PhysicsState"]["robot"]["home"] = {"keyframe": options.home}
    if options.out is None:
        print(draft.text(), end="")
    else:
        from ksim_schema.source.files import write_text

        draft.name = _name(options.out)
        write_text(options.out, draft.text())
    source = file.read_text(encoding="utf-8")
    common.print_report(draft.told, {str(file): source}, options.color)
    parts = sum(len(section) for name, section in draft.sections.items() if name != "PPO")
    print(f"{file}: {parts} parts, {len(draft.told)} remarks", file=sys.stderr)
    return _checked(options, draft)


def _name(out: Path) -> str:
    import re

    plain = re.sub(r"\W", "_", out.stem, flags=re.ASCII)
    return plain if plain and not plain[0].isdigit() else f"task_{plain}"


def _draft(file: Path, robot: str) -> Draft:
    """What is made of a file.

    Raises:
        TaskError: it cannot be read, or is of nothing that is known.
    """
    from ksim_schema.diagnostics import Diagnostic, Span, TaskError
    from ksim_schema.diagnostics.codes.robots_program import UNKNOWN_CONFIGURATION
    from ksim_schema.exchange.others import managed, tagged, unilab

    document = tagged.read(file)
    if managed.knows(document):
        return managed.translate(document, _beside(file), file, robot)
    if unilab.knows(document):
        return unilab.translate(document, file, robot)
    where = Span(str(file), document.line, document.column, document.line, document.column + 1)
    message = "this is neither an env.yaml of mjlab or Isaac Lab nor a task file of UniLab"
    help = (
        "the one has 'observations', 'rewards' and 'decimation', the other 'reward: {scales: ...}'"
    )
    found = Diagnostic(UNKNOWN_CONFIGURATION, message, where, help=help)
    raise TaskError([found], {str(file): file.read_text(encoding="utf-8")})


def _beside(file: Path) -> Value | None:
    """The learner's file beside that of the environment, if it is there."""
    from ksim_schema.exchange.others import tagged

    agent = file.with_name("agent.yaml")
    return tagged.read(agent) if agent.is_file() and agent != file else None


def _checked(options: argparse.Namespace, draft: Draft) -> int:
    """Check the task, where there is a robot to check it on."""
    out: Path | None = options.out
    if out is None or options.robot is None:
        if options.robot is None:
            print(f"{PROGRAM}: --robot names the MuJoCo model to check it on", file=sys.stderr)
        return OK
    from ksim_schema.diagnostics import has_errors, summary

    compiled = common.load(out)
    common.print_report(compiled.diagnostics, compiled.sources, options.color)
    print(f"{out}: {summary(compiled.diagnostics)}", file=sys.stderr)
    return ERRORS if has_errors(compiled.diagnostics) else OK


if __name__ == "__main__":
    sys.exit(main())

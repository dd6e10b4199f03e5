"""``ksim-export``: a trained policy as ONNX, with a contract for the robot's program."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ksim_compiler.cli import common, programs
from ksim_compiler.cli.common import ERRORS, OK, UsageError

PROGRAM = "ksim-export"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see ``--help``. Returns the exit status."""
    if argv is None:
        programs.keep()
    return common.main_without_windows(PROGRAM, parser(), run, argv)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Write a trained policy as ONNX, and beside it its contract: what it reads "
        "and sets, in which order and unit.",
        epilog="The contract of policy.onnx is contract.json, that of legs.onnx is "
        "legs.contract.json. Each file says which other one it belongs to.",
        allow_abbrev=False,
    )
    add, path = result.add_argument, common.path
    add("run", type=path, metavar="RUN", help="the folder of a run")
    add("-o", "--out", type=path, default=Path("policy.onnx"), metavar="FILE.onnx")
    common.add_trust(result)
    common.add_colour(result)
    return result


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status."""
    path = options.run / "task.ksim"
    if not path.is_file():
        raise UsageError(f"{options.run} is not a run: there is no task.ksim in it")
    if options.out.suffix != ".onnx":
        raise UsageError(f"{options.out.name}: the file's name ends in .onnx")
    compiled = common.load(path, (), options.trust)
    if compiled.plan is None:
        common.print_report(compiled.diagnostics, compiled.sources, options.color)
        return ERRORS
    from ksim_compiler.deploy.contract import bound, contract, contract_path
    from ksim_compiler.deploy.graph import build
    from ksim_compiler.deploy.targets import ExportError
    from ksim_compiler.learn.run.checkpoint import CheckpointError
    from ksim_compiler.learn.run.policy import load_policy
    from ksim_schema.source.files import write_bytes, write_text

    try:
        policy = load_policy(options.run, compiled.plan)
        model = build(compiled.plan, policy)
        terms = contract(compiled.plan, policy, compiled.fingerprint)
    except (CheckpointError, ExportError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return ERRORS
    for problem in policy.passed_over:
        print(f"{PROGRAM}: passed over a checkpoint: {problem}", file=sys.stderr)
    terms_path = contract_path(options.out)
    graph, text = bound(model, terms, options.out)
    write_bytes(options.out, graph)
    write_text(terms_path, text)
    size = options.out.stat().st_size
    print(f"wrote {options.out} ({size:,} bytes, trained {policy.steps:,} steps) and {terms_path}")
    return OK


if __name__ == "__main__":
    sys.exit(main())

"""``ksim-export``: a trained policy as ONNX with a contract, or as one file that can be played."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ksim_compiler.cli import common, programs, trained
from ksim_compiler.cli.common import ERRORS, OK, UsageError

if TYPE_CHECKING:
    from ksim_compiler.learn.run.policy import Policy
    from ksim_compiler.pipeline import Compiled

PROGRAM = "ksim-export"
EPISODES, SEED = 1024, 1000
"""Of the judgement that a policy file tells: random numbers that no training draws from."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see ``--help``. Returns the exit status."""
    if argv is None:
        programs.keep()
    return common.main_without_windows(PROGRAM, parser(), run, argv)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Write a trained policy for a robot's program, as ONNX and beside it its "
        "contract (what it reads and sets, in which order and unit); or as one file for ksim-play, "
        "ksim-export and ksim-run --from, judged and with its task.",
        epilog="The contract of policy.onnx is contract.json, that of legs.onnx is "
        "legs.contract.json. Each file says which other one it belongs to.",
        allow_abbrev=False,
    )
    add, path = result.add_argument, common.path
    add("run", type=trained.place, metavar="RUN", help=trained.HELP)
    add(
        "-o",
        "--out",
        type=path,
        default=Path("policy.onnx"),
        metavar="FILE",
        help=f"FILE.onnx (default: policy.onnx) or FILE{trained.ENDING}",
    )
    add(
        "--episodes",
        type=common.count,
        metavar="N",
        help=f"that a policy file is judged over (default: {EPISODES:,})",
    )
    common.add_trust(result)
    common.add_colour(result)
    return result


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status."""
    trained.check(options.run)
    if options.out.suffix not in (".onnx", trained.ENDING):
        raise UsageError(f"{options.out.name}: the file's name ends in .onnx or {trained.ENDING}")
    if options.episodes is not None and options.out.suffix == ".onnx":
        raise UsageError(f"--episodes judges what a {trained.ENDING} file tells; leave it out")
    from ksim_compiler.deploy.targets import ExportError
    from ksim_compiler.engine import EngineUnavailable
    from ksim_compiler.learn.run.checkpoint import CheckpointError
    from ksim_compiler.learn.run.policy import load_policy

    try:
        compiled = trained.load(options.run, (), PROGRAM, options.trust)
        if compiled.plan is None:
            common.print_report(compiled.diagnostics, compiled.sources, options.color)
            return ERRORS
        policy = load_policy(options.run, compiled.plan)
        for problem in policy.passed_over:
            print(f"{PROGRAM}: passed over a checkpoint: {problem}", file=sys.stderr)
        write = _write_graph if options.out.suffix == ".onnx" else _write_policy
        write(compiled, policy, options)
    except (CheckpointError, ExportError, EngineUnavailable) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return ERRORS
    return OK


def _write_graph(compiled: Compiled, policy: Policy, options: argparse.Namespace) -> None:
    """Write the ONNX file and its contract."""
    from ksim_compiler.deploy.contract import bound, contract, contract_path
    from ksim_compiler.deploy.graph import build
    from ksim_schema.source.files import write_bytes, write_text

    assert compiled.plan is not None
    model = build(compiled.plan, policy)
    terms = contract(compiled.plan, policy, compiled.fingerprint)
    terms_path = contract_path(options.out)
    graph, text = bound(model, terms, options.out)
    write_bytes(options.out, graph)
    write_text(terms_path, text)
    size = options.out.stat().st_size
    print(f"wrote {options.out} ({size:,} bytes, trained {policy.steps:,} steps) and {terms_path}")


def _write_policy(compiled: Compiled, policy: Policy, options: argparse.Namespace) -> None:
    """Judge the policy, and write it as one file."""
    from ksim_compiler.deploy import policies
    from ksim_compiler.learn.run.judge import describe, judge

    plan, out = compiled.plan, options.out
    assert plan is not None
    common.writable(out)
    judged = judge(plan, policy, options.episodes or EPISODES, SEED)
    policies.write(out, options.run, compiled, policy, judged)
    print(describe(judged, plan))
    told = f"{out.stat().st_size:,} bytes, trained {policy.steps:,} steps"
    where = "looked for where it is played" if policies.travels_not(plan) else "in it"
    print(f"wrote {out} ({told}; its robot is {where})")


if __name__ == "__main__":
    sys.exit(main())

"""``ksim-export``: a trained policy as ONNX with a contract, for kinfer, or as one file to play."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ksim_compiler.cli import common, outputs, programs, trained
from ksim_compiler.cli.common import ERRORS, OK, UsageError
from ksim_schema.source.files import Named

if TYPE_CHECKING:
    from ksim_compiler.learn.run.policy import Policy
    from ksim_compiler.pipeline import Compiled

PROGRAM = "ksim-export"
FORMATS = {"onnx": ".onnx", "kinfer": ".kinfer", "policy": trained.ENDING}
"""The forms of an exported policy, and how their files' names end."""
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
        "contract (what it reads and sets, in which order and unit); as an archive of K-Scale's "
        "inference engine kinfer, with a contract too; or as one file for ksim-play, ksim-export "
        "and ksim-run --from, judged and with its task.",
        epilog="The contract of policy.onnx is contract.json, that of legs.onnx is "
        "legs.contract.json; each says which file it belongs to. That of legs.kinfer is "
        "legs.kinfer.json.",
        allow_abbrev=False,
    )
    add = result.add_argument
    add("run", type=trained.place, metavar="RUN", help=trained.HELP)
    add(
        "-o",
        "--out",
        type=outputs.Output(Named("an exported policy", tuple(FORMATS.values()))),
        metavar="FILE",
        help=f"FILE.onnx (default: policy.onnx), FILE.kinfer or FILE{trained.ENDING}",
    )
    add(
        "--format",
        choices=FORMATS,
        help="what to write; by default what the file's name ends in",
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
    form = _form(options)
    if options.episodes is not None and form != "policy":
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
        _WRITERS[form](compiled, policy, options)
    except (CheckpointError, ExportError, EngineUnavailable) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return ERRORS
    return OK


def _form(options: argparse.Namespace) -> str:
    """What to write; the options get the file's name where none is given.

    Raises:
        UsageError: the file's name and the format do not go together.
    """
    if options.out is None:
        form = options.format or "onnx"
        options.out = Path(f"policy{FORMATS[form]}")
        outputs.check(options.out)
        return form
    form = {ending: form for form, ending in FORMATS.items()}[options.out.suffix]
    if options.format is not None and options.format != form:
        outputs.check(options.out, Named(f"a {options.format} file", (FORMATS[options.format],)))
    return form


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


def _write_kinfer(compiled: Compiled, policy: Policy, options: argparse.Namespace) -> None:
    """Write the archive and its contract."""
    from ksim_compiler.deploy.contract import contract
    from ksim_compiler.deploy.kinfer import archive
    from ksim_schema.source.files import write_bytes, write_text

    assert compiled.plan is not None
    parts = archive(compiled.plan, policy, dict(compiled.sources))
    terms = contract(compiled.plan, policy, compiled.fingerprint)
    terms_path = options.out.with_name(f"{options.out.name}.json")  # beside that of an ONNX file
    write_bytes(options.out, parts.packed())
    told = {"policy": {"file": options.out.name}} | terms | {"kinfer": parts.told}
    write_text(terms_path, json.dumps(told, indent=2, allow_nan=False) + "\n")
    size = options.out.stat().st_size
    print(f"wrote {options.out} ({size:,} bytes, trained {policy.steps:,} steps) and {terms_path}")
    print(f"joints: {', '.join(parts.joints)}")
    print(f"command: {', '.join(parts.commands) or 'none'}")
    for sentence in parts.assumed:
        print(f"note: {sentence}")


def _write_policy(compiled: Compiled, policy: Policy, options: argparse.Namespace) -> None:
    """Judge the policy, and write it as one file."""
    from ksim_compiler.deploy import policies
    from ksim_compiler.learn.run.judge import describe, judge

    plan, out = compiled.plan, options.out
    assert plan is not None
    judged = judge(plan, policy, options.episodes or EPISODES, SEED)
    policies.write(out, options.run, compiled, policy, judged)
    print(describe(judged, plan))
    told = f"{out.stat().st_size:,} bytes, trained {policy.steps:,} steps"
    where = "looked for where it is played" if policies.travels_not(plan) else "in it"
    print(f"wrote {out} ({told}; its robot is {where})")


_WRITERS = {"onnx": _write_graph, "kinfer": _write_kinfer, "policy": _write_policy}


if __name__ == "__main__":
    sys.exit(main())

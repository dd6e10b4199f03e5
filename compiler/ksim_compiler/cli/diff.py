"""``ksim-diff``: what has changed between two tasks, and what that means. It never imports JAX."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ksim_compiler.cli import common, outputs
from ksim_compiler.cli.common import ARCHIVE, ERRORS, OK, UsageError, use_colour
from ksim_compiler.cli.sides import Side, open_side
from ksim_schema.source.files import Named

if TYPE_CHECKING:
    from ksim_compiler.pipeline import Compiled
    from ksim_schema.diff.report import Comparison

PROGRAM = "ksim-diff"
EVENTS = ".jsonl"
"""How the files of replays end."""
FORMATS = {"json": ".json", "markdown": ".md", "svg": ".svg", "html": ".html"}
"""The forms of a comparison but for text, and how their files' names end."""
TEXT = "text"
TIER_NAMES = ("policy-io", "training", "runtime", "cosmetic")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see ``--help``. Returns the exit status."""
    return common.main_without_windows(PROGRAM, parser(), run, argv)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Compare tasks: what was born, died and changed, and what that means. Of two "
        "event files of ksim-play: the first transition in which they part.",
        epilog="A side is a task file, a .ksim file, the folder of a run, a folder of tasks, or "
        "REV:path in git; or both are event files, *.jsonl. Exit status: 0; 1 when a task has "
        "errors, a change reaches the tier of --fail-on, or two replays part and --fail-on is "
        "given; 2 for a wrong command line.",
        allow_abbrev=False,
    )
    add = result.add_argument
    add("old", type=common.given, metavar="OLD", help="the task before")
    add("new", type=common.given, metavar="NEW", help="the task after")
    help = "form of the comparison (default: what the name of --out ends in, or else text)"
    add("--format", choices=(TEXT, *FORMATS), help=help)
    add("-o", "--out", type=outputs.Output(), metavar="FILE", help="write to a file")
    add(
        "--fail-on",
        choices=TIER_NAMES,
        metavar="TIER",
        help="exit with 1 when there is a change of this tier or a graver one: "
        + ", ".join(TIER_NAMES),
    )
    common.add_trust(result)
    common.add_colour(result)
    return result


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status.

    Raises:
        UsageError: a side is not there, or the two do not go together.
    """
    options.format = _form(options.format, options.out)
    with open_side(options.old) as old, open_side(options.new) as new:
        if {old.path.suffix, new.path.suffix} == {EVENTS}:
            return _replays(old, new, options)
        pairs = list(_pairs(old, new))
        if options.format == "svg" and (len(pairs) != 1 or None in pairs[0]):
            raise UsageError("--format svg draws two tasks, not folders; html takes folders")
        compared = [_compare(old, new, *pair, options) for pair in pairs]
    good = [c for c in compared if c is not None]
    if not good:
        return ERRORS
    _write(_rendered(good, options), options.out)
    return ERRORS if len(good) < len(compared) or _fails(good, options.fail_on) else OK


def _form(given: str | None, out: Path | None) -> str:
    """The form of what is written.

    Raises:
        UsageError: the file's name ends as another form's does.
    """
    named = None if out is None else {e: form for form, e in FORMATS.items()}.get(out.suffix)
    if given is None or out is None:
        return given or named or TEXT
    if given != TEXT:
        outputs.check(out, Named(f"a {given} file", (FORMATS[given],)))
    elif named is not None:
        raise UsageError(f"{out.name}: the name is that of a {named} file, and --format is {TEXT}")
    return given


def _replays(old: Side, new: Side, options: argparse.Namespace) -> int:
    """Compare two event files."""
    from ksim_schema.exchange.replay import ReplayError, first_difference, read_events

    if options.format not in (TEXT, "json"):
        raise UsageError(f"--format {options.format} is of tasks; replays have text and json")
    try:
        before, after = read_events(old.path), read_events(new.path)
    except ReplayError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return ERRORS
    found = first_difference(before, after)
    if options.format == "json":
        parted = None if found is None else asdict(found)
        _write(
            json.dumps({"events": [len(before), len(after)], "parted": parted}) + "\n", options.out
        )
    else:
        same = f"the replays are the same, {len(before)} events"
        _write(f"{found or same}\n", options.out)
    return ERRORS if found and options.fail_on else OK


def _fails(compared: Sequence[Comparison], tier: str | None) -> bool:
    if tier is None:
        return False
    reached = TIER_NAMES[: TIER_NAMES.index(tier) + 1]
    return any(c.tier in reached for c in compared)


def _pairs(old: Side, new: Side) -> Iterator[tuple[Path | None, Path | None]]:
    """The files to compare; of two folders those of the same name."""
    if old.path.is_dir() != new.path.is_dir():
        folder, file = (old, new) if old.path.is_dir() else (new, old)
        raise UsageError(f"{folder.name} is a folder, and {file.name} is not")
    if not old.path.is_dir():
        yield old.path, new.path
        return
    from ksim_compiler.cli.compile import find_tasks

    before, after = ({p.relative_to(s.path): p for p in find_tasks([s.path])} for s in (old, new))
    if not before and not after:
        raise UsageError(f"no tasks in {old.name} and {new.name}")
    for name in sorted({*before, *after}):
        yield before.get(name), after.get(name)


def _compare(
    old: Side, new: Side, before: Path | None, after: Path | None, options: argparse.Namespace
) -> Comparison | None:
    """Compare two files; problems are printed, and there is no comparison when one has errors."""
    from ksim_compiler.comparison import compare
    from ksim_schema.diff import Diff
    from ksim_schema.diff.report import Comparison

    first, second = (s.shown(p) if p else "" for s, p in ((old, before), (new, after)))
    compiled = [_load(s, p, options) for s, p in ((old, before), (new, after)) if p is not None]
    if any(c.plan is None for c in compiled):
        return None
    if len(compiled) == 1:
        return Comparison(first, second, Diff())
    return compare(compiled[0], compiled[1], first, second)


def _load(side: Side, path: Path, options: argparse.Namespace) -> Compiled:
    """Compile a task; its errors are printed (its warnings are ksim-compile's to tell)."""
    from ksim_schema.diagnostics import has_errors

    if path.suffix == ARCHIVE:
        from ksim_compiler import artifact

        compiled = artifact.read(path, name=side.shown(path), trust=options.trust)
    else:
        from ksim_compiler import pipeline

        compiled = pipeline.compile_file(path, name=side.shown(path))
    if has_errors(compiled.diagnostics):
        common.print_report(compiled.diagnostics, compiled.sources, options.color)
    return compiled


def _rendered(compared: Sequence[Comparison], options: argparse.Namespace) -> str:
    match options.format:
        case "json":
            from ksim_schema.diff.report import to_json

            return to_json(compared)
        case "svg" | "html":
            from ksim_schema.diff import picture

            return picture.svg(compared[0]) if options.format == "svg" else picture.html(compared)
        case _:
            from ksim_schema.diff import text

            if options.format == "markdown":
                return text.markdown(compared)
            shown = use_colour(options.color, sys.stdout)
            return text.text(compared, colour=shown and options.out is None)


def _write(content: str, out: Path | None) -> None:
    if out is None:
        print(content, end="")
    else:
        from ksim_schema.source.files import write_text

        write_text(out, content)


if __name__ == "__main__":
    sys.exit(main())

"""``ksim-compile --fix``: task files with what is certain to be a slip put right."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ksim_compiler.cli import common
from ksim_compiler.cli.common import ARCHIVE, ERRORS, OK, UsageError, paint, use_colour

if TYPE_CHECKING:
    from ksim_schema.diagnostics import Diagnostic

_COLOURS = {"+": "32", "-": "31", "@": "36"}


def fix_files(paths: Sequence[Path], check: bool, colour: common.Colour) -> int:
    """Repair task files, print what changes, and report what is left.

    Args:
        paths: the files.
        check: only print what would change; write nothing.
        colour: of what is printed.

    Returns:
        The exit status: 1 when an error is left, or with ``check`` when a file would change.

    Raises:
        UsageError: a file is a compiled task.
    """
    from ksim_compiler.pipeline import compile_file
    from ksim_schema.diagnostics import has_errors, summary
    from ksim_schema.source.files import FileError, read_bytes, write_bytes
    from ksim_schema.source.repair import repair
    from ksim_schema.source.yaml_reader import MAX_BYTES

    status = OK
    queue = list(paths)
    seen = {path.resolve() for path in paths}
    while queue:
        path = queue.pop(0)
        if path.suffix == ARCHIVE:
            raise UsageError(f"--fix changes task files, and {path} is a compiled task")
        try:
            raw = read_bytes(path, MAX_BYTES)
            text = raw.decode("utf-8-sig")
        except (FileError, UnicodeDecodeError):
            compiled = compile_file(path)
            common.print_report(compiled.diagnostics, compiled.sources, colour)
            status = ERRORS
            continue
        done = repair(
            text, str(path), lambda new, path=path: compile_file(path, text=new).diagnostics
        )
        bases = [b for b in _repairable(done.diagnostics, path) if b.resolve() not in seen]
        if bases:  # first what it extends, which is a task itself, and then it once more
            seen |= {base.resolve() for base in bases}
            queue = [*bases, path, *queue]
            continue
        if done.text != text:
            _print_diff(text, done.text, path, colour)
            if not check:
                mark = b"\xef\xbb\xbf" if raw.startswith(b"\xef\xbb\xbf") else b""
                write_bytes(path, mark + done.text.encode())
        left = compile_file(path, text=done.text)
        common.print_report(left.diagnostics, left.sources, colour)
        count = len(done.taken)
        verb = "would repair" if check else "repaired"
        told = f"{verb} {count}, left: {summary(left.diagnostics)}"
        print(f"{path}: {told if count else summary(left.diagnostics)}", flush=True)
        if has_errors(left.diagnostics) or (check and done.text != text):
            status = ERRORS
    return status


def _repairable(diagnostics: Sequence[Diagnostic], path: Path) -> list[Path]:
    """The files that a task extends in which it has problems, and slips that can be put right.

    What a task extends is a task itself; it tells of its own slips.
    """
    from ksim_compiler.pipeline import compile_file

    files = dict.fromkeys(Path(d.where.file) for d in diagnostics)
    tasks = [f for f in files if f != path and f.suffix in (".yaml", ".yml")]
    others = [f for f in tasks if f.is_file() and os.access(f, os.W_OK)]
    return [f for f in others if any(_sure(d) for d in compile_file(f).diagnostics)]


def _sure(diagnostic: Diagnostic) -> bool:
    return diagnostic.fix is not None and diagnostic.fix.certain


def _print_diff(old: str, new: str, path: Path, colour: common.Colour) -> None:
    """Print a unified diff, which ``patch -p0`` takes."""
    import sys

    shown = use_colour(colour, sys.stdout)
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), str(path), str(path)
    )
    for line in lines:
        head = line.startswith(("---", "+++"))
        code = "1" if head else _COLOURS.get(line[0], "0")
        body, end = line.rstrip("\r\n"), line[len(line.rstrip("\r\n")) :]
        print(paint(body, shown and code != "0", code=code), end=end or "\n")
        if not end:
            print("\\ No newline at end of file")

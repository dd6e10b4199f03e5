"""``ksim-compile --fmt``: task files laid out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ksim_compiler.cli import common
from ksim_compiler.cli.common import ERRORS, OK


def format_files(paths: Sequence[Path], check: bool, colour: common.Colour) -> int:
    """Lay task files out.

    Args:
        paths: the files.
        check: only say which would change.
        colour: of what is printed.

    Returns:
        The exit status: 1 when a file cannot be read, or would change.
    """
    from ksim_schema.diagnostics import Sink
    from ksim_schema.source import read
    from ksim_schema.source.files import write_text
    from ksim_schema.task.format import format_text

    status = OK
    for path in paths:
        sink = Sink()
        document = read(path, sink)
        if document is None:
            common.print_report(sink.in_order(), {}, colour)
            status = ERRORS
            continue
        new = format_text(document.text, str(path), sink)
        if new is None:
            common.print_report(sink.in_order(), {str(path): document.text}, colour)
            status = ERRORS
        elif new != document.text:
            if check:
                print(f"{path}: would be laid out anew")
                status = ERRORS
            else:
                write_text(path, new)
                print(f"{path}: laid out")
    return status

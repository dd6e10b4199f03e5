"""What the commands share: exit statuses, colours, reports of problems, tasks by path."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from ksim_compiler.pipeline import Compiled
    from ksim_schema.diagnostics import Diagnostic, TaskError

OK, ERRORS, USAGE = 0, 1, 2
"""Exit statuses: clean, problems in a task, problems in the command line."""
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells give it (128 + SIGINT)."""

ARCHIVE = ".ksim"
"""How the name of a compiled task's file ends."""

Colour = Literal["auto", "always", "never"]
COLOURS: tuple[Colour, ...] = ("auto", "always", "never")


class UsageError(Exception):
    """A command line that makes no sense. The message is for its author."""


_TERMINAL = "KSIM_TERMINAL_ENCODING"
"""Names the encoding that terminals have when it is not that of Python's UTF-8 mode."""


def in_utf8() -> None:
    """Begin anew in Python's UTF-8 mode, where the locale knows too few characters.

    Under a locale such as C, Python can open no file whose name is not ASCII. A terminal is shown
    escapes for what its encoding lacks; what goes to a file or to a program is UTF-8.
    """
    if sys.flags.utf8_mode or sys.getfilesystemencoding() == "utf-8" or not sys.executable:
        return
    os.environ[_TERMINAL] = sys.stdout.encoding
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def main(program: str, command: Callable[[], int]) -> int:
    """Run a command; what a user can do wrong ends with a line of text and an exit status.

    Args:
        program: its name, which such a line begins with.
        command: does the work and returns the exit status.
    """
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a name still gets text
        if isinstance(stream, io.TextIOWrapper):
            encoding = os.environ.get(_TERMINAL) if stream.isatty() else None
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
    try:
        status = command()
        sys.stdout.flush()
        return status
    except UsageError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader has seen enough: `ksim-compile --list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except _task_error() as error:
        print_report(error.diagnostics, error.sources, "auto")
        return ERRORS
    except UnicodeEncodeError as error:  # bytes of a file's name that stand for no character
        name = ascii(error.object[:200])
        print(f"{program}: {name} holds characters that cannot be written here", file=sys.stderr)
        return ERRORS
    except OSError as error:  # a full disk, or a current folder that is gone
        where = f"{error.filename}: " if error.filename else ""
        print(f"{program}: {where}{(error.strerror or 'error').lower()}", file=sys.stderr)
        return ERRORS


def _task_error() -> type[TaskError]:
    from ksim_schema.diagnostics import TaskError

    return TaskError


def use_colour(choice: Colour, stream: TextIO) -> bool:
    """Whether to write terminal colours; ``auto`` looks at the stream, NO_COLOR and TERM."""
    if choice != "auto":
        return choice == "always"
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and stream.isatty()


def paint(text: str, colour: bool, *, code: str = "1") -> str:
    """The text in bold, or with another terminal code."""
    return f"\x1b[{code}m{text}\x1b[0m" if colour else text


def add_trust(parser: argparse.ArgumentParser) -> None:
    """Add the option that lets the code of a compiled task run."""
    about = (
        f"run the Python files that a {ARCHIVE} file carries; read them first: --emit components"
    )
    parser.add_argument("--trust", action="store_true", help=about)


def print_report(
    diagnostics: Sequence[Diagnostic], sources: Mapping[str, str], colour: Colour
) -> None:
    """Print diagnostics for people, on standard error."""
    from ksim_schema.diagnostics import render_text

    if diagnostics:
        shown = use_colour(colour, sys.stderr)
        print(render_text(diagnostics, sources, colour=shown), file=sys.stderr)


def load(path: Path, settings: Sequence[str] = (), trust: bool = False) -> Compiled:
    """Compile a task file, or read a compiled task.

    Args:
        path: a ``.ksim`` archive, or a YAML file by any other name.
        settings: ``path=value`` texts that change the task.
        trust: whether to run the component files that an archive carries.
    """
    if path.suffix == ARCHIVE:
        from ksim_compiler import artifact

        return artifact.read(path, settings, trust=trust)
    from ksim_compiler import pipeline

    return pipeline.compile_file(path, settings)

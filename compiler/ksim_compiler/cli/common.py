"""What the commands share: exit statuses, colours, reports of problems, tasks by path."""

from __future__ import annotations

import argparse
import atexit
import gc
import importlib.util
import io
import os
import platform
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from ksim_compiler.pipeline import Compiled
    from ksim_compiler.robot.engines import EngineKind
    from ksim_schema.diagnostics import Diagnostic, TaskError

OK, ERRORS, USAGE = 0, 1, 2
"""Exit statuses: clean, problems in a task, problems in the command line."""
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells give it (128 + SIGINT)."""

RUNS, STUDIES = Path("runs"), Path("studies")
"""Where runs and studies go by default, relative to the current folder."""

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


def without_windows() -> None:
    """Set up the process of a command that draws nothing: loading a window library takes time."""
    os.environ["MUJOCO_GL"] = "disable"
    in_utf8()


SELDOM = 200_000
"""Objects more than were freed, after which a command that begins looks for garbage."""
_USUAL = gc.get_threshold()


def without_collecting() -> None:
    """Set up the process of a command that begins, or is done in seconds: look for garbage seldom.

    What imports, a check and a trace make is in use to the end or is freed at once. To look for
    cycles in all of it, over and over while it is made and once more at the exit, took a third of
    the time of a check.
    """
    gc.set_threshold(SELDOM, *_USUAL[1:])
    atexit.register(gc.freeze)  # the exit looks through nothing that is frozen


def collecting() -> None:
    """Look for garbage as often as Python does, in what is made from now on.

    For a command that goes on for long. Does nothing where :func:`without_collecting` was not
    called, as where the command is part of another program.
    """
    if gc.get_threshold()[0] == SELDOM:
        gc.freeze()
        gc.set_threshold(*_USUAL)


def main_without_windows(
    program: str,
    parser: argparse.ArgumentParser,
    run: Callable[[argparse.Namespace], int],
    argv: Sequence[str] | None,
) -> int:
    """Run a command that draws nothing, as :func:`main` does.

    Args:
        program: its name.
        parser: its command line.
        run: does what the options say, and returns the exit status.
        argv: the command line's words; those that the process was started with by default.
    """
    if argv is None:
        without_windows()
    return main(program, lambda: run(parsed(parser, argv)))


def parsed(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """What a command line says, with what every command takes beside its own options.

    A shell that completes a command line gets its answer here, and the process ends; see
    ``ksim-compile --completion``.
    """
    parser.add_argument("--version", action=_Version, help="print versions and exit")
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
    return parser.parse_args(argv)


class _Version(argparse.Action):
    """``--version``: of this package and of those that its numbers rest on, and the exit."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        rest = ("jax", "mujoco", "mujoco-mjx", "equinox", "optax", "numpy")
        found = [f"{name} {version}" for name in rest if (version := version_of(name))]
        found.append(f"Python {platform.python_version()}")
        print(f"{parser.prog} {version_of('ksim-schema') or 'unknown'} ({', '.join(found)})")
        parser.exit()


def version_of(package: str) -> str | None:
    """The version of an installed package; None for one that is not there."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def main(program: str, command: Callable[[], int]) -> int:
    """Run a command; what a user can do wrong ends with a line of text and an exit status.

    So does a mistake of ours, whose traceback goes to a file that the line names; or, where the
    variable KSIM_TRACEBACK is set, to standard error.

    Args:
        program: its name, which such a line begins with.
        command: does the work and returns the exit status.
    """
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a name still gets text
        if isinstance(stream, io.TextIOWrapper):
            encoding = os.environ.get(_TERMINAL) if stream.isatty() else None
            stream.reconfigure(encoding=encoding, errors="backslashreplace")
    try:
        with _plain_warnings(program):
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
    except MemoryError:
        print(f"{program}: there is not enough memory for this", file=sys.stderr)
        return ERRORS
    except Exception as error:
        if _is_interrupt(error):  # in a library that was being loaded
            print(f"{program}: interrupted", file=sys.stderr)
            return INTERRUPTED
        print(f"{program}: {_mistake_of_ours(error)}", file=sys.stderr)
        return ERRORS


def _is_interrupt(error: BaseException) -> bool:
    """Whether Ctrl-C is at the root of an error; Pydantic keeps no more of it than its name."""
    below = error.__cause__ or error.__context__
    named = isinstance(error, KeyboardInterrupt) or "KeyboardInterrupt: " in f"{error}\n"
    return named or (below is not None and _is_interrupt(below))


def _mistake_of_ours(error: Exception) -> str:
    """A line that asks for a report of what nobody foresaw, and says where the traceback is."""
    lines = traceback.format_exception(error)
    brief = " ".join(str(error).split())[:200]
    where = "it stands above"
    if os.environ.get("KSIM_TRACEBACK"):
        print("".join(lines), end="", file=sys.stderr)
    else:
        try:
            with tempfile.NamedTemporaryFile(
                "w", prefix="ksim-", suffix=".txt", delete=False, encoding="utf-8"
            ) as file:
                file.writelines(lines)
            where = f"it is in {file.name}"
        except OSError:
            where = "KSIM_TRACEBACK=1 prints it"
    what = f"{type(error).__name__}: {brief}" if brief else type(error).__name__
    return f"this is a mistake of ours, please report it with its traceback ({where}): {what}"


@contextmanager
def _plain_warnings(program: str) -> Generator[None]:
    """Say a library's warnings once, as lines of this program.

    Those of NumPy on single numbers, and those for programmers, are dropped: what is not finite is
    found and told where it matters. Python's own options (-W, PYTHONWARNINGS) leave all as it is.
    """
    if sys.warnoptions:
        yield
        return
    said: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
        text = " ".join(str(message).split())[:400]
        programmers = (RuntimeWarning, DeprecationWarning, PendingDeprecationWarning, ImportWarning)
        if text not in said and not issubclass(category, (*programmers, ResourceWarning)):
            said.add(text)
            print(f"{program}: warning: {text}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


def count(text: str) -> int:
    """A whole number from 1 to 10^15, as options of the commands take it; 1e6 and 1_000 are such.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        value = float(text.replace("_", ""))
        whole = int(value)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number") from None
    if whole != value:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number")
    if not 1 <= whole <= 10**15:
        raise argparse.ArgumentTypeError("must be from 1 to 10^15")
    return whole


def threads(text: str) -> int:
    """A number of threads; 0 stands for all cores.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text) <= 1024):
        raise argparse.ArgumentTypeError("must be a whole number from 0 (all cores) to 1024")
    return int(text)


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


def given(text: str) -> str:
    """The type of an option that names something: an empty text names nothing.

    As a path it would mean the current folder, which a script with an unset variable never means.

    Raises:
        ArgumentTypeError: the text is empty.
    """
    if not text:
        raise argparse.ArgumentTypeError("it is empty")
    return text


def path(text: str) -> Path:
    """The type of an option that is a path.

    Raises:
        ArgumentTypeError: the text is empty.
    """
    return Path(given(text))


def task(text: str) -> Path:
    """The type of an option that is a task: a path, the name of one that ships, package:task.

    Raises:
        ArgumentTypeError: the text is empty, or a package has no such task.
    """
    from ksim_schema.source.named import UnknownTaskError, find

    try:
        return find(given(text))
    except UnknownTaskError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_colour(parser: argparse.ArgumentParser) -> None:
    """Add the option for colours."""
    parser.add_argument("--color", choices=COLOURS, default="auto", help="colours on a terminal")


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


def installed(package: str) -> bool:
    """Whether a package can be imported; it is not."""
    if package in sys.modules:
        return sys.modules[package] is not None  # type: ignore[redundant-expr]
    return importlib.util.find_spec(package) is not None


def refused(compiled: Compiled, engine: EngineKind | None) -> list[Diagnostic]:
    """What an engine could not simulate of a compiled task; nothing where none is asked for."""
    if compiled.plan is None or engine is None:
        return []
    from ksim_compiler.checks.engines import on_engine

    return list(on_engine(compiled.plan, engine))

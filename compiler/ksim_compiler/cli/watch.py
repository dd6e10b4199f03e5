"""``ksim-watch``: follow a training, or look at a finished run, on a page of this machine."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from ksim_compiler.cli import common
from ksim_compiler.cli.common import ERRORS, OK, UsageError

PROGRAM = "ksim-watch"
NICE = 10
"""By how much a training goes before its page."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see ``--help``. Returns the exit status."""
    return common.main_without_windows(PROGRAM, parser(), run, argv)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Serve a page to this machine alone that follows a run: curves, rewards, "
        "evaluations as they come. Ctrl-C ends it.",
        allow_abbrev=False,
    )
    result.add_argument("run", type=common.path, metavar="RUN", help="the folder of a run")
    add_port(result)
    result.add_argument("--with-command", action="store_true", help=argparse.SUPPRESS)
    common.add_trust(result)
    return result


def add_port(parser: argparse.ArgumentParser) -> None:
    """Add the option for the port of the page."""
    help = "of the page, on 127.0.0.1 (default: any that is free)"
    parser.add_argument("--port", type=port, metavar="N", help=help)


def port(text: str) -> int:
    """The type of an option that is a port.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or not 0 < int(text[:6]) < 2**16:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a port, from 1 to 65535")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status."""
    from ksim_compiler.learn.run.files import RUN_FILE
    from ksim_compiler.learn.run.lock import held
    from ksim_compiler.live.server import Server

    folder: Path = options.run
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    if not options.with_command and not (folder / RUN_FILE).is_file() and not held(folder):
        raise UsageError(f"{folder} is not a run: there is no {RUN_FILE} in it")
    if hasattr(os, "nice"):
        os.nice(NICE)
    try:
        server = Server(folder.resolve(), options.port or 0, options.trust)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        print(f"{PROGRAM}: port {options.port} cannot be served: {why}", file=sys.stderr)
        return ERRORS
    with server:
        print(f"live: {server.address}", flush=True)
        if options.with_command:
            sys.stdin.buffer.read()  # until the command that began this one has ended
            server.part()
        else:
            print("Ctrl-C ends it", file=sys.stderr)
            _until_signal()
    return OK


def _until_signal() -> None:
    """Wait for Ctrl-C, or for the signal that ends a process."""
    done = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: done.set())
    while not done.wait(3600.0):
        pass


if __name__ == "__main__":
    sys.exit(main())

"""``ksim-run --live``: a page that follows the training, served by a process of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from ksim_compiler.cli.common import UsageError
from ksim_compiler.cli.watch import add_port

MODULE = "ksim_compiler.cli.watch"
PATIENCE = 20.0
"""Seconds that the page has to show the end of the training and go."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add("--live", action="store_true", help="serve a page to this machine that follows the run")
    add_port(parser)
    add("--keep-live", action="store_true", help="serve it after the training, until Ctrl-C")


def check(options: argparse.Namespace) -> None:
    """See that the options go together.

    Raises:
        UsageError: they do not.
    """
    for name, given in (("port", options.port), ("keep-live", options.keep_live)):
        if given and not options.live:
            raise UsageError(f"--{name} is of the page that --live serves")
    if options.probe and options.live:
        raise UsageError("--probe trains nothing that --live could follow; leave out one of them")


@contextmanager
def served(
    folder: Path, options: argparse.Namespace, say: Callable[[str], None]
) -> Generator[None]:
    """Serve the page of a run, if that is asked for, while a block trains; print its address.

    The training does nothing for it but write its files.

    Args:
        folder: of the run.
        options: those of :func:`add`.
        say: prints a line.
    """
    if not options.live:
        yield
        return
    # whoever trains a task runs the Python files that it carries: so may the page that shows it
    command = [sys.executable, "-m", MODULE, str(folder), "--with-command", "--trust"]
    command += ["--port", str(options.port)] if options.port else []
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # a Ctrl-C is for the training, which ends the page afterwards
    )

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            say(line.rstrip())

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield
        if options.keep_live and (folder / "run.json").is_file() and process.poll() is None:
            say("the page is still there; Ctrl-C ends it")
            _until_interrupted(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(PATIENCE)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()
        listener.join(1.0)


def _until_interrupted(process: subprocess.Popen[str]) -> None:
    try:
        process.wait()
    except KeyboardInterrupt:
        print(file=sys.stderr)

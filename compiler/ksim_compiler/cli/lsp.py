"""``ksim-lsp``: a language server for editors. It never imports JAX.

It talks on standard input and output, as editors start it.
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os
import sys
from collections.abc import Sequence

from ksim_compiler.cli import common, outputs
from ksim_compiler.cli.common import OK, UsageError

PROGRAM = "ksim-lsp"
INSTALL = "pip install 'ksim-schema[editor]'"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server until its client ends it; see ``--help``. Returns the exit status."""
    return common.main_without_windows(PROGRAM, parser(), run, argv)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM,
        description="A language server for robot-learning tasks, which an editor starts: it checks "
        "a task while it is being written, completes and explains it.",
        epilog="docs/editors.md says how to set editors up.",
        allow_abbrev=False,
    )
    result.add_argument(
        "--stdio", action="store_true", help="talk on standard input and output, as it always does"
    )
    log = outputs.Output()
    result.add_argument("--log", type=log, metavar="FILE", help="write what goes wrong into a file")
    return result


def run(options: argparse.Namespace) -> int:
    """Serve. Returns the exit status.

    Raises:
        UsageError: what it needs is not installed, or a person has started it at a terminal.
    """
    if importlib.util.find_spec("pygls") is None:
        raise UsageError(f"it needs the package pygls, which is not installed: {INSTALL}")
    if sys.stdin.isatty():
        raise UsageError("an editor starts it, and talks to it; docs/editors.md says how")
    if options.log is not None:
        logging.basicConfig(filename=options.log, level=logging.INFO)
    else:
        logging.basicConfig(stream=sys.stderr, level=logging.ERROR)
    from ksim_compiler.editor.features import make

    # what a library prints must not stand among the protocol's messages
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server = make()
    try:
        server.start_io(stdout=output)
    finally:
        server.checker.close()
    return OK


if __name__ == "__main__":
    sys.exit(main())

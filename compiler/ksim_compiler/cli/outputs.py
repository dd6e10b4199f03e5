"""Options that name a file to write.

Whether it can be written, and whether its name ends as it should, is seen while the command line is
read: before anything is imported, computed or trained.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ksim_compiler.cli import common
from ksim_compiler.cli.common import UsageError
from ksim_schema.source.files import Named

CLIP = Named("a clip", (".npz", ".csv"))
BODIES = Named("a clip of bodies", (".npz",))
EVENTS = Named("an event file", (".jsonl",))
JSON = Named("a JSON file", (".json",))
PAGE = Named("a page", (".html",))
TABLE = Named("a table", (".csv",))
TASK = Named("a task", (".yaml", ".yml"))


class Output:
    """The type of an option that names a file to write.

    Args:
        named: what its name ends in; None for any name.
    """

    def __init__(self, named: Named | None = None) -> None:
        self._named = named

    def __call__(self, text: str) -> Path:
        """The file that a word of the command line names.

        Raises:
            ArgumentTypeError: it is misnamed, or cannot be written.
        """
        path = common.path(text)
        try:
            check(path, self._named)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return path


def check(path: Path, named: Named | None = None) -> None:
    """See that a file can be written before there is work for it.

    Raises:
        UsageError: it is misnamed, or cannot be written.
    """
    if named is not None and (wrong := named.wrong(path)):
        raise UsageError(wrong)
    folder = path.parent
    if not folder.is_dir():
        raise UsageError(f"cannot write {path}: there is no folder {folder}")
    if path.is_dir():
        raise UsageError(f"cannot write {path}: it is a folder")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise UsageError(f"cannot write {path}: permission denied")

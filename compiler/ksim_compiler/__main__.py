"""``python -m ksim_compiler COMMAND``: each command, also where its script is not on the path."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from ksim_compiler.cli import commands, common
from ksim_schema.diagnostics.suggest import closest

PROGRAM = "python -m ksim_compiler"


def main(argv: list[str]) -> int:
    """Run the command that is named first. Returns the exit status."""
    known = commands.modules()
    name = argv[0] if argv else "--help"
    if name in ("-h", "--help"):
        width = max(map(len, known))
        print(f"usage: {PROGRAM} COMMAND ...\n\ncommands (each has --help):")
        for command in known:
            print(f"  {command:{width}}  {commands.about(command)}")
        print(f"\n{PROGRAM} man FOLDER writes their pages for man.")
        return 0
    if name == "man":
        return common.main(PROGRAM, lambda: _man(argv[1:]))
    module = known.get(name.removeprefix("ksim-"))
    if module is None:
        near = closest(name, list(known), limit=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
        print(f"{PROGRAM}: there is no command {name!r}; {hint}", file=sys.stderr)
        return 2
    sys.argv = [f"ksim-{name.removeprefix('ksim-')}", *argv[1:]]
    return int(importlib.import_module(module).main())


def _man(words: list[str]) -> int:
    if len(words) != 1:
        raise common.UsageError("man FOLDER writes the pages of the commands there")
    for page in commands.write_pages(Path(words[0])):
        print(f"wrote {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

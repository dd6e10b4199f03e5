"""The page of all diagnostics; ``python -m ksim_schema.diagnostics.page FILE`` writes it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ksim_schema.diagnostics.catalogue import CATALOGUE

_GROUPS = {
    "KS00": "Reading the file",
    "KS01": "Structure, types and units",
    "KS02": "Names",
    "KS03": "The typed graph, and values that can hardly be meant",
    "KS04": "Values against each other and against the robot",
    "KS05": "Compiled tasks",
    "KS06": "Composition, studies and devices",
    "KS07": "Components of a task's own",
    "KS08": "Runs",
    "KS09": "ACSets",
}
_HEAD = """# Diagnostics

<!-- Written by `python -m ksim_schema.diagnostics.page docs/errors.md` from the catalogue. -->

Codes are stable: one that is no longer given is never used for something else. An *error* stops the
compilation, a *warning* only with `--strict`, an *info* never. `ksim-compile --explain KS0204`
prints the same on a terminal; [checking.md](checking.md) says how to ignore a warning.
"""


def errors_page() -> str:
    """Every code of the catalogue in Markdown, by group."""
    lines = [_HEAD]
    group = ""
    for code in CATALOGUE.values():
        if code[:4] != group:
            group = code[:4]
            lines.append(f"## {_GROUPS.get(group, group)}\n")
        explanation = code.explanation.replace("<", "&lt;")
        lines.append(f"### {code}: {code.phrase}\n\n*{code.severity}*. {explanation}\n")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page to the path that is named."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if len(arguments) != 1:
        print("usage: python -m ksim_schema.diagnostics.page docs/errors.md", file=sys.stderr)
        return 2
    Path(arguments[0]).write_text(errors_page(), encoding="utf-8", newline="")
    return 0


if __name__ == "__main__":
    sys.exit(main())

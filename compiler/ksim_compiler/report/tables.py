"""Tables for a terminal, of its width, and the same as CSV."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator, Sequence

from ksim_schema.diagnostics import printable

FALLBACK = 100
"""Columns of a page where there is no terminal."""
GAP = 2


def width() -> int:
    """Columns of the terminal."""
    return shutil.get_terminal_size((FALLBACK, 24)).columns


def lines(
    head: Sequence[str], rows: Sequence[Sequence[str]], columns: int | None = None
) -> Iterator[str]:
    """A table whose first column names its rows, and whose others are numbers.

    Where it is too wide, the columns go on in a table below, under the same names.

    Args:
        head: of each column; a text of two lines has its unit in the second.
        rows: of cells.
        columns: characters there are; those of the terminal by default.
    """
    room = columns or width()
    cells = [[printable(cell) for cell in row] for row in rows]
    heads = [[printable(line) for line in name.split("\n")] for name in head]
    wide = [
        max([len(line) for line in name] + [len(row[i]) for row in cells])
        for i, name in enumerate(heads)
    ]
    rest = list(range(1, len(head)))
    first = True
    while rest or first:
        taken = [0]
        while rest and (
            len(taken) == 1 or sum(wide[i] + GAP for i in (*taken, rest[0])) - GAP <= room
        ):
            taken.append(rest.pop(0))
        if not first:
            yield ""
        first = False
        for level in range(max(len(heads[i]) for i in taken)):
            yield _row([h[level] if level < len(h) else "" for h in heads], taken, wide)
        for row in cells:
            yield _row(row, taken, wide)


def _row(cells: Sequence[str], taken: Sequence[int], wide: Sequence[int]) -> str:
    parts = [cells[i].ljust(wide[i]) if i == 0 else cells[i].rjust(wide[i]) for i in taken]
    return (" " * GAP).join(parts).rstrip()


def csv_text(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table as CSV (RFC 4180, lines end with a line feed); None is an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return buffer.getvalue()

"""Tables: columns of numbers and names, which print well and become a pandas DataFrame."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

SHOWN = 20
"""Rows that are printed of a long table: the first and the last half of them."""


class Table:
    """Rows under named columns.

    ``table["return"]`` is a column, ``table[0]`` a row as a dictionary, ``len(table)`` the number
    of rows; iterating gives the rows. Printed, a table of one row stands upright.

    Attributes:
        title: what it is of.
        units: column -> the unit of its numbers, where they have one.
    """

    def __init__(
        self,
        columns: Mapping[str, Sequence[Any]],
        title: str = "",
        units: Mapping[str, str] | None = None,
    ) -> None:
        """Make a table.

        Args:
            columns: name -> values, as many in each; None for what is not known.
            title: what it is of.
            units: column -> the unit of its numbers, where they have one.
        """
        self.title = title
        self.units = {name: unit for name, unit in (units or {}).items() if unit}
        self._columns = {name: list(values) for name, values in columns.items()}
        lengths = {len(values) for values in self._columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns of different lengths: {sorted(lengths)}")
        self._rows = lengths.pop() if lengths else 0

    @classmethod
    def of_rows(cls, rows: Sequence[Mapping[str, Any]], title: str = "") -> Table:
        """A table of dictionaries; what one does not have is None."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        return cls({name: [row.get(name) for row in rows] for name in names}, title)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._columns)

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, key: str | int) -> Any:
        if isinstance(key, str):
            if key not in self._columns:
                raise KeyError(f"no column {key!r}; there are {', '.join(self._columns)}")
            return list(self._columns[key])
        if not -self._rows <= key < self._rows:
            raise IndexError(f"no row {key}; there are {self._rows}")
        return {name: values[key] for name, values in self._columns.items()}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[index] for index in range(self._rows))

    def to_pandas(self) -> pandas.DataFrame:
        """The table as a DataFrame.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise ImportError("a DataFrame needs pandas: pip install pandas") from error
        return pandas.DataFrame(self._columns)

    def __str__(self) -> str:
        lines = [self.title] if self.title else []
        cells, names = self._cells(), self._titles()
        if self._rows == 1:
            cells = [list(pair) for pair in zip(names, cells[0], strict=True)]
        else:
            cells = [names, *cells]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            text = "  ".join(
                cell.ljust(width) if index == 0 else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            lines.append(text.rstrip())
        return "\n".join(lines)

    __repr__ = __str__

    def _titles(self) -> list[str]:
        """The names with their units."""
        return [f"{n} [{self.units[n]}]" if n in self.units else n for n in self._columns]

    def _cells(self) -> list[list[str]]:
        """The rows that are shown, as texts."""
        rows: list[list[str]] = []
        half = SHOWN // 2
        for index in range(self._rows):
            if self._rows > SHOWN and half <= index < self._rows - half:
                if index == half:
                    rows.append(["..." for _ in self._columns])
                continue
            rows.append([_text(values[index]) for values in self._columns.values()])
        return rows

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self._titles())
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in self._cells()
        )
        caption = f"<caption>{html.escape(self.title)}</caption>" if self.title else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return "-" if math.isnan(value) else f"{value:.4g}"
    return str(value)

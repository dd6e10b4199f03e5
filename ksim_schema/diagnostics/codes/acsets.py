"""KS09xx: tasks as ACSets."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error

INVALID_JSON = error(
    "KS0901", "not valid JSON", "The text breaks JSON's syntax at the place shown."
)
NOT_AN_ACSET = error(
    "KS0902",
    "no ACSet",
    "An ACSet is an object of tables, a table a list of rows, and a row an object of columns.",
)
UNKNOWN_TABLE = error(
    "KS0903",
    "unknown table",
    "The schema has no object or morphism of this name. A task is an instance of "
    "SchTaskDrawing, which ksim-compile --emit schema prints.",
)
MISSING_TABLE = error(
    "KS0904", "missing table", "Each object and morphism has a table, if without rows."
)
UNKNOWN_COLUMN = error(
    "KS0905",
    "unknown column",
    "No morphism and no attribute of this name starts at the table's object.",
)
BAD_CELL = error(
    "KS0906",
    "bad cell",
    "A cell is absent, of another type than its column, or holds a string that is not a JSON "
    "object where a part's values belong.",
)
BAD_ROW = error(
    "KS0907",
    "bad row",
    "The rows of a table have '_id' 1, 2, 3 and so on, the rows of parts have names of their "
    "own, and the table Task has one row.",
)
DANGLING_ID = error(
    "KS0908", "dangling id", "A morphism leads to a row that its table does not have."
)
CONTRADICTING_TABLES = error(
    "KS0909",
    "tables that contradict the parts",
    "The fields of a task's parts imply its graph. The tables lack a row of it, have one too "
    "many, or say another kind than the part's values do.",
)

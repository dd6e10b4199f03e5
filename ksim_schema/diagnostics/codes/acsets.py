"""KS09xx: tasks as ACSets."""

from __future__ import annotations

from ksim_schema.diagnostics.codes.entry import Entry, error

ENTRIES: dict[str, Entry] = {
    "KS0901": error("not valid JSON", "The text breaks JSON's syntax at the place shown."),
    "KS0902": error(
        "no ACSet",
        "An ACSet is an object of tables, a table a list of rows, and a row an object of columns.",
    ),
    "KS0903": error(
        "unknown table",
        "The schema has no object or morphism of this name. A task is an instance of "
        "SchTaskDrawing, which ksim-compile --emit schema prints.",
    ),
    "KS0904": error("missing table", "Each object and morphism has a table, if without rows."),
    "KS0905": error(
        "unknown column", "No morphism and no attribute of this name starts at the table's object."
    ),
    "KS0906": error(
        "bad cell",
        "A cell is absent, of another type than its column, or holds a text that is no JSON "
        "object where a part's values belong.",
    ),
    "KS0907": error(
        "bad row",
        "The rows of a table have '_id' 1, 2, 3 and so on, the rows of parts have names of their "
        "own, and the table Task has one row.",
    ),
    "KS0908": error("dangling id", "A morphism leads to a row that its table does not have."),
    "KS0909": error(
        "tables that contradict the parts",
        "The fields of a task's parts imply its graph. The tables lack a row of it, have one too "
        "many, or say another kind than the part's values do.",
    ),
}

"""KS01xx: structure of the task."""

from __future__ import annotations

from ksim_schema.diagnostics.codes.entry import Entry, error

ENTRIES: dict[str, Entry] = {
    "KS0101": error("unknown section", "A task has one section per schema object, and few more."),
    "KS0102": error("unknown kind", "No component of this kind is declared for this object."),
    "KS0103": error("missing kind", "The part does not say which component it is."),
    "KS0104": error("unknown field", "The component has no field of this name."),
    "KS0105": error("missing field", "The component needs a field that is not given."),
    "KS0106": error("wrong type", "The value is of another type than the field takes."),
    "KS0107": error("value out of range", "The value is outside of what the field allows."),
    "KS0108": error("not a quantity", "The text is not a number with a known unit."),
    "KS0109": error(
        "wrong dimension", "The unit measures something else than the field: a length for an angle."
    ),
    "KS0110": error(
        "missing unit", "A number with a dimension must say its unit, so that no one need guess."
    ),
    "KS0111": error("range runs backwards", "The lower end of a range comes first."),
    "KS0112": error(
        "bad name", "Names of parts start with a letter and hold letters, digits, '_' and '-'."
    ),
    "KS0113": error("missing section", "The task lacks a section that every task needs."),
    "KS0114": error("language version", "The task is written in a version this compiler lacks."),
    "KS0115": error(
        "path does not exist", "A value set from the command line must be a value of the task."
    ),
}

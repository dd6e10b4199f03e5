"""KS01xx: structure of the task."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error, warning

UNKNOWN_SECTION = error(
    "KS0101", "unknown section", "A task has one section per schema object, and few more."
)
UNKNOWN_KIND = error(
    "KS0102", "unknown kind", "No component of this kind is declared for this object."
)
MISSING_KIND = error("KS0103", "missing kind", "The part does not say which component it is.")
UNKNOWN_FIELD = error("KS0104", "unknown field", "The component has no field of this name.")
MISSING_FIELD = error("KS0105", "missing field", "The component needs a field that is not given.")
WRONG_TYPE = error("KS0106", "wrong type", "The value is of another type than the field takes.")
OUT_OF_RANGE = error(
    "KS0107", "value out of range", "The value is outside of what the field allows."
)
NOT_A_QUANTITY = error("KS0108", "not a quantity", "The text is not a number with a known unit.")
WRONG_DIMENSION = error(
    "KS0109",
    "wrong dimension",
    "The unit measures something else than the field: a length for an angle.",
)
MISSING_UNIT = error(
    "KS0110",
    "missing unit",
    "A number with a dimension must say its unit, so that no one need guess.",
)
BACKWARDS_RANGE = error("KS0111", "range runs backwards", "The lower end of a range comes first.")
BAD_NAME = error(
    "KS0112",
    "bad name",
    "Names of parts start with a letter and hold letters, digits, '_' and '-'.",
)
MISSING_SECTION = error(
    "KS0113", "missing section", "The task lacks a section that every task needs."
)
LANGUAGE_VERSION_UNKNOWN = error(
    "KS0114", "language version", "The task is written in a version this compiler lacks."
)
NO_SUCH_PATH = error(
    "KS0115",
    "path does not exist",
    "A value set from the command line must be a value of the task.",
)
NUMBER_WRITTEN_OTHERWISE = error(
    "KS0116",
    "number written otherwise",
    "A number is decimal, with a point, with nothing between its digits and not computed: "
    "4096, 0.5, 1e6.",
)
PATTERN_OF_A_SHELL = warning(
    "KS0118",
    "pattern of a shell",
    "The pattern is a regular expression, in which '*' repeats what stands before it. As a "
    "shell takes it, it would match more names.",
)
REPLACED_WHOLE = warning(
    "KS0119",
    "section replaced as a whole",
    "'set' of a whole section replaces it: what the tasks it extends say in it is gone. The path "
    "of a single value changes that value alone.",
)

"""KS00xx: reading the file."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error, warning

UNREADABLE_FILE = error(
    "KS0001", "file cannot be read", "The file is absent, a folder, or not permitted."
)
INVALID_YAML = error(
    "KS0002", "not valid YAML", "The text breaks YAML's syntax at the place shown."
)
DUPLICATE_KEY = error(
    "KS0003",
    "duplicate key",
    "A mapping has the same key twice. YAML readers would silently keep one of the two.",
)
YAML_TAG = error(
    "KS0004", "tag", "YAML tags such as !!python/object or !include are not part of the language."
)
TOO_LARGE = error(
    "KS0005",
    "too large or too deep",
    "The file is larger, deeper or (through aliases) expands to more values than any task "
    "needs. The limits guard those who check tasks of others.",
)
NOT_TEXT = error("KS0006", "not text", "The file is not UTF-8 text, or holds control characters.")
NOT_A_MAPPING = error(
    "KS0007",
    "not a mapping",
    "A mapping of names to values is needed here, and something else stands.",
)
MERGE_KEY = error(
    "KS0008",
    "merge key",
    "YAML's '<<' merge keys are not part of the language: they hide where a value is from.",
)
KEY_NOT_TEXT = error("KS0009", "key is not a string", "A key must be a string.")
IDLE_IGNORE = warning(
    "KS0010",
    "idle comment",
    "'# ksim: ignore[KS0307]' at the end of a line silences a warning that is reported on it. "
    "This one silences nothing, or what cannot be silenced.",
)
LOOKALIKE = error(
    "KS0011",
    "look-alike character",
    "A character looks like one of the keyboard and is another: a Unicode minus, a Cyrillic "
    "letter, a no-break space, a quotation mark of a word processor, a full-width digit.",
)
GLUED_COMMENT = error(
    "KS0012",
    "comment without a space",
    "A '#' begins a comment after a space only; without one it belongs to the value.",
)
ESCAPE = error(
    "KS0013",
    "escape in double quotes",
    "In double quotes a backslash begins an escape. Paths are written with '/', patterns in "
    "single quotes or without any.",
)
NO_SPACE = error("KS0014", "no space after ':'", "A key is followed by ':' and a space.")
COMMA = error(
    "KS0015",
    "comma within braces",
    "Within braces and brackets a comma ends an entry, also between the digits of a number.",
)
UNIT_OF_A_LIST = error(
    "KS0016", "unit after a list", "Each number of a list has its own unit: [0 m/s, 1 m/s]."
)
NO_ALIAS = error(
    "KS0017",
    "alias that is none",
    "A '*' outside of quotes begins an alias of YAML. In a pattern, '.*' stands for any text.",
)

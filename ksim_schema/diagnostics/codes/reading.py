"""KS00xx: reading the file."""

from __future__ import annotations

from ksim_schema.diagnostics.codes.entry import Entry, error, warning

ENTRIES: dict[str, Entry] = {
    "KS0001": error("file cannot be read", "The file is absent, a folder, or not permitted."),
    "KS0002": error("not valid YAML", "The text breaks YAML's syntax at the place shown."),
    "KS0003": error(
        "duplicate key",
        "A mapping has the same key twice. YAML readers would silently keep one of the two.",
    ),
    "KS0004": error(
        "tag", "YAML tags such as !!python/object or !include are not part of the language."
    ),
    "KS0005": error(
        "too large or too deep",
        "The file is larger, deeper or (through aliases) expands to more values than any task "
        "needs. The limits guard those who check tasks of others.",
    ),
    "KS0006": error("not text", "The file is not UTF-8 text, or holds control characters."),
    "KS0007": error(
        "not a mapping", "A mapping of names to values is needed here, and something else stands."
    ),
    "KS0008": error(
        "merge key",
        "YAML's '<<' merge keys are not part of the language: they hide where a value is from.",
    ),
    "KS0009": error("key is no text", "A key must be a text."),
    "KS0010": warning(
        "idle comment",
        "'# ksim: ignore[KS0307]' at the end of a line silences a warning that is reported on it. "
        "This one silences nothing, or what cannot be silenced.",
    ),
}

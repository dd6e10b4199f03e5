"""KS05xx: compiled tasks."""

from __future__ import annotations

from ksim_schema.diagnostics.codes.entry import Entry, error

ENTRIES: dict[str, Entry] = {
    "KS0501": error("not a compiled task", "The file is no archive that ksim-compile has made."),
    "KS0502": error(
        "damaged archive",
        "A part of the compiled task is missing, or is not what was written. Compile it again.",
    ),
    "KS0503": error(
        "unsafe archive",
        "The archive has members that no compiled task has: links, names that lead out of it, "
        "unknown or repeated names, or far more data than a task needs. It is not read.",
    ),
    "KS0504": error(
        "archive of a newer version",
        "The compiled task is in a format that this version does not know. Update ksim-schema.",
    ),
    "KS0505": error(
        "archive of another version",
        "Under this version of the language the compiled task would mean something else than what "
        "was compiled, so its fingerprint would lie. Compile its source again.",
    ),
    "KS0506": error("file cannot be written", "The folder is absent, not permitted, or full."),
}

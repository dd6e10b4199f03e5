"""KS05xx: compiled tasks."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error

NOT_AN_ARCHIVE = error(
    "KS0501", "not a compiled task", "The file is not an archive that ksim-compile has made."
)
DAMAGED_ARCHIVE = error(
    "KS0502",
    "damaged archive",
    "A part of the compiled task is missing, or is not what was written. Compile it again.",
)
UNSAFE_ARCHIVE = error(
    "KS0503",
    "unsafe archive",
    "The archive has members that no compiled task has: links, names that lead out of it, "
    "unknown or repeated names, or far more data than a task needs. It is not read.",
)
NEWER_ARCHIVE = error(
    "KS0504",
    "archive of a newer version",
    "The compiled task is in a format that this version does not know. Update ksim-schema.",
)
OTHER_VERSION_ARCHIVE = error(
    "KS0505",
    "archive of another version",
    "Under this version of the language the compiled task would mean something else than what "
    "was compiled, so its fingerprint would lie. Compile its source again.",
)
UNWRITABLE_FILE = error(
    "KS0506", "file cannot be written", "The folder is absent, not permitted, or full."
)

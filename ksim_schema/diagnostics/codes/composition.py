"""KS06xx: tasks made of other tasks."""

from __future__ import annotations

from ksim_schema.diagnostics.codes.entry import Entry, error

ENTRIES: dict[str, Entry] = {
    "KS0601": error(
        "task to extend cannot be read",
        "'extends' names task files, relative to the file that it stands in.",
    ),
    "KS0602": error(
        "conflict between extended tasks",
        "Two tasks give one part different content. A part may stand in several of them when it "
        "is the same in each. To change what is extended, use 'set'.",
    ),
    "KS0603": error(
        "tasks extend each other",
        "A task cannot be made of itself, nor of a very long chain of tasks.",
    ),
    "KS0604": error("nothing to remove", "'remove' lists parts, or fields of parts, by path."),
    "KS0605": error(
        "malformed extends, remove or set",
        "'extends' is a path or a list of paths, 'remove' a list of paths such as Reward.torque, "
        "and 'set' maps paths to values.",
    ),
}

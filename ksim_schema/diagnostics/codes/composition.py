"""KS06xx: tasks made of other tasks."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error

UNREADABLE_BASE_TASK = error(
    "KS0601",
    "task to extend cannot be read",
    "'extends' names task files, relative to the file that it stands in.",
)
EXTENDS_CONFLICT = error(
    "KS0602",
    "conflict between extended tasks",
    "Two tasks give one part different content. A part may stand in several of them when it "
    "is the same in each. To change what is extended, use 'set'.",
)
EXTENDS_CYCLE = error(
    "KS0603",
    "tasks extend each other",
    "A task cannot be made of itself, nor of a very long chain of tasks.",
)
NOTHING_TO_REMOVE = error(
    "KS0604", "nothing to remove", "'remove' lists parts, or fields of parts, by path."
)
MALFORMED_COMPOSITION = error(
    "KS0605",
    "malformed extends, remove or set",
    "'extends' is a path or a list of paths, 'remove' a list of paths such as Reward.torque, "
    "and 'set' maps paths to values.",
)

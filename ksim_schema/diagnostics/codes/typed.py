"""KS03xx: the typed graph."""

from __future__ import annotations

from ksim_schema.diagnostics.codes.entry import Entry, error, info, warning

ENTRIES: dict[str, Entry] = {
    "KS0301": error(
        "ill-typed edge",
        "An edge must start and end at the kinds of part that its morphism says. This is the "
        "condition that the task graph maps onto the schema's graph (a graph homomorphism).",
    ),
    "KS0302": error(
        "loop without delay",
        "Some parts need each other's value within the same tick. A control loop is cut by the "
        "state held from one tick to the next; this cycle has no such edge.",
    ),
    "KS0303": error("wrong number of parts", "A task needs a fixed number of parts of an object."),
    "KS0304": error("action nobody sets", "Each action must be the output of exactly one policy."),
    "KS0305": error("policy without input", "A policy must read at least one observation."),
    "KS0306": error("unknown morphism", "The schema has no morphism of this name."),
    "KS0307": warning(
        "unused part", "Nothing reads the part. It is dropped when the task is compiled."
    ),
    "KS0309": error(
        "edge that is not there",
        "The 'morphisms' section has an edge that no field of its parts holds, or that a field "
        "contradicts.",
    ),
    "KS0308": error(
        "named twice", "A part, or a name in the robot's model, stands twice in one list."
    ),
    "KS0311": warning(
        "implausibly large number",
        "The number is far beyond what robots and their training know, as after a slip in an "
        "exponent or a unit.",
    ),
    "KS0312": warning(
        "empty value",
        "Nothing is written after a key, or a list that should name something is empty.",
    ),
    "KS0313": warning(
        "termination that never comes", "No state that the robot can be in ends an episode here."
    ),
    "KS0314": warning(
        "event that comes too late",
        "Episodes of the training are shorter than the time after which the event happens, so the "
        "policy learns little or nothing of it.",
    ),
    "KS0315": warning(
        "share of a run without a length",
        "A hyperparameter changes in a share of the run, and the task does not say how many steps "
        "a run has.",
    ),
    "KS0320": warning(
        "reward that cannot change",
        "The reward adds the same at each tick, whatever the policy does, so nothing is learned "
        "from it: its scale is 0, or it counts failures and nothing is a failure.",
    ),
    "KS0321": warning(
        "part without effect", "The part is multiplied by 0, so it carries no information."
    ),
    "KS0322": info(
        "command that is always the same", "A range from a value to itself leaves no choice."
    ),
}

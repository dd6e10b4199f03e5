"""KS03xx: the typed graph."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error, info, warning

ILL_TYPED_EDGE = error(
    "KS0301",
    "ill-typed edge",
    "An edge must start and end at the kinds of part that its morphism says. This is the "
    "condition that the task graph maps onto the schema's graph (a graph homomorphism).",
)
LOOP_WITHOUT_DELAY = error(
    "KS0302",
    "loop without delay",
    "Some parts need each other's value within the same tick. A control loop is cut by the "
    "state held from one tick to the next; this cycle has no such edge.",
)
WRONG_NUMBER_OF_PARTS = error(
    "KS0303", "wrong number of parts", "A task needs a fixed number of parts of an object."
)
ACTION_NOT_SET = error(
    "KS0304", "action nobody sets", "Each action must be the output of exactly one policy."
)
POLICY_WITHOUT_INPUT = error(
    "KS0305", "policy without input", "A policy must read at least one observation."
)
UNKNOWN_MORPHISM = error("KS0306", "unknown morphism", "The schema has no morphism of this name.")
UNUSED_PART = warning(
    "KS0307", "unused part", "Nothing reads the part. It is dropped when the task is compiled."
)
NAMED_TWICE = error(
    "KS0308", "named twice", "A part, or a name in the robot's model, stands twice in one list."
)
NO_SUCH_EDGE = error(
    "KS0309",
    "edge that is not there",
    "The 'morphisms' section has an edge that no field of its parts holds, or that a field "
    "contradicts.",
)
IMPLAUSIBLE_NUMBER = warning(
    "KS0311",
    "implausibly large number",
    "The number is far beyond what robots and their training know, as after a slip in an "
    "exponent or a unit.",
)
EMPTY_VALUE = warning(
    "KS0312",
    "empty value",
    "Nothing is written after a key, or a list that should name something is empty.",
)
TERMINATION_NEVER_COMES = warning(
    "KS0313",
    "termination that never comes",
    "No state that the robot can be in ends an episode here.",
)
LATE_EVENT = warning(
    "KS0314",
    "event that comes too late",
    "Episodes of the training are shorter than the time after which the event happens, so the "
    "policy learns little or nothing of it.",
)
SHARE_WITHOUT_LENGTH = warning(
    "KS0315",
    "share of a run without a length",
    "A hyperparameter changes in a share of the run, and the task does not say how many steps "
    "a run has.",
)
CONSTANT_REWARD = warning(
    "KS0320",
    "reward that cannot change",
    "The reward adds the same at each tick, whatever the policy does, so nothing is learned "
    "from it: its scale is 0, or it counts failures and nothing is a failure.",
)
PART_WITHOUT_EFFECT = warning(
    "KS0321", "part without effect", "The part is multiplied by 0, so it carries no information."
)
CONSTANT_COMMAND = info(
    "KS0322", "command that is always the same", "A range from a value to itself leaves no choice."
)
PAYS_FOR_AN_ERROR = warning(
    "KS0350",
    "formula that pays for an error",
    "The reward rises without bound to both sides of an action, a speed or a target, or is least "
    "where a command is followed, or rises all the way to where episodes end. Terms like this are "
    "penalties as a rule: the formula of a penalty has a minus, as its value is added. Where it is "
    "meant, a comment at the end of its line says so: '# ksim: ignore[KS0350]'.",
)
RUNAWAY_EXPONENTIAL = warning(
    "KS0351",
    "exponential that grows",
    "An exponential that is meant as a kernel grows to one side or to both, and the reward with "
    "it: its minus is missing, or the square or absolute value of the error.",
)
FORMULA_NEVER_CHANGES = warning(
    "KS0352",
    "term that never changes",
    "A term of a formula is the same over all that its quantities can be, such as a tanh that is "
    "saturated or a clip whose bounds nothing reaches.",
)
KERNEL_IS_FLAT = warning(
    "KS0353",
    "kernel that is flat",
    "An exponential kernel is below a thousandth of its peak over all that its quantities can be, "
    "so nothing is learned from it.",
)
UNDEFINED_FORMULA = warning(
    "KS0354",
    "formula that can be undefined",
    "A formula takes a root or a logarithm of what can be negative, or divides by what can be 0. "
    "The reward is then not a number, or infinite, and so is all that is learned from it.",
)
UNUSED_TERM = warning(
    "KS0397",
    "term that a formula does not use",
    "A term has a name in 'let', and neither the formula nor a later term uses it, so that it "
    "changes nothing.",
)
TARGET_OUT_OF_REACH = warning(
    "KS0355",
    "target that cannot be reached",
    "A formula measures an error from a value that its quantity cannot have: it lies beyond the "
    "limits of a joint, or is an angle in degrees where rad are meant.",
)

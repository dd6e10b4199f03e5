"""KS062x and KS063x: studies, which search a task's values over many trainings."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error, warning

UNLIKE_ENDS = error(
    "KS0620",
    "ends of unlike units",
    "The two ends of a range, and its step, are quantities of one kind: a length and a length, or "
    "two numbers without a unit.",
)
EMPTY_RANGE = error(
    "KS0621",
    "a range without room",
    "A range leads from its lower end up to a higher one; a single value belongs into 'set'.",
)
NO_LOGARITHM = error(
    "KS0622",
    "logarithm of zero or less",
    "A range that is searched by orders of magnitude ('log: true') begins above 0.",
)
ODD_STEP = error(
    "KS0623",
    "a step that does not fit",
    "A step is more than 0, not longer than its range, and not of a logarithmic one. A grid needs "
    "one in each range, or choices.",
)
SAME_TWICE = error(
    "KS0624",
    "the same twice",
    "A choice or a seed that stands twice would be trained twice for one result.",
)
SET_AND_SEARCHED = error(
    "KS0625",
    "set and searched",
    "A path is searched once, and what is searched is not set: neither the path itself, nor what "
    "it is a part of, nor a part of it.",
)
PARTLY_REFUSED = warning(
    "KS0626",
    "partly refused",
    "The checker refuses the task at this value, or at this corner of what is searched. Trials "
    "there cost no training, and tell the sampler nothing but to stay away.",
)
ALL_REFUSED = error(
    "KS0627",
    "nothing that passes",
    "No value of the search that was tried gives a task that the checker passes.",
)
UNKNOWN_GOAL = error(
    "KS0628",
    "unknown goal",
    "A goal is a number of the evaluation: return, length, failed, success, a metric of the task, "
    "a tracking error or a term of the reward.",
)
GOAL_MOVES = warning(
    "KS0629",
    "a goal that the search moves",
    "The study changes what its own goal counts, such as the weight of a reward where the goal is "
    "the return: the best trial is the one that is paid best, not the one that does best. Take a "
    "metric, or success.",
)
TWO_GOALS = error(
    "KS0630",
    "not one goal",
    "A study has one goal: either 'maximize' or 'minimize', and the name of a number.",
)
ALIKE = warning(
    "KS0631",
    "trials alike",
    "The task means the same at each of these values, so that trials that differ in nothing else "
    "are the same training.",
)
NOTHING_PRUNED = warning(
    "KS0632",
    "a pruner that stops nothing",
    "The pruner begins to compare when a training has ended already.",
)
NO_LENGTH = error(
    "KS0633",
    "trainings without an end",
    "The trainings of a study end after a number of steps: 'budget: {steps: ...}', or the 'steps' "
    "of the task's learner.",
)
UNKNOWN_FIRST = error(
    "KS0634",
    "a trial outside of the search",
    "What 'first' lists has a value for paths that are searched, within what is searched.",
)
MANY_MAGNITUDES = warning(
    "KS0635",
    "orders of magnitude in even steps",
    "A range over three orders of magnitude or more is nearly always searched by its logarithm: "
    "drawn evenly, nine of ten values lie in the topmost of them.",
)
MORE_THAN_BUDGET = warning(
    "KS0636",
    "more than the budget",
    "The grid, or the list 'first', has more trials than the budget.",
)
EMPTY_STUDY = error(
    "KS0637",
    "nothing searched",
    "A study searches one path at least. To train one task with several seeds: ksim-run --seeds.",
)

"""KS033x to KS034x, KS047x and KS048x: parts that contradict each other, time, or the training."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error, info, warning

BAD_NORMAL = warning(
    "KS0336",
    "normal of a plane",
    "flat_body is (R^T n) . n with n the normal of a plane, which is of length 1. Its sign makes "
    "no difference: a robot that is upside down is not rewarded by turning the normal.",
)
LASTING_IS_A_LOSS = warning(
    "KS0337",
    "lasting that is a loss",
    "Where each tick, or the end by time, takes something away, a policy learns to end its "
    "episodes early.",
)
RATES_AND_AMOUNTS = warning(
    "KS0339",
    "rates beside amounts",
    "With per_second a reward is multiplied by the control period, a few hundredths, and without "
    "it is not. Some have it and others do not, and that turns around which is worth more.",
)
SAME_REWARD = warning(
    "KS0340",
    "reward that stands twice",
    "Two rewards are the same but for their weights, so that they are one with the sum of both.",
)
HIDDEN_COMMAND = warning(
    "KS0341",
    "command that a network is not told",
    "Rewards follow a command that is drawn at random, and the policy or the critic does not know "
    "it. A policy that is not told does the same for each of its values, the best on average.",
)
IDLE_COMMAND = warning(
    "KS0342",
    "command that nothing rewards",
    "The policy is told a command, and no reward, termination or curriculum depends on it, so that "
    "it learns nothing of it.",
)
HIDDEN_CLOCK = warning(
    "KS0343",
    "clock that a network does not see",
    "A reward follows a clock. A network without memory cannot know the time: it must read a clock "
    "of the same period, or of a whole multiple of it.",
)
POORER_CRITIC = warning(
    "KS0344",
    "critic that sees less than the policy",
    "A critic is for training alone and may see everything. This one lacks what the policy sees, "
    "so that its values are worse, and with them what is learned.",
)
CROSSED_LEVELS = error(
    "KS0345",
    "thresholds of a curriculum that cross",
    "One and the same episode would raise the level and lower it.",
)
STUCK_LEVEL = warning(
    "KS0346",
    "level that does not get anywhere",
    "No episode, or no run of this length, moves the curriculum's level as the task says.",
)
IDLE_RAMP = warning(
    "KS0347",
    "ramp that goes nowhere",
    "A scale that should follow the curriculum's level goes from a value to the same one.",
)
IDLE_EVENT = warning(
    "KS0348", "event that does nothing", "The event never happens, or acts on what does not move."
)
IMPLAUSIBLE_MOTION = warning(
    "KS0349",
    "implausibly strong",
    "No robot of this size moves so, or withstands that: most often a slip of a unit, such as rad "
    "where degrees are meant.",
)
ODD_DISCOUNT = warning(
    "KS0475",
    "discount out of proportion",
    "A discount g looks 1 / (1 - g) control ticks ahead. Time-outs are no ends: what would have "
    "followed counts, so that with a discount of 1 the return has no bound.",
)
NO_MEMORY = warning(
    "KS0476",
    "memory that cannot learn",
    "A recurrent network learns what to remember from the ticks of a rollout, and this one has one "
    "tick only.",
)
SHORT_RUN = warning(
    "KS0477",
    "run shorter than a rollout",
    "A run has fewer steps than one rollout of all environments, after which the first update "
    "comes.",
)
ODD_LEARNING = warning(
    "KS0478",
    "hyperparameter of odd size",
    "The value is possible, and far from all with which such training is known to work.",
)
OVERLAPPING_EVENTS = warning(
    "KS0479",
    "event longer than its interval",
    "The next event comes before the last one is over, so that it never stops acting.",
)
IDLE_CUT = warning(
    "KS0480",
    "cut after the end",
    "A learner's 'episode' cuts the episodes of the training short. A longer one than the time "
    "limit of the task changes nothing.",
)
UNSEEN_ACTION = info(
    "KS0482",
    "changes of an action that the policy does not remember",
    "A reward is about the change of the action, and a policy without memory does not read the "
    "last one (last_action). It learns smooth actions from smooth inputs alone.",
)

"""KS033x, KS034x, KS036x to KS048x: parts that contradict each other, time, or the training."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error, info, warning

ASKED_AND_ENDED = warning(
    "KS0330",
    "command that asks for what ends the episode",
    "A command asks for a value at which a termination ends the episode as a failure, so that who "
    "follows it fails.",
)
ASKED_BEYOND_LIMITS = warning(
    "KS0331",
    "command beyond the robot",
    "A command asks for what the robot cannot do: a joint beyond its limits, or a point farther "
    "than its links reach.",
)
FORESTALLED = info(
    "KS0332",
    "termination that another one forestalls",
    "Another termination is about the same quantity and ends the episode earlier, in every case.",
)
WANTED_NEVER = warning(
    "KS0333",
    "reward for what cannot be",
    "A reward is best at a value at which no episode can be: beyond a joint's limits, or where a "
    "termination has ended the episode.",
)
NARROW_KERNEL = warning(
    "KS0334",
    "kernel that is too narrow",
    "A kernel exp(-e^2 / s^2) is 0, and flat, at more than a few times its scale s. Over most of "
    "where episodes start, or of what is asked, this one is, and no other reward leads there.",
)
WIDE_KERNEL = warning(
    "KS0335",
    "kernel that is too wide",
    "A kernel exp(-e^2 / s^2) is nearly 1 at all errors that are small against its scale s. This "
    "one hardly changes over all that can be, so that what it rewards makes no difference.",
)
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
DWARFED = warning(
    "KS0338",
    "penalty that dwarfs all rewards",
    "At sizes that nothing can avoid, a penalty takes away many times what all that is positive "
    "can give. What is learned then is to move as little as possible, or to fail soon.",
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
DROWNED_SIGNAL = warning(
    "KS0360",
    "error that drowns what is observed",
    "An error is as large as the whole range of what it disturbs, so that the networks learn "
    "nothing from it: most often a slip of a unit, or a share written in percent.",
)
SHUT_CLIP = warning(
    "KS0361",
    "clip that lets nothing through",
    "An observation is clipped to a range that it is never in, or not in the home pose, or that is "
    "narrower than its own noise: what is read is nearly always the same.",
)
IDLE_ACTION = warning(
    "KS0362",
    "action that does next to nothing",
    "An action of 1 gives less than a hundredth of what the motors can. Policies begin with "
    "actions of about that size.",
)
RIVAL_TARGETS = warning(
    "KS0363",
    "rewards that want different values",
    "Two kernels are about the same quantity and want it at values so far apart that where one is "
    "felt the other is flat.",
)
UNLIKE_JOINTS = warning(
    "KS0364",
    "joints that are not counterparts",
    "Two joints are to be alike left and right, and in a mirror one does not turn into the other: "
    "they have other axes, are on the same side, or count the other way round.",
)
RESET_BEYOND_LIMITS = warning(
    "KS0365",
    "start that is anywhere within the limits",
    "A reset draws joints from a range that is wider than their limits, and episodes are to begin "
    "upright: degrees may be meant where radians are written.",
)
UNKNOWN_POSE = warning(
    "KS0366",
    "pose that the policy cannot know",
    "Nothing that the policy reads tells where its joints are, and it has no memory.",
)
IDLE_STEPS = warning(
    "KS0367",
    "timestep too short",
    "The physics takes so many steps in a control period that a run takes many times as long as "
    "it need.",
)
LIMP_LEG = warning(
    "KS0368",
    "limp joint that the robot stands on",
    "A joint between the base and the ground is driven by nothing, though the model says how "
    "strong its motor is: the robot collapses.",
)
SLOW_SERVO = warning(
    "KS0369",
    "servo that hardly gets to its target",
    "kd / kp is the time in which an overdamped servo gets near its target, and it is more than a "
    "second: most often the two are swapped.",
)
CROSSED_FEET = warning(
    "KS0370",
    "feet in another order",
    "Two fields of a reward name something of each foot, in the same order, and the body of one is "
    "that of another foot in the other.",
)
SLOW_CONTROL = warning(
    "KS0371",
    "policy that acts too rarely",
    "A robot that is to stand falls over between two actions of its policy.",
)
SOFTENED_CONTACTS = warning(
    "KS0472",
    "timestep too long for the contacts",
    "MuJoCo raises the time constant of a contact (the first number of solref) to twice the "
    "timestep, without a word (refsafe): with a long timestep contacts are softer than the model "
    "says.",
)
OUTLASTED = warning(
    "KS0473",
    "change that takes longer than an episode",
    "Episodes are over before this has happened once.",
)
SHORT_PERIOD = warning(
    "KS0474",
    "time too short for the control period",
    "The policy acts once in a control period. What changes faster, or is averaged over less, is "
    "not seen as what it is meant to be.",
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
OVERWRITTEN_RESET = warning(
    "KS0481",
    "reset that another one overwrites",
    "Resets act one after the other: first keyframe and motion, then the others in the order of "
    "their names. joint_position and joint_velocity set what they name, and so replace what came "
    "before.",
)
UNSEEN_ACTION = info(
    "KS0482",
    "changes of an action that the policy does not remember",
    "A reward is about the change of the action, and a policy without memory does not read the "
    "last one (last_action). It learns smooth actions from smooth inputs alone.",
)
ZERO_BEYOND_LIMITS = warning(
    "KS0391",
    "action of zero beyond the limits",
    "Targets are measured 'around' a place where a joint cannot be: an action of zero, with "
    "which policies begin, presses the joint against its limit.",
)
UNDAMPED_SERVO = warning(
    "KS0392",
    "servo with next to no damping",
    "With the inertia at the joint the servo's damping ratio, kd / (2 sqrt(kp I)) with the joint's "
    "own damping, is below a tenth: it swings about its target several times before it rests.",
)
IDLE_RESET = warning(
    "KS0388",
    "reset that changes nothing",
    "All that the reset draws from is 0 wide, so each episode begins as it would without it.",
)
IDLE_GATE = warning(
    "KS0356",
    "gate that is always open or always shut",
    "The condition of a reward's 'when' holds in all states that episodes come to, so that it "
    "does nothing, or in none, so that the reward is never counted.",
)
IDLE_CLIP = warning(
    "KS0357",
    "clip that never acts, or always",
    "The sum of the other rewards is always within the range that a clip brings it into, so that "
    "the clip does nothing, or always beyond it, so that the total is the same at each tick.",
)
SECOND_CLIP = warning(
    "KS0358",
    "second clip of the total",
    "A task clips the sum of its rewards twice, one after the other in the order of their names. "
    "One clip with both bounds says the same.",
)
NAMED_LIKE_THE_TOTAL = warning(
    "KS0359",
    "reward that logs confuse with the total",
    "The sum of the rewards is logged as 'reward/total'. A reward that is called total would be "
    "logged under the same name.",
)
REACHED_AT_ONCE = warning(
    "KS0393",
    "goal that is reached wherever it is",
    "A goal is drawn anew when something is as near to it as 'within', which is no less than the "
    "corners of the box that goals are drawn from are apart. Inside of the box every goal is "
    "reached at once.",
)
TILTING_WHEEL = warning(
    "KS0395",
    "tilt of a wheel",
    "A body that hangs from the base by a hinge without limits about a level axis is tilted "
    "whenever that hinge has turned: its tilt says nothing of whether the robot stands.",
)
OTHER_GOAL = warning(
    "KS0396",
    "goal of something else",
    "A command says which site or body of the robot its goal is for. One part compares another "
    "thing with it, while all others compare what the command names.",
)
MANY_TURNS = warning(
    "KS0394",
    "angle of several turns",
    "An attitude or a heading is more than a full turn, which is the same as less than one. Most "
    "often degrees are meant, and the unit is 'rad'.",
)
IMPASSABLE = warning(
    "KS0487",
    "ground that no robot of this size gets over",
    "A step, a gap or the roughness of the terrain is out of proportion to the height at which the "
    "robot's base stands.",
)

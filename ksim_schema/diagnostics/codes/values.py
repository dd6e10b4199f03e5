"""KS04xx: values against each other and against the robot."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error, info, warning

UNEVEN_CONTROL_PERIOD = error(
    "KS0401", "control period", "The control period must be a whole number of physics timesteps."
)
UNEVEN_MINIBATCHES = error(
    "KS0402", "minibatches", "The rollout's samples do not divide into equal minibatches."
)
WRONG_NOISE_UNIT = error(
    "KS0403", "unit of a noise", "A noise, bias or clip must have the observation's unit."
)
NO_FLOATING_BASE = error(
    "KS0404",
    "no floating base",
    "The component is about the motion of the base's free joint, and the base has none; or it is "
    "about a base that moves, and the base is fixed to the world. What takes a 'body' can be about "
    "another body.",
)
NO_TORQUE_LIMIT = error(
    "KS0405",
    "no torque limit",
    "A servo or motor needs a limit: the joint's actuatorfrcrange in the model, or "
    "torque_limit in the action.",
)
JOINT_DRIVEN_TWICE = error("KS0406", "joint driven twice", "Two actions drive the same joint.")
NO_TIME_LIMIT = warning(
    "KS0407", "no time limit", "Episodes have no length limit, so some may never end."
)
NOT_SENSED = warning(
    "KS0408",
    "value that no robot senses",
    "The policy reads a value that comes from the simulator's state and from no sensor of "
    "the robot. Such a policy cannot run on hardware. Critics may read it. Places and speeds of a "
    "robot on a fixed base follow from its encoders, and so do places of any robot seen from its "
    "base and differences of two of them; places of other bodies are taken for seen by a camera. A "
    "policy that is told a place in the world is taken to know its own, but not how fast it moves.",
)
WRONG_JOINT_UNIT = error(
    "KS0409",
    "unit of the joints",
    "The value's unit does not fit the joints: hinges take an angle, slides a length. A value "
    "for joints of both types names both units: '20 rad/s or m/s' is 20 rad/s for the hinges "
    "and 20 m/s for the slides.",
)
NO_CURRICULUM = error(
    "KS0411",
    "level without curriculum",
    "A scale follows the curriculum's level, but the task has no Curriculum.",
)
LATENCY_TOO_LONG = error(
    "KS0412", "latency", "An action's latency must be at most one control period."
)
DRAWN_TWICE = error("KS0413", "drawn twice", "Two randomizers change the same value of the model.")
NOT_OBSERVABLE = error(
    "KS0414",
    "cannot be observed",
    "The robot or the task lacks what the observation is computed from.",
)
JOINT_WITHOUT_LIMITS = error(
    "KS0415",
    "joint without limits",
    "A value is derived from the limits of joints, and a joint has none in the model.",
)
NO_COMMAND_ELEMENT = error(
    "KS0416",
    "command of another kind",
    "A reward reads an element of a command, such as its turning rate, that the command does "
    "not have.",
)
BAD_FORMULA = error(
    "KS0417",
    "formula without meaning",
    "The text is not an arithmetic expression, names an unknown quantity or function, or its "
    "units or shapes do not fit.",
)
BAD_TERRAIN = error(
    "KS0418",
    "terrain cannot be made",
    "A terrain takes the place of a plane of the model, and has a bounded number of heights. The "
    "tiles of a grid are whole numbers of cells, and large enough for what stands on them.",
)
UNREADABLE_TASK_FILE = error(
    "KS0419", "file beside the task cannot be read", "Its path is relative to the task."
)
NO_TERRAIN = error(
    "KS0420",
    "no terrain",
    "A reset on a height field needs a terrain with heights, one on a tile a grid of tiles, and a "
    "height above the ground a ground.",
)
BAD_MOTION = error(
    "KS0421",
    "no motion of this robot",
    "A recorded motion is an .npz file with the arrays qpos (frames, nq) and qvel "
    "(frames, nv) of this robot, all finite.",
)
UNSTABLE_SERVO = warning(
    "KS0430",
    "unstable servo",
    "Taken alone, in the home pose, the joint's servo diverges at the physics timestep: its "
    "stiffness or damping is too large for the inertia that it moves. What is felt at the "
    "joint while the others move freely counts, with the armature.",
)
IMPOSSIBLE_CONTACT = warning(
    "KS0431",
    "contact that cannot be",
    "MuJoCo lets two geoms touch when the contype of one and the conaffinity of the other "
    "have a bit in common, or a <pair> names them. These never touch.",
)
ENDED_AT_HOME = warning(
    "KS0432",
    "ended in the home pose",
    "A termination is true of the pose in which episodes begin, so they end at once.",
)
MORE_THAN_MEMORY = warning(
    "KS0433",
    "more memory than there is",
    "The samples of a rollout, or the networks, take more memory than this machine has. "
    "Another machine may have it.",
)
HOME_OUTSIDE_LIMITS = warning(
    "KS0434",
    "home outside of limits",
    "The home pose has a joint outside of its range, so the simulation pushes it back.",
)
UNKNOWN_MIRROR = error(
    "KS0440",
    "training with an unknown mirror",
    "A learner's mirror lets both sides of the robot learn from each other, and a symmetric "
    "network treats them alike; a recorded motion's mirror follows clips in their mirror images "
    "too. The PhysicsState says with 'mirror' how the names of the two sides differ.",
)
NO_COUNTERPART = error(
    "KS0441", "no counterpart", "A joint of one side needs one of the same name on the other side."
)
NO_MIRROR_IMAGE = error(
    "KS0442",
    "no mirror image",
    "The two joints must be at mirror images of each other's places, in the plane y = 0 of the "
    "base in the home pose, with such axes, limits and home angles. The axes may have "
    "opposite signs.",
)
UNMIRRORED_MEMORY = error(
    "KS0443",
    "memory without mirror image",
    "What a recurrent network remembers has no known mirror image, so that it cannot be "
    "trained with a learner's mirror.",
)
IDLE_MIRROR = warning(
    "KS0492",
    "mirror images that teach nothing",
    "A symmetric network answers to a mirror image with the mirror image of its answer. A sample's "
    "image asks of it what the sample does.",
)
UNMIRRORED_VALUE = error(
    "KS0444",
    "value without mirror image",
    "The networks read or give a value whose mirror image is not known: of its kind, because "
    "it names parts of one side only, or because a frame is turned otherwise on the other "
    "side. A component of one's own says what it is with the method 'mirrored'.",
)
TORN_ACTUATOR = error(
    "KS0450",
    "actuator between driven and free joints",
    "An actuator of the model, on a tendon for example, acts on a joint that an action drives "
    "and on one that none does. It can neither stay, since it would fight the task's own "
    "actuator, nor go.",
)
SENSOR_OF_REPLACED_ACTUATOR = error(
    "KS0451",
    "sensor of an actuator that is replaced",
    "The model's own actuators go where an action drives their joints, and with them the "
    "sensors that read them.",
)
HELD_ACTUATORS = info(
    "KS0452",
    "actuators that hold the home pose",
    "An actuator of the model that no action drives is told all the time what keeps the robot "
    "at home: the control that the home keyframe gives it, else the one at which a servo gives "
    "no force there, else 0.",
)
LIMIT_ABOVE_JOINTS = warning(
    "KS0453",
    "limit above the joint's own",
    "MuJoCo clips what all motors give a joint to its actuatorfrcrange, so a larger "
    "'torque_limit' changes nothing.",
)
UNEVEN_LIMITS = info(
    "KS0454",
    "limits that differ by direction",
    "A range of the model (actuatorfrcrange, forcerange, ctrlrange) is wider on one side of 0. "
    "The motor or servo of an action has one limit for both directions: without a "
    "'torque_limit' it is the narrower side, or of motors that act in one direction only, what "
    "they give there.",
)
BODY_DOES_NOT_FLOAT = error(
    "KS0455",
    "body that does not float",
    "The component is about the motion of a free joint, so the body that it names must have "
    "one of its own.",
)
VALUED_TWICE = error(
    "KS0456",
    "two values for one thing",
    "In a mapping of patterns to values each joint (or body, or geom) is matched by exactly one "
    "pattern.",
)
WITHOUT_A_VALUE = error(
    "KS0457",
    "things without a value",
    "A mapping of patterns to values gives one to each joint (or body, or geom) that its part is "
    "about; none is left out.",
)
NAMELESS_ELEMENTS = error(
    "KS0458",
    "values by pattern of what has no names",
    "Patterns are of names of joints, bodies, geoms or sites. What a part gives is not one number "
    "for each of some of them, so its elements have no names.",
)
ACTUATOR_TOLD_TWICE = error(
    "KS0459",
    "actuator told twice",
    "An actuator of the model takes one control: two actions tell it one, or another action puts a "
    "servo or motor of its own on a joint that it acts on, which takes it out of the model.",
)
SILENT_ACTUATOR = error(
    "KS0483",
    "actuator that does not do what it is told",
    "An action tells an actuator of the model that the model's options disable, or asks for a "
    "control beyond its ctrlrange.",
)
WRONG_CONTROL_UNIT = error(
    "KS0484",
    "control in another unit",
    "A position servo's control is in the unit of what it moves, a velocity servo's in that by "
    "time, a motor's without gear and gain in N or N*m; any other control is a number without a "
    "unit.",
)
IDLE_JOINT_OF_A_SITE = error(
    "KS0485",
    "joint that does not carry the site",
    "An inverse kinematics works steps of a site back to the joints between the base and the site. "
    "Each of its joints is one of them, and all between are hinges and slides.",
)
NOT_ON_THIS_ENGINE = error(
    "KS0486",
    "model that an engine cannot simulate",
    "MJX and Warp do not have all that MuJoCo has, and leave some of it out without a word. An "
    "engine that is asked for (--engine) simulates a model as native MuJoCo does, or refuses it "
    "and says what it has not.",
)
WRONG_OBSERVATION = error(
    "KS0460",
    "observation of another kind or unit",
    "A reward or a termination names an observation that does not measure what it reads, such "
    "as an angle where a force is meant. It reads the physical value of the state after the "
    "action; scale, clip, history, delay and noise are for the networks alone.",
)
UNEQUAL_FEET = error(
    "KS0461",
    "not one for each foot",
    "What a reward reads of its feet has one entry for each of them, in the same order.",
)
WHICH_CURRICULUM = error(
    "KS0462",
    "one of several curricula",
    "A scale follows the level of a curriculum. Where a task has more than one, it says whose: "
    "{linear: {from: 0, to: 1}, curriculum: pushes}.",
)
SLOW_ON_MJX = warning(
    "KS0464",
    "model that MJX is slow with",
    "MJX has room for every contact that may be, and compiles a collision of its own for each kind "
    "of pair of shapes, each mesh and each size on a height field. This model takes it minutes to "
    "compile, or long to step. It is told only where that engine is asked for.",
)
UNUSED_TILES = warning(
    "KS0463",
    "tiles on which nothing begins",
    "The terrain is a grid of tiles, and no reset puts the robot on them: each episode begins on "
    "the flat ground before the first level.",
)
ROUNDED_TIME = warning(
    "KS0465",
    "time that is rounded",
    "Delays, intervals and time limits are counted in whole control periods, what acts within "
    "one in whole timesteps. A time in between becomes the nearest, and halfway cases the "
    "longer one.",
)
VANISHING_TIME = warning(
    "KS0466",
    "time that becomes nothing",
    "A time of less than half a control period is rounded to none, so what it is about does "
    "not happen.",
)
IDLE_RANDOMIZER = warning(
    "KS0467",
    "randomizer without effect",
    "The randomizer multiplies values that are zero in the model, or changes what the physics "
    "does not use, so it does nothing to some or all of what it names.",
)
BAD_KEYFRAME = error(
    "KS0468",
    "keyframe that is not a pose",
    "A keyframe that the task begins episodes in holds a number that is not finite (nan or "
    "inf), or a quaternion of length 0, which is not an orientation.",
)
BAD_TERRAIN_IMAGE = error(
    "KS0469",
    "image of a terrain that cannot be read",
    "The image of a terrain is a PNG file. This one is another or a damaged file, or has more "
    "pixels than a terrain can have heights.",
)
FALL_AT_START = warning(
    "KS0470",
    "fall at the start",
    "In the home pose, in which episodes begin, nothing holds the robot and the ground is far "
    "below it, so each episode begins with a fall. Heights in a task count from z = 0, not "
    "from the ground.",
)
LONGER_THAN_EPISODE = warning(
    "KS0471",
    "longer than an episode",
    "An observation is kept for longer than an episode, or comes as late, so that some of what "
    "a network reads is the same in all of the episode.",
)
TWO_LEARNERS = error(
    "KS0490",
    "more than one learner",
    "A task is trained by one algorithm, whose section it has. To compare two, make a task for "
    "each that extends what they share.",
)
IDLE_CRITIC = warning(
    "KS0491",
    "critic that nothing trains",
    "The task's learner finds its way without a critic, so that this one is not used.",
)
NO_SUCH_DRAW = error(
    "KS0372",
    "draw that cannot be observed",
    "An observation of the kind 'drawn' names a randomizer whose draw does not stand as a number "
    "in the model of an environment, such as one of a task's own file.",
)

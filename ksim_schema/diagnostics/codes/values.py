"""KS04xx: values against each other and against the robot."""

from __future__ import annotations

from ksim_schema.diagnostics.codes.entry import Entry, error, info, warning

ENTRIES: dict[str, Entry] = {
    "KS0401": error(
        "control period", "The control period must be a whole number of physics timesteps."
    ),
    "KS0402": error("minibatches", "The rollout's samples do not divide into equal minibatches."),
    "KS0403": error("unit of a noise", "A noise, bias or clip must have the observation's unit."),
    "KS0404": error(
        "no floating base",
        "The component is about the motion of the base's free joint, and the base has none. What "
        "takes a 'body' can be about another body that floats.",
    ),
    "KS0405": error(
        "no torque limit",
        "A servo or motor needs a limit: the joint's actuatorfrcrange in the model, or "
        "torque_limit in the action.",
    ),
    "KS0406": error("joint driven twice", "Two actions drive the same joint."),
    "KS0407": warning("no time limit", "Episodes have no length limit, so some may never end."),
    "KS0408": warning(
        "value that no robot senses",
        "The policy reads a value that comes from the simulator's state and from no sensor of "
        "the robot. Such a policy cannot run on hardware. Critics may read it.",
    ),
    "KS0409": error(
        "unit of the joints",
        "The value's unit does not fit the joints: hinges take an angle, slides a length. A value "
        "for joints of both types names both units: '20 rad/s or m/s' is 20 rad/s for the hinges "
        "and 20 m/s for the slides.",
    ),
    "KS0411": error(
        "level without curriculum",
        "A scale follows the curriculum's level, but the task has no Curriculum.",
    ),
    "KS0412": error("latency", "An action's latency must be at most one control period."),
    "KS0413": error("drawn twice", "Two randomizers change the same value of the model."),
    "KS0414": error(
        "cannot be observed", "The robot or the task lacks what the observation is computed from."
    ),
    "KS0415": error(
        "joint without limits",
        "A value is derived from the limits of joints, and a joint has none in the model.",
    ),
    "KS0417": error(
        "formula without meaning",
        "The text is no arithmetic expression, names an unknown quantity or function, or its "
        "units or shapes do not fit.",
    ),
    "KS0416": error(
        "command of another kind",
        "A reward reads an element of a command, such as its turning rate, that the command does "
        "not have.",
    ),
    "KS0418": error(
        "terrain cannot be made",
        "A terrain takes the place of a plane of the model, and has a bounded number of heights.",
    ),
    "KS0419": error("file beside the task cannot be read", "Its path is relative to the task."),
    "KS0420": error("no terrain", "A reset on a height field needs a terrain with heights."),
    "KS0421": error(
        "no motion of this robot",
        "A recorded motion is an .npz file with the arrays qpos (frames, nq) and qvel "
        "(frames, nv) of this robot, all finite.",
    ),
    "KS0430": warning(
        "unstable servo",
        "Taken alone, in the home pose, the joint's servo diverges at the physics timestep: its "
        "stiffness or damping is too large for the inertia that it moves. What is felt at the "
        "joint while the others move freely counts, with the armature.",
    ),
    "KS0431": warning(
        "contact that cannot be",
        "MuJoCo lets two geoms touch when the contype of one and the conaffinity of the other "
        "have a bit in common, or a <pair> names them. These never touch.",
    ),
    "KS0432": warning(
        "ended in the home pose",
        "A termination is true of the pose in which episodes begin, so they end at once.",
    ),
    "KS0433": warning(
        "more memory than there is",
        "The samples of a rollout, or the networks, take more memory than this machine has. "
        "Another machine may have it.",
    ),
    "KS0434": warning(
        "home outside of limits",
        "The home pose has a joint outside of its range, so the simulation pushes it back.",
    ),
    "KS0455": error(
        "body that does not float",
        "The component is about the motion of a free joint, so the body that it names must have "
        "one of its own.",
    ),
    "KS0440": error(
        "training with an unknown mirror",
        "PPO's mirror lets both sides of the robot learn from each other. The PhysicsState says "
        "with 'mirror' how the names of the two sides differ.",
    ),
    "KS0441": error(
        "no counterpart", "A joint of one side needs one of the same name on the other side."
    ),
    "KS0442": error(
        "no mirror image",
        "The two joints must be at mirror images of each other's places, in the plane y = 0 of the "
        "base in the home pose, with such axes, limits and home angles. The axes may have "
        "opposite signs.",
    ),
    "KS0443": error(
        "memory without mirror image",
        "What a recurrent network remembers has no known mirror image, so that it cannot be "
        "trained with PPO's mirror.",
    ),
    "KS0444": error(
        "value without mirror image",
        "The networks read or give a value whose mirror image is not known: of its kind, because "
        "it names parts of one side only, or because a frame is turned otherwise on the other "
        "side. A component of one's own says what it is with the method 'mirrored'.",
    ),
    "KS0450": error(
        "actuator between driven and free joints",
        "An actuator of the model, on a tendon for example, acts on a joint that an action drives "
        "and on one that none does. It can neither stay, since it would fight the task's own "
        "actuator, nor go.",
    ),
    "KS0451": error(
        "sensor of an actuator that is replaced",
        "The model's own actuators go where an action drives their joints, and with them the "
        "sensors that read them.",
    ),
    "KS0452": info(
        "actuators that hold the home pose",
        "An actuator of the model that no action drives is told all the time what keeps the robot "
        "at home: the control that the home keyframe gives it, else the one at which a servo gives "
        "no force there, else 0.",
    ),
    "KS0453": warning(
        "limit above the joint's own",
        "MuJoCo clips what all motors give a joint to its actuatorfrcrange, so a larger "
        "'torque_limit' changes nothing.",
    ),
    "KS0454": info(
        "limits that differ by direction",
        "A range of the model (actuatorfrcrange, forcerange, ctrlrange) is wider on one side of 0. "
        "The motor or servo of an action has one limit for both directions: without a "
        "'torque_limit' it is the narrower side, or of motors that act in one direction only, what "
        "they give there.",
    ),
    "KS0460": error(
        "observation of another kind or unit",
        "A reward or a termination names an observation that does not measure what it reads, such "
        "as an angle where a force is meant. It reads the physical value of the state after the "
        "action; scale, clip, history, delay and noise are for the networks alone.",
    ),
    "KS0461": error(
        "not one for each foot",
        "What a reward reads of its feet has one entry for each of them, in the same order.",
    ),
    "KS0465": warning(
        "time that is rounded",
        "Delays, intervals and time limits are counted in whole control periods, what acts within "
        "one in whole timesteps. A time in between becomes the nearest, and halfway cases the "
        "longer one.",
    ),
    "KS0466": warning(
        "time that becomes nothing",
        "A time of less than half a control period is rounded to none, so what it is about does "
        "not happen.",
    ),
    "KS0467": warning(
        "randomizer without effect",
        "The randomizer multiplies values that are zero in the model, or changes what the physics "
        "does not use, so it does nothing to some or all of what it names.",
    ),
    "KS0468": error(
        "keyframe that is no pose",
        "A keyframe that the task begins episodes in holds a number that is not finite (nan or "
        "inf), or a quaternion of length 0, which is no orientation.",
    ),
    "KS0469": error(
        "image of a terrain that cannot be read",
        "The image of a terrain is a PNG file. This one is another or a damaged file, or has more "
        "pixels than a terrain can have heights.",
    ),
    "KS0470": warning(
        "fall at the start",
        "In the home pose, in which episodes begin, nothing holds the robot and the ground is far "
        "below it, so each episode begins with a fall. Heights in a task count from z = 0, not "
        "from the ground.",
    ),
    "KS0471": warning(
        "longer than an episode",
        "An observation is kept for longer than an episode, or comes as late, so that some of what "
        "a network reads is the same in all of the episode.",
    ),
}

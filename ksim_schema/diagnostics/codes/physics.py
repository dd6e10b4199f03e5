"""KS043x and KS044x: what MuJoCo says of a robot and of the starts of its episodes."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error, warning

ENDED_AT_START = warning(
    "KS0435",
    "start ends the episode",
    "The resets draw starts that a termination does not allow, so these episodes end at their "
    "first tick. Starts are drawn as in training, and MuJoCo says where the robot's bodies are.",
)
SUNK_AT_HOME = warning(
    "KS0436",
    "home pose in the ground",
    "In the home pose a geom is deep inside of one that stands still, and contact forces throw the "
    "robot at the start of each episode. Touching, or a depth of some millimetres, is not told.",
)
SUNK_AT_START = warning(
    "KS0437",
    "start in a contact",
    "Many of the starts that the resets draw have a geom deep inside of the ground, or of another "
    "geom, and contact forces throw the robot at the start of these episodes.",
)
OFF_TERRAIN = warning(
    "KS0438",
    "start beyond the terrain",
    "A reset places the robot where the field of heights has ended. There is no ground beyond it.",
)
NO_GROUND = warning(
    "KS0439",
    "no ground",
    "The robot floats, gravity pulls it, and nothing of the model can hold it: no geom that stands "
    "still collides with it. Often the file of the robot alone was given, and not the scene that "
    "includes it. A URDF holds no ground: a scene attaches it (docs/own-robot.md).",
)
ODD_LIMITS = warning(
    "KS0445",
    "limits in another unit",
    "The limits of the model's hinges are many turns, as of degrees that are read as radians, or "
    "next to nothing, as of radians that are read as degrees. MuJoCo reads degrees unless "
    "<compiler angle='radian'/> is there; its compiled numbers are radians.",
)
NO_LIMITS = warning(
    "KS0488",
    "limits of zero width",
    "The model's file gives a joint limits of 0 to 0, or as a URDF gives a revolute joint none. "
    "MuJoCo takes both for a joint without limits, so that it turns or slides without end. In an "
    "MJCF, limited='false' says that this is meant.",
)
FOOT_THROUGH_GROUND = warning(
    "KS0489",
    "foot that touches nothing",
    "What is lowest of the robot in its home pose is a body of which no geom collides with the "
    "ground, while other bodies do: it sinks in until one of those touches. Its geoms have contype "
    "and conaffinity of 0, often by the default class for what is only seen.",
)
ODD_GRAVITY = warning(
    "KS0446",
    "odd gravity",
    "The model's gravity points up, or is far from that of any planet. MuJoCo's z axis points up, "
    "and its gravity is '0 0 -9.81' by default.",
)
ODD_SIZE = warning(
    "KS0447",
    "odd size",
    "The robot is as large as a building or as small as a grain, or its mass does not go with its "
    "size: a model in millimetres or grams is one in metres and kilograms for MuJoCo.",
)
WEAK_SERVO = warning(
    "KS0448",
    "servo too weak",
    "The servos are told to stay where the robot is at home, and yet it sags: a motor gives all "
    "that it can, or its stiffness is too small for the weight. MuJoCo simulates the first moments "
    "with the targets of a zero action.",
)
ONE_SIDE_DRIVEN = warning(
    "KS0449",
    "one side is driven",
    "A joint is driven by an action, and the joint of the same name on the other side is driven by "
    "nothing. It hangs limp.",
)
SLIPPERY = warning(
    "KS0380",
    "no friction on the ground",
    "No two geoms of the robot and of what stands still have friction where they touch. MuJoCo "
    "takes the larger of two frictions, or that of the geom with the higher priority, and none at "
    "all where condim is 1.",
)
HELD_BACK = warning(
    "KS0381",
    "base that is held back",
    "The free joint of the base has a damping or a dry friction, so that the robot moves through "
    "the air as through honey. Mostly it comes from a <default> of the model that is meant for "
    "the hinges: a <joint type='free'> takes it, a <freejoint> does not.",
)
HUGE_ROTOR = warning(
    "KS0382",
    "armature that outweighs the robot",
    "The armature of each driven joint is many times the inertia of the links that it moves, and "
    "so large that the motors hardly turn them.",
)
SPRING_OVER_MOTOR = warning(
    "KS0383",
    "spring that is stronger than the motor",
    "In the home pose a joint's spring pulls with more than its motor can give, so that the servo "
    "cannot hold it there.",
)
OVERLAPPING_LINKS = warning(
    "KS0385",
    "links inside each other at home",
    "Two links of different limbs are inside each other in the home pose, and their geoms collide: "
    "contact forces throw them apart at the start of each episode.",
)
DRIVES_ITSELF = error(
    "KS0226",
    "coefficient below zero",
    "A joint's damping or dry friction is negative, so that it drives the joint instead of "
    "braking it. MuJoCo simulates it, and what it gets is no robot.",
)
NO_MASS_LEFT = error(
    "KS0386",
    "mass of nothing",
    "A randomizer takes from a body all the mass that it has in the model, or more. A body that "
    "moves needs a mass above 0.",
)
DOUBTFUL_DRAW = warning(
    "KS0387",
    "draw far from the robot",
    "A randomizer draws robots and worlds that are all far from the model: factors that are never "
    "near 1, gravity that is turned around, a centre of mass outside of its body, a zero that is "
    "off by more than any calibration. Mostly the number is in percent, or in another unit.",
)
CLIPPED_STARTS = warning(
    "KS0389",
    "start that is always at a limit",
    "A reset draws a joint around a place beyond its limits, so that each episode begins with the "
    "joint at that limit.",
)
CROSSED_AT_ONCE = warning(
    "KS0390",
    "start with an impossible speed",
    "A joint starts so fast that it crosses all of its range within one control period.",
)
TOUCHES_NOTHING = warning(
    "KS0398",
    "nothing touches for it",
    "'collide' names, of the geoms of moving bodies, those that touch things. A pattern is of "
    "geoms that stand still, which touch what they touch in any case, or of geoms that the model "
    "itself lets touch nothing: contype and conaffinity are 0.",
)
IDLE_OPTION = warning(
    "KS0399",
    "option without its effect",
    "An option of the simulation does not do what it is for together with the others: an impratio "
    "over 1 hardens friction under elliptic cones alone, and under pyramidal ones it changes the "
    "normal forces too; ls_iterations are of a line search, and pgs has none. Or nothing is given: "
    "an empty 'solver' or 'joint_dynamics' leaves all as the model has it.",
)

"""KS043x and KS044x: what MuJoCo says of a robot and of the starts of its episodes."""

from __future__ import annotations

from ksim_schema.diagnostics.code import warning

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
    "includes it.",
)
ODD_LIMITS = warning(
    "KS0445",
    "limits in another unit",
    "The limits of the model's hinges are many turns, as of degrees that are read as radians, or "
    "next to nothing, as of radians that are read as degrees. MuJoCo reads degrees unless "
    "<compiler angle='radian'/> is there; its compiled numbers are radians.",
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

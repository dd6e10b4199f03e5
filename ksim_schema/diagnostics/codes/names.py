"""KS02xx: names."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error, info, warning

UNKNOWN_PART = error("KS0201", "unknown part", "A field names a part that the task does not have.")
UNREADABLE_MODEL = error(
    "KS0202", "model cannot be read", "MuJoCo cannot read or compile the robot's model."
)
UNKNOWN_JOINT = error("KS0203", "unknown joint", "The MuJoCo model has no joint of this name.")
UNKNOWN_GEOM = error("KS0204", "unknown geom", "The MuJoCo model has no geom of this name.")
UNKNOWN_BODY = error("KS0205", "unknown body", "The MuJoCo model has no body of this name.")
UNKNOWN_SITE = error("KS0206", "unknown site", "The MuJoCo model has no site of this name.")
UNKNOWN_SENSOR = error("KS0207", "unknown sensor", "The MuJoCo model has no sensor of this name.")
UNKNOWN_ACTUATOR = error(
    "KS0208", "unknown actuator", "The MuJoCo model has no actuator of this name."
)
UNKNOWN_KEYFRAME = error(
    "KS0209", "unknown keyframe", "The MuJoCo model has no keyframe of this name."
)
PATTERN_WITHOUT_MATCH = error(
    "KS0210", "pattern matches nothing", "No name in the MuJoCo model matches the pattern."
)
BAD_PATTERN = error("KS0211", "bad pattern", "The text is not a valid regular expression.")
PART_OF_ANOTHER_OBJECT = error(
    "KS0212", "part of another object", "A field names a part, but one of another schema object."
)
NO_PACKAGE_FILE = error(
    "KS0213",
    "no such file of a package",
    "A model 'package:module/file.xml' is a file of a Python package that is installed here.",
)
MENAGERIE_NOT_INSTALLED = error(
    "KS0214",
    "Menagerie is not installed",
    "A model 'menagerie:NAME/ENTRY' needs the optional package mujoco-menagerie: "
    "pip install 'ksim-schema[menagerie]'.",
)
UNKNOWN_MENAGERIE_MODEL = error(
    "KS0215", "unknown Menagerie model", "MuJoCo Menagerie has no such model or entry."
)
DOWNLOAD_FAILED = error(
    "KS0216",
    "Menagerie model cannot be downloaded",
    "A model of MuJoCo Menagerie is downloaded at its first use, also by --check. Afterwards "
    "it needs no network. A compiled task carries its model and needs none either.",
)
MODEL_DOWNLOADED = info(
    "KS0217",
    "Menagerie model was downloaded",
    "The model was not on this machine. The next time it is read from the folder that is named.",
)
ONE_WAY_JOINT = error(
    "KS0218",
    "joint that takes torque in one direction only",
    "The joint's actuatorfrcrange in the model does not reach to both sides of 0, so a motor "
    "or servo could act in one direction only.",
)
SWITCHED_OFF = error(
    "KS0219",
    "model that switches off what the task needs",
    "A flag of the model's options disables all actuators or all sensors, so that actions "
    "would do nothing, or what is measured would always be 0.",
)
AMBIGUOUS_BASE = error(
    "KS0220",
    "several bodies may be the base",
    "The base is the top body of the tree that holds the joints that the task drives. Where "
    "there are several such trees, the PhysicsState names it: 'base: torso'.",
)
CARRIED_BASE = error(
    "KS0221",
    "base that another body carries",
    "A base floats by its own free joint, or nothing above it does.",
)
LEFT_OUT_OF_PATTERN = info(
    "KS0222",
    "left out of a pattern",
    "A pattern matches names, so it leaves out joints, bodies and solid geoms without a name. "
    "Ball joints are left out too: patterns of joints take hinges and slides.",
)
MODEL_REMARK = info(
    "KS0224",
    "MuJoCo's remark on a model",
    "MuJoCo reads the model, and says something of it to its author: mostly that it is written "
    "in a way that a later version will not read any more.",
)
BROKEN_MODEL = error(
    "KS0228",
    "model that cannot be simulated",
    "A number of the model is not finite (nan or inf), or what MuJoCo computes of the model in "
    "the home pose is not or is far too large, or the inertia of the joints is singular or "
    "below 0, so that nothing can be simulated. Ranges may be infinite.",
)
BAD_MODEL_OPTION = error(
    "KS0229",
    "option of the model that is not possible",
    "A simulation steps by the timestep, which is a duration of at least 0.1 us, and divides "
    "by impratio.",
)
RANGE_WITHOUT_LIMIT = warning(
    "KS0230",
    "range that is not a limit",
    "The lower end of a range in the model is not below the upper one. MuJoCo takes such a "
    "range of a joint, a tendon or an actuator for none, and limits nothing.",
)

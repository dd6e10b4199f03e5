"""KS02xx: names."""

from __future__ import annotations

from ksim_schema.diagnostics.codes.entry import Entry, error, info, warning

ENTRIES: dict[str, Entry] = {
    "KS0201": error("unknown part", "A field names a part that the task does not have."),
    "KS0202": error("model cannot be read", "MuJoCo cannot read or compile the robot's model."),
    "KS0203": error("unknown joint", "The MuJoCo model has no joint of this name."),
    "KS0204": error("unknown geom", "The MuJoCo model has no geom of this name."),
    "KS0205": error("unknown body", "The MuJoCo model has no body of this name."),
    "KS0206": error("unknown site", "The MuJoCo model has no site of this name."),
    "KS0207": error("unknown sensor", "The MuJoCo model has no sensor of this name."),
    "KS0208": error("unknown actuator", "The MuJoCo model has no actuator of this name."),
    "KS0209": error("unknown keyframe", "The MuJoCo model has no keyframe of this name."),
    "KS0210": error("pattern matches nothing", "No name in the MuJoCo model matches the pattern."),
    "KS0211": error("bad pattern", "The text is not a valid regular expression."),
    "KS0212": error(
        "part of another object", "A field names a part, but one of another schema object."
    ),
    "KS0213": error(
        "no such file of a package",
        "A model 'package:module/file.xml' is a file of a Python package that is installed here.",
    ),
    "KS0214": error(
        "Menagerie is not installed",
        "A model 'menagerie:NAME/ENTRY' needs the optional package mujoco-menagerie: "
        "pip install 'ksim-schema[menagerie]'.",
    ),
    "KS0215": error("unknown Menagerie model", "MuJoCo Menagerie has no such model or entry."),
    "KS0216": error(
        "Menagerie model cannot be downloaded",
        "A model of MuJoCo Menagerie is downloaded at its first use, also by --check. Afterwards "
        "it needs no network. A compiled task carries its model and needs none either.",
    ),
    "KS0220": error(
        "several bodies may be the base",
        "The base is the top body of the tree that holds the joints that the task drives. Where "
        "there are several such trees, the PhysicsState names it: 'base: torso'.",
    ),
    "KS0221": error(
        "base that another body carries",
        "A base floats by its own free joint, or nothing above it does.",
    ),
    "KS0222": info(
        "left out of a pattern",
        "A pattern matches names, so it leaves out joints, bodies and solid geoms without a name. "
        "Ball joints are left out too: patterns of joints take hinges and slides.",
    ),
    "KS0217": info(
        "Menagerie model was downloaded",
        "The model was not on this machine. The next time it is read from the folder that is "
        "named.",
    ),
    "KS0218": error(
        "joint that takes torque in one direction only",
        "The joint's actuatorfrcrange in the model does not reach to both sides of 0, so a motor "
        "or servo could act in one direction only.",
    ),
    "KS0219": error(
        "model that switches off what the task needs",
        "A flag of the model's options disables all actuators or all sensors, so that actions "
        "would do nothing, or what is measured would always be 0.",
    ),
    "KS0224": info(
        "MuJoCo's remark on a model",
        "MuJoCo reads the model, and says something of it to its author: mostly that it is written "
        "in a way that a later version will not read any more.",
    ),
    "KS0228": error(
        "model that cannot be simulated",
        "A number of the model is not finite (nan or inf), or what MuJoCo computes of the model in "
        "the home pose is not or is far too large, or the inertia of the joints is singular or "
        "below 0, so that nothing can be simulated. Ranges may be infinite.",
    ),
    "KS0229": error(
        "option of the model that is not possible",
        "A simulation steps by the timestep, which is a duration of at least 0.1 us, and divides "
        "by impratio.",
    ),
    "KS0230": warning(
        "range that is no limit",
        "The lower end of a range in the model is not below the upper one. MuJoCo takes such a "
        "range of a joint, a tendon or an actuator for none, and limits nothing.",
    ),
}

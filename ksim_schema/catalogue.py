"""The catalogue of diagnostics: one entry a code, with what it means and what to do.

Codes are stable: a code that is no longer given is never used for something else.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Entry(NamedTuple):
    """What ``--explain`` prints of a code."""

    title: str
    severity: Literal["error", "warning", "info"]
    explanation: str


def _error(title: str, explanation: str) -> Entry:
    return Entry(title, "error", explanation)


def _info(title: str, explanation: str) -> Entry:
    return Entry(title, "info", explanation)


def _warning(title: str, explanation: str) -> Entry:
    return Entry(title, "warning", explanation)


CATALOGUE: dict[str, Entry] = {
    # KS00xx: reading the file
    "KS0001": _error("file cannot be read", "The file is absent, a folder, or not permitted."),
    "KS0002": _error("not valid YAML", "The text breaks YAML's syntax at the place shown."),
    "KS0003": _error(
        "duplicate key",
        "A mapping has the same key twice. YAML readers would silently keep one of the two.",
    ),
    "KS0004": _error(
        "tag", "YAML tags such as !!python/object or !include are not part of the language."
    ),
    "KS0005": _error(
        "too large or too deep",
        "The file is larger, deeper or (through aliases) expands to more values than any task "
        "needs. The limits guard those who check tasks of others.",
    ),
    "KS0006": _error("not text", "The file is not UTF-8 text, or holds control characters."),
    "KS0007": _error(
        "not a mapping", "A mapping of names to values is needed here, and something else stands."
    ),
    "KS0008": _error(
        "merge key",
        "YAML's '<<' merge keys are not part of the language: they hide where a value is from.",
    ),
    "KS0009": _error("key is no text", "A key must be a text."),
    "KS0010": _warning(
        "idle comment",
        "'# ksim: ignore[KS0307]' at the end of a line silences a warning that is reported on it. "
        "This one silences nothing, or what cannot be silenced.",
    ),
    # KS01xx: structure of the task
    "KS0101": _error("unknown section", "A task has one section per schema object, and few more."),
    "KS0102": _error("unknown kind", "No component of this kind is declared for this object."),
    "KS0103": _error("missing kind", "The part does not say which component it is."),
    "KS0104": _error("unknown field", "The component has no field of this name."),
    "KS0105": _error("missing field", "The component needs a field that is not given."),
    "KS0106": _error("wrong type", "The value is of another type than the field takes."),
    "KS0107": _error("value out of range", "The value is outside of what the field allows."),
    "KS0108": _error("not a quantity", "The text is not a number with a known unit."),
    "KS0109": _error(
        "wrong dimension", "The unit measures something else than the field: a length for an angle."
    ),
    "KS0110": _error(
        "missing unit", "A number with a dimension must say its unit, so that no one need guess."
    ),
    "KS0111": _error("range runs backwards", "The lower end of a range comes first."),
    "KS0112": _error(
        "bad name", "Names of parts start with a letter and hold letters, digits, '_' and '-'."
    ),
    "KS0113": _error("missing section", "The task lacks a section that every task needs."),
    "KS0114": _error("language version", "The task is written in a version this compiler lacks."),
    "KS0115": _error(
        "path does not exist", "A value set from the command line must be a value of the task."
    ),
    # KS02xx: names
    "KS0201": _error("unknown part", "A field names a part that the task does not have."),
    "KS0202": _error("model cannot be read", "MuJoCo cannot read or compile the robot's model."),
    "KS0203": _error("unknown joint", "The MuJoCo model has no joint of this name."),
    "KS0204": _error("unknown geom", "The MuJoCo model has no geom of this name."),
    "KS0205": _error("unknown body", "The MuJoCo model has no body of this name."),
    "KS0206": _error("unknown site", "The MuJoCo model has no site of this name."),
    "KS0207": _error("unknown sensor", "The MuJoCo model has no sensor of this name."),
    "KS0208": _error("unknown actuator", "The MuJoCo model has no actuator of this name."),
    "KS0209": _error("unknown keyframe", "The MuJoCo model has no keyframe of this name."),
    "KS0210": _error("pattern matches nothing", "No name in the MuJoCo model matches the pattern."),
    "KS0211": _error("bad pattern", "The text is not a valid regular expression."),
    "KS0212": _error(
        "part of another object", "A field names a part, but one of another schema object."
    ),
    "KS0213": _error(
        "no such file of a package",
        "A model 'package:module/file.xml' is a file of a Python package that is installed here.",
    ),
    "KS0214": _error(
        "Menagerie is not installed",
        "A model 'menagerie:NAME/ENTRY' needs the optional package mujoco-menagerie: "
        "pip install 'ksim-schema[menagerie]'.",
    ),
    "KS0215": _error("unknown Menagerie model", "MuJoCo Menagerie has no such model or entry."),
    "KS0216": _error(
        "Menagerie model cannot be downloaded",
        "A model of MuJoCo Menagerie is downloaded at its first use, also by --check. Afterwards "
        "it needs no network. A compiled task carries its model and needs none either.",
    ),
    "KS0217": _info(
        "Menagerie model was downloaded",
        "The model was not on this machine. The next time it is read from the folder that is "
        "named.",
    ),
    # KS03xx: the typed graph
    "KS0301": _error(
        "ill-typed edge",
        "An edge must start and end at the kinds of part that its morphism says. This is the "
        "condition that the task graph maps onto the schema's graph (a graph homomorphism).",
    ),
    "KS0302": _error(
        "loop without delay",
        "Some parts need each other's value within the same tick. A control loop is cut by the "
        "state held from one tick to the next; this cycle has no such edge.",
    ),
    "KS0303": _error("wrong number of parts", "A task needs a fixed number of parts of an object."),
    "KS0304": _error("action nobody sets", "Each action must be the output of exactly one policy."),
    "KS0305": _error("policy without input", "A policy must read at least one observation."),
    "KS0306": _error("unknown morphism", "The schema has no morphism of this name."),
    "KS0307": _warning(
        "unused part", "Nothing reads the part. It is dropped when the task is compiled."
    ),
    "KS0309": _error(
        "edge that is not there",
        "The 'morphisms' section has an edge that no field of its parts holds, or that a field "
        "contradicts.",
    ),
    "KS0308": _error(
        "named twice", "A part, or a name in the robot's model, stands twice in one list."
    ),
    "KS0311": _warning(
        "implausibly large number",
        "The number is far beyond what robots and their training know, as after a slip in an "
        "exponent or a unit.",
    ),
    "KS0312": _warning(
        "empty value",
        "Nothing is written after a key, or a list that should name something is empty.",
    ),
    "KS0313": _warning(
        "termination that never comes", "No state that the robot can be in ends an episode here."
    ),
    "KS0314": _warning(
        "event that comes too late",
        "Episodes of the training are shorter than the time after which the event happens, so the "
        "policy learns little or nothing of it.",
    ),
    "KS0315": _warning(
        "share of a run without a length",
        "A hyperparameter changes in a share of the run, and the task does not say how many steps "
        "a run has.",
    ),
    "KS0320": _warning(
        "reward that cannot change",
        "The reward adds the same at each tick, whatever the policy does, so nothing is learned "
        "from it: its scale is 0, or it counts failures and nothing is a failure.",
    ),
    "KS0321": _warning(
        "part without effect", "The part is multiplied by 0, so it carries no information."
    ),
    "KS0322": _info(
        "command that is always the same", "A range from a value to itself leaves no choice."
    ),
    # KS04xx: values against each other and against the robot
    "KS0401": _error(
        "control period", "The control period must be a whole number of physics timesteps."
    ),
    "KS0402": _error("minibatches", "The rollout's samples do not divide into equal minibatches."),
    "KS0403": _error("unit of a noise", "A noise, bias or clip must have the observation's unit."),
    "KS0404": _error(
        "no floating base", "The component needs a robot with a free joint, and this has none."
    ),
    "KS0405": _error(
        "no torque limit",
        "A servo or motor needs a limit: the joint's actuatorfrcrange in the model, or "
        "torque_limit in the action.",
    ),
    "KS0406": _error("joint driven twice", "Two actions drive the same joint."),
    "KS0407": _warning("no time limit", "Episodes have no length limit, so some may never end."),
    "KS0408": _warning(
        "value that no robot senses",
        "The policy reads a value that comes from the simulator's state and from no sensor of "
        "the robot. Such a policy cannot run on hardware. Critics may read it.",
    ),
    "KS0409": _error(
        "unit of the joints", "The value's unit does not fit the joints (angle or length)."
    ),
    "KS0411": _error(
        "level without curriculum",
        "A scale follows the curriculum's level, but the task has no Curriculum.",
    ),
    "KS0412": _error("latency", "An action's latency must be at most one control period."),
    "KS0413": _error("drawn twice", "Two randomizers change the same value of the model."),
    "KS0414": _error(
        "cannot be observed", "The robot or the task lacks what the observation is computed from."
    ),
    "KS0415": _error(
        "joint without limits",
        "A value is derived from the limits of joints, and a joint has none in the model.",
    ),
    "KS0417": _error(
        "formula without meaning",
        "The text is no arithmetic expression, names an unknown quantity or function, or its "
        "units or shapes do not fit.",
    ),
    "KS0416": _error(
        "command of another kind",
        "A reward reads an element of a command, such as its turning rate, that the command does "
        "not have.",
    ),
    "KS0418": _error(
        "terrain cannot be made",
        "A terrain takes the place of a plane of the model, and has a bounded number of heights.",
    ),
    "KS0419": _error("file beside the task cannot be read", "Its path is relative to the task."),
    "KS0420": _error("no terrain", "A reset on a height field needs a terrain with heights."),
    "KS0421": _error(
        "no motion of this robot",
        "A recorded motion is an .npz file with the arrays qpos (frames, nq) and qvel "
        "(frames, nv) of this robot, all finite.",
    ),
    "KS0430": _warning(
        "unstable servo",
        "Taken alone, in the home pose, the joint's servo diverges at the physics timestep: its "
        "stiffness or damping is too large for the inertia that it moves. What is felt at the "
        "joint while the others move freely counts, with the armature.",
    ),
    "KS0431": _warning(
        "contact that cannot be",
        "MuJoCo lets two geoms touch when the contype of one and the conaffinity of the other "
        "have a bit in common, or a <pair> names them. These never touch.",
    ),
    "KS0432": _warning(
        "ended in the home pose",
        "A termination is true of the pose in which episodes begin, so they end at once.",
    ),
    "KS0433": _warning(
        "more memory than there is",
        "The samples of a rollout, or the networks, take more memory than this machine has. "
        "Another machine may have it.",
    ),
    "KS0434": _warning(
        "home outside of limits",
        "The home pose has a joint outside of its range, so the simulation pushes it back.",
    ),
    "KS0440": _error(
        "training with an unknown mirror",
        "PPO's mirror lets both sides of the robot learn from each other. The PhysicsState says "
        "with 'mirror' how the names of the two sides differ.",
    ),
    "KS0441": _error(
        "no counterpart", "A joint of one side needs one of the same name on the other side."
    ),
    "KS0442": _error(
        "no mirror image",
        "The two joints must be at mirror images of each other's places, in the plane y = 0 of the "
        "base in the home pose, with such axes, limits and home angles. The axes may have "
        "opposite signs.",
    ),
    "KS0443": _error(
        "memory without mirror image",
        "What a recurrent network remembers has no known mirror image, so that it cannot be "
        "trained with PPO's mirror.",
    ),
    "KS0444": _error(
        "value without mirror image",
        "The networks read or give a value whose mirror image is not known: of its kind, because "
        "it names parts of one side only, or because a frame is turned otherwise on the other "
        "side. A component of one's own says what it is with the method 'mirrored'.",
    ),
    # KS05xx: compiled tasks
    "KS0501": _error("not a compiled task", "The file is no archive that ksim-compile has made."),
    "KS0502": _error(
        "damaged archive",
        "A part of the compiled task is missing, or is not what was written. Compile it again.",
    ),
    "KS0503": _error(
        "unsafe archive",
        "The archive has members that no compiled task has: links, names that lead out of it, "
        "unknown or repeated names, or far more data than a task needs. It is not read.",
    ),
    "KS0504": _error(
        "archive of a newer version",
        "The compiled task is in a format that this version does not know. Update ksim-schema.",
    ),
    "KS0505": _error(
        "archive of another version",
        "Under this version of the language the compiled task would mean something else than what "
        "was compiled, so its fingerprint would lie. Compile its source again.",
    ),
    "KS0506": _error("file cannot be written", "The folder is absent, not permitted, or full."),
    # KS06xx: tasks made of other tasks
    "KS0601": _error(
        "task to extend cannot be read",
        "'extends' names task files, relative to the file that it stands in.",
    ),
    "KS0602": _error(
        "conflict between extended tasks",
        "Two tasks give one part different content. A part may stand in several of them when it "
        "is the same in each. To change what is extended, use 'set'.",
    ),
    "KS0603": _error(
        "tasks extend each other",
        "A task cannot be made of itself, nor of a very long chain of tasks.",
    ),
    "KS0604": _error("nothing to remove", "'remove' lists parts, or fields of parts, by path."),
    "KS0605": _error(
        "malformed extends, remove or set",
        "'extends' is a path or a list of paths, 'remove' a list of paths such as Reward.torque, "
        "and 'set' maps paths to values.",
    ),
    # KS07xx: components of a task's own
    "KS0701": _error(
        "component file cannot be read",
        "An entry of 'components' must be a Python file in the task's folder or below it.",
    ),
    "KS0702": _error("not valid Python", "The component file breaks Python's syntax."),
    "KS0703": _error(
        "component file fails",
        "The file raises an exception when it is run. It is run when its task is checked.",
    ),
    "KS0704": _error(
        "component without rule",
        "A component derives from Observation, Reward, Termination, Reset, Event or Command of "
        "ksim_schema.custom and has a method 'value(self, x)', or with a method 'initial' "
        "'value(self, x, memory)'.",
    ),
    "KS0705": _error(
        "bad declaration",
        "A parameter needs a type that a task can give, such as Length or BodyName, a name that "
        "its base class does not use, and a default that its own type allows.",
    ),
    "KS0706": _error(
        "kind is taken", "A built-in component or another one of the task has this kind already."
    ),
    "KS0707": _error("no component in file", "The file declares no class that is a component."),
    "KS0708": _error(
        "code that is not trusted",
        "The compiled task carries Python code of its author, which could do anything on this "
        "machine. Read it with 'ksim-compile --emit components', then give --trust to run it.",
    ),
    "KS0709": _error(
        "component fails",
        "A method of a component raises an exception, or gives a value of another shape or type "
        "than its object needs.",
    ),
    # KS09xx: tasks as ACSets
    "KS0901": _error("not valid JSON", "The text breaks JSON's syntax at the place shown."),
    "KS0902": _error(
        "no ACSet",
        "An ACSet is an object of tables, a table a list of rows, and a row an object of columns.",
    ),
    "KS0903": _error(
        "unknown table",
        "The schema has no object or morphism of this name. A task is an instance of "
        "SchTaskDrawing, which ksim-compile --emit schema prints.",
    ),
    "KS0904": _error("missing table", "Each object and morphism has a table, if without rows."),
    "KS0905": _error(
        "unknown column", "No morphism and no attribute of this name starts at the table's object."
    ),
    "KS0906": _error(
        "bad cell",
        "A cell is absent, of another type than its column, or holds a text that is no JSON "
        "object where a part's values belong.",
    ),
    "KS0907": _error(
        "bad row",
        "The rows of a table have '_id' 1, 2, 3 and so on, the rows of parts have names of their "
        "own, and the table Task has one row.",
    ),
    "KS0908": _error("dangling id", "A morphism leads to a row that its table does not have."),
    "KS0909": _error(
        "tables that contradict the parts",
        "The fields of a task's parts imply its graph. The tables lack a row of it, have one too "
        "many, or say another kind than the part's values do.",
    ),
}
"""Code -> entry."""

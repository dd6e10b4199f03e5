"""The objects of SchTask: one row for each says all that the packages know of it by itself.

A part of a task is a row of the table of its object. What differs from kind to kind of an object is
declared by the kind (:class:`ksim_schema.vocabulary.base.Part`).
"""

from typing import NamedTuple

from ksim_schema.records import dataclass


class Colours(NamedTuple):
    """How an object is drawn: stroke and fill on a light page, stroke and fill on a dark one."""

    stroke: str
    fill: str
    dark_stroke: str
    dark_fill: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """An object of the schema.

    Attributes:
        name: as the schema and a task's sections call it.
        about: what its parts are, a sentence.
        stage: its place among those that could come next within a tick.
        drawn: its place in a drawing, from the state to what an episode's end causes.
        colours: how it is drawn.
        least, most: how many parts a task has; None for any number.
        acts: whether its parts do something by themselves, not only where something reads them.
        unread: what to do about a part that nothing reads; "" where that is said elsewhere.
        ruled: whether the compiler has a rule for each of its kinds.
        valued: whether its parts have a value, with a shape.
        graded: the morphism along which a curriculum's level reaches it, or None.
        recorded: the morphism along which it is recorded in each tick, or None.
        judges: the morphism along which it reads the record, or None.
        learned: whether the training depends on its parts; not, where they are only logged.
    """

    name: str
    about: str
    stage: int
    drawn: int
    colours: Colours
    least: int = 0
    most: int | None = None
    acts: bool = False
    unread: str = ""
    ruled: bool = True
    valued: bool = False
    graded: str | None = None
    recorded: str | None = None
    judges: str | None = None
    learned: bool = True


OBJECTS = (
    Object(
        name="PhysicsState",
        about="The robot, its world and the clock of the control loop.",
        stage=1,
        drawn=0,
        colours=Colours("#1d5fa8", "#e6f0fb", "#7fb5f0", "#15283d"),
        least=1,
        most=1,
        acts=True,
        ruled=False,
        recorded="record",
    ),
    Object(
        name="Command",
        about="What the policy is told to do.",
        stage=0,
        drawn=1,
        colours=Colours("#8a6d00", "#fbf4d9", "#dcc04a", "#322a0c"),
        unread="name it in 'obey' of the policy, or in a reward, or take it out",
        valued=True,
        graded="grade_command",
        recorded="record_command",
    ),
    Object(
        name="Observation",
        about="What the policy and the critic see of the state.",
        stage=2,
        drawn=4,
        colours=Colours("#0b7a6b", "#e0f5f1", "#4fcfba", "#0e2f2b"),
        least=1,
        unread="name it in 'read' of the policy or in 'judge' of the critic, or take it out",
        valued=True,
        graded="grade_observation",
        recorded="record_observation",
    ),
    Object(
        name="Action",
        about="What the policy's output does to the robot.",
        stage=5,
        drawn=7,
        colours=Colours("#b8500b", "#fdeee1", "#f2a067", "#3a2212"),
        least=1,
        valued=True,
        graded="grade_action",
        recorded="record_action",
    ),
    Object(
        name="Policy",
        about="The stochastic policy: what it reads, what it sets, its network.",
        stage=4,
        drawn=5,
        colours=Colours("#8a3ab9", "#f4e9fa", "#cf95f0", "#2f1b3b"),
        least=1,
        most=1,
        acts=True,
        ruled=False,
    ),
    Object(
        name="Critic",
        about="The value function for training.",
        stage=3,
        drawn=6,
        colours=Colours("#6b5b95", "#eeebf5", "#b3a5dd", "#26213a"),
        least=1,
        most=1,
        acts=True,
        ruled=False,
        valued=True,
    ),
    Object(
        name="Reward",
        about="What is good and bad about a tick; the total is the sum.",
        stage=9,
        drawn=10,
        colours=Colours("#2d7d2d", "#e6f4e6", "#78cc78", "#16301a"),
        least=1,
        acts=True,
        valued=True,
        graded="grade_reward",
        judges="reward",
    ),
    Object(
        name="Termination",
        about="When an episode ends, by failure or by time.",
        stage=8,
        drawn=9,
        colours=Colours("#b3261e", "#fcebe9", "#f28b82", "#3b1a18"),
        acts=True,
        valued=True,
        recorded="record_termination",
        judges="terminate",
    ),
    Object(
        name="Metric",
        about="What is logged and judged of an episode; nothing learns from it.",
        stage=13,
        drawn=13,
        colours=Colours("#3f51b5", "#e8eaf8", "#9fa8ea", "#1c2142"),
        acts=True,
        valued=True,
        judges="measure",
        learned=False,
    ),
    Object(
        name="Reset",
        about="The state in which an episode begins.",
        stage=12,
        drawn=11,
        colours=Colours("#00708f", "#e0f3f8", "#58c4e0", "#0d2d38"),
        acts=True,
    ),
    Object(
        name="Event",
        about="What the world does to the robot at random times.",
        stage=6,
        drawn=3,
        colours=Colours("#a8326e", "#fbe7f1", "#ee8fbd", "#391729"),
        acts=True,
        graded="grade_event",
    ),
    Object(
        name="Randomizer",
        about="What differs between the robots and worlds of a batch.",
        stage=11,
        drawn=2,
        colours=Colours("#4d6b12", "#eff5df", "#aed163", "#232d10"),
        acts=True,
        graded="grade_randomizer",
    ),
    Object(
        name="Curriculum",
        about="The level of difficulty in [0, 1].",
        stage=10,
        drawn=12,
        colours=Colours("#7a5230", "#f6ece3", "#d5a881", "#31241a"),
        unread="let a scale follow it, such as {linear: {from: 0, to: 1}}, or take it out",
        valued=True,
        judges="gauge",
    ),
    Object(
        name="Trajectory",
        about="Recorded channels; the canonical form writes them, authors need not.",
        stage=7,
        drawn=8,
        colours=Colours("#566370", "#edf0f3", "#a7b4c2", "#222a32"),
        unread="take it out",
        ruled=False,
    ),
)
"""The objects in the order in which a task is written."""
OBJECT = {row.name: row for row in OBJECTS}
"""Name -> row."""
SECTIONS = tuple(OBJECT)
"""Their names: the sections of a task."""
JUDGES = tuple(row.name for row in OBJECTS if row.judges)
"""Those whose parts read the record of a tick: rewards, terminations, and what is beside them."""
TEACHERS = tuple(row.name for row in OBJECTS if row.judges and row.learned)
"""Those of them that a policy is trained by."""
READERS = tuple(row.name for row in OBJECTS if row.ruled and (row.judges or row.recorded))
"""Those whose parts make or read the record of a tick, and so may read the physics."""

"""What every learner declares: the fields that the rest of the house asks for, and what it needs.

A learner is the algorithm that trains a task's policy. Its section of a task is named after it and
holds its fields. It is computed by the room of ``ksim_compiler.learn`` of the same name.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, NamedTuple

from annotated_types import Gt
from pydantic import Field

from ksim_schema.diagnostics import Code
from ksim_schema.units import Time
from ksim_schema.vocabulary.base import Model, PositiveInt

SHORT_SIGHTED = 0.5
"""A discount below this looks less than two control ticks ahead."""


class Remark(NamedTuple):
    """What is wrong with values of a learner that are valid one by one.

    Attributes:
        code: of the diagnostic.
        message, help: in the author's terms.
        place: the keys of the value within the learner's section.
    """

    code: Code
    message: str
    place: tuple[str, ...]
    help: str = ""


class Learner(Model):
    """How a task is trained. Every field has a default.

    Class attributes:
        section: the name of the algorithm and of its section; in lower case, that of its room.
        usual: whether it trains a task that names no learner. One of them does.
        spreads: whether it trains on several devices, each with its share of the environments.
        critic: whether it trains a critic. A task has one then, and none has to have one else.
        returns: fields that change the returns of the same episodes.
        plausible: field -> largest number that is hardly a mistake; also of models within it.
    """

    section: ClassVar[str] = ""
    usual: ClassVar[bool] = False
    spreads: ClassVar[bool] = False
    critic: ClassVar[bool] = True
    returns: ClassVar[frozenset[str]] = frozenset({"episode"})
    plausible: ClassVar[Mapping[str, float]] = {"envs": 2**20, "rollout": 1e5, "steps": 1e15}

    envs: PositiveInt = Field(
        default=512, description="Number of environments that run side by side."
    )
    rollout: PositiveInt = Field(
        default=24, description="Control ticks per environment between two updates."
    )
    normalize_observations: bool = Field(
        default=True,
        description="Networks see inputs with running mean 0 and variance 1, clipped to +-10.",
    )
    episode: Annotated[Time, Gt(0.0)] | None = Field(
        default=None,
        description="Longest episode in training, which ends as at a time limit. Short ones give"
        " beginnings a larger share of the samples. Evaluations last as long as the task says. Not"
        " cut by default.",
    )
    stagger: bool = Field(
        default=True,
        description="Each environment is cut off once at a random moment of its first episode, so"
        " that the episodes do not all begin together.",
    )
    steps: PositiveInt | None = Field(
        default=None,
        description="Environment steps (control ticks summed over environments) to train for when"
        " the command line does not say; without both, until stopped.",
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "section" in cls.__dict__:
            LEARNERS[cls.section] = cls

    @property
    def mirrored(self) -> bool:
        """Whether it learns from mirror images. Its field ``mirror`` says how much, then."""
        return False

    @property
    def samples_at_once(self) -> int:
        """How many samples a gradient is taken of at once; the forward pass alone by default."""
        return self.envs

    @property
    def divided_into(self) -> int:
        """Minibatches of a rollout, by its field ``minibatches``; 0 where it is not divided."""
        return 0

    def finest(self, recurrent: bool) -> int:
        """Into how many equal shards its environments can be cut at most, one for each device.

        A number of devices that divides it will do. 1 by default: it trains on one device.

        Args:
            recurrent: whether a network of the task has a memory.
        """
        return 1

    @property
    def copies(self) -> int:
        """How many numbers are kept for each parameter of the networks, itself among them."""
        return 1

    @property
    def discounts(self) -> Mapping[tuple[str, ...], float]:
        """What a reward one control tick later counts, by the path of the field that says so."""
        return {}

    def remarks(self, recurrent: bool) -> Iterator[Remark]:
        """What is wrong with its values taken together.

        Args:
            recurrent: whether a network of the task has a memory.
        """
        return iter(())


LEARNERS: dict[str, type[Learner]] = {}
"""Every declared learner by its section. Filled as the vocabulary is imported."""


def usual() -> type[Learner]:
    """The learner of a task that names none."""
    return next(learner for learner in LEARNERS.values() if learner.usual)

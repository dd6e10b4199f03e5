"""What every declared component shares: the frozen model, wires to other parts, model names.

A component is declared here and lowered in the compiler: this package says what it is called,
what it takes, which parts it reads and what shape it has, and computes nothing.

No module of this package defers its annotations (``from __future__ import annotations``): Pydantic
would compile each of them from its text, which was a tenth of the time of a check. Nor does a class
repeat the type of a class attribute that it inherits.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import (
    Annotated,
    Any,
    ClassVar,
    Protocol,
    TypeVar,
    Union,
    cast,
    get_args,
    runtime_checkable,
)

from annotated_types import Ge, Gt, Le
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from ksim_schema.records import dataclass
from ksim_schema.robot import RobotFacts, SensorRequest
from ksim_schema.source.plain import is_mapping
from ksim_schema.units import Dimension, Measured
from ksim_schema.vocabulary.each import ByPattern
from ksim_schema.vocabulary.effects import Effect
from ksim_schema.vocabulary.reads import Reads
from ksim_schema.vocabulary.whole import with_whole_numbers

T = TypeVar("T")


class Model(BaseModel):
    """A frozen record in which an unknown key is an error.

    Class attributes:
        written: what an author writes for it; "" where that is a mapping of its fields.
    """

    written: ClassVar[str] = ""

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, validate_default=False, strict=True
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Forget the annotations of class attributes, which have done their work.

        Pydantic would evaluate them again for each class that derives from this one; that was a
        third of the time to declare the vocabulary.
        """
        super().__pydantic_init_subclass__(**kwargs)
        for name in cls.__annotations__.keys() - cls.model_fields.keys():
            del cls.__annotations__[name]

    @model_validator(mode="before")
    @classmethod
    def _whole_numbers(cls, data: Any) -> Any:
        """``6e6`` is a whole number where one is wanted, although YAML reads a float."""
        return with_whole_numbers(cls, data) if is_mapping(data) else data


del Model.__annotations__["written"]  # the hook above is not called for Model itself


@dataclass(frozen=True, slots=True)
class Wire:
    """Field annotation: the field names other parts, and each name is an edge.

    Attributes:
        hom: the schema's morphism. Its domain or codomain is the object of the part that has
            the field; the named part stands at the other end.
        of: the object that the name belongs to, where that is not the morphism's other end: a
            reward names a command or an observation, and reads it through the trajectory. A
            termination or a curriculum with such a field reads it so too, by its own morphism.
    """

    hom: str
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Measures:
    """Field annotation beside a :class:`Wire` to an observation: what it has to measure.

    Attributes:
        dimensions: units that it may be in; any, where none is given.
        beside: further units that some of its elements may be in.
        each: how many numbers of it belong together; its size is a multiple of that.
        contact: it says which of some things touch, 1 or 0 for each.
    """

    dimensions: tuple[Dimension, ...] = ()
    beside: tuple[Dimension, ...] = ()
    each: int = 1
    contact: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """Field annotation: a name in the MuJoCo model.

    Attributes:
        what: joint, body, geom, site, sensor, actuator or keyframe.
        pattern: the text is a regular expression that must match at least one whole name, and
            the field may hold a list of them.
    """

    what: str
    pattern: bool = False


@dataclass(frozen=True, slots=True)
class Floating:
    """Field annotation: the body that is named has a free joint of its own."""


@dataclass(frozen=True, slots=True)
class File:
    """Field annotation: a file beside the task, whose content is a part of its meaning."""


@dataclass(frozen=True, slots=True)
class MayBeEmpty:
    """Field annotation: a list or a mapping that says something when nothing stands in it."""


def one_or_more(value: object) -> object:
    """A single text stands for a list of one."""
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(one_or_more)]
JointPattern = Annotated[Names, Named("joint", pattern=True)]
"""Regular expressions; the joints whose whole name one of them matches, in the model's order."""
BodyPattern = Annotated[Names, Named("body", pattern=True)]
GeomPattern = Annotated[Names, Named("geom", pattern=True)]
BodyName = Annotated[str, Named("body")]
FloatingBody = Annotated[str, Named("body"), Floating()]
GeomName = Annotated[str, Named("geom")]
SiteName = Annotated[str, Named("site")]
SensorName = Annotated[str, Named("sensor")]
FileName = Annotated[str, File()]
"""Path of a file, relative to the task file."""
KeyframeName = Annotated[str, Named("keyframe")]


def _ordered(value: tuple[float, float]) -> tuple[float, float]:
    low, high = value
    given = low.dimension if isinstance(low, Measured) else None
    other = high.dimension if isinstance(high, Measured) else None
    if given is not None and given != other and low != 0 and high != 0:
        raise PydanticCustomError("dimension", "both ends of a range must have the same unit")
    if low > high:
        raise PydanticCustomError(
            "range_order",
            "the range runs from {low} to {high}, but the lower end comes first",
            {"low": f"{low:g}", "high": f"{high:g}", "help": "swap the two values"},
        )
    return value


Range = Annotated[tuple[T, T], AfterValidator(_ordered)]
"""``[low, high]`` with low <= high; drawn uniformly where a component draws from it."""


def as_pair(value: Any) -> Any:
    """A single value stands for the range that holds nothing else."""
    return cast("Any", value) if isinstance(value, tuple | list) else (value, value)


Spread = Annotated[tuple[T, T], BeforeValidator(as_pair), AfterValidator(_ordered)]
"""A range, or one value that is always taken."""
Probability = Annotated[float, Ge(0.0), Le(1.0)]
PositiveInt = Annotated[int, Gt(0)]


class Part(Model):
    """A part of a task: one row of the table of its schema object.

    Class attributes:
        object: the schema object, for example ``Observation``.
        kind_name: what the author writes after ``kind:``.
        static: number fields that shape the compiled program. All others are its runtime
            arguments, so that a change of their value needs no new compilation.
        effects: what it does to physical quantities.
        fields: the MjData fields that it reads.
        channels: what it reads of the record without naming it: state, action, termination.
        floating: whether it needs a robot with a free joint.
        moving: whether the base that it is about must not be fixed to the world.
    """

    object: ClassVar[str] = ""
    kind_name: ClassVar[str] = ""
    static: ClassVar[frozenset[str]] = frozenset()
    effects: ClassVar[tuple[Effect, ...]] = ()
    fields: ClassVar[tuple[str, ...]] = ()
    channels: ClassVar[tuple[str, ...]] = ()
    floating: ClassVar[bool] = False
    moving: ClassVar[bool] = False

    def sensors(self, robot: RobotFacts) -> tuple[SensorRequest, ...]:
        """The MuJoCo sensors that it reads."""
        return ()

    def fields_on(self, robot: RobotFacts) -> tuple[str, ...]:
        """The MjData fields that it reads of a robot; ``fields`` where that is the same for all."""
        return self.fields

    def model_sensors(self, robot: RobotFacts) -> tuple[str, ...]:
        """The model's own sensors that it names in a text, rather than in a field."""
        return ()

    def takes(self, robot: RobotFacts) -> Mapping[str, tuple[str, ...]]:
        """Field that names a command -> labels of the elements that the command must have."""
        return {}

    def things(self, field: str, robot: RobotFacts) -> tuple[str, ...] | None:
        """What the values of this part by patterns are of, as :class:`~.each.Each` names it.

        Returns:
            The names, in the order of the values; None where they have none.
        """
        if field not in type(self).model_fields:
            return None
        named = field_annotation(type(self).model_fields[field], Named)
        texts: Any = getattr(self, field)
        if named is None or texts is None:
            return None
        texts = (texts,) if isinstance(texts, str) else texts
        if named.what == "joint":
            return tuple(joint.name for joint in robot.match_joints(texts))
        return robot.match(named.what, texts)

    def recorded(self) -> tuple[str, ...]:
        """What it reads of the record without naming it; ``channels`` where the kind says all."""
        return self.channels

    def readings(self) -> tuple[Reads, ...]:
        """What of it reads the physics: it itself, and what else has a formula."""
        return (self,)

    def infers(self, field: str) -> bool:
        """Whether a wire that is left out leads to the only part that it could lead to."""
        return True

    def likely(self, field: str, choices: "Mapping[str, Part]") -> tuple[str, ...]:
        """Those of some parts that a wire could lead to, where it is left out; all by default."""
        return tuple(choices)

    @property
    def needs_limits(self) -> bool:
        """Whether its joints must have limits in the model."""
        return False

    def effects_on(self, robot: RobotFacts) -> tuple[Effect, ...]:
        """What it does to quantities of a robot; ``effects`` where that is the same for all."""
        return self.effects

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if "kind" in cls.__annotations__:
            cls.kind_name = get_args(cls.model_fields["kind"].annotation)[0]
            KINDS.setdefault(cls.object, {})[cls.kind_name] = cls


@runtime_checkable
class OfJoints(Protocol):
    """A part of any object with a field ``joints``: patterns of hinges and slides."""

    @property
    def joints(self) -> tuple[str, ...]: ...


@runtime_checkable
class OfBody(Protocol):
    """A part of any object with a field ``body``: what it is about; None is the robot's base."""

    @property
    def body(self) -> str | None: ...


KINDS: dict[str, dict[str, type[Part]]] = {}
"""Every declared component: object -> kind -> class. Filled as the vocabulary is imported."""
Kinds = Mapping[str, Mapping[str, type[Part]]]
"""Components that a task may use: object -> kind -> class."""


def one_of(kinds: Mapping[str, type[Model]]) -> Any:
    """The type of a field that holds one of several models, told apart by their ``kind``."""
    return Annotated[Union[tuple(kinds.values())], Field(discriminator="kind")]  # noqa: UP007


def import_all(package: str, path: Iterable[str]) -> None:
    """Import the modules of a package and of the packages in it, in the order of their names.

    Args:
        package: its name.
        path: its ``__path__``.
    """
    for module in pkgutil.iter_modules(path, f"{package}."):
        found = importlib.import_module(module.name)
        if module.ispkg:
            import_all(module.name, found.__path__)


def annotated_fields(
    model: Model, annotation: type[T], prefix: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], T, Any]]:
    """The fields of a model, and of the models in it, that carry an annotation of this type.

    Yields:
        The path of the field inside the model, the annotation and the field's value. Of a value by
        patterns that of each pattern, which the path ends with.
    """
    for name, found in _annotations(type(model), annotation):
        value = getattr(model, name)
        if isinstance(value, ByPattern):
            for pattern, member in cast("ByPattern[Any]", value).entries:
                path = (*prefix, name, pattern)
                if found is not None:
                    yield path, found, member
                elif isinstance(member, Model):
                    yield from annotated_fields(member, annotation, path)
        elif found is not None:
            yield (*prefix, name), found, value
        elif isinstance(value, Model):
            yield from annotated_fields(value, annotation, (*prefix, name))


def files_of(part: Model) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The files beside the task that a part names, each with its path inside the part."""
    for path, _, value in annotated_fields(part, File):
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, tuple):
            named = cast("tuple[str, ...]", value)
            yield from (((*path, index), name) for index, name in enumerate(named))


@cache
def _annotations(model: type[Model], annotation: type[T]) -> tuple[tuple[str, T | None], ...]:
    """The name of each field of a model, with its annotation of this type if it has one."""
    return tuple((name, _first(carried, annotation)) for name, carried in _carried(model))


@cache
def _carried(model: type[Model]) -> tuple[tuple[str, tuple[object, ...]], ...]:
    """The name of each field of a model, with all that its type is annotated with."""
    return tuple((name, tuple(_on(info))) for name, info in model.model_fields.items())


def field_annotation(info: FieldInfo, annotation: type[T]) -> T | None:
    """The annotation of this type on a field, wherever in its type it stands."""
    return _first(_on(info), annotation)


def _first(carried: Iterable[object], annotation: type[T]) -> T | None:
    return next((item for item in carried if isinstance(item, annotation)), None)


def _on(info: FieldInfo) -> Iterator[object]:
    """What a field is annotated with, from the outside in; and the types in its type."""
    yield from info.metadata
    yield from _in_type(info.annotation)


def _in_type(hint: Any) -> Iterator[object]:
    for argument in (*getattr(hint, "__metadata__", ()), *get_args(hint)):
        yield argument
        if get_args(argument):
            yield from _in_type(argument)

"""Values of several things by patterns of their names: ``{hip.*: 0.3 rad, knee: 0.5 rad}``.

A field that is the same for each of some joints, bodies or geoms may be a mapping of patterns in
place of one value. Where the robot is known each thing has exactly one of them: each pattern
matches something, none matches what another one does, and together they match everything.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, Generic, TypeVar, cast, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from ksim_schema.records import dataclass
from ksim_schema.robot.patterns import fits
from ksim_schema.source.plain import is_mapping

T = TypeVar("T")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class ByPattern(Generic[T]):
    """A value for each pattern of names.

    Attributes:
        entries: the patterns, sorted (their order means nothing), and the value of each.
    """

    entries: tuple[tuple[str, T], ...]

    @staticmethod
    def of(values: Mapping[str, V]) -> "ByPattern[V]":
        """The values by their patterns."""
        return ByPattern(tuple(sorted(values.items(), key=lambda entry: entry[0])))

    @property
    def values(self) -> tuple[T, ...]:
        """The values, in the order of the patterns."""
        return tuple(value for _, value in self.entries)

    def at(self, pattern: str) -> T:
        """The value that stands with a pattern."""
        return dict(self.entries)[pattern]

    def index(self, name: str) -> int:
        """The place of the entry whose pattern matches a name.

        Raises:
            KeyError: none does.
        """
        for place, (pattern, _) in enumerate(self.entries):
            if fits(pattern, name):
                return place
        raise KeyError(name)

    def map(self, change: Callable[[T], V]) -> "ByPattern[V]":
        """The same patterns with changed values."""
        return ByPattern(tuple((pattern, change(value)) for pattern, value in self.entries))


@dataclass(frozen=True, slots=True)
class Each:
    """Field annotation: one value for all, or one for each of some things by patterns.

    Attributes:
        field: the part's field of patterns that selects the things; "" for the elements of what the
            part gives (of an observation, or of an action's targets), "output" for the numbers
            that the policy gives an action.
    """

    field: str

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        one, patterned = get_args(source)
        (each,) = get_args(patterned)
        model = each if isinstance(each, type) and issubclass(each, BaseModel) else None
        entries = core_schema.dict_schema(
            core_schema.str_schema(strict=True, min_length=1), handler.generate_schema(each)
        )
        read = core_schema.no_info_wrap_validator_function(
            _read,
            entries,
            serialization=core_schema.plain_serializer_function_ser_schema(
                _written, return_schema=entries
            ),
        )

        def form(value: Any) -> str:
            if isinstance(value, ByPattern):
                return "each"
            if not is_mapping(value) or not value:
                return "one"
            if model is None:
                return "each"
            strange = [v for k, v in value.items() if k not in model.model_fields]
            return "each" if strange and all(map(is_mapping, strange)) else "one"

        return core_schema.tagged_union_schema(
            {"one": handler.generate_schema(one), "each": read}, discriminator=form
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        one, each = handler(schema)["oneOf"]
        del each["propertyNames"]
        each["description"] = "By patterns of names: each has the value of the one that matches."
        return {"anyOf": [one, each]}


def _read(value: Any, entries: Callable[[Any], dict[str, Any]]) -> ByPattern[Any]:
    if isinstance(value, ByPattern):
        return cast("ByPattern[Any]", value)
    return ByPattern.of(entries(value))


def _written(value: ByPattern[Any]) -> dict[str, Any]:
    return dict(value.entries)


PerJoint = Annotated[T | ByPattern[T], Each("joints")]
"""One value for all joints of the part, or one by patterns of their names."""
PerBody = Annotated[T | ByPattern[T], Each("body")]
PerGeom = Annotated[T | ByPattern[T], Each("geoms")]
PerElement = Annotated[T | ByPattern[T], Each("")]
"""The same of the elements of a value, where they are named after joints, bodies or sites."""
PerOutput = Annotated[T | ByPattern[T], Each("output")]
"""The same of the numbers that the policy gives an action."""


def each(value: T | ByPattern[T], names: Iterable[str]) -> tuple[T, ...]:
    """The value of each of some things.

    Args:
        value: one for all, or one by patterns.
        names: what the things are called.

    Raises:
        KeyError: no pattern matches a name.
    """
    if isinstance(value, ByPattern):
        by = cast("ByPattern[T]", value)
        return tuple(by.entries[by.index(name)][1] for name in names)
    return tuple(value for _ in names)


def all_of(value: T | ByPattern[T]) -> tuple[T, ...]:
    """All values that there are: the one for all, or that of each pattern."""
    return cast("ByPattern[T]", value).values if isinstance(value, ByPattern) else (value,)


def one(value: T | ByPattern[T]) -> T:
    """The value of a part that :func:`~ksim_schema.vocabulary.apart.apart` gave."""
    assert not isinstance(value, ByPattern)
    return value


def by_patterns(
    model: BaseModel, prefix: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Each, ByPattern[Any]]]:
    """The values of a model, and of the models in it, that are given by patterns.

    Yields:
        The path of the field inside the model, what the patterns are of, and the value.
    """
    for name, info in type(model).model_fields.items():
        value = getattr(model, name)
        at = (*prefix, info.alias or name)
        if isinstance(value, ByPattern):
            marks = _each_of(info.annotation, info.metadata)
            yield at, marks, cast("ByPattern[Any]", value)
        elif isinstance(value, BaseModel):
            yield from by_patterns(value, at)
        elif isinstance(value, tuple):
            for index, member in enumerate(cast("tuple[Any, ...]", value)):
                if isinstance(member, BaseModel):
                    yield from by_patterns(member, (*at, index))


def _each_of(hint: Any, metadata: Iterable[Any] = ()) -> Each:
    """The annotation of a field that holds values by patterns."""
    for item in (*metadata, *getattr(hint, "__metadata__", ())):
        if isinstance(item, Each):
            return item
    return next(_each_of(a) for a in get_args(hint) if _is_each(a))


def _is_each(hint: Any) -> bool:
    found = any(isinstance(item, Each) for item in getattr(hint, "__metadata__", ()))
    return found or any(map(_is_each, get_args(hint)))

"""``dataclass`` as the standard library has it, for frozen classes at a fourth of its cost.

Until Python 3.13 it compiles each method of a class from a text of its own, six of a frozen one.
For the classes that a check declares that was a tenth of all its time. Here only ``__init__`` is
compiled for a class; what compares, shows and guards its instances is shared by all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError
from functools import partial
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(
        cls=None, /, *, frozen=False, slots=False, kw_only=False, eq=True, order=False
    ) -> Any:
        """Make a class a dataclass; see the standard library's, which makes those not frozen."""
        if cls is None:
            return partial(
                dataclass, frozen=frozen, slots=slots, kw_only=kw_only, eq=eq, order=order
            )
        if not frozen or order:
            make = dataclasses.dataclass(
                frozen=frozen, slots=slots, kw_only=kw_only, eq=eq, order=order
            )
            return make(cls)
        written = {name for name, value in vars(cls).items() if value is not None}
        make = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=kw_only)
        made = make(cls)
        for name, method in _methods(made, eq, slots).items():
            if name not in written:
                setattr(made, name, method)
        return made


def _methods(cls: type[Any], eq: bool, slots: bool) -> dict[str, Any]:
    """What a frozen dataclass does, by name of the method."""
    fields = dataclasses.fields(cls)
    methods: dict[str, Any] = {
        "__init__": _init(cls, fields),
        "__repr__": _repr(tuple(f.name for f in fields if f.repr)),
        "__setattr__": _no_assignment,
        "__delattr__": _no_deletion,
    }
    if eq:
        hashed = [f.name for f in fields if (f.compare if f.hash is None else f.hash)]
        methods["__eq__"] = _eq(_values([f.name for f in fields if f.compare]))
        methods["__hash__"] = _hash(_values(hashed))
    if slots:  # nothing can be assigned, also by pickle and copy
        methods |= {"__getstate__": _getstate, "__setstate__": _setstate}
    return methods


def _init(cls: type[Any], fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    """The initializer of a frozen dataclass. All its fields are arguments."""
    names: dict[str, Any] = {"_set": object.__setattr__, "_missing": MISSING}
    plain, named, lines = ["self"], ["*"], list[str]()
    for field in fields:
        name = field.name
        argument, value = name, name
        if field.default is not MISSING:
            names[f"_of_{name}"] = field.default
            argument = f"{name}=_of_{name}"
        elif field.default_factory is not MISSING:
            names[f"_of_{name}"] = field.default_factory
            argument, value = f"{name}=_missing", f"_of_{name}() if {name} is _missing else {name}"
        (named if field.kw_only else plain).append(argument)
        lines.append(f"_set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    arguments = ", ".join(plain + (named if named[1:] else []))
    exec(f"def __init__({arguments}):\n " + "\n ".join(lines or ["pass"]), names)
    init = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _values(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What gives the values of some fields of an object."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda one: tuple(getattr(one, name) for name in names)


def _eq(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any, Any], Any]:
    def __eq__(self: Any, other: Any) -> Any:
        return (
            values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented
        )

    return __eq__


def _hash(values: Callable[[Any], tuple[Any, ...]]) -> Callable[[Any], int]:
    def __hash__(self: Any) -> int:
        return hash(values(self))

    return __hash__


def _repr(names: tuple[str, ...]) -> Callable[[Any], str]:
    @recursive_repr()
    def __repr__(self: Any) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({fields})"

    return __repr__


def _no_assignment(self: Any, name: str, value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _no_deletion(self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _setstate(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)

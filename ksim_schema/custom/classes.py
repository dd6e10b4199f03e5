"""The classes of a component file: what they declare, and what is wrong with them."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import sys
import traceback
import types
from collections.abc import Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any, Literal, NamedTuple, cast, get_args, get_origin

from pydantic import PydanticUserError, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUndefinedAnnotation
from pydantic_core import SchemaError

from ksim_schema.custom.api import BASES, Custom, Metric, Observation, Remembers
from ksim_schema.diagnostics import Diagnostic, Sink, Span
from ksim_schema.diagnostics.codes.custom import (
    BAD_DECLARATION,
    COMPONENT_WITHOUT_RULE,
    FAILING_COMPONENT_FILE,
    INVALID_PYTHON,
    NO_COMPONENT,
)
from ksim_schema.units import Measured, QuantityError, Unit, parse_unit
from ksim_schema.vocabulary.base import field_annotation


class _Source(NamedTuple):
    """A component file in messages, and the classes in it."""

    file: str
    classes: Mapping[str, ast.ClassDef]

    def at(self, name: str, member: str = "") -> Span:
        """The place of a class's name, or of a parameter, attribute or method in it."""
        node = self.classes.get(name)
        if node is None:
            return Span(self.file)
        for inner in node.body if member else ():
            if isinstance(inner, ast.FunctionDef) and inner.name == member:
                return _span(self.file, inner.lineno, inner.col_offset + len("def "), member)
            targets = inner.targets if isinstance(inner, ast.Assign) else ()
            targets = (inner.target,) if isinstance(inner, ast.AnnAssign) else targets
            for target in targets:
                if isinstance(target, ast.Name) and target.id == member:
                    return _span(self.file, inner.lineno, inner.col_offset, member)
        return _span(self.file, node.lineno, node.col_offset + len("class "), name)

    def of_name(self, name: str) -> Span:
        """The first place in an annotation where a name stands."""
        for node in self.classes.values():
            for member in node.body:
                annotation = member.annotation if isinstance(member, ast.AnnAssign) else None
                for used in ast.walk(annotation) if annotation else ():
                    if isinstance(used, ast.Name) and used.id == name:
                        return _span(self.file, used.lineno, used.col_offset, name)
        return Span(self.file)


def _span(file: str, line: int, start: int, name: str) -> Span:
    return Span(file, line, start + 1, line, start + 1 + len(name))


def declared_in(name: str, text: str, shown: str, sink: Sink) -> list[type[Custom]]:
    """Run a component file and collect the components that it declares.

    Args:
        name: of the file in the task.
        text: its content.
        shown: how to call it in messages.
        sink: where what is wrong with it is reported.
    """
    try:
        tree = ast.parse(text, shown)
        code = builtins.compile(tree, shown, "exec", dont_inherit=True)
    except SyntaxError as error:
        line, column = error.lineno or 1, max(1, error.offset or 1)
        end = (error.end_lineno or line, max(error.end_offset or 0, column + 1))
        where = Span(shown, line, column, *end)
        sink.report(INVALID_PYTHON, f"not valid Python: {error.msg}", where)
        return []
    except (ValueError, RecursionError, MemoryError) as error:
        sink.report(INVALID_PYTHON, f"not valid Python: {error}", Span(shown))
        return []
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    source = _Source(shown, classes)
    module = types.ModuleType(f"ksim_component_{sha256((shown + text).encode()).hexdigest()[:16]}")
    module.__file__ = shown
    # Pydantic looks annotations up in the module; afterwards no other code can import it.
    sys.modules[module.__name__] = module
    try:
        exec(code, module.__dict__)
        own = [
            value
            for value in module.__dict__.values()
            if isinstance(value, type)
            and issubclass(value, Custom)
            and value.__module__ == module.__name__
            and not value.__name__.startswith("_")
        ]
        if not own:
            names = ", ".join(base.__name__ for base in BASES)
            message, help = "this file declares no component", f"derive a class from one of {names}"
            where = Span(shown, 1, 1, 1, len(text.split("\n", 1)[0]) + 2)
            sink.report(NO_COMPONENT, message, where, help=help)
            return []
        made: list[type[Custom]] = []
        for declared in dict.fromkeys(own):
            with suppress(PydanticUserError, SchemaError):  # its parameter is blamed below
                declared.model_rebuild(force=True, _types_namespace=module.__dict__)
            problems = list(_problems(declared, source))
            sink.add(problems)
            if not problems:
                made.append(_kind_of(declared, source, name))
        return made
    except (PydanticUserError, PydanticUndefinedAnnotation, SchemaError) as error:
        sink.add([_bad_class(error, source)])
        return []
    except (Exception, SystemExit) as error:
        message = f"running this file fails: {message_of(error)}"
        help = ""
        if isinstance(error, ImportError):
            help = "a component file can import installed packages, and no file beside it"
        sink.report(FAILING_COMPONENT_FILE, message, place_of(error, {shown: text}), help=help)
        return []
    finally:
        del sys.modules[module.__name__]


def _problems(declared: type[Custom], source: _Source) -> Iterator[Diagnostic]:
    """What is wrong with a class, apart from what Python and Pydantic find."""
    name = declared.__name__
    bases = [base for base in BASES if issubclass(declared, base)]
    if not bases:
        names = ", ".join(base.__name__ for base in BASES)
        message = f"{name} is not a component of an object"
        yield Diagnostic(
            COMPONENT_WITHOUT_RULE, message, source.at(name), help=f"derive it from {names}"
        )
        return
    rule: Any = declared.value
    if rule is Custom.value:
        message = f"{name} has no rule"
        yield Diagnostic(
            COMPONENT_WITHOUT_RULE, message, source.at(name), help="add 'def value(self, x): ...'"
        )
    elif inspect.isfunction(rule):
        wanted = 3 if issubclass(declared, Remembers) else 2
        try:
            inspect.signature(rule).bind(*range(wanted))
        except TypeError:
            shape = "value(self, x, memory)" if wanted == 3 else "value(self, x)"
            why = " beside 'initial'" if wanted == 3 else ""
            message = f"the rule of {name} is called as {shape}{why}"
            yield Diagnostic(COMPONENT_WITHOUT_RULE, message, source.at(name, "value"))
    else:
        yield Diagnostic(
            COMPONENT_WITHOUT_RULE, f"the rule of {name} is not a method", source.at(name, "value")
        )
    if issubclass(declared, Observation | Metric) and declared.unit:
        try:
            parse_unit(declared.unit)
        except QuantityError as error:
            where = source.at(name, "unit")
            yield Diagnostic(BAD_DECLARATION, str(error), where, help=error.help)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", _name_of(declared)):
        message = f"{_name_of(declared)!r} is not the name of a kind"
        help = "small letters, digits and '_', beginning with a letter"
        yield Diagnostic(BAD_DECLARATION, message, source.at(name, "kind_name"), help=help)
    for parameter, info in declared.model_fields.items():
        if parameter == "kind":
            continue
        if parameter in bases[0].model_fields:
            if info is not bases[0].model_fields[parameter] and _own(declared, parameter):
                message = f"every {bases[0].__name__} has a field {parameter!r} already"
                where = source.at(name, parameter)
                yield Diagnostic(
                    BAD_DECLARATION, message, where, help="give the parameter another name"
                )
            continue
        if hasattr(bases[0], parameter) or parameter in bases[0].__annotations__:
            message = (
                f"every {bases[0].__name__} has {parameter!r} already, which is not a parameter"
            )
            help = f"write {parameter} = ... without a type, or give the parameter another name"
            yield Diagnostic(BAD_DECLARATION, message, source.at(name, parameter), help=help)
            continue
        problem = _parameter_problem(declared, parameter)
        if problem is not None:
            message = f"parameter {parameter!r}: {problem}"
            yield Diagnostic(BAD_DECLARATION, message, source.at(name, parameter))


def _own(declared: type[Custom], parameter: str) -> bool:
    """Whether a class of the file, and not one of its built-in bases, declares a field."""
    return any(
        parameter in vars(base).get("__annotations__", {})
        for base in declared.__mro__
        if issubclass(base, Custom) and base.__module__ == declared.__module__
    )


def _parameter_problem(declared: type[Custom], parameter: str) -> str | None:
    """Read the default of a parameter as the task's author would write it; what is wrong."""
    info = declared.model_fields[parameter]
    module = sys.modules[declared.__module__]
    if _holds(info.annotation, (list, dict, set, frozenset)):
        return "a list is written as tuple[Length, ...], with the type of its members"
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(info.rebuild_annotation(), module=module.__name__)
    except (PydanticUserError, PydanticUndefinedAnnotation, SchemaError):
        return "a task cannot give a value of this type"
    if info.is_required() or info.default is None:
        return None
    unit = field_annotation(info, Unit)
    try:
        given = info.get_default()
        default = adapter.validate_python(_measured(given, unit))
        several = unit is not None and len(unit.allowed) > 1  # each joint's own, as it was written
        info.default = _bare(given, default) if several else default
    except ValidationError as error:
        return "its default is refused: " + error.errors()[0]["msg"].lower()
    return None


def _holds(hint: Any, types: tuple[type, ...]) -> bool:
    """Whether one of these types stands anywhere in a type."""
    return (
        hint in types or get_origin(hint) in types or any(_holds(h, types) for h in get_args(hint))
    )


def _measured(value: Any, unit: Unit | None) -> Any:
    """A default with the unit that a bare number in it has: that of its parameter, in SI."""
    if isinstance(value, tuple | list):
        return tuple(_measured(member, unit) for member in cast("list[Any]", value))
    bare = isinstance(value, int | float) and not isinstance(value, bool | Measured)
    return Measured(value, unit.allowed[0]) if bare and unit and unit.allowed else value


def _bare(given: Any, default: Any) -> Any:
    """A default without the unit that it had none of."""
    if isinstance(default, tuple):
        members = zip(given, cast("tuple[Any, ...]", default), strict=True)
        return tuple(_bare(one, validated) for one, validated in members)
    plain = isinstance(given, int | float) and not isinstance(given, Measured)
    return float(default) if plain and isinstance(default, Measured) else default


def _name_of(declared: type[Custom]) -> str:
    """The kind of a class: as it says, or its name in snake case."""
    if "kind" in declared.model_fields:
        return str(next(iter(get_args(declared.model_fields["kind"].annotation)), ""))
    steps = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", declared.__name__)
    return declared.kind_name or steps.lower()


def _kind_of(declared: type[Custom], source: _Source, name: str) -> type[Custom]:
    """The class with the field ``kind`` that the built-in ones declare themselves."""
    kind = _name_of(declared)
    made = cast(
        "type[Custom]",
        create_model(  # pyright: ignore[reportCallIssue]
            declared.__name__,
            __base__=declared,
            __module__=declared.__module__,
            __doc__=vars(declared).get("__doc__") or f"{declared.object} of {name}.",
            kind=(Literal[kind], kind),  # pyright: ignore[reportArgumentType]
        ),
    )
    made.kind_name = kind
    made.declared_at = source.at(declared.__name__)
    made.rule_at = source.at(declared.__name__, "value")
    made.model_rebuild(force=True)
    return made


def _bad_class(error: Exception, source: _Source) -> Diagnostic:
    """A class that Pydantic refuses, in the words of its author."""
    text = str(error)
    if isinstance(error, PydanticUndefinedAnnotation):
        message = f"the name {error.name!r} is not defined"
        return Diagnostic(BAD_DECLARATION, message, source.of_name(str(error.name)))
    last = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == source.file]
    line = last[-1].lineno or 1 if last else 1
    nodes = source.classes.values()
    name = next((n.name for n in nodes if n.lineno <= line <= (n.end_lineno or line)), "")
    bare = re.search(r"non-annotated attribute was detected: `(\w+)", text)
    shadowed = re.search(r"[Ff]ield '(\w+)' defined on a base class", text)
    if bare:
        message, help = (
            f"parameter {bare[1]!r} has no type",
            f"write {bare[1]}: Length = ..., or {bare[1]}: ClassVar = ... of a constant",
        )
        return Diagnostic(BAD_DECLARATION, message, source.at(name, bare[1]), help=help)
    if shadowed:
        message = f"{shadowed[1]!r} is a parameter of the base class, and stands here without type"
        return Diagnostic(BAD_DECLARATION, message, source.at(name, shadowed[1]))
    return Diagnostic(BAD_DECLARATION, f"bad declaration: {message_of(error)}", source.at(name))


def message_of(error: BaseException) -> str:
    """The first line of what an exception says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def place_of(error: BaseException, sources: Mapping[str, str]) -> Span:
    """The innermost place in a component file that an exception came through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in sources]
    if not frames:
        return Span(next(iter(sources)))
    frame = frames[-1]
    line = frame.lineno or 1
    text = (sources[frame.filename].splitlines() or [""])[line - 1].encode()
    start, end = frame.colno or 0, frame.end_colno
    if frame.end_lineno != line or end is None:
        end = len(text)
    columns = (len(text[:i].decode(errors="replace")) + 1 for i in (start, end))
    first, last = columns
    return Span(frame.filename, line, first, line, max(last, first + 1))

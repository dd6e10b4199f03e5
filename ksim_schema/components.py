"""Component files: Python files of a task that declare kinds of its own.

A file is run when its task is loaded, and its kinds are known to that task alone. What is wrong
with a file is reported with the place in it. See :mod:`ksim_schema.custom` for what it may say.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple, cast, get_args

from pydantic import PydanticUserError, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUndefinedAnnotation
from pydantic_core import SchemaError

from ksim_schema.custom import BASES, Custom, Observation
from ksim_schema.diagnostics import Diagnostic, Span
from ksim_schema.plain import is_list
from ksim_schema.quantity import Measured, QuantityError, Unit, describe, parse_unit
from ksim_schema.source import Document, Path_, dotted
from ksim_schema.vocabulary.base import KINDS, Kinds, Part, field_annotation

KEY = "components"
"""The key of a task that lists its component files."""
MAX_SIZE = 1_000_000
"""Largest size of a component file in bytes."""
MAX_FILES = 100
"""Largest number of component files of a task."""


class UnreadableError(Exception):
    """A component file that cannot be read. The message is for the author."""


Reader = Callable[[str], bytes]
"""Name of a component file -> its content; raises :class:`UnreadableError`."""


@dataclass(frozen=True)
class Components:
    """The component files of a task.

    Attributes:
        files: name as in the task -> content.
        kinds: object -> kind -> class, the built-in ones among them.
        sources: name of a file in messages -> its text.
    """

    files: Mapping[str, bytes] = field(default_factory=lambda: {})
    kinds: Kinds = field(default_factory=lambda: KINDS)
    sources: Mapping[str, str] = field(default_factory=lambda: {})


def reader_of(folder: Path) -> Reader:
    """Reads component files from a folder, and from nowhere else."""

    def read(name: str) -> bytes:
        path = folder / name
        try:
            if not path.is_file():
                why = "is a folder" if path.is_dir() else "there is no such file"
                raise UnreadableError(f"cannot read {path}: {why}")
            if not path.resolve().is_relative_to(folder.resolve()):
                raise UnreadableError(f"{path} leads out of the task's folder")
            with path.open("rb") as stream:
                return stream.read(MAX_SIZE + 1)
        except OSError as error:
            reason = (error.strerror or "error").lower()
            raise UnreadableError(f"cannot read {path}: {reason}") from error

    return read


def collect(document: Document, read: Reader) -> tuple[dict[str, bytes], list[Diagnostic]]:
    """Read the component files that a task lists. Nothing is run."""
    files: dict[str, bytes] = {}
    found: list[Diagnostic] = []
    for given, path in _listed(document, found):
        problem, name = "", str(PurePosixPath(given))
        steps = PurePosixPath(given).parts
        if "\\" in given or given.startswith("/") or ".." in steps or not given.isprintable():
            problem = f"{given!r} is not a path in the task's folder"
        elif not name.endswith(".py"):
            problem = f"{given!r} is not a Python file"
        elif name in files:
            problem = f"{name!r} is listed twice"
        elif len(files) == MAX_FILES:
            problem = f"a task has at most {MAX_FILES} component files"
        else:
            try:
                content = read(name)
                if len(content) > MAX_SIZE:
                    problem = f"{name} is larger than {MAX_SIZE:,} bytes"
                content.decode("utf-8-sig")
                files[name] = content
            except UnreadableError as error:
                problem = str(error)
            except UnicodeDecodeError:
                problem = f"{name} is not UTF-8 text"
        if problem:
            found.append(Diagnostic("KS0701", problem, document.at(path), dotted(path)))
    return files, found


def _listed(document: Document, found: list[Diagnostic]) -> Iterator[tuple[str, Path_]]:
    written = document.data.get(KEY)
    if isinstance(written, str):
        yield written, (KEY,)
        return
    if not is_list(written):
        message = f"expected a list of Python files, not {describe(written)}"
        found.append(Diagnostic("KS0106", message, document.at((KEY,)), KEY))
        return
    for index, name in enumerate(written):
        if isinstance(name, str):
            yield name, (KEY, index)
        else:
            message = f"expected the name of a Python file, not {describe(name)}"
            path: Path_ = (KEY, index)
            found.append(Diagnostic("KS0106", message, document.at(path), dotted(path)))


def load(document: Document, read: Reader, folder: str) -> tuple[Components, list[Diagnostic]]:
    """Run the component files of a task and collect the kinds that they declare.

    Args:
        document: the task.
        read: reads a file by its name.
        folder: how to call the folder of the files in messages.

    Returns:
        The components, and what is wrong with the files. A class with a mistake is left out.
    """
    if not isinstance(document.data, dict) or KEY not in document.data:
        return Components(), []
    files, found = collect(document, read)
    kinds = {object: dict(of) for object, of in KINDS.items()}
    sources: dict[str, str] = {}
    for name, content in files.items():
        shown = str(PurePosixPath(folder) / name)
        sources[shown] = content.decode("utf-8-sig")
        declared, problems = _declared(name, sources[shown], shown)
        found += problems
        for model in declared:
            of = kinds[model.object]
            if model.kind_name in of:
                taken = of[model.kind_name]
                by = f"in {taken.declared_at.file}" if issubclass(taken, Custom) else "built-in"
                message = f"there is a {model.object} {model.kind_name!r} already ({by})"
                help = "rename the class, or give it another kind_name"
                found.append(Diagnostic("KS0706", message, model.declared_at, help=help))
            else:
                of[model.kind_name] = model
    return Components(files, kinds, sources), found


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


def _span(file: str, line: int, start: int, name: str) -> Span:
    return Span(file, line, start + 1, line, start + 1 + len(name))


def _declared(name: str, text: str, shown: str) -> tuple[list[type[Custom]], list[Diagnostic]]:
    """The components that a file declares."""
    try:
        tree = ast.parse(text, shown)
        code = builtins.compile(tree, shown, "exec", dont_inherit=True)
    except SyntaxError as error:
        line, column = error.lineno or 1, max(1, error.offset or 1)
        end = (error.end_lineno or line, max(error.end_offset or 0, column + 1))
        where = Span(shown, line, column, *end)
        return [], [Diagnostic("KS0702", f"not valid Python: {error.msg}", where)]
    except (ValueError, RecursionError, MemoryError) as error:
        return [], [Diagnostic("KS0702", f"not valid Python: {error}", Span(shown))]
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
            message, help = "this file declares no component", "derive a class from Reward, ..."
            return [], [Diagnostic("KS0707", message, Span(shown), help=help)]
        made: list[type[Custom]] = []
        found: list[Diagnostic] = []
        for declared in dict.fromkeys(own):
            problems = list(_problems(declared, source))
            found += problems
            if not problems:
                made.append(_kind_of(declared, source, name))
        return made, found
    except (PydanticUserError, PydanticUndefinedAnnotation, SchemaError) as error:
        return [], [_bad_class(error, source)]
    except (Exception, SystemExit) as error:
        message = f"running this file fails: {_message(error)}"
        help = ""
        if isinstance(error, ImportError):
            help = "a component file can import installed packages, and no file beside it"
        return [], [Diagnostic("KS0703", message, _place(error, {shown: text}), help=help)]
    finally:
        del sys.modules[module.__name__]


def _problems(declared: type[Custom], source: _Source) -> Iterator[Diagnostic]:
    """What is wrong with a class, apart from what Python and Pydantic find."""
    name = declared.__name__
    bases = [base for base in BASES if issubclass(declared, base)]
    if not bases:
        names = ", ".join(base.__name__ for base in BASES)
        message = f"{name} is no component of an object"
        yield Diagnostic("KS0704", message, source.at(name), help=f"derive it from {names}")
        return
    rule: Any = declared.value
    if rule is Custom.value:
        message = f"{name} has no rule"
        yield Diagnostic("KS0704", message, source.at(name), help="add 'def value(self, x): ...'")
    elif inspect.isfunction(rule):
        wanted = 3 if hasattr(declared, "initial") else 2
        try:
            inspect.signature(rule).bind(*range(wanted))
        except TypeError:
            shape = "value(self, x, memory)" if wanted == 3 else "value(self, x)"
            why = " beside 'initial'" if wanted == 3 else ""
            message = f"the rule of {name} is called as {shape}{why}"
            yield Diagnostic("KS0704", message, source.at(name, "value"))
    else:
        yield Diagnostic("KS0704", f"the rule of {name} is no method", source.at(name, "value"))
    if issubclass(declared, Observation) and declared.unit:
        try:
            parse_unit(declared.unit)
        except QuantityError as error:
            where = source.at(name, "unit")
            yield Diagnostic("KS0705", str(error), where, help=error.help)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", _name_of(declared)):
        message = f"{_name_of(declared)!r} is not the name of a kind"
        help = "small letters, digits and '_', beginning with a letter"
        yield Diagnostic("KS0705", message, source.at(name, "kind_name"), help=help)
    for parameter, info in declared.model_fields.items():
        if parameter == "kind":
            continue
        if parameter in bases[0].model_fields:
            if info is not bases[0].model_fields[parameter] and _own(declared, parameter):
                message = f"every {bases[0].__name__} has a field {parameter!r} already"
                where = source.at(name, parameter)
                yield Diagnostic("KS0705", message, where, help="give the parameter another name")
            continue
        problem = _parameter_problem(declared, parameter)
        if problem is not None:
            message = f"parameter {parameter!r}: {problem}"
            yield Diagnostic("KS0705", message, source.at(name, parameter))


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
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(info.rebuild_annotation(), module=module.__name__)
    except (PydanticUserError, PydanticUndefinedAnnotation, SchemaError):
        return "a task cannot give a value of this type"
    if info.is_required() or info.default is None:
        return None
    unit = field_annotation(info, Unit)
    try:
        info.default = adapter.validate_python(_measured(info.get_default(), unit))
    except ValidationError as error:
        return "its default is refused: " + error.errors()[0]["msg"].lower()
    return None


def _measured(value: Any, unit: Unit | None) -> Any:
    """A default with the unit that a bare number in it has: that of its parameter, in SI."""
    if isinstance(value, tuple | list):
        return tuple(_measured(member, unit) for member in cast("list[Any]", value))
    bare = isinstance(value, int | float) and not isinstance(value, bool | Measured)
    return Measured(value, unit.allowed[0]) if bare and unit and unit.allowed else value


def _name_of(declared: type[Custom]) -> str:
    """The kind of a class: as it says, or its name in snake case."""
    if "kind" in declared.model_fields:
        return str(next(iter(get_args(declared.model_fields["kind"].annotation)), ""))
    steps = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", declared.__name__)
    return declared.kind_name or steps.lower()


def _kind_of(declared: type[Custom], source: _Source, name: str) -> type[Custom]:
    """The class with the field ``kind`` that the built-in ones declare themselves."""
    kind = _name_of(declared)
    made: type[Custom] = create_model(
        declared.__name__,
        __base__=declared,
        __module__=declared.__module__,
        __doc__=vars(declared).get("__doc__") or f"A {declared.object} of {name}.",
        kind=(Literal[kind], kind),  # type: ignore[valid-type]
    )
    made.kind_name = kind
    made.declared_at = source.at(declared.__name__)
    made.rule_at = source.at(declared.__name__, "value")
    made.model_rebuild(force=True)
    return made


def _bad_class(error: Exception, source: _Source) -> Diagnostic:
    """A class that Pydantic refuses, in the words of its author."""
    text = str(error)
    last = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == source.file]
    line = last[-1].lineno or 1 if last else 1
    nodes = source.classes.values()
    name = next((n.name for n in nodes if n.lineno <= line <= (n.end_lineno or line)), "")
    bare = re.search(r"non-annotated attribute was detected: `(\w+)", text)
    shadowed = re.search(r"[Ff]ield '(\w+)' defined on a base class", text)
    if bare:
        message, help = f"parameter {bare[1]!r} has no type", f"write {bare[1]}: Length = ..."
        return Diagnostic("KS0705", message, source.at(name, bare[1]), help=help)
    if shadowed:
        message = f"{shadowed[1]!r} is a parameter of the base class, and stands here without type"
        return Diagnostic("KS0705", message, source.at(name, shadowed[1]))
    return Diagnostic("KS0705", f"bad declaration: {_message(error)}", source.at(name))


def _message(error: BaseException) -> str:
    """The first line of what an exception says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def _place(error: BaseException, sources: Mapping[str, str]) -> Span:
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


def blame(
    error: BaseException, sources: Mapping[str, str], what: str = "", help: str = ""
) -> Diagnostic | None:
    """An exception as a diagnostic about the component file that it came through.

    Args:
        error: the exception.
        sources: name of a component file in messages -> its text.
        what: what failed, for the message.
        help: what to do.

    Returns:
        None when it came through none of them.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not any(frame.filename in sources for frame in frames):
        return None
    message = f"{what or 'the component'} fails: {_message(error)}"
    return Diagnostic("KS0709", message, _place(error, sources), help=help)


def own_parts(parts: Mapping[str, Mapping[str, Part]]) -> Iterator[tuple[str, str, Custom]]:
    """Object, name and part of each part whose kind a component file declares."""
    for object, named in parts.items():
        for name, part in named.items():
            if isinstance(part, Custom):
                yield object, name, part

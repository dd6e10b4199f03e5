"""The ``morphisms`` section: edges written out, put into the fields of the parts they belong to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, get_origin

from ksim_schema.acset import Arrow, sch_task
from ksim_schema.diagnostics import Diagnostic, Sink, did_you_mean
from ksim_schema.diagnostics.codes.names import UNKNOWN_PART
from ksim_schema.diagnostics.codes.reading import NOT_A_MAPPING
from ksim_schema.diagnostics.codes.structure import WRONG_TYPE
from ksim_schema.diagnostics.codes.typed import ILL_TYPED_EDGE, NO_SUCH_EDGE, UNKNOWN_MORPHISM
from ksim_schema.graph.graph import NEXT, Edge, Graph
from ksim_schema.source import Document, Path_, dotted
from ksim_schema.source.edits import respell_as
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.task import Task
from ksim_schema.units import describe
from ksim_schema.vocabulary import KINDS, Model, Part, Wire
from ksim_schema.vocabulary.base import Kinds, field_annotation


def desugar(document: Document, sink: Sink, kinds: Kinds = KINDS) -> Document:
    """Put the edges of the ``morphisms`` section into the fields of the parts they belong to.

    Each entry is ``{src: <part>, tgt: <part>, port: <field>}`` under its morphism's name; the port
    may be left out where only one field could hold the edge. Edges that every task has (``hold``,
    ``record``, ...) may be written and must be those.
    """
    data = document.data
    written = data.get("morphisms") if is_mapping(data) else None
    if written is None:
        return document
    if not is_mapping(written):
        message = f"a mapping of morphisms to edges is needed, not {describe(written)}"
        where = document.at(("morphisms",))
        sink.report(NOT_A_MAPPING, message, where, "morphisms")
        return document
    data = {
        section: {name: dict(part) if is_mapping(part) else part for name, part in parts.items()}
        if section in KINDS and is_mapping(parts)
        else parts
        for section, parts in data.items()
    }
    document = replace(document, data=data, values=dict(document.values), keys=dict(document.keys))
    homs = sch_task().homs
    for name, edges in written.items():
        path: Path_ = ("morphisms", name)
        if name not in homs:
            help = did_you_mean(name, homs, of="morphisms", limit=30)
            where = document.at(path, key=True)
            fix = respell_as(document, where, name, homs)
            message = f"unknown morphism {name!r}"
            sink.report(UNKNOWN_MORPHISM, message, where, dotted(path), help, fix=fix)
        elif not is_list(edges):
            message = f"a morphism has a list of edges, not {describe(edges)}"
            sink.report(WRONG_TYPE, message, document.at(path), dotted(path))
        else:
            for index, edge in enumerate(edges):
                _put(document, homs[name], edge, (*path, index), kinds, sink)
    return document


def contradicted(document: Document, task: Task, graph: Graph) -> Iterator[Diagnostic]:
    """The written edges that the task's graph does not have."""
    written = document.data.get("morphisms")
    there: dict[tuple[str, str, str], set[str]] = {}
    for edge in graph.edges:
        for target in {edge.tgt.name, edge.tgt.name.removesuffix(NEXT) if acts_on(edge) else ""}:
            there.setdefault((edge.hom, edge.src.name, target), set()).add(edge.port)
    for name, edges in written.items() if is_mapping(written) else ():
        for index, edge in enumerate(edges):
            ports = there.get((name, edge["src"], edge["tgt"]), set())
            if not ports or ("port" in edge and edge["port"] not in ports):
                message = f"the parts have no edge {name!r} from {edge['src']!r} to {edge['tgt']!r}"
                if ports:
                    message += f" by the field {edge['port']!r}"
                help = "name the part in a field of the other, or take the edge out"
                yield task.report(NO_SUCH_EDGE, message, "morphisms", name, index, help=help)


def acts_on(edge: Edge) -> bool:
    """Whether the edge's target may be written without saying that it is the next state."""
    return edge.hom in ("step", "disturb")


def _put(
    document: Document,
    hom: Arrow,
    edge: Any,
    path: Path_,
    kinds: Kinds,
    sink: Sink,
) -> None:
    """Put one written edge into its field."""
    where = document.at(path)
    if (
        not is_mapping(edge)
        or not {"src", "tgt"} <= set(edge) <= {"src", "tgt", "port"}
        or not all(isinstance(value, str) for value in edge.values())
    ):
        message = "an edge is {src: <part>, tgt: <part>} with an optional port"
        sink.report(WRONG_TYPE, message, where, dotted(path))
        return
    ends = {"src": (hom.dom, edge["src"]), "tgt": (hom.codom, edge["tgt"])}
    for end, (object, name) in ends.items():
        if not _exists(document, object, name):
            others = [o for o in KINDS if o != "Trajectory" and _exists(document, o, name)]
            if others:
                code, help = ILL_TYPED_EDGE, ""
                message = f"{hom.name!r} goes from {hom.dom} to {hom.codom}"
                message += f", but {name!r} is a part of {' and '.join(others)}"
            else:
                code, message = UNKNOWN_PART, f"unknown {object} {name!r}"
                help = did_you_mean(name, _names(document, object), of=f"{object} has")
            place = (*path, end)
            span = document.at(place)
            fix = None if others else respell_as(document, span, name, _names(document, object))
            sink.report(code, message, span, dotted(place), help, fix=fix)
            return
    for end in ("tgt", "src"):
        object, name = ends[end]
        part = _part(document, object, name)
        if part is None:
            continue
        other_object, other = ends["src" if end == "tgt" else "tgt"]
        named = other
        if other_object == "Trajectory" and "." in other:
            named = other.split(".", 1)[1]
            other_object = other.split(".", 1)[0]
        for field_path, wire in _fields(kinds[object], part, hom.name, edge.get("port", "")):
            if wire.of is not None and wire.of != other_object:
                continue
            place = (object, name, *field_path)
            _append(document, kinds, place, named, (*path, "src"))
            return


def _fields(
    kinds: Mapping[str, type[Part]], data: Mapping[str, Any], hom: str, port: str
) -> Iterator[tuple[tuple[str, ...], Wire]]:
    kind = _kind(kinds, data)
    for path, wire in _wire_fields(kind) if kind else ():
        if wire.hom == hom and (not port or ".".join(path) == port):
            yield path, wire


def _kind(kinds: Mapping[str, type[Part]], data: Mapping[str, Any]) -> type[Part] | None:
    only = next(iter(kinds.values())) if len(kinds) == 1 else None
    return kinds.get(str(data.get("kind")), only)


@cache
def _wire_fields(
    model: type[Model], prefix: tuple[str, ...] = ()
) -> tuple[tuple[tuple[str, ...], Wire], ...]:
    """The fields of a model, and of the models in it, that name other parts."""
    found: list[tuple[tuple[str, ...], Wire]] = []
    for name, info in model.model_fields.items():
        wire = field_annotation(info, Wire)
        if wire is not None:
            found.append(((*prefix, name), wire))
        elif isinstance(info.annotation, type) and issubclass(info.annotation, Model):
            found += _wire_fields(info.annotation, (*prefix, name))
    return tuple(found)


def _names(document: Document, object: str) -> Mapping[str, Any]:
    parts = document.data.get(object)
    return parts if is_mapping(parts) else {}


def _exists(document: Document, object: str, name: str) -> bool:
    """Whether there is such a part. Channels come into being by being read."""
    names = _names(document, object)
    return name in names or name.removesuffix(NEXT) in names or object == "Trajectory"


def _part(document: Document, object: str, name: str) -> dict[str, Any] | None:
    part = _names(document, object).get(name.removesuffix(NEXT))
    return part if is_mapping(part) else None


def _append(document: Document, kinds: Kinds, path: Path_, name: str, place: Path_) -> None:
    """Add a name to the list (or set the text) at a path, unless it is there."""
    parent: dict[str, Any] = document.data
    for step in path[:-1]:
        inner = parent.get(str(step))
        if inner is not None and not is_mapping(inner):
            return  # not a mapping: its own problem is reported
        copy: dict[str, Any] = dict(inner or {})
        parent[str(step)] = copy
        parent = copy
    key = str(path[-1])
    section, part = str(path[0]), str(path[1])
    listed = _is_list(kinds[section], document.data[section][part], path[2:])
    where = document.at(place)
    if not listed:
        if parent.get(key) is None:
            parent[key] = name
            document.values[path] = where
        return
    names = parent.get(key) or ()
    names = (names,) if isinstance(names, str) else names
    if is_list(names) and name not in names:
        parent[key] = (*names, name)
        document.values[(*path, len(names))] = where


def _is_list(kinds: Mapping[str, type[Part]], data: Mapping[str, Any], path: Path_) -> bool:
    """Whether the field at a path of a part takes several names."""
    hint: Any = _kind(kinds, data)
    for step in path:
        hint = hint.model_fields[str(step)].annotation
    return get_origin(hint) is tuple

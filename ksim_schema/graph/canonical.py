"""The canonical form of a task: every default filled in, every edge explicit, SI units."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import yaml

from ksim_schema.acset import Instance, sch_task
from ksim_schema.graph.graph import NEXT, Graph, Node, to_acset
from ksim_schema.source import resolve
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.task import LANGUAGE_VERSION, SECTIONS, Task
from ksim_schema.vocabulary import Later, Model, Wire, annotated_fields


def values_of(part: Model) -> dict[str, Any]:
    """A part's values as plain data, without the fields that name other parts."""
    data = _without_absent(part, part.model_dump(mode="json", by_alias=True))
    for path, _, _ in annotated_fields(part, Wire):
        inner = data
        for step in path[:-1]:
            inner = inner.get(step, {})
        if is_mapping(inner):  # what is written as a text names its parts in it
            inner.pop(path[-1], None)
    return data


def _without_absent(model: Model, data: dict[str, Any]) -> dict[str, Any]:
    """A dumped model without the nulls that its defaults are; other nulls mean something.

    Nor does it have the defaults of fields that came later.
    """
    kept: dict[str, Any] = {}
    for name, info in type(model).model_fields.items():
        key, value = info.alias or name, getattr(model, name)
        if value is None and info.default is None:
            continue
        if value == info.default and any(isinstance(m, Later) for m in info.metadata):
            continue
        if isinstance(value, Model) and is_mapping(data[key]):
            kept[key] = _without_absent(value, data[key])
        elif is_list(value) and any(isinstance(v, Model) for v in value):
            kept[key] = [_without_absent(v, d) for v, d in zip(value, data[key], strict=True)]
        else:
            kept[key] = data[key]
    return kept


def canonical(task: Task, graph: Graph) -> dict[str, Any]:
    """The task as data that loads to an equal graph."""
    data: dict[str, Any] = {"ksim": LANGUAGE_VERSION, "task": task.name, "about": task.about}
    if task.components.files:
        data["components"] = list(task.components.files)
    for object, name, part in task:
        if object != "Trajectory":
            data.setdefault(object, {})[name] = values_of(part)
    channels = [n.name for n in graph.nodes if n.object == "Trajectory"]
    if channels:
        data["Trajectory"] = {name: {"kind": "channel"} for name in channels}
    morphisms: dict[str, list[dict[str, str]]] = {}
    for edge in graph.edges:
        entry = {"src": edge.src.name, "tgt": edge.tgt.name}
        if edge.port:
            entry["port"] = edge.port
        morphisms.setdefault(edge.hom, []).append(entry)
    data["morphisms"] = morphisms
    data[task.learner.section] = values_of(task.learner)
    return in_order(data)


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of each file, by name."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def renamed(data: Mapping[str, Any], names: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """Canonical data in which parts have other names, in their sections and wherever named.

    Args:
        data: canonical data; it is not changed.
        names: (object, name) -> the new name.
    """

    def part(object: str, name: str) -> str:
        if object == "Trajectory":  # the channel of a part is called after it
            owner, dot, rest = name.partition(".")
            return f"{owner}.{part(owner, rest)}" if dot else name
        plain = name.removesuffix(NEXT)
        return names.get((object, plain), plain) + name[len(plain) :]

    homs, changed = sch_task().homs, dict(data)
    for object in SECTIONS:
        if object in data:
            changed[object] = {part(object, name): value for name, value in data[object].items()}
    changed["morphisms"] = {
        hom: [
            {
                **edge,
                "src": part(homs[hom].dom, edge["src"]),
                "tgt": part(homs[hom].codom, edge["tgt"]),
            }
            for edge in edges
        ]
        for hom, edges in data["morphisms"].items()
    }
    return in_order(changed)


def in_order(data: dict[str, Any]) -> dict[str, Any]:
    """Canonical data with the edges whose order means nothing sorted."""
    data["morphisms"] = {
        hom: edges if hom in ORDERED else sorted(edges, key=_json)
        for hom, edges in data["morphisms"].items()
    }
    return data


def canonical_yaml(data: Mapping[str, Any]) -> str:
    """Canonical data as YAML text."""
    return yaml.dump(
        dict(data),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=None,
    )


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_text(self, data: str) -> yaml.ScalarNode:
        """PyYAML quotes what YAML 1.1 would misread; this language reads YAML 1.2 (``1e-5``)."""
        style = "'" if not isinstance(resolve(data), str) else None
        if not data.isprintable():  # line breaks, of which YAML 1.1 knows more, as escapes
            style = '"'
        return yaml.ScalarNode("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)
_Dumper.ESCAPE_REPLACEMENTS = {'"': '"', "\\": "\\"}  # \x0A: who writes \n may have meant a path


def instance(task: Task, graph: Graph) -> Instance:
    """The task as an ACSet over the schema of drawings over SchTask."""
    values = {Node(object, name): _json(values_of(part)) for object, name, part in task}
    return to_acset(graph, values)


def fingerprint(task: Task, graph: Graph, files: Mapping[str, bytes]) -> str:
    """A hash of the task's meaning, the same for any order, formatting and units of the source.

    Args:
        task: the task.
        graph: its graph.
        files: the content of the model file and of what it includes, by name.

    Returns:
        64 hexadecimal digits (SHA-256).
    """
    data = {**canonical(task, graph), "files": digests(files)}
    if task.components.files:
        data["components"] = digests(task.components.files)
    return fingerprint_of(data)


def fingerprint_of(data: Mapping[str, Any]) -> str:
    """The fingerprint of canonical data with the digests of the model's files under ``files``.

    Prose, the path of the model, and the names of parts that nothing exports do not count.
    """
    nameless = {
        (object, name): ""
        for object in UNNAMED
        if len(data.get(object, ())) == 1
        for name in data[object]
    }
    data = {k: v for k, v in renamed(data, nameless).items() if k not in PROSE}
    data["PhysicsState"] = {
        name: {k: v for k, v in state.items() if k != "model"}
        for name, state in data.get("PhysicsState", {}).items()
    }
    return hashlib.sha256(_json(data).encode()).hexdigest()


PROSE = ("about", "task")
"""Keys of a task that say nothing of what it computes."""
UNNAMED = ("PhysicsState", "Policy", "Critic")
"""Objects of which a task has one part, whose name seeds no draws and stands in no log."""
ORDERED = frozenset(("read", "obey", "judge", "weigh", "act", "recall"))
"""Morphisms whose edges into a part are in an order that means something."""


def _json(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


__all__ = [
    "NEXT",
    "canonical",
    "canonical_yaml",
    "digests",
    "fingerprint",
    "fingerprint_of",
    "in_order",
    "instance",
    "renamed",
    "values_of",
]

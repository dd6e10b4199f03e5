"""A task from an ACSet of the exchange schema: ``ksim-compile task.json``.

The tables are checked against the schema, then turned into the canonical form of the task, in
which every value and edge keeps its place in the JSON text. From there it goes the way of any task.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from ksim_schema.acset import VALUE_TYPES, Arrow, sch_task
from ksim_schema.diagnostics import Code, Diagnostic, Sink, Span, did_you_mean
from ksim_schema.diagnostics.codes.acsets import (
    BAD_CELL,
    BAD_ROW,
    CONTRADICTING_TABLES,
    DANGLING_ID,
    MISSING_TABLE,
    NOT_AN_ACSET,
    UNKNOWN_COLUMN,
    UNKNOWN_TABLE,
)
from ksim_schema.exchange.acset_export import TASK_TABLE, sch_task_drawing
from ksim_schema.graph import NEXT, Graph, Node
from ksim_schema.records import dataclass
from ksim_schema.source import Document, Path_, dotted
from ksim_schema.source.json_reader import parse_json
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.units import describe

Ends = tuple[str, str, str, str]
"""Morphism, name of the source, name of the target, port."""


@dataclass
class Imported:
    """A task as an ACSet states it.

    Attributes:
        document: the task in canonical form; its places are those in the JSON text.
        nodes: the rows of parts, with the place of their names.
        edges: how often each edge is there.
    """

    document: Document
    nodes: dict[Node, Span] = field(default_factory=lambda: {})
    edges: Counter[Ends] = field(default_factory=lambda: Counter())


def is_plain_task(document: Document) -> bool:
    """Whether the document is a task written in JSON rather than an ACSet."""
    return is_mapping(document.data) and "ksim" in document.data


def import_task(document: Document, sink: Sink) -> Imported | None:
    """Read the tables of an ACSet as a task.

    Args:
        document: an instance of the exchange schema, in the JSON form of ACSets.jl.
        sink: where what is wrong with the tables is reported.

    Returns:
        The task, or None when the tables break the schema.
    """
    reported = len(sink)
    reader = _Importer(document, sink)
    reader.check()
    if len(sink) > reported:
        return None
    imported = reader.task()
    return imported if len(sink) == reported else None


def disagreements(imported: Imported, graph: Graph) -> Iterator[Diagnostic]:
    """What the parts of an imported task imply and its tables do not have, and the reverse.

    Edges that the tables have in excess are reported as those of a ``morphisms`` section are.
    """
    there = set(graph.nodes)
    for node, where in imported.nodes.items():
        if node not in there:
            message = f"the parts of the task give no {node.object} {node.name!r}"
            yield Diagnostic(CONTRADICTING_TABLES, message, where, node.object)
    document = imported.document
    for node in graph.nodes:
        if node not in imported.nodes:
            message = f"the table has no {node.name!r}, which the parts of the task give"
            where = document.at(("tables", node.object), key=True)
            yield Diagnostic(CONTRADICTING_TABLES, message, where, node.object)
    implied = Counter((e.hom, e.src.name, e.tgt.name, e.port) for e in graph.edges)
    for edge, number in imported.edges.items():
        if number > 1:
            hom, source, target, _ = edge
            message = f"the edge from {source!r} to {target!r} is there {number} times"
            yield Diagnostic(
                CONTRADICTING_TABLES, message, document.at(("tables", hom), key=True), hom
            )
    for hom, source, target, port in implied - imported.edges:
        message = f"the table has no edge from {source!r} to {target!r}"
        message += f" by the field {port!r}" if port else ""
        where = document.at(("tables", hom), key=True)
        help = "the parts of the task imply it"
        yield Diagnostic(CONTRADICTING_TABLES, message, where, hom, help)


class _Importer:
    def __init__(self, document: Document, sink: Sink) -> None:
        self.source, self.sink = document, sink
        self.schema = sch_task_drawing()
        self.lines = document.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.columns: dict[str, dict[str, Arrow]] = {name: {} for name in self.schema.objects}
        for arrow in (*self.schema.homs.values(), *self.schema.attributes.values()):
            self.columns[arrow.dom][arrow.name] = arrow
        self.named = {
            object: {arrow.codom: name for name, arrow in columns.items()}
            for object, columns in self.columns.items()
        }

    def _report(self, code: Code, message: str, *path: str | int, help: str = "") -> None:
        where = self.source.at(path) if path else self._top()
        self.sink.report(code, message, where, dotted(path), help)

    def _report_key(self, code: Code, message: str, *path: str | int, help: str = "") -> None:
        where = self.source.at(path, key=True)
        self.sink.report(code, message, where, dotted(path[:-1]), help)

    def _top(self) -> Span:
        return Span(self.source.file, 1, 1, 1, 2)

    def check(self) -> None:
        """Whether the data are tables over the schema: rows, ids, columns, no dangling ends."""
        data = self.source.data
        if not is_mapping(data):
            self._report(NOT_AN_ACSET, f"an ACSet is an object of tables, not {describe(data)}")
            return
        if "Ob" in data and "Hom" in data:
            help = "ksim-compile --emit acset writes an instance of it"
            self._report(NOT_AN_ACSET, "this is the schema of ACSets, not an instance", help=help)
            return
        unknown = [n for n in data if n not in self.columns and not self._empty_type(n, data[n])]
        missing = [name for name in self.columns if name not in data]
        help = f"the schema is {self.schema.name}: ksim-compile --emit schema prints it"
        if len(missing) == len(self.columns):
            self._report(UNKNOWN_TABLE, "this is not a task: it is over another schema", help=help)
            return
        for name in unknown:
            guess = did_you_mean(name, self.columns, of="tables")
            self._report_key(UNKNOWN_TABLE, f"the schema has no table {name!r}", name, help=guess)
        if missing:
            shown = ", ".join(missing[:6]) + (", ..." if len(missing) > 6 else "")
            what = "the table" if len(missing) == 1 else f"{len(missing)} tables:"
            help = "a table without rows is []"
            self._report(MISSING_TABLE, f"the instance lacks {what} {shown}", help=help)
        for name in self.columns:
            if name in data:
                self._table(name, data[name])

    def _empty_type(self, name: str, rows: Any) -> bool:
        """ACSets.jl writes a table of variables for each attribute type; a task has none."""
        return name in self.schema.attribute_types and rows == ()

    def _table(self, name: str, rows: Any) -> None:
        if not is_list(rows):
            self._report(NOT_AN_ACSET, f"a table is a list of rows, not {describe(rows)}", name)
            return
        if name == TASK_TABLE and len(rows) != 1:
            self._report(BAD_ROW, f"the table Task has one row, not {len(rows)}", name)
        for index, row in enumerate(rows):
            if is_mapping(row):
                self._row(name, index, row)
            else:
                message = f"a row is an object of columns, not {describe(row)}"
                self._report(NOT_AN_ACSET, message, name, index)

    def _row(self, table: str, index: int, row: Mapping[str, Any]) -> None:
        number = row.get("_id")
        if isinstance(number, bool) or number != index + 1:
            message = "the row has no '_id'" if number is None else f"the '_id' is {number!r}"
            path = (table, index) if number is None else (table, index, "_id")
            help = f"rows are numbered 1, 2, 3, ..., and this is row {index + 1}"
            self._report(BAD_ROW, message, *path, help=help)
        columns = self.columns[table]
        for name in row:
            if name != "_id" and name not in columns:
                message = f"the table {table} has no column {name!r}"
                help = did_you_mean(name, columns, of="columns")
                self._report_key(UNKNOWN_COLUMN, message, table, index, name, help=help)
        for name, arrow in columns.items():
            self._cell((table, index), arrow, row.get(name), name in row)

    def _cell(self, row: Path_, arrow: Arrow, value: Any, there: bool) -> None:
        path = (*row, arrow.name) if there else row
        if arrow.codom in VALUE_TYPES:
            if value is not None:
                message = f"a task has no {arrow.name}: only a recorded rollout has"
                self._report(BAD_CELL, message, *path)
        elif value is None:
            self._report(BAD_CELL, f"the row has no {arrow.name!r}", *path)
        elif arrow.name not in self.schema.homs:
            if not isinstance(value, str):
                message = f"{arrow.name!r} is a string, not {describe(value)}"
                self._report(BAD_CELL, message, *path)
        elif isinstance(value, bool) or not isinstance(value, int):
            message = f"{arrow.name!r} is the number of a row, not {describe(value)}"
            self._report(BAD_CELL, message, *path)
        else:
            rows = self.source.data.get(arrow.codom)
            size = len(rows) if is_list(rows) else None
            if size is not None and not 1 <= value <= size:
                message = f"there is no row {value} in the table {arrow.codom}"
                help = f"it has rows 1 to {size}" if size else "it has no rows"
                self._report(DANGLING_ID, message, *path, help=help)

    def task(self) -> Imported:
        """The task that the tables, which keep the schema, describe."""
        source = self.source
        document = Document(source.file, source.text, {})
        imported = Imported(document)
        document.values[()] = self._top()
        for table in self.schema.objects:
            document.keys["tables", table] = source.at((table,), key=True)
        header: Mapping[str, Any] = source.data[TASK_TABLE][0]
        document.data.update(self._values(document, (TASK_TABLE, 0, "task_value"), ()))
        document.data["task"] = header["task_name"]
        document.values[("task",)] = source.at((TASK_TABLE, 0, "task_name"))
        for object in sch_task().objects:
            self._parts(imported, object)
        self._edges(imported)
        return imported

    def _parts(self, imported: Imported, object: str) -> None:
        document, source = imported.document, self.source
        name_of, kind_of, value_of = self._named(object)
        parts: dict[str, Any] = {}
        for index, row in enumerate(source.data[object]):
            node = Node(object, row[name_of])
            at = source.at((object, index, name_of))
            if node in imported.nodes:
                message = f"two rows of {object} have the name {node.name!r}"
                self._report(BAD_ROW, message, object, index, name_of)
                continue
            imported.nodes[node] = at
            kind = row[kind_of]
            if object == "Trajectory" or (object == "PhysicsState" and node.name.endswith(NEXT)):
                implied = "channel" if object == "Trajectory" else "next"
                if kind != implied:
                    message = f"the kind of {node.name!r} is {implied!r}, not {kind!r}"
                    self._report(CONTRADICTING_TABLES, message, object, index, kind_of)
                continue  # these come into being by the parts of the task
            path = (object, node.name)
            document.keys[path] = at
            document.values[path] = source.at((object, index, value_of))
            values = self._values(document, (object, index, value_of), path)
            if values.setdefault("kind", kind) != kind:
                message = f"the kind is {kind!r}, but {value_of!r} says {values['kind']!r}"
                self._report(CONTRADICTING_TABLES, message, object, index, kind_of)
            document.values.setdefault((*path, "kind"), source.at((object, index, kind_of)))
            parts[node.name] = values
        if parts:
            document.data[object] = parts
            document.keys[(object,)] = source.at((object,), key=True)

    def _named(self, object: str) -> tuple[str, str, str]:
        """The columns of an object's name, kind and value."""
        named = self.named[object]
        return named["Name"], named["Kind"], named["Value"]

    def _values(self, document: Document, cell: Path_, path: Path_) -> dict[str, Any]:
        """The JSON in a cell. Its places in the document are those in the text of the cell."""
        table, index, column = cell
        text: str = self.source.data[table][index][column]
        problems = Sink()
        inner = parse_json(text, document.file, problems)
        where = self.source.at(cell)
        place = _Escaped(where, self.lines[where.line - 1])
        if inner is None or problems or not is_mapping(inner.data):
            for problem in problems:
                where = place.outer(problem.where)
                message = f"in the JSON of {column!r}: {problem.message}"
                self.sink.report(BAD_CELL, message, where, dotted(cell))
            if not problems:
                message = f"{column!r} holds a JSON object of values"
                self._report(BAD_CELL, message, *cell)
            return {}
        for here, places in ((document.keys, inner.keys), (document.values, inner.values)):
            for step, span in places.items():
                if step:
                    here[(*path, *step)] = place.outer(span)
        return dict(inner.data)

    def _edges(self, imported: Imported) -> None:
        document, data = imported.document, self.source.data
        morphisms: dict[str, Any] = {}
        document.keys[("morphisms",)] = document.values[("morphisms",)] = self._top()
        for hom in sch_task().homs.values():
            edges: list[dict[str, str]] = []
            document.keys["morphisms", hom.name] = self.source.at((hom.name,), key=True)
            for index, row in enumerate(data[hom.name]):
                src = self._name(hom.dom, row[f"{hom.name}_src"])
                tgt = self._name(hom.codom, row[f"{hom.name}_tgt"])
                port: str = row[f"{hom.name}_port"]
                path: Path_ = ("morphisms", hom.name, index)
                document.values[path] = self.source.at((hom.name, index))
                for end in ("src", "tgt", "port"):
                    column = (hom.name, index, f"{hom.name}_{end}")
                    document.values[(*path, end)] = self.source.at(column)
                edges.append({"src": src, "tgt": tgt} | ({"port": port} if port else {}))
                imported.edges[hom.name, src, tgt, port] += 1
            if edges:
                morphisms[hom.name] = tuple(edges)
        document.data["morphisms"] = morphisms

    def _name(self, object: str, row: int) -> str:
        return self.source.data[object][row - 1][self.named[object]["Name"]]


class _Escaped:
    """Places inside of a text that stands, with escapes, in a JSON text."""

    def __init__(self, cell: Span, line: str) -> None:
        self.cell = cell
        self.columns: Sequence[int] = _columns(line[cell.column : cell.end_column - 2])

    def outer(self, span: Span) -> Span:
        """The place in the outer text; that of the whole cell, where the inner text has lines."""
        if span.line != 1 or span.end_line != 1 or span.end_column > len(self.columns):
            return self.cell
        at, first = self.cell, self.cell.column + 1
        start, end = self.columns[span.column - 1], self.columns[span.end_column - 1]
        return Span(at.file, at.line, first + start, at.line, first + end)


def _columns(raw: str) -> list[int]:
    """Where each character of a JSON string begins in its escaped form, and where the last ends."""
    places: list[int] = []
    at = 0
    while at < len(raw):
        places.append(at)
        if raw[at] != "\\":
            at += 1
        elif raw[at + 1 : at + 2] != "u":
            at += 2
        else:  # a pair of surrogates is one character
            high = raw[at + 2 : at + 4].lower() in ("d8", "d9", "da", "db")
            at += 12 if high else 6
    return [*places, len(raw)]

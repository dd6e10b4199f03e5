"""ACSets: schemas of objects, morphisms and attributes, and instances as tables.

An attributed C-set (ACSet) is a functor from a schema to sets: a table for each object, a column
of row numbers for each morphism, a column of values for each attribute. See Patterson, Lynch and
Fairbanks, "Categorical Data Structures for Technical Computing" (2022).

A drawing over a schema is a graph whose nodes and edges are labelled by it. :meth:`Schema.drawing`
gives the schema of drawings: each morphism becomes a table of edges with a source and a target,
so that one node may have any number of edges with the same label.
Nothing here knows about robots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, NamedTuple

from ksim_schema.records import dataclass


class SchemaError(ValueError):
    """A schema or instance that breaks its laws."""


class Arrow(NamedTuple):
    """A morphism between objects, or an attribute from an object to an attribute type.

    ``delay`` counts the steps after which a value sent along the arrow arrives.
    """

    name: str
    dom: str
    codom: str
    delay: int = 0
    about: str = ""


class Equation(NamedTuple):
    """Two paths from one object to another that agree on each row.

    A path is a list of morphisms, the one that is followed first in front; the empty path is the
    identity of its object.
    """

    name: str
    dom: str
    codom: str
    left: tuple[str, ...]
    right: tuple[str, ...]


def _arrows(data: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Arrow]:
    return {name: Arrow(name, **fields) for name, fields in (data or {}).items()}


@dataclass(frozen=True)
class Schema:
    """A finitely presented schema.

    Attributes:
        name: its name.
        objects: object names, in order.
        homs: morphisms by name.
        attribute_types: names of the types of attribute values.
        attributes: attributes by name.
        base: the schema that this one extends, contained in it unchanged.
        equations: paths of morphisms that agree in every instance.

    Raises:
        SchemaError: two generators share a name, an arrow has an unknown end, or an equation is
            between things that are not parallel paths.
    """

    name: str
    objects: tuple[str, ...]
    homs: Mapping[str, Arrow]
    attribute_types: tuple[str, ...] = ()
    attributes: Mapping[str, Arrow] = field(default_factory=lambda: {})
    base: Schema | None = None
    equations: tuple[Equation, ...] = ()

    def __post_init__(self) -> None:
        names = [*self.objects, *self.homs, *self.attribute_types, *self.attributes]
        twice = {n for n in names if names.count(n) > 1}
        if twice:
            raise SchemaError(f"{self.name}: names used twice: {', '.join(sorted(twice))}")
        for arrow in self.homs.values():
            self._check_ends(arrow, self.objects)
        for arrow in self.attributes.values():
            self._check_ends(arrow, self.attribute_types)
        for equation in self.equations:
            self._check_path(equation, equation.left)
            self._check_path(equation, equation.right)
        if self.base is not None:
            self._check_inclusion(self.base)

    def _check_path(self, equation: Equation, path: Sequence[str]) -> None:
        at = equation.dom
        for step in path:
            hom = self.homs.get(step)
            if hom is None or hom.dom != at:
                raise SchemaError(f"{self.name}: {equation.name}: no morphism {step!r} from {at}")
            at = hom.codom
        if at != equation.codom or at not in self.objects:
            raise SchemaError(
                f"{self.name}: {equation.name}: a path ends at {at}, not at {equation.codom}"
            )

    def _check_ends(self, arrow: Arrow, codomains: Sequence[str]) -> None:
        if arrow.dom not in self.objects:
            raise SchemaError(f"{self.name}: {arrow.name} starts at unknown {arrow.dom!r}")
        if arrow.codom not in codomains:
            raise SchemaError(f"{self.name}: {arrow.name} ends at unknown {arrow.codom!r}")
        if arrow.delay < 0:
            raise SchemaError(f"{self.name}: {arrow.name} has a negative delay")

    def _check_inclusion(self, base: Schema) -> None:
        """The inclusion base -> self sends each generator to itself; check that it is a functor."""
        for what, small, large in (
            ("object", base.objects, self.objects),
            ("attribute type", base.attribute_types, self.attribute_types),
        ):
            missing = [name for name in small if name not in large]
            if missing:
                raise SchemaError(f"{self.name} lacks {what} {missing[0]!r} of {base.name}")
        for small, large in ((base.homs, self.homs), (base.attributes, self.attributes)):
            for name, arrow in small.items():
                if large.get(name) != arrow:
                    raise SchemaError(f"{self.name} changes {name!r} of {base.name}")
        for equation in base.equations:
            if equation not in self.equations:
                raise SchemaError(f"{self.name} lacks equation {equation.name!r} of {base.name}")

    def inclusion(self) -> dict[str, str]:
        """The inclusion of the base schema as a map of generator names (empty without base)."""
        if self.base is None:
            return {}
        base = self.base
        names = (*base.objects, *base.homs, *base.attribute_types, *base.attributes)
        return {name: name for name in names}

    def drawing(self) -> Schema:
        """The schema of drawings over this one: a table of edges for each morphism.

        A drawing asserts no equations: a node may have any number of edges with one label.
        """
        homs: dict[str, Arrow] = {}
        for hom in self.homs.values():
            homs[f"{hom.name}_src"] = Arrow(f"{hom.name}_src", hom.name, hom.dom)
            homs[f"{hom.name}_tgt"] = Arrow(f"{hom.name}_tgt", hom.name, hom.codom)
        return Schema(
            f"{self.name}Drawing",
            (*self.objects, *self.homs),
            homs,
            self.attribute_types,
            self.attributes,
        )

    @staticmethod
    def from_data(data: Mapping[str, Any], base: Schema | None = None) -> Schema:
        """Read the YAML form: ``schema``, ``extends``, ``Ob``, ``Hom``, ``AttrType``, ``Attr`` and
        ``equations``.

        Raises:
            SchemaError: see :class:`Schema`; or ``extends`` names another schema than ``base``.
        """
        name = str(data["schema"])
        if data.get("extends") != (base.name if base else None):
            raise SchemaError(f"{name} extends {data.get('extends')!r}, which was not given")
        homs, attributes = _arrows(data.get("Hom")), _arrows(data.get("Attr"))
        objects, types = tuple(data.get("Ob", ())), tuple(data.get("AttrType", ()))
        equations = tuple(
            Equation(e, law["dom"], law["codom"], *(tuple(path) for path in law["paths"]))
            for e, law in data.get("equations", {}).items()
        )
        if base is not None:
            equations = (*base.equations, *equations)
            objects, types = (*base.objects, *objects), (*base.attribute_types, *types)
            homs, attributes = {**base.homs, **homs}, {**base.attributes, **attributes}
        return Schema(name, objects, homs, types, attributes, base, equations)

    def to_json(self, value_types: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The schema in the JSON form of ACSets.jl, with what py-acsets needs besides.

        ACSets.jl asks for the version keys ``ACSetSchema`` and ``ACSets``, and for ``equations``;
        py-acsets for the key ``Catlab``, and for the Python type of each attribute type in ``ty``.
        Each ignores what the other asks for.

        Args:
            value_types: attribute type -> name of a builtin type of Python; ``str`` by default.
        """
        types = value_types or {}

        def arrows(group: Mapping[str, Arrow]) -> list[dict[str, str]]:
            return [{"name": a.name, "dom": a.dom, "codom": a.codom} for a in group.values()]

        return {
            "version": {"ACSetSchema": "0.0.1", "ACSets": "0.2.0", "Catlab": "0.14.12"},
            "Ob": [{"name": name} for name in self.objects],
            "Hom": arrows(self.homs),
            "AttrType": [
                {"name": name, "ty": types.get(name, "str")} for name in self.attribute_types
            ],
            "Attr": arrows(self.attributes),
            "equations": [
                {"name": e.name, "dom": e.dom, "codom": e.codom, "paths": [[*e.left], [*e.right]]}
                for e in self.equations
            ],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any], name: str) -> Schema:
        """The inverse of :meth:`to_json`, delays and descriptions apart."""

        def arrows(group: Sequence[Mapping[str, str]]) -> dict[str, Arrow]:
            return {a["name"]: Arrow(a["name"], a["dom"], a["codom"]) for a in group}

        return Schema(
            name,
            tuple(o["name"] for o in data["Ob"]),
            arrows(data["Hom"]),
            tuple(t["name"] for t in data["AttrType"]),
            arrows(data["Attr"]),
            equations=tuple(
                Equation(e["name"] or "", e["dom"], e["codom"], *map(tuple, e["paths"]))
                for e in data.get("equations", ())
            ),
        )


@dataclass
class Instance:
    """Tables over a schema. Rows are numbered from 1, as in ACSets.jl.

    A row is a mapping from the names of the morphisms and attributes that start at its object to
    row numbers and values. Morphisms are total; attributes may be absent.
    """

    schema: Schema
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {})

    def __post_init__(self) -> None:
        self.tables = {name: list(self.tables.get(name, ())) for name in self.schema.objects}

    def add(self, table: str, **columns: Any) -> int:
        """Add a row; returns its number.

        Raises:
            SchemaError: an unknown table or column.
        """
        if table not in self.tables:
            raise SchemaError(f"{self.schema.name} has no object {table!r}")
        known = self.columns(table)
        for column in columns:
            if column not in known:
                raise SchemaError(f"{table} has no column {column!r}")
        self.tables[table].append(columns)
        return len(self.tables[table])

    def columns(self, table: str) -> set[str]:
        """The names of the morphisms and attributes that start at an object."""
        arrows = (*self.schema.homs.values(), *self.schema.attributes.values())
        return {arrow.name for arrow in arrows if arrow.dom == table}

    def problems(self) -> list[str]:
        """Where the instance is not a functor.

        That is an absent or dangling value of a morphism, and, where there is none, a row on
        which the two paths of an equation lead to different rows.
        """
        found: list[str] = []
        for hom in self.schema.homs.values():
            size = len(self.tables[hom.codom])
            for number, row in enumerate(self.tables[hom.dom], start=1):
                value = row.get(hom.name)
                if not isinstance(value, int) or not 1 <= value <= size:
                    found.append(f"{hom.dom} {number}: {hom.name} is {value!r}, not a {hom.codom}")
        for law in self.schema.equations if not found else ():
            for number in range(1, len(self.tables[law.dom]) + 1):
                left, right = self._follow(number, law.left), self._follow(number, law.right)
                if left != right:
                    paths = f"{'.'.join(law.left)} is {left}, {'.'.join(law.right)} is {right}"
                    found.append(f"{law.dom} {number}: equation {law.name!r}: {paths}")
        return found

    def _follow(self, row: int, path: Sequence[str]) -> int:
        """The row that a path of morphisms leads to."""
        for step in path:
            row = self.tables[self.schema.homs[step].dom][row - 1][step]
        return row

    def to_json(self) -> dict[str, list[dict[str, Any]]]:
        """The tables in the JSON form of ACSets.jl, with ``_id``."""
        return {
            table: [{"_id": number, **row} for number, row in enumerate(rows, start=1)]
            for table, rows in self.tables.items()
        }

    @staticmethod
    def from_json(schema: Schema, data: Mapping[str, Sequence[Mapping[str, Any]]]) -> Instance:
        """The inverse of :meth:`to_json`.

        Raises:
            SchemaError: an unknown table or column, a broken morphism or equation.
        """
        instance = Instance(schema)
        for table, rows in data.items():
            for row in sorted(rows, key=lambda r: int(r["_id"])):
                instance.add(table, **{k: v for k, v in row.items() if k != "_id"})
        problems = instance.problems()
        if problems:
            raise SchemaError(problems[0])
        return instance

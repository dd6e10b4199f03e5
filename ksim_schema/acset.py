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
from dataclasses import dataclass, field
from typing import Any, NamedTuple


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


def _arrows(data: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Arrow]:
    return {name: Arrow(name, **fields) for name, fields in (data or {}).items()}


@dataclass(frozen=True)
class Schema:
    """A finitely presented schema without equations.

    Attributes:
        name: its name.
        objects: object names, in order.
        homs: morphisms by name.
        attribute_types: names of the types of attribute values.
        attributes: attributes by name.
        base: the schema that this one extends, contained in it unchanged.

    Raises:
        SchemaError: two generators share a name, or an arrow has an unknown end.
    """

    name: str
    objects: tuple[str, ...]
    homs: Mapping[str, Arrow]
    attribute_types: tuple[str, ...] = ()
    attributes: Mapping[str, Arrow] = field(default_factory=lambda: {})
    base: Schema | None = None

    def __post_init__(self) -> None:
        names = [*self.objects, *self.homs, *self.attribute_types, *self.attributes]
        twice = {n for n in names if names.count(n) > 1}
        if twice:
            raise SchemaError(f"{self.name}: names used twice: {', '.join(sorted(twice))}")
        for arrow in self.homs.values():
            self._check_ends(arrow, self.objects)
        for arrow in self.attributes.values():
            self._check_ends(arrow, self.attribute_types)
        if self.base is not None:
            self._check_inclusion(self.base)

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

    def inclusion(self) -> dict[str, str]:
        """The inclusion of the base schema as a map of generator names (empty without base)."""
        if self.base is None:
            return {}
        base = self.base
        names = (*base.objects, *base.homs, *base.attribute_types, *base.attributes)
        return {name: name for name in names}

    def drawing(self) -> Schema:
        """The schema of drawings over this one: a table of edges for each morphism."""
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
        """Read the YAML form: ``schema``, ``extends``, ``Ob``, ``Hom``, ``AttrType``, ``Attr``.

        Raises:
            SchemaError: see :class:`Schema`; or ``extends`` names another schema than ``base``.
        """
        name = str(data["schema"])
        if data.get("extends") != (base.name if base else None):
            raise SchemaError(f"{name} extends {data.get('extends')!r}, which was not given")
        homs, attributes = _arrows(data.get("Hom")), _arrows(data.get("Attr"))
        objects, types = tuple(data.get("Ob", ())), tuple(data.get("AttrType", ()))
        if base is not None:
            objects, types = (*base.objects, *objects), (*base.attribute_types, *types)
            homs, attributes = {**base.homs, **homs}, {**base.attributes, **attributes}
        return Schema(name, objects, homs, types, attributes, base)

    def to_json(self) -> dict[str, Any]:
        """The schema in the JSON form of ACSets.jl."""

        def arrows(group: Mapping[str, Arrow]) -> list[dict[str, str]]:
            return [{"name": a.name, "dom": a.dom, "codom": a.codom} for a in group.values()]

        return {
            "version": {"ACSetSchema": "0.0.1", "Catlab": "0.0.0"},
            "Ob": [{"name": name} for name in self.objects],
            "Hom": arrows(self.homs),
            "AttrType": [{"name": name, "ty": "String"} for name in self.attribute_types],
            "Attr": arrows(self.attributes),
            "equations": [],
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
        """Where the instance is no functor: an absent or dangling value of a morphism."""
        found: list[str] = []
        for hom in self.schema.homs.values():
            size = len(self.tables[hom.codom])
            for number, row in enumerate(self.tables[hom.dom], start=1):
                value = row.get(hom.name)
                if not isinstance(value, int) or not 1 <= value <= size:
                    found.append(f"{hom.dom} {number}: {hom.name} is {value!r}, not a {hom.codom}")
        return found

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
            SchemaError: an unknown table or column, or a broken morphism.
        """
        instance = Instance(schema)
        for table, rows in data.items():
            for row in sorted(rows, key=lambda r: int(r["_id"])):
                instance.add(table, **{k: v for k, v in row.items() if k != "_id"})
        problems = instance.problems()
        if problems:
            raise SchemaError(problems[0])
        return instance

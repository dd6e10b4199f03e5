"""Task graphs as ACSets for other programs: the schema of the exchange, and the export.

The exchange schema is the schema of drawings over SchTask (a table of edges for each morphism),
with the field that each edge is written in, and one row for what belongs to no part: the task's
name, its language version and its training. :mod:`ksim_schema.exchange.acset_import` reads it back.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from ksim_schema.acset import VALUE_TYPES, Arrow, Instance, Schema, sch_ksim, sch_rollout, sch_task
from ksim_schema.graph import Graph
from ksim_schema.graph.canonical import instance, values_of
from ksim_schema.task import LANGUAGE_VERSION, Task

TASK_TABLE = "Task"


@cache
def sch_task_drawing() -> Schema:
    """The schema of exported tasks.

    Each edge table ``<hom>`` has the columns ``<hom>_src``, ``<hom>_tgt`` and ``<hom>_port``: the
    field that names the other part, or "" for an edge that no field names. Edges that one field
    names stand in the field's order.
    """
    drawing = sch_task().drawing()
    ports = {f"{hom}_port": Arrow(f"{hom}_port", hom, "Port") for hom in sch_task().homs}
    header = {
        "task_name": Arrow("task_name", TASK_TABLE, "Name"),
        "task_value": Arrow("task_value", TASK_TABLE, "Value"),
    }
    return Schema(
        drawing.name,
        (TASK_TABLE, *drawing.objects),
        drawing.homs,
        (*drawing.attribute_types, "Port"),
        {**header, **drawing.attributes, **ports},
    )


def export_task(task: Task, graph: Graph) -> Instance:
    """A task as an instance of :func:`sch_task_drawing`.

    Args:
        task: the task.
        graph: its well-typed graph, with all its nodes.
    """
    result = Instance(sch_task_drawing(), instance(task, graph).tables)
    learner = {task.learner.section: values_of(task.learner)}
    header = {"ksim": LANGUAGE_VERSION, "about": task.about, **learner}
    value = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    result.add(TASK_TABLE, task_name=task.name, task_value=value)
    rows = {hom: iter(result.tables[hom]) for hom in graph.schema.homs}
    for edge in graph.edges:  # the rows of a table of edges are in the order of the graph's edges
        next(rows[edge.hom])[f"{edge.hom}_port"] = edge.port
    return result


def schema_files() -> dict[str, str]:
    """The schemas as JSON texts that ACSets.jl and py-acsets read: file name -> text."""
    schemas = (sch_ksim(), sch_task(), sch_task_drawing(), sch_rollout())
    return {f"{schema.name}.json": json_text(schema.to_json(VALUE_TYPES)) for schema in schemas}


def json_text(data: Any) -> str:
    """JSON as it is written to files: readable, and the same each time.

    Raises:
        ValueError: a number that JSON cannot hold.
    """
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

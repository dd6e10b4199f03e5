"""Schedule: the order in which a tick computes its nodes."""

from __future__ import annotations

from dataclasses import replace

from ksim_compiler.plan import Plan
from ksim_schema.diagnostics import Sink
from ksim_schema.graph import Node
from ksim_schema.graph.order import topological
from ksim_schema.vocabulary.objects import OBJECT


def schedule(plan: Plan, sink: Sink) -> Plan:
    """Order the nodes topologically along the edges without delay."""
    place = {node: number for number, node in enumerate(plan.graph.nodes)}

    def key(node: Node) -> tuple[int, int]:
        return OBJECT[node.object].stage, place[node]

    return replace(plan, order=tuple(topological(plan.graph.instantaneous(), key)))

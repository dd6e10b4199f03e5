"""Schedule: the order in which a tick computes its nodes."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx

from ksim_compiler.plan import Plan
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.graph import Node

STAGES = (
    "Command",
    "PhysicsState",
    "Observation",
    "Critic",
    "Policy",
    "Action",
    "Event",
    "Trajectory",
    "Termination",
    "Reward",
    "Curriculum",
    "Randomizer",
    "Reset",
)
"""Which of several nodes that could come next does come next: one of the first of these."""


def schedule(plan: Plan) -> tuple[Plan, list[Diagnostic]]:
    """Order the nodes topologically along the edges without delay."""
    place = {node: number for number, node in enumerate(plan.graph.nodes)}

    def key(node: Node) -> tuple[int, int]:
        return STAGES.index(node.object), place[node]

    graph = plan.graph.instantaneous()
    return replace(plan, order=tuple(nx.lexicographical_topological_sort(graph, key=key))), []

"""Prune: what nothing uses is dropped. The language's own check has reported it."""

from __future__ import annotations

from dataclasses import replace

from ksim_compiler.plan import Plan
from ksim_schema.diagnostics import Sink
from ksim_schema.graph import unused


def prune(plan: Plan, sink: Sink) -> Plan:
    """Take the nodes that reach nothing out of the graph."""
    dropped = tuple(unused(plan.graph))
    return replace(plan, graph=plan.graph.without(dropped), dropped=dropped)

"""Graph: the task as a typed graph over SchTask, and its canonical form."""

from ksim_schema.graph.graph import (
    NEXT,
    Edge,
    Graph,
    Node,
    check,
    cycle_without_delay,
    ill_typed,
    unused,
)

__all__ = ["NEXT", "Edge", "Graph", "Node", "check", "cycle_without_delay", "ill_typed", "unused"]

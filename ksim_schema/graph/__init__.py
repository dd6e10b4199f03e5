"""Graph: the task as a typed graph over SchTask, and its canonical form."""

from ksim_schema.graph.graph import (
    NEXT as NEXT,
    Edge as Edge,
    Graph as Graph,
    Node as Node,
    check as check,
    cycle_without_delay as cycle_without_delay,
    ill_typed as ill_typed,
    unused as unused,
)

"""Acsets: schemas of objects, morphisms and attributes, and instances of them.

Knows nothing of robots.
"""

from ksim_schema.acset.schema import Arrow, Equation, Instance, Schema, SchemaError
from ksim_schema.acset.shipped import VALUE_TYPES, folder, sch_ksim, sch_rollout, sch_task

__all__ = [
    "VALUE_TYPES",
    "Arrow",
    "Equation",
    "Instance",
    "Schema",
    "SchemaError",
    "folder",
    "sch_ksim",
    "sch_rollout",
    "sch_task",
]

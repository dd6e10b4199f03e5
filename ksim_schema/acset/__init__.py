"""Acsets: schemas of objects, morphisms and attributes, and instances of them.

Knows nothing of robots.
"""

from ksim_schema.acset.schema import (
    Arrow as Arrow,
    Equation as Equation,
    Instance as Instance,
    Schema as Schema,
    SchemaError as SchemaError,
)
from ksim_schema.acset.shipped import (
    VALUE_TYPES as VALUE_TYPES,
    folder as folder,
    sch_ksim as sch_ksim,
    sch_rollout as sch_rollout,
    sch_task as sch_task,
)

"""How each declared component is computed: one rule a component, one module a schema object."""

from ksim_compiler.lowering.rules import (
    RULES as RULES,
    Rule as Rule,
    lowered_kinds as lowered_kinds,
)
from ksim_schema.vocabulary import (
    import_all,
)

import_all(__name__, __path__)

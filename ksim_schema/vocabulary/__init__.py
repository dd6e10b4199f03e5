"""The vocabulary: every declared component, by schema object and kind.

A module or folder for each object; all that stands in this folder is imported, and so declared.
"""

from ksim_schema.vocabulary.base import (
    KINDS,
    Model,
    Named,
    Part,
    Wire,
    annotated_fields,
    import_all,
)

__all__ = ["KINDS", "Model", "Named", "Part", "Wire", "annotated_fields", "import_all"]

import_all(__name__, __path__)

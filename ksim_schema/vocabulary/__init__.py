"""The vocabulary: every declared component, by schema object and kind.

A module or folder for each object; all that stands in this folder is imported, and so declared.
"""

from ksim_schema.vocabulary.base import (
    KINDS as KINDS,
    Model as Model,
    Named as Named,
    Part as Part,
    Wire as Wire,
    annotated_fields as annotated_fields,
    import_all as import_all,
)
from ksim_schema.vocabulary.later import Later as Later

import_all(__name__, __path__)

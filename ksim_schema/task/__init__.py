"""Task: a checked task, its parts as typed objects."""

from ksim_schema.task.task import (
    LANGUAGE_VERSION as LANGUAGE_VERSION,
    OPTIONAL_KIND as OPTIONAL_KIND,
    REQUIRED as REQUIRED,
    SECTIONS as SECTIONS,
    Task as Task,
    known_keys as known_keys,
    load as load,
    required as required,
)

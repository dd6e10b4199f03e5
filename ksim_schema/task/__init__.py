"""Task: a checked task, its parts as typed objects."""

from ksim_schema.task.task import (
    KNOWN,
    LANGUAGE_VERSION,
    OPTIONAL_KIND,
    REQUIRED,
    SECTIONS,
    Task,
    load,
)

__all__ = ["KNOWN", "LANGUAGE_VERSION", "OPTIONAL_KIND", "REQUIRED", "SECTIONS", "Task", "load"]

"""Diagnostics: what is wrong with a task, where, and what to do; as text, JSON and SARIF."""

from ksim_schema.diagnostics.code import Code, Severity
from ksim_schema.diagnostics.diagnostic import (
    Diagnostic,
    Edit,
    Fix,
    Related,
    Span,
    TaskError,
    has_errors,
    in_order,
)
from ksim_schema.diagnostics.render import printable, render_json, render_text, summary
from ksim_schema.diagnostics.sink import Sink
from ksim_schema.diagnostics.suggest import closest, did_you_mean

__all__ = [
    "Code",
    "Diagnostic",
    "Edit",
    "Fix",
    "Related",
    "Severity",
    "Sink",
    "Span",
    "TaskError",
    "closest",
    "did_you_mean",
    "has_errors",
    "in_order",
    "printable",
    "render_json",
    "render_text",
    "summary",
]

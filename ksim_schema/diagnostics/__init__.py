"""Diagnostics: what is wrong with a task, where, and what to do; as text, JSON and SARIF."""

from ksim_schema.diagnostics.diagnostic import (
    Diagnostic,
    Span,
    TaskError,
    closest,
    did_you_mean,
    has_errors,
    in_order,
    printable,
    render_json,
    render_text,
    summary,
)

__all__ = [
    "Diagnostic",
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

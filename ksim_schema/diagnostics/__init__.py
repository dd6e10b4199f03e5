"""Diagnostics: what is wrong with a task, where, and what to do; as text, JSON and SARIF."""

from ksim_schema.diagnostics.code import (
    Code as Code,
    Severity as Severity,
)
from ksim_schema.diagnostics.diagnostic import (
    Diagnostic as Diagnostic,
    Edit as Edit,
    Fix as Fix,
    Related as Related,
    Span as Span,
    TaskError as TaskError,
    has_errors as has_errors,
    in_order as in_order,
)
from ksim_schema.diagnostics.render import (
    printable as printable,
    render_json as render_json,
    render_text as render_text,
    summary as summary,
)
from ksim_schema.diagnostics.sink import (
    Sink as Sink,
)
from ksim_schema.diagnostics.suggest import (
    closest as closest,
    did_you_mean as did_you_mean,
    surely as surely,
)

"""The catalogue of diagnostics: one entry a code, with what it means and what to do.

Codes are stable: a code that is no longer given is never used for something else.
"""

from __future__ import annotations

from ksim_schema.diagnostics.codes import (
    acsets,
    compiled,
    composition,
    custom,
    names,
    reading,
    structure,
    typed,
    values,
)
from ksim_schema.diagnostics.codes.entry import Entry as Entry

CATALOGUE: dict[str, Entry] = {
    **reading.ENTRIES,
    **structure.ENTRIES,
    **names.ENTRIES,
    **typed.ENTRIES,
    **values.ENTRIES,
    **compiled.ENTRIES,
    **composition.ENTRIES,
    **custom.ENTRIES,
    **acsets.ENTRIES,
}
"""Code -> entry."""

"""The catalogue of diagnostics: all codes that the modules of ``codes`` declare.

Codes are stable: a code that is no longer given is never used for something else.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

from ksim_schema.diagnostics import codes
from ksim_schema.diagnostics.code import Code


def _declared() -> Iterator[Code]:
    for module in pkgutil.iter_modules(codes.__path__, f"{codes.__name__}."):
        for value in vars(import_module(module.name)).values():
            if isinstance(value, Code):
                yield value


def _catalogue() -> dict[str, Code]:
    catalogue: dict[str, Code] = {}
    for code in _declared():
        if code in catalogue:
            raise ValueError(f"two diagnostics have the code {code}")
        catalogue[code] = code
    return dict(sorted(catalogue.items()))


CATALOGUE = _catalogue()
"""Every code by its text, in order."""

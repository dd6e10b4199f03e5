"""The example that drives a robot with an exported policy."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

EXAMPLES = Path(__file__).parents[2] / "examples"


def drive() -> ModuleType:
    """``examples/drive.py``, imported as it is when it is run: beside its neighbours."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        return import_module("drive")
    finally:
        sys.path.remove(str(EXAMPLES))

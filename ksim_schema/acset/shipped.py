"""The schemas that the language is built on, read from ``schemas/``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, cast

import yaml

from ksim_schema.acset.schema import Schema


def folder() -> Path:
    """Where the schema files are: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "_schemas"
    return installed if installed.is_dir() else package.parent / "schemas"


@cache
def sch_ksim() -> Schema:
    """The five objects and three morphisms of one control loop."""
    return Schema.from_data(_read("SchKsim"))


@cache
def sch_task() -> Schema:
    """The schema of a whole task; it contains SchKsim."""
    return Schema.from_data(_read("SchTask"), sch_ksim())


@cache
def sch_rollout() -> Schema:
    """The schema of recorded rollouts; it contains SchKsim, and has equations."""
    return Schema.from_data(_read("SchRollout"), sch_ksim())


VALUE_TYPES = {"StateData": "list", "Vector": "list", "Number": "float"}
"""Attribute types whose values are not text, with the Python type of their values."""


def _read(name: str) -> dict[str, Any]:
    text = (folder() / f"{name}.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    parser: Any = loader(text)
    try:
        return cast("dict[str, Any]", parser.get_single_data())
    finally:
        parser.dispose()

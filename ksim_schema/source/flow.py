"""Values as they may stand on one line of YAML."""

from __future__ import annotations

import json
import re
from typing import cast

from ksim_schema.source.yaml_reader import resolve

_PLAIN = re.compile(r"-?[A-Za-z0-9_./][A-Za-z0-9_./*^ -]*(?<! )")


def scalar(value: object) -> str:
    """A text, in quotation marks where it needs them, or another single value."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and resolve(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)


def flow(value: object) -> str:
    """A value, with the mappings and lists (as tuples) in it."""
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value).items()
        return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in pairs) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(flow, cast("tuple[object, ...]", value))) + "]"
    return scalar(value)

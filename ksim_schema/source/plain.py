"""What plain data is: the mappings and lists that a source is read into."""

from __future__ import annotations

from typing import Any, TypeGuard


def is_mapping(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a value of a source is a mapping (its keys are texts)."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Whether a value of a source is a list; the reader makes tuples of them."""
    return isinstance(value, tuple)

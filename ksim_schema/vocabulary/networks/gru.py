"""Gated recurrent units."""

from __future__ import annotations

from typing import ClassVar, Literal

from ksim_schema.vocabulary.networks.base import Recurrent


class Gru(Recurrent):
    """Gated recurrent units: a memory that is reset at the start of an episode."""

    gates: ClassVar[int] = 3
    memory_biases: ClassVar[int] = 1
    kind: Literal["gru"] = "gru"

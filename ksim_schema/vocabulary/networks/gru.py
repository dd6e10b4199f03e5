"""Gated recurrent units."""

from typing import Literal

from ksim_schema.vocabulary.networks.base import Recurrent


class Gru(Recurrent):
    """Gated recurrent units: a memory that is reset at the start of an episode."""

    gates = 3
    memory_biases = 1
    kind: Literal["gru"] = "gru"

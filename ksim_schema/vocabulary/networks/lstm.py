"""Long short-term memory."""

from typing import Literal

from ksim_schema.vocabulary.networks.base import Recurrent


class Lstm(Recurrent):
    """Long short-term memory: a memory that is reset at the start of an episode."""

    gates = 4
    kind: Literal["lstm"] = "lstm"

"""When a reward counts: a condition that stands with it."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer

from ksim_schema.vocabulary.base import Names, Wire
from ksim_schema.vocabulary.formula import Formulated


class Gate(Formulated):
    """A condition over the quantities of formulas, written as its text: ``body.cube.z > 2*cm``."""

    written = "condition"
    stands_for = "condition"
    commands: Annotated[Names, Wire("reward", of="Command")] = Field(
        default=(), description="Commands that the condition names."
    )


def _of_text(value: Any) -> Any:
    return {"expression": value} if isinstance(value, str) else value


def _text_of(gate: Gate) -> str:
    return gate.expression


When = Annotated[Gate, BeforeValidator(_of_text), PlainSerializer(_text_of, return_type=str)]
"""A condition, written as its text."""

"""A diagnostic's code: its stable name, and what is known of it."""

from __future__ import annotations

from typing import Literal

Severity = Literal["error", "warning", "info"]


class Code(str):
    """A code such as ``KS0204``. It is a text, as ``http.HTTPStatus`` is a number.

    Attributes:
        phrase: what is wrong in few words, the same for all diagnostics of the code.
        severity: whether it stops a compilation.
        explanation: what ``--explain`` says of it.
    """

    phrase: str
    severity: Severity
    explanation: str

    def __new__(cls, code: str, phrase: str, severity: Severity, explanation: str) -> Code:
        made = super().__new__(cls, code)
        made.phrase, made.severity, made.explanation = phrase, severity, explanation
        return made

    def __reduce__(self) -> tuple[type[Code], tuple[str, str, Severity, str]]:
        return Code, (str(self), self.phrase, self.severity, self.explanation)


def error(code: str, phrase: str, explanation: str) -> Code:
    """A code of what stops the compilation."""
    return Code(code, phrase, "error", explanation)


def warning(code: str, phrase: str, explanation: str) -> Code:
    """A code of what stops the compilation with ``--strict`` only."""
    return Code(code, phrase, "warning", explanation)


def info(code: str, phrase: str, explanation: str) -> Code:
    """A code of what stops nothing."""
    return Code(code, phrase, "info", explanation)

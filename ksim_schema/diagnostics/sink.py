"""One sink for all that is reported on the way through a task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ksim_schema.diagnostics.code import Code
from ksim_schema.diagnostics.diagnostic import Diagnostic, Fix, Related, Span, has_errors, in_order


class Sink:
    """Takes diagnostics from wherever they arise.

    A function that has a result is given the sink, reports into it, and returns its result or
    None; one that only checks may as well yield diagnostics, which its caller adds. The sink alone
    sorts them, and drops what is reported twice.
    """

    def __init__(self) -> None:
        self._reported: dict[Diagnostic, None] = {}

    def report(
        self,
        code: Code,
        message: str,
        where: Span,
        path: str = "",
        help: str = "",
        *,
        fix: Fix | None = None,
        related: tuple[Related, ...] = (),
    ) -> None:
        """Report one problem; see :class:`Diagnostic`."""
        self._reported[Diagnostic(code, message, where, path, help, fix, related)] = None

    def add(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Report what a check yields, or what another sink holds."""
        self._reported.update(dict.fromkeys(diagnostics))

    def __iter__(self) -> Iterator[Diagnostic]:
        """What was reported, in the order of the reports."""
        return iter(self._reported)

    def __len__(self) -> int:
        return len(self._reported)

    @property
    def failed(self) -> bool:
        """Whether one of them is an error."""
        return has_errors(self._reported)

    def in_order(self) -> list[Diagnostic]:
        """By place in the source."""
        return in_order(self._reported)

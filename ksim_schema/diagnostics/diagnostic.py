"""Problems as data: what is wrong, where, and what would mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ksim_schema.diagnostics.code import Code, Severity
from ksim_schema.records import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a source file. Lines and columns count from 1; the end is exclusive."""

    file: str
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1

    def as_dict(self) -> dict[str, object]:
        """The form of ``--format json``."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "end_line": self.end_line,
            "end_column": self.end_column,
        }


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of a source file and the text to write in its place."""

    where: Span
    replacement: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A repair of a source: its edits, of which none overlaps another, belong together.

    Attributes:
        title: what it does in few words, for example ``write 'hip_left'``.
        edits: the changes.
        certain: whether the author cannot well have meant anything else.
    """

    title: str
    edits: tuple[Edit, ...]
    certain: bool = False

    def as_dict(self) -> dict[str, object]:
        """The form of ``--format json``."""
        edits = [{**edit.where.as_dict(), "replacement": edit.replacement} for edit in self.edits]
        return {"title": self.title, "certain": self.certain, "edits": edits}


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that a diagnostic is about, and what is to be seen there."""

    where: Span
    message: str

    def as_dict(self) -> dict[str, object]:
        """The form of ``--format json``."""
        return {**self.where.as_dict(), "message": self.message}


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem of a task.

    Attributes:
        code: which problem it is; a code that a module of ``codes`` declares.
        message: what is wrong, in the author's terms.
        where: the place in the source.
        path: the value's path in the task, for example ``Observation.feet.geoms``.
        help: what to write instead.
        fix: the repair, where it is known exactly.
        related: other places that it is about.
    """

    code: Code
    message: str
    where: Span
    path: str = ""
    help: str = ""
    fix: Fix | None = None
    related: tuple[Related, ...] = ()

    @property
    def severity(self) -> Severity:
        """As the catalogue gives it for the code."""
        return self.code.severity

    def as_dict(self) -> dict[str, object]:
        """The form of ``--format json``; ``fixes`` and ``related`` only where there are some."""
        shown: dict[str, object] = {
            "code": self.code,
            "severity": self.severity,
            **self.where.as_dict(),
            "path": self.path,
            "message": self.message,
            "help": self.help,
        }
        if self.fix is not None:
            shown["fixes"] = [self.fix.as_dict()]
        if self.related:
            shown["related"] = [place.as_dict() for place in self.related]
        return shown


class TaskError(Exception):
    """A task turns out to be wrong while it is being run.

    Attributes:
        diagnostics: what is wrong.
        sources: texts that the diagnostics point into.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic], sources: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{d.code}: {d.message}" for d in diagnostics))
        self.diagnostics, self.sources = tuple(diagnostics), dict(sources)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether one of them is an error."""
    return any(d.severity == "error" for d in diagnostics)


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By place in the source, each problem once."""
    return sorted(dict.fromkeys(diagnostics), key=lambda d: (d.where, d.code, d.message))

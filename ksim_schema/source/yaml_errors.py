"""YAML's syntax errors in the words of someone who writes YAML, at the place of the mistake."""

from __future__ import annotations

import re

import yaml

from ksim_schema.diagnostics import Diagnostic, Span
from ksim_schema.diagnostics.codes.reading import INVALID_YAML

_INDENTATION = "entries of one mapping or list start in the same column"


def syntax_error(error: yaml.MarkedYAMLError, name: str, text: str) -> Diagnostic:
    """Translate an error of the YAML parser.

    Args:
        error: what the parser says: a problem, and the context in which it arose.
        name: how the file is called in messages.
        text: its text.
    """
    problem, context = error.problem or "", error.context or ""
    mark, opened = error.problem_mark, error.context_mark
    message, help = problem or context or "this is not valid YAML", ""
    if "cannot start any token" in problem:
        character = text[mark.index : mark.index + 1] if mark else ""
        if character == "\t":
            message, help = "a tab stands where YAML takes spaces", "indent with spaces"
        else:
            message, help = f"a plain text cannot start with {character!r}", "put it in quotes"
    elif "mapping values are not allowed" in problem:
        message = "a ':' cannot stand here"
        help = f"{_INDENTATION}; a string that holds ': ' needs quotes"
        bare = _line_without_colon(text, mark.line) if mark else None
        if bare is not None:
            line, column = bare
            message, help = "a ':' is missing in this line", "write 'key: value'"
            return Diagnostic(
                INVALID_YAML, message, Span(name, line, column, line, column + 1), "", help
            )
    elif "could not find expected ':'" in problem:
        message, help = "a key is followed by ':' and a space", "write 'key: value'"
        mark = opened or mark
    elif "quoted scalar" in context and "end of stream" in problem:
        message, mark = "the quotation mark that opens here is never closed", opened or mark
    elif "flow sequence" in context or "flow mapping" in context or "flow node" in context:
        kind, end = ("list", "]") if "sequence" in context else ("mapping", "}")
        message = f"a ',' or the '{end}' that closes the {kind} is missing"
        key = _bracketed(text, mark.index) if mark and kind == "mapping" else ""
        value = _bracketed_value(text, mark.index) if mark and not key else ""
        if mark and (key or value):
            within = "{ and }" if kind == "mapping" else "[ and ]"
            message = f"between {within} a name with {text[mark.index]!r} stands in quotes"
            help = f"write '{{\"{key}\": ...}}', or each entry in a line of its own"
            help = help if key else f"write '\"{value}\"'"
            column = mark.column + 1
            where = Span(name, mark.line + 1, column, mark.line + 1, column + 1)
            return Diagnostic(INVALID_YAML, message, where, help=help)
        if "flow node" in context:
            message = "a value is missing"
        elif opened is not None and mark is not None and _left_open(text, opened, mark):
            message, mark = f"the {kind} that opens here is never closed", opened
            help = f"close it with '{end}'"
        elif opened is not None:
            help = f"the {kind} opens in line {opened.line + 1}, column {opened.column + 1}"
    elif "block mapping" in context or "block collection" in context:
        what = "mapping" if "mapping" in context else "list"
        message = f"this is not an entry of the {what} around it"
        help = _INDENTATION
        if opened is not None:
            help += f"; the {what} starts in line {opened.line + 1}, column {opened.column + 1}"
        odd = _out_of_step(text, mark.line) if mark else None
        if odd is not None:
            line, column = odd
            message = f"this line is indented by {column - 1} spaces, those around it are not"
            help = _INDENTATION
            return Diagnostic(
                INVALID_YAML, message, Span(name, line, column, line, column + 1), "", help
            )
    elif context:
        help = context
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    line, column = _last_line(text, line, column)
    return Diagnostic(INVALID_YAML, message, Span(name, line, column, line, column + 1), help=help)


def _last_line(text: str, line: int, column: int) -> tuple[int, int]:
    """A place after the end of the text is shown at the end of its last line."""
    lines = text.splitlines()
    if line <= len(lines) or not lines:
        return line, column
    return len(lines), len(lines[-1]) + 1


def _bracketed(text: str, place: int) -> str:
    """The key of a flow mapping in which a bracket at a place stands without quotes; "" for none.

    YAML ends a plain text there: ``{joint[1-4]: 0.1 rad}``.
    """
    key = re.compile(r"[\w.*|()?+^$-]+[\[{][^\s:\"']*(?=:(?:\s|$))")
    start = place
    while start > 0 and text[start - 1] not in " \t\n,{[":
        start -= 1
    found = key.match(text, start) if text[place : place + 1] in ("[", "{") else None
    return found[0] if found is not None and start < place < found.end() else ""


def _bracketed_value(text: str, place: int) -> str:
    """The same of a value, ``{joints: joint[1-4], scale: 1}`` or ``[joint[1-4], wrist]``."""
    value = re.compile(r"[\w.*|()?+^$-]+\[[^\[\]\s\"',]*\][\w.*|()?+^$-]*(?=\s*[,}\]])")
    start = place
    while start > 0 and text[start - 1] not in " \t\n,{[":
        start -= 1
    found = value.match(text, start) if text[place : place + 1] == "[" else None
    return found[0] if found is not None and start < place < found.end() else ""


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _left_open(text: str, opened: yaml.Mark, mark: yaml.Mark) -> bool:
    """Whether a flow collection runs into the lines after the entry that it belongs to.

    What is inside of it is indented deeper than the line in which it opens.
    """
    lines = text.splitlines()
    own = _indentation(lines[opened.line])
    within = lines[opened.line + 1 : mark.line + 1]
    ends = mark.line >= len(lines) and opened.line + 1 >= len(lines)
    return ends or any(line.strip() and _indentation(line) <= own for line in within)


def _line_without_colon(text: str, number: int) -> tuple[int, int] | None:
    """The line above one (from 0) that should be a key and has no ':', if there is one."""
    lines = text.splitlines()
    if number >= len(lines):
        return None
    first = number
    while first > 0 and lines[first - 1].strip() and not set(":#") & set(lines[first - 1]):
        first -= 1
    line = lines[first]
    if first == number or _indentation(lines[number]) > _indentation(line):
        return None
    return first + 1, _indentation(line) + 1


def _out_of_step(text: str, number: int) -> tuple[int, int] | None:
    """The last line up to one (from 0) with an odd indentation, where nearly all are even."""
    entries: list[tuple[int, int]] = []
    depth = 0
    for n, line in enumerate(text.splitlines()[: number + 1], start=1):
        code = line.split(" #")[0]
        if depth == 0 and ":" in code and not code.lstrip().startswith("#"):
            entries.append((n, _indentation(line)))
        depth = max(0, depth + sum((c in "[{") - (c in "]}") for c in code))
    odd = [(n, spaces) for n, spaces in entries if spaces % 2]
    if not odd or len(odd) * 4 > len(entries):
        return None
    line, spaces = odd[-1]
    return line, spaces + 1

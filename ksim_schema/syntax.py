"""YAML's syntax errors in the words of someone who writes YAML, at the place of the mistake."""

from __future__ import annotations

import yaml

from ksim_schema.diagnostics import Diagnostic, Span

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
        help = f"{_INDENTATION}; a text that holds ': ' needs quotes"
    elif "could not find expected ':'" in problem:
        message, help = "a key is followed by ':' and a space", "write 'key: value'"
        mark = opened or mark
    elif "quoted scalar" in context and "end of stream" in problem:
        message, mark = "the quotation mark that opens here is never closed", opened or mark
    elif "flow sequence" in context or "flow mapping" in context or "flow node" in context:
        kind, end = ("list", "]") if "sequence" in context else ("mapping", "}")
        message = f"a ',' or the '{end}' that closes the {kind} is missing"
        if "flow node" in context:
            message = "a value is missing"
        elif opened is not None:
            help = f"the {kind} opens in line {opened.line + 1}, column {opened.column + 1}"
    elif "block mapping" in context or "block collection" in context:
        what = "mapping" if "mapping" in context else "list"
        message = f"this is no entry of the {what} around it"
        help = _INDENTATION
        if opened is not None:
            help += f"; the {what} starts in line {opened.line + 1}, column {opened.column + 1}"
    elif context:
        help = context
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    line, column = _last_line(text, line, column)
    return Diagnostic("KS0002", message, Span(name, line, column, line, column + 1), help=help)


def _last_line(text: str, line: int, column: int) -> tuple[int, int]:
    """A place after the end of the text is shown at the end of its last line."""
    lines = text.splitlines()
    if line <= len(lines) or not lines:
        return line, column
    return len(lines), len(lines[-1]) + 1

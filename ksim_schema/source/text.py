"""The text that bytes are, or why they are none."""

from __future__ import annotations

from ksim_schema.diagnostics import Sink, Span
from ksim_schema.diagnostics.codes.reading import NOT_TEXT, TOO_LARGE

MAX_BYTES = 8_000_000


def decoded(raw: bytes | str, name: str, sink: Sink) -> str | None:
    """A source as text: UTF-8, with or without a byte order mark. A text is what it is.

    Args:
        raw: what was read.
        name: how to call its file in messages.
        sink: where it is reported that it is too large, or at which byte it is not UTF-8.

    Returns:
        The text, or None where it is reported.
    """
    if isinstance(raw, str):
        return raw
    if len(raw) > MAX_BYTES:
        sink.report(TOO_LARGE, f"the text is larger than {MAX_BYTES:,} bytes", Span(name))
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        where = Span(name, line, column, line, column + 1)
        sink.report(NOT_TEXT, "the file is not UTF-8 text", where)
        return None

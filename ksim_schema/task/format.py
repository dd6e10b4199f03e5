"""One layout for task files: sections in the schema's order, ``kind`` first, comments kept.

The text is rearranged, never written anew: a value stays as its author wrote it, and a comment
stays with the line that it stands on, or with the key that it stands above.
"""

from __future__ import annotations

from collections.abc import Iterator

from ksim_schema.diagnostics import Sink
from ksim_schema.records import dataclass
from ksim_schema.source.plain import is_mapping
from ksim_schema.source.yaml_reader import Document, parse
from ksim_schema.vocabulary.learner import LEARNERS
from ksim_schema.vocabulary.objects import SECTIONS

HEAD = ("ksim", "task", "about")
"""Keys that stand together at the top."""
BEFORE = (*HEAD, "extends", "components", "remove", "set", *SECTIONS, "morphisms")
"""All keys in order, but for the learner's, which comes last."""


@dataclass
class _Block:
    """A key with the comments above it and the lines of its value."""

    key: str
    lines: list[str]


def format_text(text: str, name: str, sink: Sink) -> str | None:
    """Lay a task out.

    Args:
        text: the task file.
        name: how to call it in messages.
        sink: where what is wrong with it is reported.

    Returns:
        The new text, which says the same, or None when the file cannot be read.
    """
    found = Sink()
    document = parse(text, name, found)
    sink.add(found)
    if document is None or not is_mapping(document.data) or found.failed:
        return None
    before = document.data
    for rearrange in (_flow_kinds, _block_kinds, _sections):
        problems = Sink()
        document = parse(rearrange(document), name, problems)
        if document is None or problems.failed or document.data != before:
            return text  # a layout that cannot be changed without changing what it says
    return document.text


def _flow_kinds(document: Document) -> str:
    """``{scale: 1, kind: alive}`` -> ``{kind: alive, scale: 1}``, where it stands on one line."""
    lines = document.text.splitlines()
    parts = [p for p in document.keys if len(p) >= 2 and p[-1] == "kind"]
    # from the end of each line, so that the places before stay right
    for path in sorted(parts, key=lambda p: document.keys[p], reverse=True):
        whole, key = document.values.get(path[:-1]), document.keys[path]
        if whole is None or whole.line != whole.end_line or whole.line != key.line:
            continue
        line = lines[whole.line - 1]
        written = line[whole.column - 1 : whole.end_column - 1]
        if not (written.startswith("{") and written.endswith("}")):
            continue
        items = sorted(
            (document.keys[p].column, document.values[p].end_column, p[-1])
            for p in document.keys
            if p[:-1] == path[:-1] and p in document.values
        )
        texts = [(line[start - 1 : stop - 1], name) for start, stop, name in items]
        if len(texts) < 2 or texts[0][1] == "kind":
            continue
        texts.sort(key=lambda item: item[1] != "kind")
        new = "{" + ", ".join(text for text, _ in texts) + "}"
        lines[whole.line - 1] = line[: whole.column - 1] + new + line[whole.end_column - 1 :]
    return "\n".join(lines) + "\n"


def _block_kinds(document: Document) -> str:
    """In a part of several lines, the line of its kind comes first."""
    lines = document.text.splitlines()
    for path in [p for p in document.keys if len(p) == 3 and p[-1] == "kind"]:
        kind, part = document.keys[path], document.keys[path[:-1]]
        keys = [k for k in document.keys if len(k) == 3 and k[:2] == path[:2]]
        first = min(document.keys[k].line for k in keys)
        alone = [k for k in keys if document.keys[k].line == kind.line] == [path]
        value = document.values.get(path)
        if kind.line <= first or first <= part.line or not alone or value is None:
            continue
        if value.end_line == kind.line:
            line = lines.pop(kind.line - 1)
            lines.insert(first - 1, line)
    return "\n".join(lines) + "\n"


def _sections(document: Document) -> str:
    """Sections in order, with one empty line between them; no blanks at the ends of lines."""
    lines = [line.rstrip() for line in document.text.splitlines()]
    starts = sorted(
        (span.line, str(path[0])) for path, span in document.keys.items() if len(path) == 1
    )
    if not starts:
        return document.text
    blocks: list[_Block] = []
    begins = [_above(lines, line) for line, _ in starts]
    top = lines[: begins[0]]
    for index, (_, key) in enumerate(starts):
        stop = begins[index + 1] if index + 1 < len(starts) else len(lines)
        blocks.append(_Block(key, lines[begins[index] : stop]))
    place = {key: number for number, key in enumerate((*BEFORE, *LEARNERS))}
    blocks.sort(key=lambda block: place.get(block.key, len(place)))
    return "\n".join([*_trimmed(top), *_joined(blocks)]) + "\n"


def _above(lines: list[str], line: int) -> int:
    """Index of the first of the comments that stand directly above a line (counted from 1).

    The comments at the top of the file belong to the file, not to its first key.
    """
    index = line - 1
    while index > 0 and lines[index - 1].startswith("#"):
        index -= 1
    return line - 1 if index == 0 else index


def _joined(blocks: list[_Block]) -> Iterator[str]:
    for index, block in enumerate(blocks):
        together = block.key in HEAD and (index == 0 or blocks[index - 1].key in HEAD)
        if index and not together:
            yield ""
        yield from _trimmed(block.lines)


def _trimmed(lines: list[str]) -> Iterator[str]:
    """Without empty lines at both ends, and at most one in a row."""
    kept = [line for i, line in enumerate(lines) if line or (i and lines[i - 1])]
    while kept and not kept[0]:
        kept.pop(0)
    while kept and not kept[-1]:
        kept.pop()
    yield from kept

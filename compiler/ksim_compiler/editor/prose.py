"""What is said of kinds, fields, parts and values, in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ksim_compiler.editor.findings import QuantityText
from ksim_compiler.editor.shapes import Field, Kind
from ksim_schema.diagnostics import Code

if TYPE_CHECKING:
    from ksim_compiler.editor.view import View


def markdown(text: str) -> str:
    """A docstring as Markdown: its literals, and its indented blocks as code."""
    text = text.replace("``", "`")
    out: list[str] = []
    code = False
    for line in text.splitlines():
        if not code and out and out[-1] == "" and line.startswith("    "):
            out.append("```text")
            code = True
        elif code and line and not line.startswith("    "):
            out.append("```")
            code = False
        out.append(line[4:] if code else _escaped(line))
    if code:
        out.append("```")
    return "\n".join(out)


def _escaped(line: str) -> str:
    """A line without what Markdown would take for its own, but for literals."""
    line = line[:-1] if line.endswith("::") else line
    pieces = line.split("`")
    for index in range(0, len(pieces), 2):
        pieces[index] = re.sub(r"([*<])", r"\\\1", pieces[index])
    return "`".join(pieces)


def of_kind(kind: Kind) -> str:
    """A kind with all its fields."""
    title = f"{kind.object}: {kind.name}" if kind.object and kind.name else kind.title or kind.name
    parts = [f"**{title}**", "", markdown(kind.about)]
    if kind.facts:
        parts += ["", *(f"- {markdown(fact.strip())}" for fact in kind.facts)]
    if kind.fields:
        parts += ["", "| field | takes | default | |", "|---|---|---|---|"]
        for field in kind.fields:
            default = "**required**" if field.required else _cell(field.default)
            cells = (f"`{field.name}`", _cell(field.takes), default, _cell(field.about))
            parts.append("| " + " | ".join(cells) + " |")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return markdown(" ".join(text.split())).replace("|", "\\|")


def of_field(field: Field) -> str:
    """A field."""
    default = "required" if field.required else f"default {field.default}" if field.default else ""
    head = ", ".join(filter(None, (field.takes, default)))
    return f"**{field.name}**: {_cell(head)}\n\n{markdown(field.about)}"


def of_code(code: Code, link: str = "") -> str:
    """What a diagnostic's code means."""
    text = f"**{code}**: {code.phrase} ({code.severity})\n\n{markdown(code.explanation)}"
    return f"{text}\n\n[{code}]({link})" if link else text


def of_part(view: View, object: str, name: str) -> str:
    """A part in some lines: its kind, and the first sentence of that."""
    kind = view.kinds(object).get(view.parts(object).get(name, ""))
    if kind is None:
        return f"**{name}**: {object}"
    first = markdown(kind.about.split("\n\n", 1)[0])
    return f"**{name}**: {object} of kind `{kind.name}`\n\n{first}"


def of_quantities(found: Iterable[QuantityText]) -> str:
    """What a task says of some quantities, as ``--emit ranges`` prints it."""
    blocks = [f"{q.title}\n" + "\n".join(q.rows) for q in found]
    return "```text\n" + "\n\n".join(blocks) + "\n```" if blocks else ""

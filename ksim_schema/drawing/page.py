"""One look for every page that is written: its style, its script, its boxes and tables.

A page is one file that asks for nothing else: it can be mailed, printed, read without a network.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path

_HERE = Path(__file__).parent
_SCROLLS = "Wider than the page: scroll it sideways."


@cache
def style() -> str:
    """The style sheet of all pages."""
    return (_HERE / "page.css").read_text(encoding="utf-8")


@cache
def script() -> str:
    """The script of all pages, none of which needs it: values under the pointer, what scrolls."""
    return (_HERE / "page.js").read_text(encoding="utf-8")


def page(title: str, body: str) -> str:
    """A page that needs nothing else.

    Args:
        title: plain text, for the window.
        body: HTML.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title>\n'
        f"<style>\n{style()}</style></head>\n"
        f"<body>{body}\n<script>\n{script()}</script></body></html>\n"
    )


def section(title: str, content: str, note: str = "") -> str:
    """A heading and what stands below it; "" when that is empty.

    Args:
        title: plain text.
        content: HTML.
        note: a sentence of plain text below the heading.
    """
    said = f'<p class="note">{escape(note)}</p>' if note else ""
    return f"<h2>{escape(title)}</h2>{said}{content}\n" if content else ""


def scroll(content: str, label: str) -> str:
    """A box that scrolls sideways where its content is wider, and then says so.

    Args:
        content: HTML.
        label: what is in it, for those who do not see it.
    """
    head = f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">'
    return f'{head}{content}</div><p class="hint">{_SCROLLS}</p>'


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], label: str, kind: str = "numbers"
) -> str:
    """A table in a box that scrolls.

    Args:
        head: cells of the first row, HTML; none for a table without.
        rows: of cells, HTML.
        label: what it shows, for those who do not see it.
        kind: ``numbers`` aligns to the right and breaks no line, ``words`` does neither, and
            ``words signed`` of rows that begin with a sign stands one below the other on a phone.
    """
    top = f"<thead><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr></thead>" if head else ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>\n" for row in rows)
    return scroll(f'<table class="{kind}">{top}<tbody>{body}</tbody></table>', label)


def drawing(svg: str, label: str) -> str:
    """A drawing, fitted to the page or in its own size in a box that scrolls; a click changes that.

    On a narrow screen, where it could not be read otherwise, it begins in its own size.

    Args:
        svg: with a width and a height.
        label: what it shows, for those who do not see it.
    """
    name = f"fit{zlib.crc32(svg.encode()):08x}"
    return (
        f'<div class="drawing"><input type="checkbox" id="{name}"><label for="{name}">'
        '<span class="fitted">Fitted to the page. Show it in its own size.</span>'
        '<span class="own">In its own size. Fit it to the page.</span>'
        f"</label>{scroll(svg, label)}</div>"
    )


def number(value: float, digits: int = 4) -> str:
    """A number to be read: at most so many digits, k, M and G behind large ones."""
    if not math.isfinite(value):
        return "-"
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e5, "k")):
        if abs(value) >= size * 0.99999:
            return f"{value / (1e3 if suffix == 'k' else size):.{digits}g}{suffix}"
    if 0.0 < abs(value) < 1e-3:
        mantissa, power = f"{value:.{max(0, digits - 2)}e}".split("e")
        return f"{float(mantissa):g}e{int(power)}"
    return f"{value:.0f}" if abs(value) >= 10**digits else f"{value:.{digits}g}"

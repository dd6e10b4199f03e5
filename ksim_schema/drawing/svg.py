"""A picture of a task graph as SVG: one file without references, for light and dark pages."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise

from ksim_schema.acset import Arrow
from ksim_schema.drawing.drawing import Picture, Shown, Wire, describe
from ksim_schema.drawing.layout import Layout, Link, Rect, Route, layout
from ksim_schema.vocabulary.objects import OBJECT

_FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace"
_CLASS = "ksim-task"
_EM = 0.61
"""Width of a character over the font's size: 0.60 in the fonts named, and a little to spare."""
_NAME, _KIND, _HEADING, _TITLE = 12.0, 10.0, 11.0, 18.0
"""Sizes of the texts, in pixels."""
_LONGEST = 34
"""Characters of a name or kind that are shown; the tooltip has them all."""


def svg(shown: Picture) -> str:
    """The picture as SVG. Texts fit their boxes in any font as wide as the usual ones."""
    sizes = {part.id: _size(part) for group in shown.groups for part in group.parts}
    for group in shown.groups:  # a heading needs room as well
        least = len(group.title) * _HEADING * (_EM + 0.03)
        first = group.parts[0].id
        sizes[first] = (max(sizes[first][0], least), sizes[first][1])
    links = [Link(wire.src, wire.tgt, wire.hom.delay > 0) for wire in shown.wires]
    members = {group.id: [part.id for part in group.parts] for group in shown.groups}
    placed = layout(sizes, links, members)
    return "\n".join(_Svg(shown, placed).lines()) + "\n"


def text_width(text: str, size: float) -> float:
    """Room for a text of the fixed-width font, in pixels. Wide characters count twice."""
    return sum(1 if ord(c) < 0x1100 else 2 for c in text) * size * _EM


def _size(part: Shown) -> tuple[float, float]:
    width = max(text_width(_cut(part.name), _NAME), text_width(_cut(part.kind), _KIND))
    return max(64.0, width + 16), 36.0 if part.kind else 24.0


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


class _Svg:
    def __init__(self, shown: Picture, placed: Layout) -> None:
        self.shown, self.placed = shown, placed
        self.width = max(placed.width, 480.0, text_width(shown.title, _TITLE) + 40)
        columns = int((self.width - 40) / (12 * _EM))
        self.about = textwrap.wrap(shown.about, columns)
        self.top = 44.0 + 18 * len(self.about)
        entry = max((text_width(describe(hom), 11) for hom in shown.legend), default=0.0) + 62
        self.entry = entry
        self.per_row = max(1, int((self.width - 40) / entry))
        self.legend_top = self.top + placed.height + 26
        rows = -(-len(shown.legend) // self.per_row)
        self.height = self.legend_top + rows * 20 + 44

    def lines(self) -> Iterator[str]:
        """The lines of the file."""
        width, height = round(self.width), round(self.height)
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{_CLASS}" role="img" '
            f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            'aria-labelledby="title desc">'
        )
        yield f'<title id="title">{escape(self.shown.title)}</title>'
        yield f'<desc id="desc">{escape(self._description())}</desc>'
        yield f"<style>{self._style()}</style>"
        yield f'<rect class="page" width="{width}" height="{height}"/>'
        yield f'<text class="title" x="20" y="32">{escape(self.shown.title)}</text>'
        for i, line in enumerate(self.about):
            yield f'<text class="about" x="20" y="{54 + 18 * i}">{escape(line)}</text>'
        yield f'<g transform="translate(0 {_n(self.top)})">'
        for group in self.shown.groups:
            yield self._frame(group.object, self.placed.groups[group.id], group.title)
        wires = list(zip(self.shown.wires, self.placed.routes, strict=True))
        names = {part.id: part.name for group in self.shown.groups for part in group.parts}
        for wire, route in sorted(wires, key=lambda each: each[0].loop):  # the loop above the rest
            yield self._wire(wire, route, names)
        for group in self.shown.groups:
            for part in group.parts:
                yield from self._part(part, self.placed.nodes[part.id])
        heads = dict.fromkeys((wire.hom.dom, route.points[-1]) for wire, route in wires)
        for object, (x, y) in heads:
            tip = f"M{_n(x - 7)} {_n(y - 3.5)}L{_n(x)} {_n(y)}L{_n(x - 7)} {_n(y + 3.5)}Z"
            yield f'<path class="f-{object}" d="{tip}"/>'
        yield "</g>"
        yield from self._legend()
        yield "</svg>"

    def _description(self) -> str:
        parts = sum(len(group.parts) for group in self.shown.groups)
        return (
            f"{self.shown.about} A task graph of {parts} parts and {len(self.shown.wires)} wires. "
            "One control tick runs from left to right; dashed wires lead into the next tick."
        ).strip()

    def _style(self) -> str:
        used = dict.fromkeys(group.object for group in self.shown.groups)
        base = {
            "text": f"font-family:{_FONT};font-size:{_NAME:g}px",
            ".title": f"font-size:{_TITLE:g}px;font-weight:700",
            ".kind": f"font-size:{_KIND:g}px",
            ".heading": f"font-size:{_HEADING:g}px;font-weight:700;letter-spacing:.03em",
            ".small": "font-size:11px",
            ".wire": "fill:none;stroke-width:1.2;opacity:.6",
            ".loop": "stroke-width:2.6;opacity:1",
            ".late": "stroke-dasharray:6 4",
            ".wire:hover": "stroke-width:4;opacity:1",
            ".frame": "fill-opacity:.45;stroke-width:1.4",
            ".part": "stroke-width:1",
        }
        soft = ".kind,.about,.note"
        light = {".page": "fill:#fff", "text": "fill:#1b1f24", soft: "fill:#57606a"}
        dark = {".page": "fill:#0d1117", "text": "fill:#e6edf3", soft: "fill:#9ba6b2"}
        for object in used:
            stroke, fill, dark_stroke, dark_fill = OBJECT[object].colours
            for rules, line, box in ((light, stroke, fill), (dark, dark_stroke, dark_fill)):
                rules[f".s-{object}"] = f"stroke:{line}"
                rules[f".f-{object}"] = f"fill:{line}"
                rules[f".b-{object}"] = f"fill:{box}"
        at_night = f"@media screen and (prefers-color-scheme:dark){{{_rules(dark)}}}"
        return f"{_rules(base)}{_rules(light)}{at_night}"

    def _frame(self, object: str, box: Rect, title: str) -> str:
        return (
            f'<rect class="frame s-{object} b-{object}" rx="8" {_rect(box)}/>'
            f'<text class="heading f-{object}" x="{_n(box.x + 9)}" y="{_n(box.y + 18)}">'
            f"{escape(title)}</text>"
        )

    def _part(self, part: Shown, box: Rect) -> Iterator[str]:
        said = f"{part.object}.{part.name}" + (f", {part.kind}" if part.kind else "")
        yield f"<g><title>{escape(said)}</title>"
        yield f'<rect class="part s-{part.object} b-{part.object}" rx="4" {_rect(box)}/>'
        first = 15.0 if part.kind else 16.0
        for text, name, y in ((part.name, "name", first), (part.kind, "kind", 29.0)):
            if text:
                at = f'x="{_n(box.x + 8)}" y="{_n(box.y + y)}"'
                yield f'<text class="{name}" {at}>{escape(_cut(text))}</text>'
        yield "</g>"

    def _wire(self, wire: Wire, route: Route, names: dict[str, str]) -> str:
        hom = wire.hom
        said = f"{describe(hom)}: {names[wire.src]} to {names[wire.tgt]}"
        path = path_of(route)
        title = f"<title>{escape(said)}</title>"
        return f'<path class="{_classes(hom, wire.loop)}" d="{path}">{title}</path>'

    def _legend(self) -> Iterator[str]:
        y = self.legend_top
        yield f'<text class="small note" x="20" y="{_n(y)}">{escape(_KEY)}</text>'
        loops = {wire.hom.name for wire in self.shown.wires if wire.loop}
        rows = -(-len(self.shown.legend) // self.per_row)
        for i, hom in enumerate(self.shown.legend):
            x, line = 20 + self.entry * (i // rows), y + 24 + 20 * (i % rows)
            path = f"M{_n(x)} {_n(line - 4)}h34"
            yield f'<path class="{_classes(hom, hom.name in loops)}" d="{path}"/>'
            text = escape(describe(hom))
            yield f'<text class="small" x="{_n(x + 42)}" y="{_n(line)}">{text}</text>'


_KEY = "one tick runs from left to right · thick: the control loop · dashed: into the next tick"


def _rules(rules: Mapping[str, str]) -> str:
    """Rules of a style sheet, each for this drawing alone: a page may hold it."""
    return "".join(
        f"{','.join(f'.{_CLASS} {one}' for one in name.split(','))}{{{what}}}"
        for name, what in rules.items()
    )


def _classes(hom: Arrow, loop: bool) -> str:
    return f"wire s-{hom.dom}" + (" loop" if loop else "") + (" late" if hom.delay else "")


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _rect(box: Rect) -> str:
    x, y, width, height = map(_n, box)
    return f'x="{x}" y="{y}" width="{width}" height="{height}"'


def path_of(route: Route) -> str:
    """The path data of a route."""
    return _track(route.points) if route.back else _curve(route.points)


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """A path that crosses gaps in S-curves and follows lanes in straight lines."""
    path = "M{} {}".format(*map(_n, points[0]))
    for i, ((x, y), (u, v)) in enumerate(pairwise(points)):
        if i % 2:
            path += f"H{_n(u)}"
        else:
            middle = _n((x + u) / 2)
            path += f"C{middle} {_n(y)} {middle} {_n(v)} {_n(u)} {_n(v)}"
    return path


def _track(points: Sequence[tuple[float, float]], radius: float = 6.0) -> str:
    """A path along a track: from it up to the source, along it, and from it up to the target.

    Each piece begins on the track, so that the dashes of wires that share it lie upon each other.
    """
    start, up, right, left, down, end = points
    inner, outer = (right[0] - radius, right[1]), (left[0] + radius, left[1])
    along = f"M{_n(inner[0])} {_n(inner[1])}H{_n(outer[0])}"
    pieces = _polyline((inner, right, up, start)), along, _polyline((outer, left, down, end))
    return "".join(pieces)


def _polyline(points: Sequence[tuple[float, float]], radius: float = 6.0) -> str:
    """A path of horizontal and vertical lines with round corners."""
    path = "M{} {}".format(*map(_n, points[0]))
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        ends: list[tuple[float, float]] = []
        for other in (before, after):
            length = abs(other[0] - at[0]) + abs(other[1] - at[1])
            share = min(radius, length / 2) / length if length else 0.0
            ends.append((at[0] + (other[0] - at[0]) * share, at[1] + (other[1] - at[1]) * share))
        (a, b), (c, d) = ends
        path += f"L{_n(a)} {_n(b)}Q{_n(at[0])} {_n(at[1])} {_n(c)} {_n(d)}"
    return path + "L{} {}".format(*map(_n, points[-1]))

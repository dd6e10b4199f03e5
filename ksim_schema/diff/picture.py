"""A comparison as a picture: the graph of both tasks, layer by layer, with what has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from ksim_schema.acset import sch_task
from ksim_schema.diff.model import TIERS
from ksim_schema.diff.report import MEANING, Comparison, lines, moves
from ksim_schema.drawing.drawing import TITLES, group_of
from ksim_schema.drawing.layout import Link, Rect, layout
from ksim_schema.drawing.page import drawing, page, table
from ksim_schema.drawing.svg import path_of, text_width
from ksim_schema.graph import NEXT, Node
from ksim_schema.graph.canonical import renamed
from ksim_schema.records import dataclass
from ksim_schema.task import SECTIONS
from ksim_schema.vocabulary.objects import OBJECT

WIDTH, WIDEST, HEIGHT, MARGIN = 176.0, 340.0, 36.0, 20
"""Least and largest width of a box, its height, and the left margin of the title; px."""
HEAD = 64
"""Height of the title and the legend; px."""

_FATES = {"+": "born", "-": "died", "~": "changed", "=": "renamed"}

Hop = tuple[Node, Node]

STYLE = """
.ksim-diff{--ink:#1f2328;--soft:#59636e;--paper:#fff;--box:#f6f8fa;--line:#c8d0d9;
--born:#1a7f37;--born-box:#dafbe1;--died:#cf222e;--died-box:#ffebe9;
--changed:#9a6700;--changed-box:#fff8c5;--renamed:#0969da;--renamed-box:#ddf4ff}
@media screen and (prefers-color-scheme:dark){
.ksim-diff{--ink:#e6edf3;--soft:#9198a1;--paper:#0d1117;
--box:#151b23;--line:#3d444d;--born:#3fb950;--born-box:#12261e;--died:#f85149;--died-box:#301b1e;
--changed:#d29922;--changed-box:#2e2a1f;--renamed:#4493f8;--renamed-box:#121d2f}}
.ksim-diff{font:12px system-ui,-apple-system,"Segoe UI",sans-serif}
.ksim-diff .paper{fill:var(--paper)}
.ksim-diff text{fill:var(--ink)}.ksim-diff .soft{fill:var(--soft);font-size:10px}
.ksim-diff .title{font-size:15px;font-weight:600}.ksim-diff .name{font-weight:600}
.ksim-diff rect.part{fill:var(--box);stroke:var(--line)}
.ksim-diff rect.frame{fill:none;stroke:var(--line)}
.ksim-diff path{fill:none;stroke:var(--line);stroke-width:1}
.ksim-diff .born rect.part{fill:var(--born-box);stroke:var(--born);stroke-width:2}
.ksim-diff .died rect.part{fill:var(--died-box);stroke:var(--died);stroke-width:2;
stroke-dasharray:5 3}
.ksim-diff .changed rect.part{fill:var(--changed-box);stroke:var(--changed);stroke-width:2}
.ksim-diff .renamed rect.part{fill:var(--renamed-box);stroke:var(--renamed);stroke-width:2}
.ksim-diff path.born{stroke:var(--born);stroke-width:2}
.ksim-diff path.died{stroke:var(--died);stroke-width:2;stroke-dasharray:5 3}
.ksim-diff .died .name{text-decoration:line-through}
"""


@dataclass(frozen=True)
class Picture:
    """What is drawn: parts with what became of them, and the hops between them."""

    kinds: Mapping[Node, str]
    fates: Mapping[Node, str]
    notes: Mapping[Node, tuple[str, ...]]
    hops: Mapping[Hop, str]


def svg(comparison: Comparison) -> str:
    """The comparison as one SVG image that needs nothing else and suits light and dark pages."""
    picture = _picture(comparison)
    groups = _groups(picture)
    # a hop of the old task may run against one of the new: it does not shape the layers
    links = [Link(str(a), str(b), fate == "died") for (a, b), fate in picture.hops.items()]
    members = {group: list(map(str, nodes)) for group, nodes in groups.items()}
    room = max((_room(picture, node) for node in picture.kinds), default=WIDTH)
    sizes = {node: (room, HEIGHT) for names in members.values() for node in names}
    placed = layout(sizes, links, members)
    summary = comparison.summary()
    longest = max(text_width(comparison.title, 15), 340 + text_width(summary, 10))
    width, height = round(max(placed.width, longest)), round(placed.height) + HEAD
    rows = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ksim-diff" role="img" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<title>{_text(comparison.title)}: {_text(summary)}</title>",
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
        f'<text class="title" x="{MARGIN}" y="26">{_text(comparison.title, 90)}</text>',
        *_legend(summary),
        f'<g transform="translate(0 {HEAD})">',
    ]
    rows += [_frame(group, box) for group, box in placed.groups.items()]
    order = {"": 0, "died": 1, "born": 2}  # what has changed is drawn over what has not
    wires = zip(picture.hops.values(), placed.routes, strict=True)
    for fate, route in sorted(wires, key=lambda wire: order[wire[0]]):
        rows.append(f'<path class="{fate}" d="{path_of(route)}"/>')
    for nodes in groups.values():
        rows += [_box(picture, node, placed.nodes[str(node)]) for node in nodes]
    return "\n".join((*rows, "</g></svg>")) + "\n"


def _room(picture: Picture, node: Node) -> float:
    """Width of a box that holds a part's name and kind, within bounds."""
    texts = text_width(node.name, 12), text_width(picture.kinds[node], 10)
    return min(WIDEST, max(WIDTH, *(18 + width for width in texts)))


def _groups(picture: Picture) -> dict[str, list[Node]]:
    """The parts by group, both in the order of the drawing of a task."""
    groups: dict[str, list[Node]] = {}
    for node in sorted(picture.kinds, key=lambda n: (OBJECT[n.object].drawn, n.name)):
        groups.setdefault(group_of(node), []).append(node)
    return groups


def html(comparisons: Sequence[Comparison]) -> str:
    """A page with the pictures and the changes in tables; it needs nothing else."""
    titles = comparisons[0].title if len(comparisons) == 1 else f"{len(comparisons)} tasks"
    head = "" if len(comparisons) == 1 else f"<h1>{titles} compared</h1>\n"
    body = "".join(differences(c, "h1" if not head else "h2") for c in comparisons)
    return page(f"ksim-diff: {titles}", f"{head}{body}")


def differences(comparison: Comparison, heading: str = "h2") -> str:
    """A comparison as a piece of a page: what it means, the changes by tier, the picture.

    Args:
        comparison: what is shown.
        heading: the tag of its title; "" for none.
    """
    return "".join(_section(comparison, heading))


def _section(comparison: Comparison, heading: str) -> Iterator[str]:
    if heading:
        title = f"{comparison.title}: {comparison.tier or 'equal'}"
        yield f"<{heading}>{escape(title)}</{heading}>\n"
    if comparison.verdict:
        verdict = comparison.verdict
        yield f"<p>{escape(verdict[:1].upper() + verdict[1:])}.</p>\n"
    for tier in TIERS:
        found = list(lines(comparison.diff, tier))
        if not found:
            continue
        why = any(line.why for line in found)
        rows = [
            [
                f'<b class="sign-{_FATES[line.sign]}" title="{_FATES[line.sign]}">{line.sign}</b>',
                *(f"<code>{escape(t)}</code>" for t in line[1:3]),
                *([escape(line.why)] if why else []),
            ]
            for line in found
        ]
        yield f"<h3>{tier}: {escape(MEANING[tier])}</h3>\n{table((), rows, tier, 'words signed')}"
    for title, columns in comparison.maps():
        head = ["part", f"old ({columns.old_size})", f"new ({columns.new_size})", "what happens"]
        rows = [[escape(m.name), old, new, escape(fate)] for m, old, new, fate in moves(columns)]
        yield f"<h3>{title}</h3>\n{table(head, rows, title, 'words')}"
    if comparison.old and comparison.new:
        yield f"<h3>Both graphs</h3>\n{drawing(svg(comparison), f'graphs of {comparison.title}')}"


def _picture(comparison: Comparison) -> Picture:
    diff = comparison.diff
    old = renamed(comparison.old, diff.renames) if comparison.old else comparison.new
    sides = (old, comparison.new)
    kinds: dict[Node, str] = {}
    for data in sides:
        for object in SECTIONS:
            for name, values in data.get(object, {}).items():
                if object != "Trajectory":
                    kinds[Node(object, name)] = str(values.get("kind", ""))
    fates: dict[Node, str] = {}
    notes: dict[Node, list[str]] = {}
    for change in diff.changes:
        node = Node(*map(str, change.place[:2])) if change.subject == "part" else None
        if node is not None and node in kinds:
            fate = change.action if len(change.place) == 2 else "changed"
            fates[node] = fates.get(node, fate) if fate == "renamed" else fate
    for tier in TIERS:
        for line in lines(diff, tier):
            node = Node(*line.place.split(".")[:2]) if line.place.count(".") else None
            if node is not None and node in kinds:
                rest = line.place.split(".", 2)[2:]
                notes.setdefault(node, []).append(f"{'.'.join(rest)} {line.text}".strip())
    first, second = (_hops(data) for data in sides)
    hops = {
        hop: "" if hop in first and hop in second else "born" if hop in second else "died"
        for hop in sorted({*first, *second})
    }
    for node in {end for hop in hops for end in hop}:
        kinds.setdefault(node, "next state" if node.name.endswith(NEXT) else "")
    return Picture(kinds, fates, {n: tuple(v) for n, v in notes.items()}, hops)


def _hops(data: Mapping[str, Any]) -> set[Hop]:
    """The edges within a tick; those through a recorded channel lead from its source."""
    homs = sch_task().homs
    edges = [
        (Node(homs[hom].dom, e["src"]), Node(homs[hom].codom, e["tgt"]))
        for hom, listed in data["morphisms"].items()
        if homs[hom].delay == 0 and hom != "evolve"  # the next state follows the action anyway
        for e in listed
    ]
    sources: dict[Node, list[Node]] = {}
    for a, b in edges:
        if b.object == "Trajectory":
            sources.setdefault(b, []).append(a)
    return {
        (source, b)
        for a, b in edges
        if b.object != "Trajectory"
        for source in (sources.get(a, ()) if a.object == "Trajectory" else (a,))
    }


def _frame(group: str, box: Rect) -> str:
    x, y = round(box.x), round(box.y)
    return (
        f'<rect class="frame" x="{x}" y="{y}" width="{round(box.width)}" '
        f'height="{round(box.height)}" rx="8"/>'
        f'<text class="soft" x="{x + 9}" y="{y + 18}">{_text(TITLES.get(group, group))}</text>'
    )


def _box(picture: Picture, node: Node, box: Rect) -> str:
    fate = picture.fates.get(node, "")
    notes = "".join(f"\n{note}" for note in picture.notes.get(node, ()))
    x, y = round(box.x), round(box.y)
    return (
        f'<g class="{fate}"><title>{_text(f"{node}{notes}")}</title>'
        f'<rect class="part" x="{x}" y="{y}" width="{round(box.width)}" '
        f'height="{round(box.height)}" rx="6"/>'
        f'<text class="name" x="{x + 9}" y="{y + 15}">{_text(node.name, 44)}</text>'
        f'<text class="soft" x="{x + 9}" y="{y + 29}">{_text(picture.kinds[node], 52)}</text></g>'
    )


def _legend(summary: str) -> Iterator[str]:
    x = MARGIN
    for fate in ("born", "died", "changed", "renamed"):
        yield f'<g class="{fate}"><rect class="part" x="{x}" y="38" width="14" height="12" rx="3"/>'
        yield f'<text class="soft" x="{x + 19}" y="48">{fate}</text></g>'
        x += 74
    yield f'<text class="soft" x="{x}" y="48">{_text(summary)}</text>'


def _text(value: str, most: int = 2000) -> str:
    """Text for XML, without characters that XML has not, cut to a length."""
    clean = "".join(c if c.isprintable() or c == "\n" else " " for c in value)
    return escape(clean if len(clean) <= most else clean[: most - 1] + "…")

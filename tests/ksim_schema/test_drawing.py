"""Drawings: everything is there, nothing overlaps or overflows, and odd names break no syntax."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from ksim_schema.acset import sch_task
from ksim_schema.drawing.drawing import (
    LOOP,
    Group,
    Picture,
    Shown,
    Wire,
    dot,
    mermaid,
    picture,
)
from ksim_schema.drawing.layout import Layout, Link, Rect, layout
from ksim_schema.drawing.svg import svg, text_width
from ksim_schema.frontend import check_file
from ksim_schema.vocabulary.objects import OBJECT, OBJECTS

TASKS = sorted((Path(__file__).parents[2] / "tasks").glob("*.yaml"))
SVG = "{http://www.w3.org/2000/svg}"
ODD = Picture(
    'a "b" <c>',
    "ends & begins \\ so",
    (
        Group(
            "g0",
            "PhysicsState",
            "PhysicsState",
            [Shown("n0", "PhysicsState", 'end "x" <b>&amp; [a] `m` |p|', "k{}")],
        ),
        Group("g1", "Observation", "Observation", [Shown("n1", "Observation", "x" * 99, "")]),
    ),
    (Wire(sch_task().homs["observe"], "n0", "n1", True),),
    (sch_task().homs["observe"],),
)


def shown(path: Path) -> Picture:
    checked = check_file(path)
    assert checked.task is not None
    assert checked.graph is not None
    return picture(checked.graph, checked.task.name, checked.task.about)


def overlap(a: Rect, b: Rect) -> bool:
    return (
        a.x < b.x + b.width - 1e-6
        and b.x < a.x + a.width - 1e-6
        and a.y < b.y + b.height - 1e-6
        and b.y < a.y + a.height - 1e-6
    )


def assert_sound(placed: Layout, groups: dict[str, list[str]], links: list[Link]) -> None:
    """The laws of a layout: disjoint groups around their nodes, routes from end to end."""
    assert set(placed.groups) == {group for group, members in groups.items() if members}
    for a, b in combinations(placed.groups.values(), 2):
        assert not overlap(a, b)
    for group, members in groups.items():
        for node in members:
            box, frame = placed.nodes[node], placed.groups[group]
            assert frame.x < box.x < box.x + box.width < frame.x + frame.width
            assert frame.y < box.y < box.y + box.height < frame.y + frame.height
        for a, b in combinations(members, 2):
            assert not overlap(placed.nodes[a], placed.nodes[b])
    for link, route in zip(links, placed.routes, strict=True):
        a, b = placed.nodes[link.src], placed.nodes[link.tgt]
        assert route.points[0] == pytest.approx((a.x + a.width, a.y + a.height / 2))
        assert route.points[-1] == pytest.approx((b.x, b.y + b.height / 2))
        for x, y in route.points:
            assert 0 <= x <= placed.width
            assert 0 <= y <= placed.height
        if not route.back:
            xs = [x for x, _ in route.points]
            assert xs == sorted(xs)
            for i in range(1, len(route.points) - 1, 2):  # a lane touches no group
                (x, y), (u, _) = route.points[i : i + 2]
                lane = Rect(x, y - 1, u - x, 2)
                assert not any(overlap(lane, frame) for frame in placed.groups.values())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_graph_is_laid_out_soundly(data: st.DataObject) -> None:
    nodes = [f"n{i}" for i in range(data.draw(st.integers(1, 14)))]
    groups: dict[str, list[str]] = {}
    for node in nodes:
        groups.setdefault(f"g{data.draw(st.integers(0, 5))}", []).append(node)
    end = st.sampled_from(nodes)
    links = data.draw(st.lists(st.builds(Link, end, end, st.booleans()), max_size=30))
    size = st.tuples(st.floats(10, 200), st.floats(10, 60))
    placed = layout({node: data.draw(size) for node in nodes}, links, groups)
    assert_sound(placed, groups, links)


def test_wires_run_from_left_to_right_where_they_can() -> None:
    sizes = dict.fromkeys("abcd", (40.0, 20.0))
    groups = {name: [name] for name in "abcd"}
    links = [Link("c", "a", back=True), Link("a", "b"), Link("b", "c"), Link("a", "c")]
    links += [Link("d", "c", back=True)]
    placed = layout(sizes, links, groups)
    x = {name: placed.nodes[name].x for name in "abcd"}
    assert x["a"] < x["b"] == x["d"] < x["c"]
    assert [route.back for route in placed.routes] == [True, False, False, False, False]
    assert len(placed.routes[3].points) == 4  # past the layer of b
    assert_sound(placed, groups, links)


def test_a_node_without_a_group_or_size_is_refused() -> None:
    with pytest.raises(ValueError, match="'b' has no group or no size"):
        layout({"a": (1, 1)}, [Link("a", "b")], {"g": ["a"]})
    with pytest.raises(ValueError, match="'a' has no group or no size"):
        layout({"a": (1, 1)}, [], {})


@pytest.mark.parametrize("path", TASKS, ids=lambda p: p.stem)
def test_every_part_and_wire_is_shown(path: Path) -> None:
    drawn = shown(path)
    checked = check_file(path)
    assert checked.graph is not None
    parts = [part for group in drawn.groups for part in group.parts]
    assert len({part.id for part in parts}) == len(parts) == len(checked.graph.nodes)
    assert len(drawn.wires) == len({(e.hom, e.src, e.tgt) for e in checked.graph.edges})
    assert {hom.name for hom in drawn.legend} == {e.hom for e in checked.graph.edges}
    assert {wire.hom.name for wire in drawn.wires if wire.loop} == LOOP
    root = ElementTree.fromstring(svg(drawn))
    assert len(root.findall(f".//{SVG}rect[@class='page']")) == 1
    rects = [r.get("class", "") for r in root.iter(f"{SVG}rect")]
    assert sum(c.startswith("part ") for c in rects) == len(parts)
    assert sum(c.startswith("frame ") for c in rects) == len(drawn.groups)
    wires = [p for p in root.iter(f"{SVG}path") if p.find(f"{SVG}title") is not None]
    assert len(wires) == len(drawn.wires)
    late = sum("late" in p.get("class", "").split() for p in wires)
    assert late == sum(wire.hom.delay > 0 for wire in drawn.wires) > 0


def test_every_object_has_its_colours() -> None:
    assert set(OBJECT) == set(sch_task().objects)
    for colours in zip(*(row.colours for row in OBJECTS), strict=True):
        assert len(set(colours)) == len(colours)


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("object", OBJECT)
def test_headings_can_be_read_on_light_and_dark_pages(object: str) -> None:
    stroke, fill, dark_stroke, dark_fill = OBJECT[object].colours
    assert contrast(stroke, "#ffffff") >= 4.5
    assert contrast(stroke, fill) >= 4.0
    assert contrast(dark_stroke, "#0d1117") >= 4.5
    assert contrast(dark_stroke, dark_fill) >= 4.0


@pytest.mark.parametrize("drawn", [*map(shown, TASKS), ODD], ids=lambda d: d.title)
def test_texts_stay_in_their_boxes(drawn: Picture) -> None:
    root = ElementTree.fromstring(svg(drawn))
    sizes = {"name": 12.0, "kind": 10.0}
    width = float(root.get("width", "0"))
    checked = 0
    for group in root.iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        if rect is None or not rect.get("class", "").startswith("part"):
            continue
        right = float(rect.get("x", "0")) + float(rect.get("width", "0"))
        for text in group.findall(f"{SVG}text"):
            end = float(text.get("x", "0")) + text_width(
                text.text or "", sizes[text.get("class", "")]
            )
            assert end <= right <= width
            checked += 1
    assert checked >= sum(len(group.parts) for group in drawn.groups)
    for text in root.findall(f"{SVG}text"):  # the title and the legend
        size = {"title": 18.0, "about": 12.0}.get(text.get("class", ""), 11.0)
        assert float(text.get("x", "0")) + text_width(text.text or "", size) <= width


def test_an_svg_is_self_contained() -> None:
    text = svg(ODD)
    assert not re.search(r"href|url\(|<script|@import", text)
    assert text.count("http") == 1  # its namespace
    assert "prefers-color-scheme:dark" in text
    assert svg(ODD) == text


def test_odd_names_are_quoted() -> None:
    assert '"end \\"x\\" <b>&amp; [a] `m` |p|\\nk{}"' in dot(ODD)
    chart = mermaid(ODD).split("\n")
    label = next(line for line in chart if line.strip().startswith("n0["))
    match = re.fullmatch(r'    n0\["([^"]*)"\]:::PhysicsState', label)
    assert match is not None
    unescaped = re.sub(r"#(\d+);", lambda m: chr(int(m[1])), match[1].replace("<br/>", "\n"))
    assert unescaped == 'end "x" <b>&amp; [a] `m` |p|\nk{}'


@pytest.mark.parametrize("path", TASKS, ids=lambda p: p.stem)
def test_the_other_drawings_have_every_wire(path: Path) -> None:
    drawn = shown(path)
    arrows = re.findall(r"^  (n\d+) -> (n\d+) \[(.*)\];$", dot(drawn), re.MULTILINE)
    expected = [(wire.src, wire.tgt) for wire in drawn.wires]
    assert [(a, b) for a, b, _ in arrows] == expected
    assert ["dashed" in style for *_, style in arrows] == [w.hom.delay > 0 for w in drawn.wires]
    chart = mermaid(drawn)
    arrows = re.findall(r'^  (n\d+) (-->|==>|-\.->)(?:\|"\w+"\|)? (n\d+)$', chart, re.MULTILINE)
    assert [(a, b) for a, _, b in arrows] == expected
    styled = [int(n) for line in re.findall(r"linkStyle ([\d,]+)", chart) for n in line.split(",")]
    assert sorted(styled) == list(range(len(expected)))


def test_wide_characters_take_two_columns() -> None:
    assert text_width("日本", 10) == text_width("abcd", 10)

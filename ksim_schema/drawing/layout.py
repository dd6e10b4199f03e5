"""Layered layout of a graph whose nodes stand in groups: positions and routes, no drawing.

The steps are those of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical
system structures" (1981), done on the groups: cycles are cut, groups put into layers from left to
right, lanes reserved for wires that pass a layer, groups ordered by barycentres, and heights
settled. A group keeps its nodes in the order given. Lengths are in pixels; y points down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from ksim_schema.records import dataclass


class Link(NamedTuple):
    """An edge between two nodes. One that is ``back`` may run against the layers if it must."""

    src: str
    tgt: str
    back: bool = False


class Rect(NamedTuple):
    """A box by its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float


class Route(NamedTuple):
    """How a link runs: through points, from the right of its source to the left of its target.

    Between the points 0 and 1, 2 and 3, ... it crosses a gap between layers, between 1 and 2,
    3 and 4, ... it follows a lane past a layer. A route that is ``back`` is a polyline instead,
    along a track below all groups.
    """

    points: tuple[tuple[float, float], ...]
    back: bool


@dataclass(frozen=True)
class Layout:
    """Where everything is.

    Attributes:
        nodes: node -> box.
        groups: group -> box around its nodes, heading included.
        routes: one for each link, in order.
        width: of all.
        height: of all.
    """

    nodes: dict[str, Rect]
    groups: dict[str, Rect]
    routes: tuple[Route, ...]
    width: float
    height: float


@dataclass(frozen=True)
class Style:
    """Distances in pixels."""

    heading: float = 28.0
    padding: float = 8.0
    between_nodes: float = 4.0
    between_groups: float = 22.0
    lane: float = 6.0
    gap: float = 64.0
    track: float = 12.0
    margin: float = 16.0


_PULL = 0.25
"""How much the middle of the picture draws, over what all neighbours draw: long chains lie flat."""

Lane = tuple[str, str]
Item = str | Lane
"""What stands in a layer: a group, or the lane of the wires between two groups."""


def layout(
    nodes: Mapping[str, tuple[float, float]],
    edges: Sequence[Link],
    groups: Mapping[str, Sequence[str]],
    style: Style | None = None,
) -> Layout:
    """Place nodes and groups, and route the edges.

    Args:
        nodes: node -> width and height.
        edges: links between nodes.
        groups: group -> its nodes, from top to bottom. Each node is in exactly one group.
        style: distances.

    Raises:
        ValueError: a node without a group, or a link from or to no node.
    """
    group_of = {node: group for group, members in groups.items() for node in members}
    for node in (*nodes, *(end for link in edges for end in link[:2])):
        if node not in group_of or node not in nodes:
            raise ValueError(f"{node!r} has no group or no size")
    return _Placer(nodes, edges, groups, group_of, style or Style()).run()


def _between(edges: Iterable[Link], group_of: Mapping[str, str]) -> dict[Lane, int]:
    """Pairs of groups in the direction of the layers, with the number of links between them.

    Links are taken as long as they close no cycle: first those that must run forward, then those
    that may run back; of each sort the strongest pairs first.
    """
    strength: dict[tuple[bool, str, str], int] = {}
    for link in edges:
        ends = link.back, group_of[link.src], group_of[link.tgt]
        if ends[1] != ends[2]:
            strength[ends] = strength.get(ends, 0) + 1
    after: dict[str, set[str]] = {}
    kept: dict[Lane, int] = {}
    for (_, src, tgt), number in sorted(strength.items(), key=lambda e: (e[0][0], -e[1])):
        if not _reaches(after, tgt, src):
            after.setdefault(src, set()).add(tgt)
            kept[src, tgt] = kept.get((src, tgt), 0) + number
    return kept


def _reaches(after: Mapping[str, set[str]], start: str, goal: str) -> bool:
    seen, frontier = {start}, [start]
    while frontier:
        at = frontier.pop()
        if at == goal:
            return True
        frontier += after.get(at, set()) - seen
        seen |= after.get(at, set())
    return False


def _layers(groups: Iterable[str], pairs: Iterable[Lane]) -> dict[str, int]:
    """The layer of each group: the longest path to it; what has no input stands by its reader."""
    pairs = list(pairs)
    layer = dict.fromkeys(groups, 0)
    for _ in layer:  # a longest path has at most as many steps as there are groups
        for src, tgt in pairs:
            layer[tgt] = max(layer[tgt], layer[src] + 1)
    targets = {tgt for _, tgt in pairs}
    for group in layer:
        readers = [layer[tgt] for src, tgt in pairs if src == group]
        if group not in targets and readers:
            layer[group] = min(readers) - 1
    return layer


class _Placer:
    def __init__(
        self,
        nodes: Mapping[str, tuple[float, float]],
        edges: Sequence[Link],
        groups: Mapping[str, Sequence[str]],
        group_of: Mapping[str, str],
        style: Style,
    ) -> None:
        self.sizes, self.edges, self.group_of, self.style = nodes, edges, group_of, style
        self.members = {group: list(names) for group, names in groups.items() if names}
        self.pairs = _between(edges, group_of)
        self.layer = _layers(self.members, self.pairs)
        count = max(self.layer.values(), default=-1) + 1
        self.columns: list[list[Item]] = [[] for _ in range(count)]
        for group, layer in self.layer.items():
            self.columns[layer].append(group)
        self.hops: list[tuple[Item, Item, int]] = []
        for (src, tgt), strength in self.pairs.items():
            before: Item = src
            for layer in range(self.layer[src] + 1, self.layer[tgt]):
                self.columns[layer].append((src, tgt))
                self.hops.append((before, (src, tgt), strength))
                before = (src, tgt)
            self.hops.append((before, tgt, strength))
        self.centre: dict[tuple[int, Item], float] = {}

    def run(self) -> Layout:
        self._order()
        self._settle()
        tracks = self._tracks()
        lefts, width = self._across(len(tracks))
        frames, boxes = self._boxes(lefts)
        bottom = max((box.y + box.height for box in frames.values()), default=0.0)
        lanes = [c for (_, item), c in self.centre.items() if isinstance(item, tuple)]
        bottom = max([bottom, *lanes])
        rows = {track: bottom + (i + 1.5) * self.style.track for i, track in enumerate(tracks)}
        routes = tuple(self._route(link, boxes, lefts, tracks, rows) for link in self.edges)
        height = max([bottom, *rows.values()]) + self.style.margin
        return Layout(boxes, frames, routes, width, height)

    def _height(self, item: Item) -> float:
        style = self.style
        if isinstance(item, tuple):
            return style.lane
        heights = [self.sizes[node][1] for node in self.members[item]]
        between = style.between_nodes * (len(heights) - 1)
        return style.heading + sum(heights) + between + style.padding

    def _width(self, group: str) -> float:
        return max(self.sizes[node][0] for node in self.members[group]) + 2 * self.style.padding

    def _neighbours(self) -> dict[tuple[int, Item], list[tuple[tuple[int, Item], int]]]:
        """Layer and item -> those that it is wired to in the layers beside it, with strengths."""
        found: dict[tuple[int, Item], list[tuple[tuple[int, Item], int]]] = {}
        for layer, column in enumerate(self.columns):
            for item in column:
                found[layer, item] = []
        for (src, tgt), strength in self.pairs.items():
            first, last = self.layer[src], self.layer[tgt]
            path: list[tuple[int, Item]] = [(first, src)]
            path += [(layer, (src, tgt)) for layer in range(first + 1, last)]
            path.append((last, tgt))
            for before, after in pairwise(path):
                found[before].append((after, strength))
                found[after].append((before, strength))
        return found

    def _order(self) -> None:
        """Order the items of each layer by the mean place of their neighbours in one beside it."""
        near = self._neighbours()
        best, fewest = [list(column) for column in self.columns], self._crossings(near)
        for sweep in range(12):
            layers = range(len(self.columns))
            step = 1 if sweep % 2 == 0 else -1
            for layer in layers if step == 1 else reversed(layers):
                place = {
                    (at, item): (i + 0.5) / len(column)
                    for at, column in enumerate(self.columns)
                    for i, item in enumerate(column)
                }

                def mean(
                    item: Item,
                    layer: int = layer,
                    side: int = layer - step,
                    place: Mapping[tuple[int, Item], float] = place,
                ) -> float:
                    beside = [(place[n], w) for n, w in near[layer, item] if n[0] == side]
                    total = sum(w for _, w in beside)
                    return sum(p * w for p, w in beside) / total if total else place[layer, item]

                self.columns[layer].sort(key=mean)
            crossings = self._crossings(near)
            if crossings < fewest:
                best, fewest = [list(column) for column in self.columns], crossings
        self.columns = best

    def _crossings(
        self, near: Mapping[tuple[int, Item], list[tuple[tuple[int, Item], int]]]
    ) -> int:
        total = 0
        for layer, column in enumerate(self.columns[:-1]):
            place = {item: i for i, item in enumerate(self.columns[layer + 1])}
            wires = [
                (i, place[n[1]], w)
                for i, item in enumerate(column)
                for n, w in near[layer, item]
                if n[0] == layer + 1
            ]
            for k, (a, b, w) in enumerate(wires):
                total += sum(w * v for c, d, v in wires[k + 1 :] if (a - c) * (b - d) < 0)
        return total

    def _settle(self) -> None:
        """The heights: each item as near to its neighbours' as order and distances allow."""
        near = self._neighbours()
        for layer, column in enumerate(self.columns):
            top = 0.0
            for item in column:
                self.centre[layer, item] = top + self._height(item) / 2
                top += self._height(item) + self.style.between_groups
        for sweep in range(10):
            order = list(enumerate(self.columns))
            for layer, column in order if sweep % 2 == 0 else reversed(order):
                wanted: list[float] = []
                axis = sum(self.centre.values()) / len(self.centre)
                for item in column:
                    beside = [(self.centre[n], w) for n, w in near[layer, item]]
                    total = sum(w for _, w in beside)
                    pulled = sum(c * w for c, w in beside) + axis * _PULL * (total or 1)
                    wanted.append(pulled / ((1 + _PULL) * total or _PULL))
                heights = [self._height(item) for item in column]
                for item, centre in zip(
                    column, _apart(wanted, heights, self.style.between_groups), strict=True
                ):
                    self.centre[layer, item] = centre
        tops = [c - self._height(item) / 2 for (_, item), c in self.centre.items()]
        shift = self.style.margin - min(tops, default=0.0)
        self.centre = {at: centre + shift for at, centre in self.centre.items()}

    def _is_back(self, link: Link) -> bool:
        return self.layer[self.group_of[link.src]] >= self.layer[self.group_of[link.tgt]]

    def _tracks(self) -> dict[Lane, int]:
        """The tracks below all groups, the shortest uppermost: pair of groups -> number."""
        pairs = dict.fromkeys(
            (self.group_of[e.src], self.group_of[e.tgt]) for e in self.edges if self._is_back(e)
        )
        spans = {pair: self.layer[pair[0]] - self.layer[pair[1]] for pair in pairs}
        return {pair: i for i, pair in enumerate(sorted(pairs, key=lambda p: spans[p]))}

    def _across(self, tracks: int) -> tuple[list[tuple[float, float]], float]:
        """Left and right of each column, and the width of all."""
        room = tracks * 5.0 + 8.0
        x = self.style.margin + room
        columns: list[tuple[float, float]] = []
        for column in self.columns:
            width = max((self._width(i) for i in column if isinstance(i, str)), default=0.0)
            columns.append((x, x + width))
            x += width + self.style.gap + room
        right = columns[-1][1] if columns else 0.0
        return columns, right + room + self.style.margin

    def _boxes(
        self, columns: Sequence[tuple[float, float]]
    ) -> tuple[dict[str, Rect], dict[str, Rect]]:
        style, frames, boxes = self.style, dict[str, Rect](), dict[str, Rect]()
        for group, layer in self.layer.items():
            left, right = columns[layer]
            top = self.centre[layer, group] - self._height(group) / 2
            frames[group] = Rect(left, top, right - left, self._height(group))
            y = top + style.heading
            for node in self.members[group]:
                height = self.sizes[node][1]
                boxes[node] = Rect(
                    left + style.padding, y, right - left - 2 * style.padding, height
                )
                y += height + style.between_nodes
        return frames, boxes

    def _route(
        self,
        link: Link,
        boxes: Mapping[str, Rect],
        columns: Sequence[tuple[float, float]],
        tracks: Mapping[Lane, int],
        rows: Mapping[Lane, float],
    ) -> Route:
        a, b = boxes[link.src], boxes[link.tgt]
        start = (a.x + a.width, a.y + a.height / 2)
        end = (b.x, b.y + b.height / 2)
        pair = self.group_of[link.src], self.group_of[link.tgt]
        first, last = self.layer[pair[0]], self.layer[pair[1]]
        if self._is_back(link):
            away = 8.0 + 5.0 * tracks[pair]
            right, left, y = columns[first][1] + away, columns[last][0] - away, rows[pair]
            points = (start, (right, start[1]), (right, y), (left, y), (left, end[1]), end)
            return Route(points, True)
        between: list[tuple[float, float]] = []
        for layer in range(first + 1, last):
            y = self.centre[layer, pair]
            between += [(columns[layer][0], y), (columns[layer][1], y)]
        return Route((start, *between, end), False)


def _apart(wanted: Sequence[float], heights: Sequence[float], gap: float) -> list[float]:
    """Centres in order, apart by the gap, nearest to those wanted in the least-squares sense.

    With the distances taken out, this is isotonic regression: pool adjacent violators (Ayer et
    al. 1955).
    """
    offsets: list[float] = []
    at = 0.0
    for i, height in enumerate(heights):
        at += (heights[i - 1] + height) / 2 + gap if i else 0.0
        offsets.append(at)
    blocks: list[tuple[float, int]] = []  # mean of what its members want, and their number
    for want, offset in zip(wanted, offsets, strict=True):
        mean, number = want - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, more = blocks.pop()
            mean, number = (mean * number + other * more) / (number + more), number + more
        blocks.append((mean, number))
    means = [mean for mean, number in blocks for _ in range(number)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]

"""Orders of a directed graph: one that its edges allow, or a cycle that allows none.

The graph is given by what follows each node. Both take time in proportion to its edges and, but
for the order in which nodes are ready, depend on nothing but it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush
from typing import Any, TypeVar

T = TypeVar("T")
Followers = Mapping[T, Iterable[T]]
"""Each node of a graph -> the nodes that edges lead to from it, each once."""


def topological(followers: Followers[T], key: Callable[[T], Any]) -> Iterator[T]:
    """The nodes, each after all from which an edge leads to it.

    Among those that could come next, that with the least key does (Kahn 1962, with a heap).

    Args:
        followers: the graph. The nodes on a cycle, and those behind one, are left out.
        key: what nodes are told apart by: no two have the same.
    """
    missing = Counter(after for named in followers.values() for after in named)
    ready = [(key(node), node) for node in followers if not missing[node]]
    heapify(ready)
    while ready:
        _, node = heappop(ready)
        yield node
        for after in followers[node]:
            missing[after] -= 1
            if not missing[after]:
                heappush(ready, (key(after), after))


def cycle(followers: Followers[T], starts: Iterable[T]) -> list[tuple[T, T]]:
    """The edges of the first cycle that a depth-first search meets, in order; none if none is met.

    Args:
        followers: the graph.
        starts: the nodes to search from, one after the other.
    """
    done: set[T] = set()
    for start in starts:
        path = {start: iter(followers[start])}  # the nodes from the start to where the search is
        while path and start not in done:
            node = next(reversed(path))
            after = next((n for n in path[node] if n not in done), None)
            if after is None:
                done.add(node)
                del path[node]
            elif after in path:
                nodes = list(path)[list(path).index(after) :]
                return list(zip(nodes, [*nodes[1:], after], strict=True))
            else:
                path[after] = iter(followers[after])
    return []

"""Orders of a directed graph: one that its edges allow, or a cycle that allows none.

The algorithms are networkx's. It is imported where there is something for it to do: a check of a
task orders nothing, and whether a graph has a cycle the standard library says as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    import networkx as nx

T = TypeVar("T")
Followers = Mapping[T, Iterable[T]]
"""Each node of a graph -> the nodes that edges lead to from it, each once."""


def topological(followers: Followers[T], key: Callable[[T], Any]) -> list[T]:
    """The nodes, each after all from which an edge leads to it.

    Among those that could come next, that with the least key does.

    Args:
        followers: the graph, without a cycle.
        key: what nodes are told apart by: no two have the same.
    """
    import networkx as nx

    graph = _graph(followers)
    return list(nx.lexicographical_topological_sort(graph, key=key))


def cycle(followers: Followers[T], starts: Iterable[T]) -> list[tuple[T, T]]:
    """The edges of the first cycle that a depth-first search meets, in order; none if none is met.

    Args:
        followers: the graph.
        starts: the nodes to search from, one after the other.
    """
    try:
        TopologicalSorter(followers).prepare()  # backwards, a graph has the same cycles
    except CycleError:
        import networkx as nx

        hops = cast("Any", nx).find_cycle(_graph(followers), list(starts))
        return [(hop[0], hop[1]) for hop in hops]
    return []


def _graph(followers: Followers[T]) -> nx.DiGraph[T]:
    import networkx as nx

    graph: nx.DiGraph[T] = nx.DiGraph()
    graph.add_nodes_from(followers)
    graph.add_edges_from((node, after) for node, named in followers.items() for after in named)
    return graph

"""Orders of graphs, against networkx and by their definition."""

from __future__ import annotations

from typing import Any, cast

import networkx
import pytest
from hypothesis import given, strategies as st

from ksim_schema.graph.order import cycle, topological

GRAPHS = st.integers(1, 9).flatmap(
    lambda n: st.lists(
        st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=3 * n, unique=True
    ).map(lambda edges: (n, edges))
)
"""A number of nodes, and edges between them."""


def made(n: int, edges: list[tuple[int, int]]) -> dict[int, list[int]]:
    """What follows each node."""
    return {node: [to for of, to in edges if of == node] for node in range(n)}


def backwards(node: int) -> int:
    """The last node comes first."""
    return -node


@given(GRAPHS)
def test_as_networkx_orders_them(graph: tuple[int, list[tuple[int, int]]]) -> None:
    n, edges = graph
    theirs: networkx.DiGraph[int] = networkx.DiGraph()
    theirs.add_nodes_from(range(n))
    theirs.add_edges_from(edges)
    loop = cycle(made(n, edges), range(n))
    order = list(topological(made(n, edges), key=backwards))
    if networkx.is_directed_acyclic_graph(theirs):
        assert loop == []
        expected = networkx.lexicographical_topological_sort(theirs, key=backwards)
        assert order == list(expected)
    else:
        assert loop == list(cast("Any", networkx).find_cycle(theirs, range(n)))
        assert len(order) < n


@given(GRAPHS)
def test_a_cycle_is_closed_and_an_order_goes_forwards(
    graph: tuple[int, list[tuple[int, int]]],
) -> None:
    n, edges = graph
    loop = cycle(made(n, edges), range(n))
    assert set(loop) <= set(edges)
    assert [of for of, _ in loop] == [to for _, to in (loop[-1:] + loop[:-1])]
    place = {node: i for i, node in enumerate(topological(made(n, edges), key=lambda node: node))}
    assert bool(loop) == (len(place) < n)
    assert all(place[of] < place[to] for of, to in edges if to in place)


@pytest.mark.parametrize("n", [20_000])
def test_a_long_chain_is_no_deep_recursion(n: int) -> None:
    chain = {node: [node + 1] for node in range(n)} | {n: [0]}
    assert len(cycle(chain, [5])) == n + 1
    del chain[n]
    assert list(topological(chain | {n: []}, key=lambda node: node)) == list(range(n + 1))

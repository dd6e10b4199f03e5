"""Orders of graphs, by their definition."""

from __future__ import annotations

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


@given(GRAPHS)
def test_a_cycle_is_closed_or_an_order_goes_forwards(
    graph: tuple[int, list[tuple[int, int]]],
) -> None:
    n, edges = graph
    loop = cycle(made(n, edges), range(n))
    if loop:
        assert set(loop) <= set(edges)
        assert [of for of, _ in loop] == [to for _, to in (loop[-1:] + loop[:-1])]
        return
    order = topological(made(n, edges), key=lambda node: -node)
    place = {node: index for index, node in enumerate(order)}
    assert set(place) == set(range(n))
    assert all(place[of] < place[to] for of, to in edges)
    for index, node in enumerate(order):  # of those that could come next, the last does
        before = set(order[:index])
        ready = {to for to in place if {of for of, t in edges if t == to} <= before} - before
        assert node == max(ready)


def test_a_long_chain_is_no_deep_recursion() -> None:
    n = 20_000
    chain = {node: [node + 1] for node in range(n)} | {n: [0]}
    assert len(cycle(chain, [5])) == n + 1
    assert topological(chain | {n: []}, key=lambda node: node) == list(range(n + 1))

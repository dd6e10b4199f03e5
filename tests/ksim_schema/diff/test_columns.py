"""Where the columns of networks go."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ksim_schema.diff.columns import Migration, Segment, column_map, obstacles

OLD = [
    Segment("joints", 3, ("hip", "knee", "ankle"), "q"),
    Segment("gyro", 2, meaning="g", scale=0.5),
    Segment("clock", 2, meaning="c"),
]


def test_the_same_is_the_identity() -> None:
    found = column_map(OLD, OLD)
    assert found.is_identity
    assert found.index == tuple(range(7))


def test_columns_go_by_labels_and_parts() -> None:
    new = [
        Segment("clock", 2, meaning="c"),
        Segment("joints", 3, ("ankle", "toe", "hip"), "q"),
        Segment("imu", 2, meaning="g", scale=1.0),
        Segment("feet", 1),
    ]
    found = column_map(OLD, new, {"gyro": "imu"})
    assert found.index == (5, 6, 2, None, 0, 3, 4, None)
    assert found.factor == (1, 1, 1, 1, 1, 2, 2, 1)
    assert found.born == (3, 7)
    assert found.dropped == (1,)


def test_another_meaning_starts_anew() -> None:
    found = column_map(OLD, [Segment("gyro", 2, meaning="h")])
    assert found.index == (None, None)
    assert found.dropped == tuple(range(7))


def test_labels_are_one_for_each_column() -> None:
    with pytest.raises(ValueError, match="labels"):
        Segment("joints", 2, ("hip", "hip"))


@given(st.permutations(OLD), st.lists(st.booleans(), min_size=3, max_size=3))
def test_each_new_column_holds_what_the_old_one_held(order: Any, kept: list[bool]) -> None:
    new = [segment for segment, keep in zip(order, kept, strict=True) if keep]

    def names(segments: list[Segment]) -> list[str]:
        return [f"{s.name}{i}" for s in segments for i in range(s.size)]

    found = column_map(OLD, new)
    assert [names(OLD)[i] for i in found.index if i is not None] == names(new)
    assert len(found.dropped) == 7 - found.new_size


def test_a_network_of_another_size_is_an_obstacle() -> None:
    policy = {"network": {"kind": "mlp", "hidden": [8]}, "distribution": {"kind": "gaussian"}}
    other = {**policy, "network": {"kind": "mlp", "hidden": [9]}}
    same = column_map(OLD, OLD)
    assert obstacles(policy, policy) == ()
    found = obstacles(policy, other)
    assert found == ("network.hidden was [8] and is [9]",)
    assert not Migration(same, same, same, found).possible
    assert "cannot be migrated" in Migration(same, same, same, found).sentence()
    assert not Migration(same, same, same).needed
    assert "the critic starts anew" in Migration(same, same, same, (), found).sentence()

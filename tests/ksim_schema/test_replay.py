"""Event files: how they were recorded, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from ksim_schema.exchange.replay import Origin, ReplayError, check_chain, events, first_difference

ORIGIN = Origin("hop", "ab12", 640, 3, {"velocity.forward": 0.5}, ("PPO.gamma=0.9",))


def recorded(origin: Origin | None = ORIGIN, rewards: tuple[float, float] = (0.5, -1.0)) -> list:
    """Two ticks, the second of which ends in a fall."""
    states = [{"qpos": [0.0]}, {"qpos": [0.25]}, {"qpos": [0.5]}]
    terms = [{"alive": reward} for reward in rewards]
    ends = (("fallen",), [False, True])
    return list(
        events(states, [[0.0]] * 2, rewards, terms, [[], ends[0]], ends[1], ends[1], origin)
    )


def test_the_birth_says_how_it_was_recorded() -> None:
    found = recorded()
    assert Origin.of(found) == ORIGIN
    assert check_chain(found) is None
    assert [event["trit"] for event in found] == [0, 1, -1]
    assert [event["impact"] for event in found] == [0, 0, 1]


def test_replays_part_where_they_differ_and_not_in_where_they_come_from() -> None:
    other = Origin("hop", "cd34", 0, 9)
    assert first_difference(recorded(), recorded(other)) is None
    difference = first_difference(recorded(), recorded(other, (0.5, -2.0)))
    assert difference is not None
    assert (difference.event, difference.field) == (2, "delta.reward.alive")


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "3"},
        {"seed": True},
        {"steps": None},
        {"commands": [1.0]},
        {"commands": {"velocity.forward": "fast"}},
        {"settings": "PPO.gamma=0.9"},
        {"task": 7},
    ],
)
def test_an_origin_that_is_none(change: dict[str, Any]) -> None:
    found = recorded()
    found[0]["origin"] |= change
    with pytest.raises(ReplayError, match="not as one is written"):
        Origin.of(found)
    with pytest.raises(ReplayError, match="has no origin"):
        Origin.of(recorded(None))

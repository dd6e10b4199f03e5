"""Times are whole ticks, to the nearest and halfway cases up."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from ksim_compiler.lowering import timing
from ksim_compiler.plan import clock


@pytest.mark.parametrize(
    ("seconds", "count"),
    [(1.0, 50), (20.0, 1000), (0.008, 0), (0.01, 1), (0.012, 1), (0.03, 2), (0.05, 3), (0.07, 4)],
)
def test_nearest_and_halfway_up(seconds: float, count: int) -> None:
    assert clock.ticks(seconds, 0.02) == count
    assert int(timing.ticks(np.float32(seconds), 0.02)) == count
    drawn = timing.drawn_ticks(jax.random.key(0), (seconds, seconds), 0.02)
    assert int(drawn) == max(count, 1)


def test_draws_stay_within_the_ends() -> None:
    keys = jax.random.split(jax.random.key(1), 4000)
    drawn = jax.vmap(lambda key: timing.drawn_ticks(key, (0.1, 0.2), 0.02))(keys)
    assert set(np.asarray(drawn).tolist()) == {6, 7, 8, 9, 10}

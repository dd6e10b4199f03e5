"""An evaluation ends when its episodes have, and says what one that goes on to the end says."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.learn.run import evaluate as module
from ksim_compiler.learn.run.judge import judge
from ksim_compiler.learn.run.policy import fresh_policy
from ksim_compiler.pipeline import compile_file
from tests.support.runs import TASKS


def scanned(tick: Any, first: tuple, ticks: int) -> Any:
    return jax.lax.scan(tick, first, None, length=ticks)


def counted(loop: tuple, _: None) -> tuple[tuple, dict[str, Any]]:
    """Two episodes, of 3 and of 5 ticks."""
    tick, carry, alive = loop
    row = {"alive": alive, "reward": alive * (tick + 1.0)}
    return (tick + 1, carry + 1.0, alive & (tick + 1 < jnp.array([3, 5]))), row


@pytest.mark.parametrize(("ticks", "ran"), [(9, 5), (4, 4)])
def test_it_ends_with_the_last_episode_or_with_the_ticks(ticks: int, ran: int) -> None:
    first = jnp.int32(0), jnp.zeros(2), jnp.ones(2, bool)
    (count, *_), rows = jax.jit(lambda: module._until_over(counted, first, ticks))()
    _, want = scanned(counted, first, ticks)
    assert int(count) == ran
    for name, row in rows.items():
        assert row.dtype == want[name].dtype
        np.testing.assert_array_equal(row, want[name])


def test_it_says_what_one_that_goes_on_says(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = compile_file(TASKS / "cartpole.yaml").plan
    assert plan is not None
    policy = fresh_policy(plan)  # which lets the pole fall at once
    results = [judge(plan, policy, 8, seed=3, threads=1)]
    monkeypatch.setattr(module, "_until_over", scanned)
    results.append(judge(plan, policy, 8, seed=3, threads=1))
    short, whole = results
    assert short.finished.all()
    assert short.lengths.max() < len(short.alive)
    for name in ("returns", "lengths", "failed", "finished", "alive", "ends", "terms", "tracking"):
        jax.tree.map(np.testing.assert_array_equal, getattr(short, name), getattr(whole, name))
    assert short.summary() == whole.summary()

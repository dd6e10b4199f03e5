"""What a training says of itself."""

from __future__ import annotations

import math

import jax.numpy as jnp

from ksim_compiler.learn.run.evaluate import Evaluation
from ksim_compiler.learn.run.judge import describe
from ksim_compiler.plan import Plan


class Short(Plan):
    """Episodes of at most 50 ticks."""

    @property
    def longest_episode(self) -> int:
        return 50


def test_an_evaluation_in_a_line() -> None:
    def line(lengths: list[int], error: float) -> str:
        count = len(lengths)
        result = Evaluation(
            returns=jnp.full(count, 2.0),
            lengths=jnp.array(lengths),
            failed=jnp.array([n < 50 for n in lengths]),
            finished=jnp.ones(count, bool),
            terms={},
            alive=jnp.ones((50, count), bool),
            watched={},
            measures={},
            tracking={"velocity.turn": error},
        )
        return describe(result, object.__new__(Short))

    both = line([50, 25], 0.25)
    assert both.startswith("evaluation over 2 episodes: return 2, length 37.5 of 50 ticks (75%)")
    assert both.endswith("50% failed, velocity.turn off by 0.250")
    # no episode lasted until an error could be measured: it is left out, and not "nan"
    short = line([10], math.nan)
    assert short.startswith("evaluation over 1 episode: ")
    assert short.endswith("100% failed")

"""The same task on native MuJoCo and on MJX, from the same states with the same actions."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ksim_compiler.env import Env
from ksim_compiler.plan import Plan

SENSED = 2e-3
"""How far what is sensed or rewarded may be from what native MuJoCo gives, of its largest value."""
MOVED = {"qpos": 1e-4, "qvel": 1e-3}
"""The same of positions (m, rad, and of what is larger than 1 a share) and velocities."""


def agree(plan: Plan, ticks: int = 2, then: int = 0, seed: int = 0) -> Env:
    """Both engines start alike and stay alike for some ticks; MJX goes on, and stays finite.

    Where a tick amplifies the rounding of float32, as a stiff contact does, a task is followed for
    two ticks. Returns the environment on MJX.

    Args:
        plan: the task.
        ticks: how many ticks both are followed.
        then: how many ticks MJX goes on, with automatic resets.
        seed: of starts and actions.
    """
    mjx, native = Env(plan, "mjx", envs=2), Env(plan, "native", envs=2, threads=1)
    functions = [(e.params, jax.jit(e.init), jax.jit(e.step)) for e in (mjx, native)]
    states = [init(params, jax.random.key(seed)) for params, init, _ in functions]
    _same(*states, "at the start")
    random = np.random.default_rng(seed)
    for tick in range(ticks + then):
        action = jnp.asarray(random.uniform(-1, 1, (2, plan.action_size)), jnp.float32)
        followed = functions if tick < ticks else functions[:1]
        outs = [step(p, s, action) for (p, _, step), s in zip(followed, states, strict=False)]
        states = [state for state, _ in outs]
        out = outs[0][1]
        for name, value in (("reward", out.reward), ("input", states[0].policy_input)):
            assert np.isfinite(value).all(), f"tick {tick}: {name}"
        assert not np.asarray(out.terminations["non_finite"]).any(), f"tick {tick}"
        if tick < ticks:
            _same(*states, f"tick {tick}")
            for name, term in out.reward_terms.items():
                _near(term, outs[1][1].reward_terms[name], SENSED, f"tick {tick}: {name}")
            np.testing.assert_array_equal(out.failure, outs[1][1].failure)
    return mjx


def _same(mjx: Any, native: Any, when: str) -> None:
    for name, value in native.world.items():
        _near(mjx.world[name], value, MOVED.get(name, SENSED), f"{when}: {name}")
    for name in ("policy_input", "critic_input"):
        _near(getattr(mjx, name), getattr(native, name), SENSED, f"{when}: {name}")


def _near(mjx: Any, native: Any, tolerance: float, what: str) -> None:
    scale = max(1.0, float(np.abs(native).max(initial=0.0)))
    np.testing.assert_allclose(mjx, native, rtol=0, atol=tolerance * scale, err_msg=what)

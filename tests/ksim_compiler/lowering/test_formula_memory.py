"""What formulas remember from tick to tick, in an environment's own ticks."""

from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from tests.ksim_compiler.lowering.rewarding import diagnosed


def test_previous_is_what_was_measured_a_tick_before() -> None:
    texts = {
        "speed": "(body.torso.x - previous(body.torso.x)) / (20*ms) / (1*m/s)",
        "place": "body.torso.x / m",
        "before": "previous(body.torso.x) / m",
        "still": "previous(norm(body.torso)) / m",
        "in_time": "30*ms < time < 50*ms and base.height > previous(0 * base.height)",
        "since": "ever(30*ms < time < 50*ms and base.height > previous(0 * base.height))",
    }
    rewards = {name: {"kind": "formula", "expression": text} for name, text in texts.items()}
    plan, _, report = diagnosed(json.dumps(rewards))
    assert plan is not None, report
    env = Env(plan, "native", envs=2)
    step = jax.jit(lambda state: env.step(env.params, state, 0.3 * jnp.ones((2, plan.action_size))))
    state = env.init(env.params, jax.random.key(0))
    data = mujoco.MjData(plan.robot.model)
    data.qpos[:] = plan.robot.facts.home
    mujoco.mj_forward(plan.robot.model, data)
    home = data.body("torso").xpos
    state, out = step(state)
    assert out.reward_terms["before"] == pytest.approx(home[0], abs=1e-6)
    assert out.reward_terms["still"] == pytest.approx(np.linalg.norm(home), rel=1e-6)
    held = []
    for _ in range(4):
        before = out.reward_terms
        state, out = step(state)
        now = out.reward_terms
        assert now["before"] == pytest.approx(before["place"], abs=0.0)
        moved = np.asarray(now["place"] - before["place"]) / 0.02
        assert now["speed"] == pytest.approx(moved, rel=1e-4, abs=1e-6)
        held.append((float(now["in_time"][0]), float(now["since"][0])))
    assert held == [(1, 1), (0, 1), (0, 1), (0, 1)]
    assert abs(moved[0]) > 0.01

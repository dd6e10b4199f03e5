"""Rewards in an environment and in the language: terms, signs, what is refused."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_schema.vocabulary import KINDS
from ksim_schema.vocabulary.reward import Rest, Reward
from tests.ksim_compiler.lowering.rewarding import Scene, diagnosed


def test_each_component_is_a_term_of_its_own() -> None:
    scene = Scene(
        """
        posture: {kind: upright, scale: 2}
        effort: {kind: torque_penalty, scale: 1.0e-4}
        life: {kind: stay_alive, scale: 3, per_second: true}
        """
    )
    env = Env(scene.plan, "native", envs=2)
    terms = ("effort", "life", "posture.angvel", "posture.linvel", "posture.pose")
    assert env.reward_names == terms
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    _, out = jax.jit(env.step)(env.params, state, jnp.full((2, env.action_size), 0.3))
    assert tuple(sorted(out.reward_terms)) == terms
    np.testing.assert_allclose(out.reward, sum(out.reward_terms.values()), rtol=1e-6)
    assert (out.reward_terms["effort"] < 0).all()  # a penalty is subtracted
    np.testing.assert_allclose(out.reward_terms["life"], 3 * 0.02, rtol=1e-6)
    assert (out.reward_terms["posture.pose"] > 1.9).all()


def test_every_reward_says_its_formula() -> None:
    for kind, part in KINDS["Reward"].items():
        assert issubclass(part, Reward)
        assert part.__doc__, kind
        assert ("(subtracted)" in part.__doc__) == part.penalty, kind


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        ("{kind: base_height}", "exactly one of height and command must be given, but 0 are"),
        ("{kind: feet_slip, geoms: [foot_left]}", "exactly one of velocity and sites and bodies"),
        ("{kind: feet_air_time}", "exactly one of contact and geoms must be given"),
        (
            "{kind: feet_air_time, geoms: [foot_left], target: 0.4 s, longest: 0.3 s}",
            "in the air for the longest time that counts is no good one",
        ),
        ("{kind: joint_deviation, targets: [1 rad, 2 rad]}", "'targets' has 2 values for 1"),
        ("{kind: motionless_at_rest, rest: {turn: -1 rad/s}}", "the lower end comes first"),
        ("{kind: angular_velocity, command: motion}", "the command 'motion' has no 'turn'"),
        ("{kind: sinusoidal_gait, sites: [sole_left], command: height, max_height: 1 m}", "foot 0"),
        ("{kind: flat_body, bodies: [foot]}", "unknown body 'foot'"),
        ("{kind: undesired_contacts, geoms: [nothing_.*]}", "'nothing_.*' matches no geom"),
    ],
)
def test_what_is_refused(reward: str, message: str) -> None:
    plan, _, report = diagnosed(f"bad: {reward}")
    assert plan is None
    assert message in report


def test_one_turning_rate_stands_for_both_sides() -> None:
    rest = Rest.model_validate({"turn": "0.5 rad/s"})
    assert rest.turn == (-0.5, 0.5)
    assert Rest.model_validate({"turn": tuple(rest.model_dump()["turn"])}) == rest
    assert Rest.model_validate({"turn": ("-9 rad/s", "1 rad/s")}).turn == (-9, 1)

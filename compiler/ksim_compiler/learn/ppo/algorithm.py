"""PPO as the run of a training asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Array, Key

from ksim_compiler.env.across import ALONE, Across, alike, by_rows
from ksim_compiler.learn.learner import Chart, Env, EnvState, Metrics, Params, Replay, W
from ksim_compiler.learn.ppo.numbers import numbers, with_numbers
from ksim_compiler.learn.ppo.train_step import Collected, collect, init_state, learn, rollout
from ksim_compiler.learn.ppo.types import TrainState
from ksim_schema.vocabulary.actor_critic import Actor, ValueCritic
from ksim_schema.vocabulary.learner import Learner
from ksim_schema.vocabulary.learner.ppo import PPO

CHARTS = (
    Chart("losses", {"policy": "loss/policy", "value": "loss/value"}),
    Chart("KL divergence of an update", {"kl": "loss/kl"}, "nats"),
    Chart("learning rate", {"rate": "policy/learning_rate"}),
    Chart("discount", {"gamma": "value/gamma"}, zero=False, varying=True),
    Chart("action std", {"std": "policy/std"}),
    Chart("explained variance", {"explained": "value/explained"}, zero=False),
)


@dataclass(frozen=True)
class Ppo:
    """The algorithm on a batch of environments."""

    env: Env[EnvState]
    ppo: PPO
    actor: Actor
    critic: ValueCritic
    across: Across = ALONE

    @property
    def numbers(self) -> Params:
        """Its runtime parameters, which those of the environments stand beside."""
        return {PPO.section: numbers(self.ppo)}

    def init(self, params: Params, key: Key[Array, ""]) -> TrainState:
        """As :func:`init_state`."""
        ppo = with_numbers(self.ppo, params)
        return init_state(self.env, params, self.actor, self.critic, ppo, key)

    def collect(self, params: Params, state: TrainState) -> Collected:
        """As :func:`collect`."""
        return collect(self.env, self.ppo, params, state, self.across)

    def learn(
        self, params: Params, state: TrainState, collected: Collected
    ) -> tuple[TrainState, Metrics]:
        """As :func:`learn`."""
        ppo = with_numbers(self.ppo, params)
        return learn(self.env, ppo, state, collected, self.across)

    def lies(self, state: TrainState) -> TrainState:
        """As :meth:`Spread.lies`."""
        batch = ("env", "carry", "start", "episodes")
        return alike(state)._replace(**{name: by_rows(getattr(state, name)) for name in batch})

    def collected_lies(self, collected: Collected) -> Collected:
        """As :meth:`Spread.collected_lies`."""
        return by_rows(collected)._replace(ticks=by_rows(collected.ticks, axis=1))

    def replay(
        self, params: Params, state: TrainState, watch: Callable[[EnvState], W]
    ) -> tuple[Replay, W, EnvState]:
        """The rollout of :func:`collect`."""
        after, _, _, ticks, watched = rollout(self.env, self.ppo, params, state, watch, self.across)
        replay = Replay(
            policy_input=ticks.policy_input,
            critic_input=ticks.critic_input,
            start=ticks.start,
            action=state.networks.actor.head(ticks.output).action(ticks.latent),
            step=ticks.step,
        )
        return replay, watched, after


def build(
    env: Env[EnvState],
    learner: Learner,
    actor: Actor,
    critic: ValueCritic | None,
    across: Across = ALONE,
) -> Ppo:
    """PPO on a batch of environments."""
    assert isinstance(learner, PPO)
    assert critic is not None
    return Ppo(env, learner, actor, critic, across)

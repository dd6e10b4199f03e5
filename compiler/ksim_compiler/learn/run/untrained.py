"""Policies that have learned nothing: what a task is like before it is trained."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Float

from ksim_compiler.learn.nets.actor_critic import Actor
from ksim_compiler.learn.nets.networks import Net
from ksim_compiler.learn.nets.onnx_graph import NoGraph
from ksim_compiler.learn.run.policy import Policy, fresh_policy
from ksim_compiler.lowering.context import name_key
from ksim_compiler.plan import Plan


class Draws(Net):
    """Stands where a network stands: normal numbers, whatever is read.

    Attributes:
        size: how many.
        std: their standard deviation; 0 for zeros.
        seed: of the draws. What it remembers is the key of the next one.
    """

    size: int = eqx.field(static=True)
    std: float = eqx.field(static=True)
    seed: int = eqx.field(static=True)

    def axes(self) -> Any:
        """It has no arrays."""
        return self

    def __call__(self, x: Float[Array, "*batch inputs"], carry: Any) -> tuple[Any, Any]:
        """The next draw."""
        carry, key = jax.random.split(carry)
        return self.std * jax.random.normal(key, (*x.shape[:-1], self.size)), carry

    def emit(self, g: Any, x: str, carry: Any) -> tuple[str, Any]:
        """It draws anew each time, which no graph does.

        Raises:
            NoGraph: always.
        """
        raise NoGraph("random actions have no graph")

    def initial_carry(self, *batch: int) -> Any:
        """The key of the first draw."""
        return name_key(jax.random.key(self.seed), "untrained")


class UntrainedActor(Actor):
    """Its actions are what its network draws."""

    def mode(
        self,
        normalizer: object,
        policy_input: Float[Array, "envs inputs"],
        carry: Any,
        start: Float[Array, " envs"],
    ) -> tuple[Float[Array, "envs actions"], Any]:
        """As that of :class:`Actor`; the next episode goes on with other draws."""
        return self.network(policy_input, carry)


def untrained(plan: Plan, std: float, seed: int = 0) -> Policy:
    """A policy that has learned nothing.

    Args:
        plan: the task.
        std: standard deviation of its actions; 0 for zero ones.
        seed: of its draws.
    """
    head = fresh_policy(plan).actor.head
    return Policy(UntrainedActor(Draws(plan.action_size, std, seed), head), None, 0)

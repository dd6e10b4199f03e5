"""Actor and critic: networks with what their outputs are."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array, Float, Key

from ksim_compiler.learn.nets.distributions import ActionDistribution, Head
from ksim_compiler.learn.nets.image import Images
from ksim_compiler.learn.nets.networks import Net, NetCarry, build_network, forgotten
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_compiler.plan import Reflection
from ksim_schema.robot.mirror import signs
from ksim_schema.vocabulary.distributions import Distribution
from ksim_schema.vocabulary.networks import Network

POLICY_GAIN = 0.01
"""Gain of the policy's last layer: the first actions are those of the distribution's centre."""
VALUE_GAIN = 1.0


class Actor(eqx.Module):
    """A policy: the network's outputs are the parameters of the distribution."""

    network: Net
    head: Head

    def __call__(
        self, x: Float[Array, "*batch inputs"], carry: NetCarry
    ) -> tuple[ActionDistribution, NetCarry]:
        output, carry = self.network(x, carry)
        return self.head(output), carry

    def mode(
        self,
        normalizer: Normalizer | None,
        policy_input: Float[Array, "envs inputs"],
        carry: NetCarry,
        start: Float[Array, " envs"],
    ) -> tuple[Float[Array, "envs actions"], NetCarry]:
        """What it does when it does not explore, and its memory after.

        Args:
            normalizer: of its input.
            policy_input: as the environments give it.
            carry: its memory.
            start: 1.0 where an episode begins with this tick, so that the memory is forgotten.
        """
        carry = forgotten(carry, start)
        seen = policy_input if normalizer is None else normalizer(policy_input)
        distribution, carry = self(seen, carry)
        return distribution.mode(), carry


class Critic(eqx.Module):
    """A value function."""

    network: Net

    def __call__(
        self, x: Float[Array, "*batch inputs"], carry: NetCarry
    ) -> tuple[Float[Array, "*batch"], NetCarry]:
        value, carry = self.network(x, carry)
        return value[..., 0], carry

    def run(
        self, x: Float[Array, "*batch inputs"], carry: NetCarry, start: Float[Array, "*batch"]
    ) -> Float[Array, "*batch"]:
        """Values over a sequence."""
        return self.network.run(x, carry, start)[..., 0]


def build_actor(
    network: Network,
    distribution: Distribution,
    inputs: int,
    actions: int,
    key: Key[Array, ""],
    reflection: Reflection | None = None,
) -> Actor:
    """A fresh policy that reads ``inputs`` numbers and sets ``actions`` of them.

    Args:
        network, distribution: the declared ones.
        inputs, actions: how many numbers it reads and sets.
        key: of the weights.
        reflection: the mirror, which a symmetric network needs.
    """
    if not network.mirrored:
        reflection = None
    head = Head.build(distribution, actions, reflection and reflection.action)
    images = reflection and Images(reflection.policy, head.image)
    size = head.output_size
    return Actor(build_network(network, inputs, size, key, POLICY_GAIN, images), head)


def build_critic(
    network: Network, inputs: int, key: Key[Array, ""], reflection: Reflection | None = None
) -> Critic:
    """A fresh value function that reads ``inputs`` numbers; the rest as for the policy.

    A state is worth as much as its mirror image.
    """
    images = reflection and Images(reflection.critic, signs(1.0))
    return Critic(build_network(network, inputs, 1, key, VALUE_GAIN, images))

"""Policy and critic: what they read, what they set and the networks they are."""

from typing import Annotated, Literal

from pydantic import Field

from ksim_schema.vocabulary.base import Model, Names, Part, Wire
from ksim_schema.vocabulary.distributions import AnyDistribution
from ksim_schema.vocabulary.distributions.gaussian import Gaussian
from ksim_schema.vocabulary.networks import AnyNetwork
from ksim_schema.vocabulary.networks.mlp import Mlp


class Actor(Part):
    """A stochastic policy. Its input is the noisy observations and the commands, in order."""

    object = "Policy"
    kind: Literal["actor"] = "actor"
    act: Annotated[Names, Wire("act")] = Field(
        default=(),
        description="The actions it sets, in this order; the task's only one by default.",
    )
    read: Annotated[Names, Wire("read")] = Field(
        default=(), description="Observations it reads, with their noise, in this order."
    )
    obey: Annotated[Names, Wire("obey")] = Field(
        default=(), description="Commands it is told, after the observations."
    )
    network: AnyNetwork = Field(default=Mlp(), description="The network.")
    distribution: AnyDistribution = Field(
        default=Gaussian(), description="Distribution of the actions."
    )


class Judge(Model):
    """What the critic reads: clean observations, noisy ones, commands; in this order."""

    clean: Annotated[Names, Wire("judge")] = Field(
        default=(), description="Observations without noise."
    )
    noisy: Annotated[Names, Wire("judge")] = Field(
        default=(), description="Observations as the policy sees them."
    )
    obey: Annotated[Names, Wire("weigh")] = Field(default=(), description="Commands.")


class ValueCritic(Part):
    """A value function for training."""

    object = "Critic"
    kind: Literal["critic"] = "critic"
    judge: Judge = Field(description="What it reads.")
    network: AnyNetwork = Field(default=Mlp(), description="The network.")

"""Rewards of how an episode goes on and ends."""

from typing import Annotated, Literal

from annotated_types import Gt
from pydantic import Field

from ksim_schema.units import Number
from ksim_schema.vocabulary.reward.base import Reward


class StayAlive(Reward):
    """1 at each tick that does not end in a failure, 0 at one that does.

    With ``balance``, as in ksim's StayAliveReward: ``1 / balance`` at each tick, -1 at one that
    ends in a failure, so that a larger balance makes a failure weigh more.
    """

    kind: Literal["stay_alive"] = "stay_alive"
    channels = ("termination",)
    balance: Annotated[Number, Gt(0)] | None = Field(
        default=None, description="How many ticks of life a failure costs, and more."
    )
    success: Number | None = Field(
        default=None, description="Value at a time-out; that of any other tick by default."
    )


class TerminationPenalty(Reward):
    """1 at a tick that ends in a failure (subtracted)."""

    kind: Literal["termination"] = "termination"
    channels = ("termination",)
    penalty = True

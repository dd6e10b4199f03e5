"""A reward that nobody has: as its author would declare it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ksim_schema.vocabulary.base import JointPattern
from ksim_schema.vocabulary.reward.base import Reward


class JointSpread(Reward):
    """The largest position of some joints minus their smallest, in rad."""

    kind: Literal["joint_spread"] = "joint_spread"
    joints: JointPattern = Field(default=(".*",), description="Names or patterns of hinges.")

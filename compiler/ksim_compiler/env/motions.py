"""The recorded motions of a task: where they begin in an episode, are, and fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxtyping import Array, Float, Key

from ksim_compiler.lowering import motion as motions
from ksim_compiler.lowering.command import Memory
from ksim_compiler.lowering.context import Context, name_key
from ksim_compiler.lowering.following import Followed, followed
from ksim_compiler.lowering.motion import Seen, Tally
from ksim_compiler.motion.library import library
from ksim_compiler.plan import Plan
from ksim_schema.vocabulary.command.clips import Motion

BEGINNINGS = "Beginnings"
"""The memory of where recorded motions fail, which goes on from episode to episode."""
Odds = Mapping[str, Float[Array, " bins"]]
"""Command -> how likely an episode is to begin in each stretch of its clips."""


class Recorded:
    """The commands of kind ``motion`` of a task.

    Attributes:
        libraries: command -> its clips.
    """

    def __init__(self, plan: Plan, commands: Mapping[str, Any]) -> None:
        robot = plan.robot
        self.libraries = {
            name: library(
                part, plan.clips[name], robot.facts, robot.model, plan.period, robot.mirror
            )
            for name, part in commands.items()
            if isinstance(part, Motion)
        }

    def __bool__(self) -> bool:
        return bool(self.libraries)

    def odds(self, commands: Mapping[str, Any], tallies: Mapping[str, Tally]) -> Odds:
        """Where episodes begin.

        Args:
            commands: the commands, with their numbers.
            tallies: the mean of what all environments have counted.
        """
        return {
            name: motions.odds(commands[name], clips, tallies[name])
            for name, clips in self.libraries.items()
        }

    def fresh(self) -> dict[str, Tally]:
        """What an environment has counted before anything has happened."""
        return {name: motions.no_tally(clips) for name, clips in self.libraries.items()}

    def begun(
        self, commands: Mapping[str, Any], key: Key[Array, ""], odds: Odds
    ) -> dict[str, Seen]:
        """Where each motion begins in an episode: with one key the same for resets and commands."""
        found: dict[str, Seen] = {}
        for name, clips in self.libraries.items():
            own = name_key(key, f"Motion.{name}")
            found[name] = Seen(clips, motions.begun(commands[name], clips, own, odds[name]))
        return found

    def at(self, told: Mapping[str, Memory]) -> dict[str, Seen]:
        """Where each motion is, as the policy is told."""
        return {name: Seen(clips, told[name].state) for name, clips in self.libraries.items()}

    def followed(self, x: Context) -> dict[str, Followed]:
        """How the motion of each command is followed in a tick."""
        return {name: followed(x, name) for name in self.libraries}

    def counted(
        self, seen: Mapping[str, Seen], tallies: Mapping[str, Tally], failure: Any
    ) -> dict[str, Tally]:
        """What an environment has counted after a tick."""
        return {name: motions.tallied(seen[name], tallies[name], failure) for name in seen}

"""What the rules of each schema object see of one environment."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
from jaxtyping import Array, Bool, Float, Int, Key

from ksim_schema.robot import Joint, RobotFacts, Sensor, SensorRequest, file_key

World = Mapping[str, Any]
"""MjData field -> array of one environment."""


@dataclass(frozen=True)
class Context:
    """One environment at one moment.

    Attributes:
        robot: names, indices and limits.
        world: the MjData fields that the task reads.
        time: seconds since the episode began.
        period: the control period in seconds.
        level: the curriculum's level in [0, 1]; of several curricula, that of each, by name. For
            the rule of a curriculum its own.
        key: random key of this part, environment and tick.
        action: the action of this tick (for an observation: of the last one); for the rule of an
            action, its own elements.
        previous_action: the action of the tick before.
        places: name of an action -> its stretch of ``action``.
        commands: name -> value, as the policy was told before the action (for an observation: as
            it is told next).
        labels: name of a command -> what each of its elements is called.
        frames: name of a command that tells a pose -> the body in whose frame, "" for the world.
        observations: name -> what the observation measures of ``world``, flat, in its own unit:
            without noise, bias, delay, lag, clip, scale and history. Those that a reward, a
            termination or a curriculum names.
        drawn: name of a randomizer that is observed -> what it drew, flat.
        motions: name of a command of a recorded motion -> its clips, and where it is.
        motion: for the rule of such a command, where its episode begins.
        failure: whether the tick ended in a failure.
        total: the sum of the other rewards, for one that is about it.
        done: whether it ended the episode, by a failure, a time limit, or because the training
            cut it off.
        followed: for the rule of a reset, the level of the curriculum that it follows, if any.
        limit: seconds after which a time limit ends each episode; inf without one.
        column: the column of the terrain's grid that is this environment's.
        whole: whether the episode that ended counts for a curriculum. One that the training cut
            off early, to stagger the environments, had no chance to succeed or to fail.
    """

    robot: RobotFacts
    world: World
    time: Float[Array, ""]
    period: float
    level: Any
    key: Key[Array, ""]
    action: Float[Array, " actions"]
    previous_action: Float[Array, " outputs"] | None = None
    places: Mapping[str, slice] = field(default_factory=lambda: {})
    commands: Mapping[str, Float[Array, "..."]] = field(default_factory=lambda: {})
    observations: Mapping[str, Float[Array, "..."]] = field(default_factory=lambda: {})
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {})
    frames: Mapping[str, str] = field(default_factory=lambda: {})
    drawn: Mapping[str, Float[Array, " numbers"]] = field(default_factory=lambda: {})
    motions: Mapping[str, Any] = field(default_factory=lambda: {})
    motion: Any = None
    failure: Bool[Array, ""] | None = None
    total: Float[Array, ""] | None = None
    done: Bool[Array, ""] | None = None
    whole: Bool[Array, ""] | None = None
    followed: Float[Array, ""] | None = None
    limit: float = math.inf
    column: Int[Array, ""] | int = 0

    def sensor(self, request: SensorRequest | str) -> Float[Array, " size"]:
        """The output of a sensor."""
        sensor: Sensor = self.robot.sensor(request)
        return self.world["sensordata"][sensor.address : sensor.address + sensor.size]

    def file(self, name: str) -> bytes:
        """The content of a file beside the task that a part names in a field of its own."""
        return self.robot.files[file_key(name)]

    def command(self, name: str, *labels: str) -> Float[Array, " elements"]:
        """The elements of a command with these labels, in their order."""
        known = self.labels[name]
        return self.commands[name][_indices(tuple(known.index(label) for label in labels))]

    def joint_positions(self, joints: tuple[Joint, ...]) -> Float[Array, " joints"]:
        """Coordinates of hinges and slides, rad or m."""
        return self.world["qpos"][_indices(tuple(j.qpos for j in joints))]

    def joint_velocities(self, joints: tuple[Joint, ...]) -> Float[Array, " joints"]:
        """Velocities of hinges and slides, rad/s or m/s."""
        return self.world["qvel"][_indices(tuple(j.dof for j in joints))]

    def joint_accelerations(self, joints: tuple[Joint, ...]) -> Float[Array, " joints"]:
        """Accelerations of hinges and slides in the last physics step, rad/s^2 or m/s^2."""
        return self.world["qacc"][_indices(tuple(j.dof for j in joints))]

    def joint_torques(self, joints: tuple[Joint, ...]) -> Float[Array, " joints"]:
        """What all actuators together put on hinges and slides, N*m or N."""
        return self.world["qfrc_actuator"][_indices(tuple(j.dof for j in joints))]


def _indices(values: tuple[int, ...]) -> Any:
    """A slice where the indices are contiguous (cheaper than a gather), else an array."""
    start = values[0]
    if values == tuple(range(start, start + len(values))):
        return slice(start, start + len(values))
    return jax.numpy.asarray(values)


def name_key(key: Key[Array, ""], name: str) -> Key[Array, ""]:
    """A random key that depends on a name, so that no part's draws depend on another part."""
    return jax.random.fold_in(key, zlib.crc32(name.encode()))

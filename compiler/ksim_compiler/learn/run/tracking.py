"""How well a floating base follows the velocities it is told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, TypeVar

import jax
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float

from ksim_compiler.env import Env, EnvState
from ksim_compiler.lowering import geometry
from ksim_compiler.plan.clock import ticks
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.reward.base import velocity_of

S = TypeVar("S")

WINDOW = 2.0
"""Seconds over which a velocity is averaged before it is compared: about two strides, so that the
sway of a gait does not count. The first window, in which a robot gets going, is left out."""

Watched: TypeAlias = dict[str, tuple[Float[Array, "*ticks envs"], Float[Array, "*ticks envs"]]]
"""Name of a velocity -> what was told and what was measured."""
Watch: TypeAlias = Callable[[S, S], Watched]
"""The states before and after a tick -> what is kept of it."""


def watch(env: Env) -> Watch[EnvState]:
    """What :func:`errors` needs of each tick: the told and the measured velocities, by name.

    The names are ``<command>.<element>``; the elements are forward and sideways (m/s, along the
    heading) and turn (rad/s, about the vertical). Of a base that does not float they are those
    that a reward reads; without one there are none.
    """
    base, names = env.robot.base, _names(env)
    sensors = [env.robot.sensors.get(request.name) for request in velocity_of(env.robot.root)]

    def measure(before: EnvState, after: EnvState) -> Watched:
        if not names or (base is None and None in sensors):
            return {}
        if base is None:
            values = [
                after.world["sensordata"][:, s.address : s.address + s.size] for s in sensors if s
            ]
            measured = jax.vmap(_in_heading)(*values)
        else:
            quat = after.world["qpos"][:, base.qpos + 3 : base.qpos + 7]
            velocity = after.world["qvel"][:, base.dof : base.dof + 6]
            measured = jax.vmap(_planar)(quat, velocity)
        return {
            f"{command}.{label}": (
                before.commands[command][:, index],
                measured[label],
            )
            for command, label, index in names
        }

    return measure


def _names(env: Env) -> list[tuple[str, str, int]]:
    """Command, element and the element's place of every velocity that is commanded."""
    found = []
    for name, command in env.plan.parts(Command).items():
        for index, label in enumerate(command.labels(env.robot)):
            if label in ("forward", "sideways", "turn"):
                found.append((name, label, index))
    return found


def _planar(quat: Float[Array, "4"], velocity: Float[Array, "6"]) -> dict[str, Float[Array, ""]]:
    """Velocity of a free joint (linear in the world's, angular in its own frame), on the ground."""
    planar = geometry.turn_about_vertical(velocity[:2], -geometry.heading(quat))
    turn = geometry.rotate(quat, velocity[3:])[2]
    return {"forward": planar[0], "sideways": planar[1], "turn": turn}


def _in_heading(
    linear: Float[Array, "3"], angular: Float[Array, "3"], quat: Float[Array, "4"]
) -> dict[str, Float[Array, ""]]:
    """Velocities in the world's axes, on the ground."""
    planar = geometry.turn_about_vertical(linear[:2], -geometry.heading(quat))
    return {"forward": planar[0], "sideways": planar[1], "turn": angular[2]}


def errors(
    watched: Mapping[str, tuple[ArrayLike, ArrayLike]],
    alive: Bool[Array | np.ndarray, "ticks envs"],
    period: float,
    window: float = WINDOW,
) -> dict[str, float]:
    """Mean absolute errors of velocities averaged over windows.

    Args:
        watched: name -> told and measured velocity, (ticks, envs) each.
        alive: (ticks, envs) whether the episode was still going on; windows that reach beyond its
            end do not count.
        period: control period in s.
        window: in s.

    Returns:
        Name -> mean over all windows but the first of each episode; NaN without any.
    """
    result: dict[str, float] = {}
    for name, (told, measured) in windows(watched, alive, period, window).items():
        error = np.abs(told - measured)
        result[name] = float(error.mean()) if error.size else float("nan")
    return result


def windows(
    watched: Mapping[str, tuple[ArrayLike, ArrayLike]],
    alive: Bool[Array | np.ndarray, "ticks envs"],
    period: float,
    window: float = WINDOW,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Told and measured velocities, each averaged over a window; arguments as of :func:`errors`.

    Returns:
        Name -> (windows,) what was told and what was measured, in all windows but the first of each
        episode; nothing where an evaluation is too short for two windows.
    """
    size = max(1, ticks(window, period))
    count = len(alive) // size

    def means(rows: ArrayLike) -> np.ndarray:
        rows = np.asarray(rows, np.float64)[: count * size]
        return rows.reshape(count, size, -1).mean(axis=1)[1:]

    if not watched or count < 2:
        return {}
    whole = means(alive) == 1.0
    return {n: (means(told)[whole], means(got)[whole]) for n, (told, got) in watched.items()}

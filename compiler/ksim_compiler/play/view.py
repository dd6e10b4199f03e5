"""What every viewer of a live policy is."""

from __future__ import annotations

from typing import Protocol

import mujoco


class ViewerError(Exception):
    """A viewer that cannot be shown; the message says why."""


class View(Protocol):
    """Where a live policy is seen.

    Attributes:
        paused: whether it stands still.
        speed: seconds of the simulation in a second.
    """

    paused: bool
    speed: float

    def show(self, model: mujoco.MjModel, data: mujoco.MjData) -> bool:
        """Show a state; False when the viewer was closed."""
        ...

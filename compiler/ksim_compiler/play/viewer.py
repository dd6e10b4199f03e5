"""The policy live, in MuJoCo's own viewers: a window, or a page in a browser."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from ksim_compiler.env import Env, EnvState
from ksim_compiler.learn.policy import Policy
from ksim_compiler.learn.types import stream
from ksim_compiler.plan import Plan
from ksim_compiler.play.record import commanded

STEP = 0.1
"""How much a key changes a command's element, in SI units."""
KEYS = {265: ("forward", 1), 264: ("forward", -1), 263: ("turn", 1), 262: ("turn", -1)}
"""GLFW's arrow keys: up, down, left, right."""
HELP = "arrow keys: forward speed and turning rate; close the window to end"


class ViewerError(Exception):
    """A viewer that cannot be shown; the message says why."""


class Live:
    """An environment that runs in real time, with commands that can be changed.

    Args:
        plan: the task.
        policy: what acts.
        seed: of all random numbers.
    """

    def __init__(self, plan: Plan, policy: Policy, seed: int) -> None:
        self.plan, self.policy = plan, policy
        self.env = Env(plan.held(policy.level), "native", envs=1, threads=1)
        self.params: Any = self.env.params
        self.state: EnvState = jax.jit(self.env.init)(
            self.params, stream(jax.random.key(seed), "play")
        )
        self.carry = policy.actor.network.initial_carry(1)
        self._step = jax.jit(self._tick)
        self._held: dict[tuple[str, str], float] = {}

    @property
    def qpos(self) -> np.ndarray:
        """The pose now."""
        return np.asarray(self.state.world["qpos"][0])

    def tick(self) -> None:
        """One control tick."""
        self.state, self.carry = self._step(self.params, self.state, self.carry)

    def press(self, key: int) -> None:
        """Change a command by a key."""
        if key not in KEYS:
            return
        label, way = KEYS[key]
        for name, command in self.plan.parts("Command").items():
            if label in command.labels(self.plan.robot.facts):  # type: ignore[attr-defined]
                value = round(self._held.get((name, label), 0.0) + way * STEP, 6)
                self.hold(name, label, value)
                print(f"{name}.{label} = {value:g}", file=sys.stderr)

    def hold(self, name: str, label: str, value: float) -> None:
        """Hold an element of a command at a value from now on, in SI units.

        Raises:
            KeyError: there is no such command or element.
        """
        self.params = commanded(self.params, self.plan, name, label, value)
        self._held[name, label] = value
        memory = self.state.episode.memory
        told = memory["Command"][name]
        if hasattr(told.state, "left") and not isinstance(told.state.left, tuple):
            # it is drawn anew at once
            now = told.state._replace(left=jnp.zeros_like(told.state.left))
            commands = {**memory["Command"], name: told._replace(state=now)}
            episode = self.state.episode._replace(memory={**memory, "Command": commands})
            self.state = self.state._replace(episode=episode)

    def _tick(self, params: Any, state: EnvState, carry: Any) -> tuple[EnvState, Any]:
        normalizer = self.policy.normalizer
        seen = state.policy_input if normalizer is None else normalizer(state.policy_input)
        distribution, carry = self.policy.actor(seen, carry)
        state, step = self.env.step(params, state, distribution.mode())
        alive = 1.0 - step.done.astype(jnp.float32)
        return state, jax.tree.map(lambda m: m * alive[:, None], carry)


Show = Callable[[mujoco.MjData], bool]
"""Shows a state; False when the viewer was closed."""


def watch(live: Live, kind: str, seconds: float | None) -> None:
    """Run until the viewer is closed, or for a time.

    Args:
        live: what is shown.
        kind: native (a window) or web (a page).
        seconds: None for no end.

    Raises:
        ViewerError: there is no display, or this MuJoCo has no such viewer.
    """
    model = live.plan.robot.model
    data = mujoco.MjData(model)
    live.tick()  # compiled before the window opens
    with (_web if kind == "web" else _native)(live, model, data) as show:
        begun, ticks = time.monotonic(), 0
        while seconds is None or ticks * live.plan.period < seconds:
            live.tick()
            ticks += 1
            data.qpos[:] = live.qpos
            mujoco.mj_forward(model, data)
            if not show(data):
                return
            ahead = begun + ticks * live.plan.period - time.monotonic()
            time.sleep(max(0.0, ahead))


@contextmanager
def _native(live: Live, model: mujoco.MjModel, data: mujoco.MjData) -> Iterator[Show]:
    if sys.platform.startswith("linux") and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    ):
        raise ViewerError("there is no display here; --viewer web shows a page in a browser")
    import mujoco.viewer

    print(HELP, file=sys.stderr)
    with mujoco.viewer.launch_passive(model, data, key_callback=live.press) as handle:

        def show(data: mujoco.MjData) -> bool:
            handle.sync()
            return handle.is_running()

        yield show


@contextmanager
def _web(live: Live, model: mujoco.MjModel, data: mujoco.MjData) -> Iterator[Show]:
    try:
        from mujoco.studio import launch_passive, viewer_protocol
        from mujoco.studio.app import StudioApp  # type: ignore[attr-defined]
    except ImportError:
        try:
            from mujoco.studio import launch_passive, viewer_protocol
        except ImportError as error:
            raise ViewerError("--viewer web needs: pip install mujoco-studio") from error
        plugins: list[Any] = []
    else:
        plugins = [StudioApp()]
    config = viewer_protocol.ViewerConfig(title=live.plan.task.name, gfx="web")
    try:
        handle = launch_passive.launch(config, plugins=plugins)
    except Exception as error:
        raise ViewerError(f"MuJoCo's web viewer did not start: {error}") from error
    with handle:

        def show(data: mujoco.MjData) -> bool:
            handle.sync(model, data)
            return handle.is_running()

        yield show

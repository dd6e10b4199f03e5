"""A live policy in MuJoCo's own viewers: a window, or a page in a browser."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import mujoco

from ksim_compiler.play.ghost import Ghost
from ksim_compiler.play.live import Live
from ksim_compiler.play.renderer import viewer
from ksim_compiler.play.video import follow
from ksim_compiler.play.view import View, ViewerError

STEP = 0.1
"""How much a key changes an element of a command, in SI units."""
KEYS = {265: ("forward", 1), 264: ("forward", -1), 263: ("turn", 1), 262: ("turn", -1)}
"""GLFW's arrow keys: up, down, left, right."""
BEHIND = 0.25
"""Seconds that a view may lag behind the clock before it stops to catch up."""


def watch(live: Live, kind: str, seconds: float | None) -> None:
    """Run until the viewer is closed, or for a time.

    Args:
        live: what is shown.
        kind: native (a window) or web (a page).
        seconds: of the simulation; None for no end.

    Raises:
        ViewerError: there is no display, or this MuJoCo has no such viewer.
    """
    model, period = live.plan.robot.model, live.plan.period
    data = mujoco.MjData(model)
    live.tick()  # compiled before anything is shown
    with _open(live, kind, model, data) as view:
        due, left = time.monotonic(), float("inf") if seconds is None else seconds
        while left > 0.0:
            if not view.paused:
                live.tick()
                left -= period
            data.qpos[:], data.qvel[:], data.time = live.qpos, live.qvel, live.seconds
            mujoco.mj_forward(model, data)
            if not view.show(model, data):
                return
            due = max(due + period / view.speed, time.monotonic() - BEHIND)
            time.sleep(max(0.0, due - time.monotonic()))


def _open(
    live: Live, kind: str, model: mujoco.MjModel, data: mujoco.MjData
) -> AbstractContextManager[View]:
    if kind == "native":
        return _window(live, model, data)
    try:
        from ksim_compiler.play.studio import page
    except ImportError as error:
        raise ViewerError(f"MuJoCo's web viewer is not here: {error}") from error
    return page(live)


class Keys:
    """Commands by the arrow keys. They are pressed in the viewer's thread, and act in ours."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._pressed: deque[int] = deque()

    def help(self) -> str:
        """A line that says what the keys do."""
        labels = {label for label, _ in KEYS.values()}
        moved = sorted(str(dial) for dial in self._live.dials if dial.label in labels)
        keys = f"arrow keys change {', '.join(moved)}; " if moved else ""
        return f"{keys}close the window to end"

    def press(self, key: int) -> None:
        """Take note of a key."""
        self._pressed.append(key)

    def act(self) -> None:
        """Change the commands by the keys that were pressed; one that is not held is at zero."""
        while self._pressed:
            label, way = KEYS.get(self._pressed.popleft(), ("", 0))
            for dial in self._live.dials:
                if dial.label == label:
                    value = round(self._live.held.get(dial, 0.0) + way * STEP, 6)
                    self._live.hold(dial.command, label, value)
                    print(f"{dial} = {value:g}", file=sys.stderr)


class _Window:
    """MuJoCo's window, and the keys pressed in it."""

    paused = False
    speed = 1.0

    def __init__(self, handle: Any, keys: Keys, live: Live) -> None:
        self._handle, self._keys, self._live = handle, keys, live
        facts = live.plan.robot.facts
        self._ghost = Ghost(live.plan.robot.model, facts.body_id(facts.root))

    def show(self, model: mujoco.MjModel, data: mujoco.MjData) -> bool:
        """Show a state, and a recorded motion as a ghost; False when the window was closed."""
        self._keys.act()
        told = self._live.reference
        if told is not None:
            with self._handle.lock():
                self._handle.user_scn.ngeom = 0
                self._ghost.draw(self._handle.user_scn, told)
        self._handle.sync()
        return bool(self._handle.is_running())


@contextmanager
def _window(live: Live, model: mujoco.MjModel, data: mujoco.MjData) -> Generator[View]:
    if viewer() is None:
        raise ViewerError("there is no display here; --viewer web shows a page in a browser")
    import mujoco.viewer

    keys = Keys(live)
    print(keys.help(), file=sys.stderr)
    with mujoco.viewer.launch_passive(
        model, data, key_callback=keys.press, show_left_ui=False, show_right_ui=False
    ) as handle:
        with handle.lock():
            facts = live.plan.robot.facts
            follow(handle.cam, model, facts.body_id(facts.root))
        yield _Window(handle, keys, live)

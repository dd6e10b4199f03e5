"""The live policy as a page, in a browser."""

from __future__ import annotations

import gc
import io
import re
import socket
import threading
import time
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

from ksim_compiler.learn.run.policy import fresh_policy
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from ksim_compiler.play import studio
from ksim_compiler.play.live import Live
from ksim_compiler.play.studio import PLACE, Page, page
from tests.ksim_compiler.motion.test_episodes import plan as motion_plan
from tests.support import browser

WALK = Path(__file__).parents[3] / "tasks" / "walk.yaml"
DRAWING = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--window-size=800,600")
LONG = 300.0
"""Seconds that a test waits for what comes in a few on a machine that does nothing else."""


class Shown:
    """A policy that runs on a page for as long as something is waited for."""

    def __init__(self, live: Live, shown: Page) -> None:
        self.live, self._shown = live, shown
        self._model = live.plan.robot.model
        self._data = mujoco.MjData(self._model)
        self.still = False

    def step(self) -> None:
        """One tick, which is shown; the state as it is, if the robot stands still."""
        if not (self.still or self._shown.paused):
            self.live.tick()
        self._data.qpos[:] = self.live.qpos
        mujoco.mj_forward(self._model, self._data)
        assert self._shown.show(self._model, self._data)
        time.sleep(0.02)

    def until(self, what: Callable[[], Any], seconds: float = LONG) -> Any:
        """Run until something is so, which is returned, or until a time has passed."""
        end = time.monotonic() + seconds
        while not (found := what()) and time.monotonic() < end:
            self.step()
        return found

    def open(self, window: Any, capfd: pytest.CaptureFixture[str]) -> int:
        """Open the page in a browser, once it is served, and wait for the robot; its port."""
        told = ""

        def address() -> re.Match[str] | None:
            nonlocal told
            told += capfd.readouterr().out
            return re.search(r"http://127\.0\.0\.1:(\d+)/\?token=\S+\n", told)

        found = self.until(address)
        window.get(found[0].strip())
        assert self.until(lambda: any("[model]" in line for line in browser.complaints(window)))
        return int(found[1])


def begun(plan: Plan | None) -> Live:
    assert plan is not None
    return Live(plan, fresh_policy(plan, 0), 0)


def test_a_recorded_motion_is_a_ghost_in_the_scene() -> None:
    live = begun(motion_plan())
    model = live.plan.robot.model
    data = mujoco.MjData(model)

    def places(shown: Page) -> np.ndarray:
        """Where the geoms are that the viewer adds to the robot's own, once it is there."""
        viewer = shown.panel._viewer
        geoms = [] if viewer is None else viewer.extra_geoms
        return np.array([geom.pos for geom in geoms])

    def follows(shown: Page) -> bool:
        found = places(shown)
        return len(found) > 10 and all(
            np.abs(data.geom_xpos - at).max(1).min() < 1e-5 for at in found
        )

    with page(live) as shown:
        assert isinstance(shown, Page)
        running = Shown(live, shown)
        seen = []
        for ticks in (1, 20):
            for _ in range(ticks):
                live.tick()
            told = live.reference
            assert told is not None
            data.qpos[:] = told
            mujoco.mj_kinematics(model, data)
            running.still = True
            assert running.until(lambda: follows(shown))
            seen.append(places(shown))
        assert np.abs(seen[1] - seen[0]).max() > 1e-3


def test_a_page_comes_after_a_page() -> None:
    """What is left of the first takes nothing of the second along."""
    live = begun(motion_plan())
    for _ in range(2):
        with page(live) as shown:
            assert isinstance(shown, Page)
            running = Shown(live, shown)
            assert running.until(lambda: shown.panel._viewer is not None)
            gc.collect()
            for _ in range(20):
                running.step()


def test_a_server_is_asked_until_it_listens() -> None:
    with socket.socket() as served:
        served.bind(("127.0.0.1", 0))
        port = served.getsockname()[1]

        def serve() -> None:
            time.sleep(0.5)  # refused until then
            served.listen()
            with served.accept()[0] as asked:
                asked.recv(1000)
                asked.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert studio._answer(port) == 403
        thread.join()


def test_nobody_who_listens_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "ANSWER", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        assert studio._answer(silent.getsockname()[1]) == 503


@pytest.mark.slow
def test_sliders_hold_commands_and_buttons_act(capfd: pytest.CaptureFixture[str]) -> None:
    with browser.chromium(*DRAWING) as window:
        actions = pytest.importorskip("selenium.webdriver").ActionChains
        width, height = window.execute_script("return [innerWidth, innerHeight]")
        live = begun(compile_file(WALK, ("PPO.envs=1",)).plan)
        with page(live) as shown:
            assert isinstance(shown, Page)
            running = Shown(live, shown)
            port = running.open(window, capfd)
            assert {_host(link) for link in browser.requests(window)} <= {"127.0.0.1", ""}
            assert not live.held
            body = window.find_element("tag name", "body")
            at = PLACE[0] + 200 - width // 2, PLACE[1] + 40 - height // 2
            end = time.monotonic() + LONG
            while not live.held and time.monotonic() < end:  # the panel may not be drawn yet
                actions(window).move_to_element_with_offset(body, *at).click_and_hold().perform()
                running.until(lambda: live.held, 20.0)
                actions(window).release().perform()
            (dial,) = live.held
            assert str(dial) == "velocity.forward"
            assert live.held[dial] > 0.5
            # served on 127.0.0.1 alone: who serves every interface also answers here
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", port), timeout=2.0).close()


@pytest.mark.slow
def test_a_recorded_motion_is_seen_as_a_ghost(capfd: pytest.CaptureFixture[str]) -> None:
    with browser.chromium(*DRAWING) as window:
        live = begun(motion_plan())
        with page(live) as shown:
            assert isinstance(shown, Page)
            running = Shown(live, shown)
            running.open(window, capfd)
            assert running.until(lambda: _green(window) > 300)


def _green(window: Any) -> int:
    """How many pixels are green in the middle of the page, where the robot is."""
    from PIL import Image

    drawn = window.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"]
    pixels = np.asarray(Image.open(io.BytesIO(b64decode(drawn))).convert("RGB"), int)
    height, width, _ = pixels.shape
    middle = pixels[height // 6 : -height // 6, width // 3 : -width // 4]
    red, green, blue = np.moveaxis(middle, -1, 0)
    return int(np.sum((green > red + 25) & (green > blue + 25)))


def _host(link: str) -> str:
    match = re.match(r"(?:http|ws)s?://([^:/]+)", link)
    return match[1] if match else ""

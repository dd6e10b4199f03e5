"""The live policy as a page, in a browser."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest

from ksim_compiler.learn.run.policy import fresh_policy
from ksim_compiler.pipeline import compile_file
from ksim_compiler.play.live import Live
from ksim_compiler.play.studio import PLACE, page
from tests.support import browser

WALK = Path(__file__).parents[3] / "tasks" / "walk.yaml"
DRAWING = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--window-size=1000,700")


@pytest.mark.slow
def test_sliders_hold_commands_and_buttons_act(capfd: pytest.CaptureFixture[str]) -> None:
    import mujoco

    with browser.chromium(*DRAWING) as chromium:
        actions = pytest.importorskip("selenium.webdriver").ActionChains
        plan = compile_file(WALK, ("PPO.envs=1",)).plan
        assert plan is not None
        live = Live(plan, fresh_policy(plan, 0), 0)
        model = plan.robot.model
        data = mujoco.MjData(model)
        with page(live) as shown:

            def run(seconds: float) -> None:
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    if not shown.paused:
                        live.tick()
                    data.qpos[:] = live.qpos
                    mujoco.mj_forward(model, data)
                    assert shown.show(model, data)
                    time.sleep(0.02)

            def click(x: int, y: int) -> None:
                body = chromium.find_element("tag name", "body")
                size = chromium.execute_script("return [innerWidth, innerHeight]")
                offset = x - size[0] // 2, y - size[1] // 2
                actions(chromium).move_to_element_with_offset(body, *offset).perform()
                run(1.0)
                actions(chromium).click_and_hold().perform()
                run(1.0)
                actions(chromium).release().perform()
                run(1.0)

            run(1.0)
            address = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=\S+", capfd.readouterr().out)
            assert address is not None
            chromium.get(address[0])
            run(10.0)
            assert {_host(link) for link in browser.requests(chromium)} <= {"127.0.0.1", ""}
            assert not live.held
            x, y = PLACE
            click(x + 200, y + 40)
            (dial,) = live.held
            assert str(dial) == "velocity.forward"
            assert live.held[dial] > 0.5
            # served on 127.0.0.1 alone: who serves every interface also answers here
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", int(address[1])), timeout=2.0).close()


def _host(link: str) -> str:
    match = re.match(r"(?:http|ws)s?://([^:/]+)", link)
    return match[1] if match else ""

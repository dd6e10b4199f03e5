"""The commands that follow a run, the policy beside it, and the page in a browser."""

from __future__ import annotations

import argparse
import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from ksim_compiler import artifact
from ksim_compiler.cli.live import served
from ksim_compiler.cli.run import main as train
from ksim_compiler.cli.watch import main as watch
from ksim_compiler.live.server import Server
from ksim_compiler.live.viewer import Viewer
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from tests.ksim_compiler.live.followed import row, watcher, write
from tests.support import browser

# The commands.


def test_what_ksim_watch_cannot_follow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert watch([str(tmp_path / "none")]) == 2
    assert watch([str(tmp_path)]) == 2
    assert "there is no run.json in it" in capsys.readouterr().err
    for wrong in ("0", "70000", "x"):
        with pytest.raises(SystemExit):
            watch([str(tmp_path), "--port", wrong])
    for options in (["--port", "8000"], ["--keep-live"], ["--probe", "--live"]):
        assert train(["tasks/cartpole.yaml", *options]) == 2


def test_ksim_watch_serves_without_jax_until_ctrl_c(run: tuple[Path, Plan]) -> None:
    folder, _ = run
    code = (
        "import sys, atexit\n"
        "from ksim_compiler.cli.watch import main\n"
        "heavy = ('jax', 'numpy', 'mujoco')\n"
        "atexit.register(lambda: print([n for n in heavy if n in sys.modules]))\n"
        "sys.exit(main([sys.argv[1]]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    match = re.search(r"http://127\.0\.0\.1:(\d+)(/\S+/)", process.stdout.readline())
    assert match is not None
    try:
        end = time.monotonic() + 60
        found: dict[str, Any] = {"parts": {}}
        while "rewards" not in found["parts"]:
            assert time.monotonic() < end
            connection = http.client.HTTPConnection("127.0.0.1", int(match[1]), timeout=30)
            connection.request("GET", f"{match[2]}state")
            found = json.loads(connection.getresponse().read())
            connection.close()
            time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, "[]\n")


def test_charts_are_drawn_without_jax(run: tuple[Path, Plan]) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from ksim_compiler.live.drawer import Drawer\n"
        "assert len(list(Drawer(Path(sys.argv[1])).step())) > 5\n"
        "print([n for n in ('jax', 'jaxlib', 'equinox', 'optax') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(run[0])], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_page_beside_a_command_ends_with_it(run: tuple[Path, Plan]) -> None:
    told: list[str] = []
    options = argparse.Namespace(live=True, port=None, trust=False, keep_live=False)
    with served(run[0], options, told.append):
        end = time.monotonic() + 60
        while not told:
            assert time.monotonic() < end
            time.sleep(0.1)
        match = re.search(r"http://127\.0\.0\.1:(\d+)/", told[0])
        assert match is not None
        socket.create_connection(("127.0.0.1", int(match[1])), timeout=5.0).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(match[1])), timeout=5.0).close()
    assert len(told) == 1


TERMS = """
from ksim_schema.custom import Reward


class Middle(Reward):
    def value(self, x):
        return 1.0
"""


def test_the_page_of_a_training_draws_a_task_with_python_of_its_own(
    run: tuple[Path, Plan], tmp_path: Path
) -> None:
    """The command runs that code already; ksim-watch is told to with --trust."""
    base = Path(__file__).parents[3] / "tasks" / "cartpole.yaml"
    own = "components: [terms.py]\nReward: {middle: {kind: middle, scale: 0.5}}\n"
    (tmp_path / "mid.yaml").write_text(f"ksim: 1\ntask: mid\nextends: {base}\n{own}")
    (tmp_path / "terms.py").write_text(TERMS)
    folder = tmp_path / "run"
    shutil.copytree(run[0], folder)
    compiled = compile_file(tmp_path / "mid.yaml")
    assert compiled.plan is not None, compiled.diagnostics
    artifact.write(folder / "task.ksim", compiled)
    told: list[str] = []
    options = argparse.Namespace(live=True, port=None, trust=False, keep_live=False)
    found: dict[str, Any] = {"parts": {}}
    with served(folder, options, told.append):
        end = time.monotonic() + 120
        while "head" not in found["parts"]:
            assert time.monotonic() < end
            time.sleep(0.2)
            if told:
                with urllib.request.urlopen(told[0].removeprefix("live: ") + "state") as answer:
                    found = json.load(answer)
    assert "cannot be read" not in found["parts"]["head"]
    assert "rewards" in found["parts"]


# The policy beside it.


def test_the_viewer_is_a_process_that_is_begun_and_ended(tmp_path: Path) -> None:
    viewer = Viewer(tmp_path, False)
    assert viewer.as_json()["state"] == "none"
    sleeps = "import time; print('|  Local:  http://127.0.0.1:8080/?token=x-_9  |'); time.sleep(60)"
    viewer._command = [sys.executable, "-c", sleeps]
    viewer.start()
    process = viewer._process
    assert process is not None
    end = time.monotonic() + 30
    while viewer.as_json()["state"] == "starts" and time.monotonic() < end:
        time.sleep(0.05)
    found = {"state": "runs", "address": "http://127.0.0.1:8080/?token=x-_9", "error": ""}
    assert viewer.as_json() == found
    viewer.stop()
    assert process.poll() is not None
    assert viewer.as_json()["state"] == "none"
    fails = "import sys; print('ksim-play: no checkpoint', file=sys.stderr); sys.exit(1)"
    viewer._command = [sys.executable, "-c", fails]
    viewer.start()
    while viewer.as_json()["state"] == "starts" and time.monotonic() < end:
        time.sleep(0.05)
    assert viewer.as_json()["error"] == "ksim-play: no checkpoint"


# In a browser.


def test_the_page_in_a_browser(run: tuple[Path, Plan]) -> None:
    folder, plan = run
    with browser.chromium() as chromium, Server(folder) as server:
        browser.readable(chromium, server.address, "#part-evaluations table")
        assert chromium.find_element("id", "word").text == "stopped"
        charted = len(chromium.find_elements("css selector", "figure svg polyline"))
        assert charted > 10
        write(folder / "metrics.jsonl", *(row(plan, i) for i in range(10, 21)))
        browser.await_element(chromium, "#status[data-kind=finished]")
        plot = browser.await_element(chromium, "#part-learning .plot")
        end = time.monotonic() + 30
        while "20,000" not in chromium.find_element("id", "part-figures").text:
            assert time.monotonic() < end
            time.sleep(0.1)
        plot = browser.await_element(chromium, "#part-learning .plot")
        chromium.execute_script("arguments[0].focus()", plot)
        plot.send_keys("\ue012")  # arrow left
        tip = chromium.find_element("css selector", "#part-learning .tip:not([hidden])")
        assert "environment steps" in tip.text  # charts that came later have values as well
        assert browser.complaints(chromium) == []


@pytest.mark.slow
def test_a_training_has_its_page(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    small = ("--set", "PPO.envs=8", "--set", "PPO.rollout=8", "--set", "PPO.minibatches=2")
    folder = tmp_path / "run"
    task = str(Path(__file__).parents[3] / "tasks" / "cartpole.yaml")
    arguments = ("--engine", "native", "--steps", "2048", "--episodes", "2", "--out", str(folder))
    assert train([task, *small, *arguments, "--live"]) == 0
    match = re.search(r"http://127\.0\.0\.1:(\d+)/", capfd.readouterr().out)
    assert match is not None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(match[1])), timeout=5.0).close()
    watched = watcher(folder)
    watched.step()
    found = watched.state(0)
    assert found["status"]["kind"] == "finished"
    assert "".join(found["parts"].values()) in (folder / "report.html").read_text()

"""The page that follows a run: what it reads, what it says, who may see it."""

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
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ksim_compiler import artifact
from ksim_compiler.cli.live import served
from ksim_compiler.cli.run import main as train
from ksim_compiler.cli.watch import main as watch
from ksim_compiler.learn.learner import charts
from ksim_compiler.learn.run import lock
from ksim_compiler.live import drawer as drawing
from ksim_compiler.live.drawer import Drawer
from ksim_compiler.live.log import Log
from ksim_compiler.live.server import Server
from ksim_compiler.live.status import Status, goal, speed, status
from ksim_compiler.live.viewer import Viewer
from ksim_compiler.live.watcher import Watcher
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from ksim_compiler.report.page import write_report
from ksim_schema.vocabulary.reward import Reward
from tests.support import browser
from tests.support.runs import run_folder

STEPS = 1000
"""Environment steps of an iteration."""


def row(plan: Plan, i: int) -> dict[str, Any]:
    logged = ["episode/length", "episode/return", "termination/tipped"]
    logged += [f"reward/{name}" for name in plan.parts(Reward)]
    logged += [name for drawn in charts(plan.task.learner) for name in drawn.lines.values()]
    values = {name: i / 7 + j for j, name in enumerate(logged)}
    return {"steps": STEPS * i, "seconds": 0.5 * i, **values}


def judged(steps: int) -> dict[str, Any]:
    return {"steps": steps, "episodes": 4, "return": 9.0, "length": 50.0, "failed": 0.25}


def write(path: Path, *rows: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(each) + "\n" for each in rows))


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, Plan]:
    """A run of 9 iterations of 20, whose process is gone, and its plan."""
    folder = tmp_path / "a run"
    plan = run_folder(folder, evaluations=[judged(5000)]).plan
    assert plan is not None
    write(folder / "metrics.jsonl", *(row(plan, i) for i in range(1, 10)))
    about = json.loads((folder / "run.json").read_text())
    about["steps"] = 20 * STEPS
    about["charts"] = [drawn._asdict() for drawn in charts(plan.task.learner)]
    (folder / "run.json").write_text(json.dumps(about))
    return folder, plan


# What is read.


def test_a_log_is_read_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = Log(path)
    assert not log.read()
    path.write_bytes(b'{"steps": 1}\n{"steps": 2, "na')
    assert log.read()
    assert log.rows == [{"steps": 1}]
    assert not log.read()
    with path.open("ab") as file:
        file.write('me": "ä"}\nnothing\n[1]\n{"steps": 3}\n'.encode())
    assert log.read()
    assert log.rows == [{"steps": 1}, {"steps": 2, "name": "ä"}, {"steps": 3}]
    assert log.damaged == 2


def test_a_log_that_is_cut_or_gone_is_read_anew(tmp_path: Path) -> None:
    path, other = tmp_path / "log", tmp_path / "other"
    path.write_text('{"steps": 1}\n{"steps": 2}\n')
    log = Log(path)
    log.read()
    other.write_text('{"steps": 1}\n{"steps": 3}\n')  # as long as before
    other.replace(path)
    assert log.read()
    assert [each["steps"] for each in log.rows] == [1, 3]
    path.write_text('{"steps": 1}\n')  # in place
    assert log.read()
    assert [each["steps"] for each in log.rows] == [1]
    path.unlink()
    assert log.read()
    assert log.rows == []


# What is said.


def kind(folder: Path, done: int, held: bool | None, about: dict[str, Any]) -> Status:
    rows = [{"steps": STEPS * i, "seconds": 2.0 * i} for i in range(1, done + 1)]
    return status(folder, about, rows, held, 3.0 if done else None)


def test_how_a_run_is(tmp_path: Path) -> None:
    about = {"steps": 10 * STEPS}
    assert kind(tmp_path / "none", 3, False, about).kind == "gone"
    assert kind(tmp_path, 0, True, {}).kind == "starts"
    runs = kind(tmp_path, 4, True, about)
    assert (runs.kind, runs.share) == ("runs", 0.4)
    assert "4,000 of 10,000 steps" in runs.text
    assert "0.2 min left" in runs.text  # 6,000 steps at 500 a second
    assert "500 steps/s" in runs.text
    assert kind(tmp_path, 10, True, about).kind == "ends"
    assert kind(tmp_path, 10, False, about).kind == "finished"
    stopped = kind(tmp_path, 4, False, about)
    assert stopped.kind == "stopped"
    assert "left" not in stopped.text
    assert kind(tmp_path, 4, None, about).kind == "runs"  # its newest row is young
    (tmp_path / ".lock").touch()
    assert kind(tmp_path, 4, False, about).kind == "killed"
    assert kind(tmp_path, 4, True, {}).share is None


@pytest.mark.parametrize(("kept", "said"), [(False, "diverged"), (True, "stopped")])
def test_a_run_that_diverged_says_what_went_bad(tmp_path: Path, kept: bool, said: str) -> None:
    (tmp_path / "dumps").mkdir()
    text = json.dumps({"kept": kept, "message": "Reward.height went non-finite"})
    values = {"about": np.frombuffer(text.encode(), np.uint8)}
    np.savez(tmp_path / "dumps" / "000000004000.npz", **values)
    found = kind(tmp_path, 4, False, {"steps": 10 * STEPS})
    assert found.kind == said
    assert ("Reward.height" in found.text) is not kept
    assert kind(tmp_path, 5, False, {"steps": 10 * STEPS}).kind == "stopped"  # it went on


def test_a_run_goes_as_far_as_it_was_resumed_for() -> None:
    resumed = [{"command": "ksim-run --resume 'a run' --steps 2e4"}, {"command": "ksim-run"}]
    assert goal({"steps": 100, "resumed": resumed}) == 20_000
    assert goal({"steps": 100, "resumed": [{"command": "ksim-run --steps=3_000"}]}) == 3000
    assert goal({"steps": 100, "resumed": [{"command": "'"}, 3]}) == 100
    assert goal({"steps": None}) is None
    assert speed([{"steps": 1, "seconds": None}, {"steps": 2, "seconds": 1.0}]) is None


def test_a_look_at_the_lock_keeps_nobody_out(tmp_path: Path) -> None:
    assert lock.held(tmp_path) is False
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            lock.held(tmp_path)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(50):
            with lock.lock(tmp_path):
                assert lock.held(tmp_path) is True
    finally:
        stop.set()
        looking.join()
    assert lock.held(tmp_path) is False


# What is drawn.


def watcher(folder: Path) -> Watcher:
    """One that reads and draws here, not in a process of its own."""
    return Watcher(folder, draw=Drawer(folder).step)


def test_a_page_gets_what_is_new_and_the_report_has_the_same(run: tuple[Path, Plan]) -> None:
    folder, plan = run
    watched = watcher(folder)
    watched.step(force=True)
    first = watched.state(0)
    report = write_report(folder, plan).read_text()
    assert first["order"] == list(first["parts"])
    assert "".join(first["parts"].values()) in report
    assert first["task"] == plan.task.name
    for title in ("episode return", "reward terms", "KL divergence", "terminations"):
        assert title in report
    assert watched.state(first["version"])["parts"] == {}

    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        line = json.dumps(row(plan, 10)) + "\n"
        file.write(line[:40])
        file.flush()
        watched.step(force=True)
        assert watched.state(first["version"])["parts"] == {}
        file.write(line[40:])
    watched.step(force=True)
    second = watched.state(first["version"])
    assert "10,000" in second["parts"]["figures"]
    assert not {"head", "task", "terrain", "evaluations"} & set(second["parts"])
    write(folder / "evaluations.jsonl", judged(10_000))
    watched.step(force=True)
    assert "10,000" in watched.state(second["version"])["parts"]["evaluations"]


def test_a_run_that_goes_away_and_comes_back(run: tuple[Path, Plan]) -> None:
    folder, _ = run
    watched = watcher(folder)
    watched.step(force=True)
    shown = watched.state(0)
    folder.rename(folder.with_name("elsewhere"))
    watched.step(force=True)
    gone = watched.state(shown["version"])
    assert gone["status"]["kind"] == "gone"
    assert str(folder) in gone["status"]["text"]
    assert gone["parts"] == {}
    assert gone["order"] == shown["order"]  # what was drawn stays
    folder.with_name("elsewhere").rename(folder)
    watched.step(force=True)
    assert watched.state(0)["status"]["kind"] == "stopped"


def test_damage_is_said_and_hides_nothing_else(run: tuple[Path, Plan]) -> None:
    folder, _ = run
    write(folder / "evaluations.jsonl", {"steps": 6000, "length": "long"})
    with (folder / "metrics.jsonl").open("a") as file:
        file.write("\x00\x00\n")
    watched = watcher(folder)
    watched.step(force=True)
    found = watched.state(0)
    assert "1 damaged line of metrics.jsonl" in found["trouble"]
    assert "figures cannot be drawn" in found["parts"]["figures"]
    assert "<svg" in found["parts"]["rewards"]
    (folder / "task.ksim").write_bytes(b"PK")
    again = watcher(folder)
    again.step(force=True)
    assert "the task cannot be read" in again.state(0)["parts"]["head"]


def test_numbers_of_a_learner_are_drawn_where_nobody_says_how() -> None:
    drawn = drawing.charts_of({}, [{"steps": 1, "seconds": 1.0, "loss/kl": 2.0, "reward/a": 1.0}])
    assert [each.lines for each in drawn] == [{"loss/kl": "loss/kl"}]
    told = {"charts": [{"title": "KL", "lines": {"KL": "loss/kl"}, "unit": "nat"}]}
    assert drawing.charts_of(told, [])[0].unit == "nat"


def test_drawing_rests_while_a_run_goes_on(
    run: tuple[Path, Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, plan = run
    monkeypatch.setattr(drawing, "held", lambda _: True)
    drawer = Drawer(folder)
    assert [m for m in drawer.step() if "part" in m]
    write(folder / "metrics.jsonl", row(plan, 10))
    (told,) = drawer.step()  # it was drawn just now
    assert "10,000" in told["status"]["text"]
    assert drawer._due > time.monotonic()
    drawer._due = 0.0
    assert [m for m in drawer.step() if "part" in m]


# Who may see it.


@pytest.fixture
def server(run: tuple[Path, Plan]) -> Iterator[Server]:
    """Of a run that is not read: what it serves does not matter."""
    with Server(run[0], draw=lambda _: iter(())) as found:
        yield found


def ask(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, str, Any]:
    host, port = server.address.split("/")[2].split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    finally:
        connection.close()


def test_who_knows_the_token_and_is_here_sees_it(server: Server) -> None:
    home = "/" + server.address.split("/", 3)[3]
    port = server.address.split(":")[2].split("/")[0]
    code, page, headers = ask(server, home)
    assert (code, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in headers
    assert headers["X-Frame-Options"] == "DENY"
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    assert server.token not in page
    for host in (f"localhost:{port}", "127.0.0.1:9999", "localhost"):  # a tunnel has its own port
        assert ask(server, f"{home}state", Host=host)[0] == 200
    own = {"Host": f"127.0.0.1:{port}", "Origin": f"http://127.0.0.1:{port}"}
    assert ask(server, f"{home}state", **own)[0] == 200
    for path in (
        "/",
        "/state",
        "/wrong/",
        f"/{server.token}",
        f"/{server.token[:-1]}/",
        "/%C3%A4/",
    ):
        code, text, _ = ask(server, path)
        assert (code, text) == (404, "There is nothing here.\n")
    assert ask(server, f"{home}../run.json")[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:80"},
        {"Host": "127.0.0.2"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_other_names_and_origins_see_nothing(server: Server, headers: dict[str, str]) -> None:
    for method, place in (("GET", ""), ("GET", "state"), ("POST", "policy/start")):
        path = f"/{server.token}/{place}"
        assert ask(server, path, method, **headers)[:2] == (403, "There is nothing here.\n")
    assert server.watcher.viewer.as_json()["state"] == "none"


def test_it_is_served_on_one_address_alone(server: Server) -> None:
    port = int(server.address.split(":")[2].split("/")[0])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=2.0).close()
    with Server(server.watcher.folder) as other:
        assert other.token != server.token
        assert other.address != server.address


def test_several_pages_follow_a_run_to_its_end(run: tuple[Path, Plan]) -> None:
    folder, plan = run
    with Server(folder) as server:
        follow_to_the_end(folder, plan, server)


def follow_to_the_end(folder: Path, plan: Plan, server: Server) -> None:

    def state(version: int, who: str) -> dict[str, Any]:
        return json.loads(ask(server, f"/{server.token}/state?v={version}&who={who}")[1])

    end = time.monotonic() + 60
    while not (found := state(0, "a"))["version"]:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert found["parts"]
    assert state(found["version"], "b")["status"]["kind"] == "stopped"
    write(folder / "metrics.jsonl", *(row(plan, i) for i in range(10, 21)))
    parting = threading.Thread(target=server.part)
    parting.start()
    for who in ("a", "b"):
        while not (last := state(found["version"], who))["ended"]:
            time.sleep(0.05)
        assert last["status"]["kind"] == "finished"
        assert "20,000" in last["parts"]["figures"]
    parting.join(3.0)
    assert not parting.is_alive()


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

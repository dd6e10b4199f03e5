"""Videos and live views, as a user asks for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pytest

from ksim_compiler.cli.run import main as train
from ksim_compiler.learn.run.policy import fresh_policy
from ksim_compiler.pipeline import compile_file
from ksim_compiler.play.live import Live
from ksim_compiler.play.view import ViewerError
from ksim_compiler.play.viewer import Keys, watch

TASKS = Path(__file__).parents[3] / "tasks"
SMALL = ("--set", "PPO.envs=8", "--set", "PPO.rollout=8", "--set", "PPO.minibatches=2")
UP, LEFT = 265, 263


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    arguments = ("--engine", "native", "--steps", "64", "--episodes", "2", "--out", str(folder))
    short = ("--set", "Termination.time_limit.after=0.4 s", "--set", "PPO.episode=0.4 s")
    assert train([str(TASKS / "cartpole.yaml"), *SMALL, *short, *arguments, "--video"]) == 0
    return folder


def play(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """``ksim-play`` in a process of its own: MuJoCo chooses how to draw as it is imported."""
    return subprocess.run(
        [sys.executable, "-m", "ksim_compiler.cli.play", *map(str, arguments)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_is_drawn_when_it_is_trained(run: Path) -> None:
    page = (run / "report.html").read_text()
    if not (run / "video.mp4").exists():
        made = play(run, "-o", run / "video.mp4")
        assert "there is no way to draw here" in made.stderr
        pytest.skip("neither EGL nor OSMesa")
    assert '<video controls muted loop playsinline src="data:video/mp4;base64,' in page


@pytest.mark.parametrize(
    "name", ["episode.mp4", pytest.param("episode.gif", marks=pytest.mark.slow)]
)
def test_a_video_shows_the_episode(run: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    made = play(run, "-o", path, "--seconds", "0.4", "--size", "160x120")
    if "there is no way to draw here" in made.stderr:
        pytest.skip("neither EGL nor OSMesa")
    assert made.returncode == 0, made.stderr
    assert "Warning" not in made.stderr
    pictures = [np.asarray(picture)[..., :3] for picture in imageio.mimread(path)]
    assert len(pictures) == 10
    assert {picture.shape for picture in pictures} == {(120, 160, 3)}
    assert pictures[0].std() > 10.0
    assert np.abs(pictures[0].astype(float) - pictures[-1]).max() > 50.0  # the pole moved
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_what_cannot_be_drawn_is_said(run: Path, tmp_path: Path) -> None:
    nowhere = play(run, "-o", tmp_path / "a.mp4", MUJOCO_GL="egl", MUJOCO_EGL_DEVICE_ID="none")
    assert nowhere.returncode != 0
    assert "MUJOCO_GL=egl gives no way to draw here" in nowhere.stderr
    unknown = play(run, "-o", tmp_path / "a.mov")
    assert unknown.returncode != 0
    assert "a.mov: the name of a video ends in .mp4 or .gif" in unknown.stderr
    camera = play(run, "-o", tmp_path / "a.gif", "--seconds", "0.2", "--camera", "moon")
    assert camera.returncode != 0
    assert "there is no camera 'moon'" in camera.stderr or "no way to draw" in camera.stderr
    assert not any("Traceback" in done.stderr for done in (nowhere, unknown, camera))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def live() -> Live:
    compiled = compile_file(TASKS / "walk.yaml", ("PPO.envs=1",))
    assert compiled.plan is not None
    return Live(compiled.plan, fresh_policy(compiled.plan, 0), 0)


def test_keys_command_the_live_robot(live: Live) -> None:
    def told() -> list[float]:
        return np.asarray(live.state.episode.memory["Command"]["velocity"].value[0]).tolist()

    before = live.qpos.copy()
    live.tick()
    assert np.abs(live.qpos - before).max() > 0.0
    keys = Keys(live)
    assert keys.help().startswith("arrow keys change velocity.forward, velocity.turn;")
    for key in (*[UP] * 7, LEFT, 32):  # the last is a key without a meaning
        keys.press(key)
    assert not live.held  # they act between two ticks
    keys.act()
    for _ in range(60):  # a command changes by at most 1 m/s^2
        live.tick()
    np.testing.assert_allclose(told(), [0.7, 0.0, 0.1], atol=1e-6)
    before = live.seconds
    live.begin()
    assert live.seconds == 0.0 < before
    live.tick()
    assert [live.target(dial) for dial in live.dials] == pytest.approx([0.7, 0.0, 0.1])
    live.release()
    live.begin()
    assert live.target(live.dials[0]) != pytest.approx(0.7)


def test_no_display(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux says that it has no display")
    with pytest.raises(ViewerError, match="--viewer web"):
        watch(live, "native", 1.0)


def test_without_a_display_a_policy_is_shown_as_a_video(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "shown.mp4"
    hidden = {"DISPLAY": "", "WAYLAND_DISPLAY": ""}
    made = play(run, "--show", "-o", path, "--seconds", "0.2", "--size", "160x120", **hidden)
    assert made.returncode == 0, made.stderr
    assert f"there is no display here: {path} is drawn" in made.stderr
    assert "policy after 64 steps" in made.stdout
    assert path.exists() or "there is no way to draw here" in made.stderr
    refused = play(run, "--show", "--episodes", "3", **hidden)
    assert "do not go together" in refused.stderr

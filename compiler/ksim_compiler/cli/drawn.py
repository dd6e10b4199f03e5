"""The video of a run, drawn by another process, which has to choose how before it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ksim_compiler.cli.common import OK

if TYPE_CHECKING:
    from ksim_compiler.plan import Plan

DRAWN = 6.0
"""Seconds of a video at most."""


def draw(folder: Path, plan: Plan, say: Callable[[str], None]) -> None:
    """Write a run's video, an episode or the beginning of a long one, and say so.

    Args:
        folder: of the run.
        plan: of its task.
        say: prints a line.
    """
    from ksim_compiler.learn.run.judge import longest_episode

    seconds = min(DRAWN, longest_episode(plan) * plan.period)
    command = [sys.executable, "-m", "ksim_compiler.cli.play", str(folder), "--trust"]
    command += ["--seconds", f"{seconds:g}", "-o", str(folder / "video.mp4")]
    environment = {k: v for k, v in os.environ.items() if k != "MUJOCO_GL"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    lines = [line for line in done.stderr.splitlines() if line.startswith("ksim-play:")]
    say(f"wrote {folder}/video.mp4" if done.returncode == OK else f"no video: {' '.join(lines)}")

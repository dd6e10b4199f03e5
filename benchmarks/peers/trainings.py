"""Runs each peer's training as a process of its own, and says when its checkpoints were ready."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import robot, stamps
from benchmarks.peers.stamps import STARTED, Stamp
from benchmarks.peers.venvs import ROOT, NoPeer, last_line, made

KSIM_EVERY = 250_000
"""Environment steps between the checkpoints of ksim-schema; the peers' are as close."""


@dataclass(frozen=True)
class Training:
    """A training that ended, or was ended.

    Attributes:
        folder: what it left.
        stamps: its checkpoints, the first one first.
        note: what went wrong, or "".
    """

    folder: Path
    stamps: list[Stamp]
    note: str = ""

    @property
    def speed(self) -> float:
        """Environment steps a second between the first and the last checkpoint."""
        if len(self.stamps) < 2:
            return float("nan")
        first, last = self.stamps[0], self.stamps[-1]
        return (last.steps - first.steps) / max(last.seconds - first.seconds, 1e-9)


@dataclass(frozen=True)
class Sizes:
    """How much is trained.

    Attributes:
        minutes: after which a training is ended.
        task: of ksim-schema. more: further options of its `ksim-run`.
        iterations: of mjbatch's loop.
        steps: environment steps of Brax's PPO.
        warm: whether ksim-schema has the programs that earlier commands compiled; otherwise each
            training compiles all it needs, as on the day that it is installed.
    """

    minutes: float
    task: Path
    more: tuple[str, ...] = ()
    iterations: int = 600
    steps: int = 4_000_000
    warm: bool = False


Train = Callable[[Path, int, Sizes], Training]


def mjbatch(folder: Path, seed: int, sizes: Sizes) -> Training:
    """The loop around mjbatch."""
    options = ("--root", robot.folder(), "--iterations", sizes.iterations)
    return _peer("mjbatch", "mjbatch_train", folder, seed, options, sizes)


def ksim(folder: Path, seed: int, sizes: Sizes) -> Training:
    """`ksim-run` on a task; a checkpoint was ready when its file was written."""
    from ksim_compiler.learn.run.checkpoints import checkpoints

    command = [sys.executable, "-m", "ksim_compiler.cli.run", str(sizes.task), "--seed", str(seed)]
    command += ["--out", str(folder), "--checkpoint-every", str(KSIM_EVERY), "--keep", "1000"]
    around = {"MENAGERIE_ROOT": str(robot.folder().parent)}
    if not sizes.warm:
        around["XDG_CACHE_HOME"] = str(folder.with_suffix(".cache"))
    began, note = _run([*command, *sizes.more], folder, sizes.minutes, around)
    found = [
        Stamp(file, steps, file.stat().st_mtime - began) for steps, file in checkpoints(folder)
    ]
    return Training(folder, found, note)


def brax(folder: Path, seed: int, sizes: Sizes) -> Training:
    """Brax's PPO on Playground's Go1."""
    options = ("--root", robot.folder(), "--steps", sizes.steps)
    return _peer("brax", "brax_train", folder, seed, options, sizes)


def _peer(
    peer: str, module: str, folder: Path, seed: int, options: Sequence[object], sizes: Sizes
) -> Training:
    """A module of this package in the environment of a peer."""
    command = [str(made(peer)), "-m", f"benchmarks.peers.{module}"]
    command += ["--out", str(folder), "--seed", str(seed), *map(str, options)]
    _, note = _run(command, folder, sizes.minutes)
    return Training(folder, stamps.read(folder), note)


def _run(
    command: list[str], folder: Path, minutes: float, variables: Mapping[str, str] | None = None
) -> tuple[float, str]:
    """Run a command to its end or the limit; when it began, and what went wrong."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    paths = (str(ROOT), str(ROOT / "compiler"))
    with folder.with_suffix(".log").open("w+") as log:
        began = time.time()
        around = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), STARTED: repr(began)}
        around |= variables or {}
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT, env=around)
        try:
            status = process.wait(minutes * 60)
        except subprocess.TimeoutExpired:
            process.terminate()
            _gone(process)
            return began, f"ended after {minutes:g} min"
        except BaseException:
            process.terminate()
            _gone(process)
            raise
        log.seek(0)
        return began, "" if status == 0 else last_line(log.read()) or f"exit status {status}"


def _gone(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


TRAININGS: dict[str, Train] = {"mjbatch": mjbatch, "ksim": ksim, "brax": brax}
"""Peer -> how it is trained."""

__all__ = ["TRAININGS", "NoPeer", "Sizes", "Train", "Training"]

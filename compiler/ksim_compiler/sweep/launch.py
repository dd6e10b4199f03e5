"""Workers in processes of their own: on this machine, in a Slurm array, on a Ray cluster."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ksim_schema.source.files import write_text

MODULE = "ksim_compiler.cli.sweep"
RESTARTS = 3
"""How often a worker that was killed is started anew, for each worker."""
OK, ERRORS, INTERRUPTED = 0, 1, 130
LOGS = "workers"
SCRIPT = "sweep.sbatch"


def command(words: Sequence[str]) -> list[str]:
    """The command of a worker."""
    return [sys.executable, "-m", MODULE, *words]


def local(words: Sequence[str], folder: Path, count: int) -> int:
    """Run workers on this machine until the study is done, or told to stop.

    A worker that is killed is started anew; its trial goes on where it was. What they print goes to
    files in the study's folder.

    Returns:
        The exit status: that of the first worker that found something wrong, 0 when none did.
    """
    logs = folder / LOGS
    logs.mkdir(parents=True, exist_ok=True)
    received: list[int] = []

    def note(number: int, frame: object) -> None:
        received.append(number)

    before = {n: signal.signal(n, note) for n in (signal.SIGINT, signal.SIGTERM)}
    running: dict[int, subprocess.Popen[bytes]] = {}
    left, sent, status = RESTARTS * count, 0, OK

    def start(place: int) -> None:
        with (logs / f"{place}.log").open("ab") as log:
            running[place] = subprocess.Popen(
                command(words),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C reaches this process alone, which passes it on
            )

    try:
        for place in range(count):
            start(place)
        while running:
            while sent < len(received):
                sent += 1
                if sent == 1:
                    text = "stopping after this iteration; once more to stop at once"
                    print(f"\n{text}", file=sys.stderr)
                for process in running.values():
                    process.send_signal(signal.SIGTERM if sent == 1 else signal.SIGKILL)
            for place, process in list(running.items()):
                ended = process.poll()
                if ended is None:
                    continue
                del running[place]
                if ended < 0 and not received and left > 0:
                    left -= 1
                    print(f"worker {place} was killed by signal {-ended}; begun anew", flush=True)
                    start(place)
                elif ended not in (OK, INTERRUPTED) and not received:
                    said = _last(logs / f"{place}.log")
                    print(f"worker {place} ended: {said}", file=sys.stderr)
                    status = ERRORS
            time.sleep(0.1)
    finally:
        for process in running.values():
            process.kill()
        for number, handler in before.items():
            signal.signal(number, handler)
    return INTERRUPTED if received else status


def _last(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else f"see {path}"


def script(words: Sequence[str], folder: Path, name: str, count: int) -> str:
    """The batch script of a Slurm array of workers."""
    logs = shlex.quote(str(folder.absolute() / LOGS / "%a.log"))
    return f"""#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=1-{count}
#SBATCH --output={logs}
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=TERM@120
# What a worker of the study needs is added here, or given to sbatch:
#   --cpus-per-task=8  --gres=gpu:1  --time=12:00:00  --partition=...
# A worker that runs out of time saves its trial; the next one goes on with it.
cd {shlex.quote(str(Path.cwd()))} || exit 1
exec {shlex.join(command(words))}
"""


def slurm(words: Sequence[str], folder: Path, name: str, count: int) -> int:
    """Write the batch script of an array of workers, and submit it where there is Slurm."""
    (folder / LOGS).mkdir(parents=True, exist_ok=True)
    path = folder / SCRIPT
    write_text(path, script(words, folder, name, count))
    print(f"wrote {path}")
    if shutil.which("sbatch") is None:
        print(f"there is no sbatch here; where there is: sbatch {shlex.quote(str(path))}")
        return OK
    done = subprocess.run(["sbatch", str(path)], check=False)
    return OK if done.returncode == 0 else ERRORS


def on_ray(words: Sequence[str], count: int, address: str) -> int:
    """Run workers as tasks of a Ray cluster, each a process; returns the exit status.

    Args:
        words: the command line of a worker.
        count: workers.
        address: of the cluster; ``auto`` is the one of this machine, and else a new one.
    """
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ImportError:
        print("ksim-sweep: --ray needs: pip install 'ksim-schema[ray]'", file=sys.stderr)
        return 2
    _connect(ray, address)
    place, environment = str(Path.cwd()), {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}

    def work(line: list[str]) -> tuple[int, str]:
        found = {**os.environ, **{k: v for k, v in environment.items() if v}}
        done = subprocess.run(
            [sys.executable, "-m", MODULE, *line],
            capture_output=True,
            text=True,
            check=False,
            cwd=place if os.path.isdir(place) else None,
            env=found,
        )
        return done.returncode, done.stderr

    cores = int(words[list(words).index("--threads") + 1]) or 1
    task: Any = ray.remote(num_cpus=cores, max_retries=RESTARTS)(work)
    status = OK
    try:
        for ended, said in ray.get([task.remote(list(words)) for _ in range(count)]):
            if ended != OK:
                print(f"a worker ended: {said.strip()}", file=sys.stderr)
                status = ERRORS
    finally:
        ray.shutdown()
    return status


def _connect(ray: Any, address: str) -> None:
    """Join a cluster, or with ``auto`` begin one where there is none."""
    try:
        ray.init(address=address, log_to_driver=False, logging_level="error")
    except ConnectionError:
        if address != "auto":
            raise
        ray.init(log_to_driver=False, logging_level="error", include_dashboard=False)

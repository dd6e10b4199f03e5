"""What several processes and devices give on this machine, against one process of as many threads.

    python -m benchmarks.bench_devices [TASK ...] [--processes 2] [--rounds 3] [--steps N]
                                       [--undisturbed]

Each way trains the same batch for the same steps, in turn and several times over; a rate is that of
the iterations after the first ones, and the middle one of the rounds counts. Evaluations and
checkpoints are left out. The rates depend on what else the machine does: the load is printed.
Processes that wait for each other suffer of it most, as each of them waits for its turn. With
``--undisturbed`` (Linux, as root) a training that has begun goes before all other programs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

NEVER = "1000000000000000"
TASKS = ("tasks/cartpole.yaml", "tasks/walk.yaml")
SETTLED = 2
"""Iterations at the beginning that do not count."""


def rate(task: str, steps: int, *how: str, undisturbed: bool = False) -> float:
    """Environment steps a second of a training."""
    with tempfile.TemporaryDirectory() as folder:
        run, errors = Path(folder) / "run", Path(folder) / "errors"
        command = [sys.executable, "-m", "ksim_compiler.cli.run", task, "--out", str(run), *how]
        command += ["--engine", "native", "--steps", str(steps), "--episodes", "1"]
        command += ["--evaluate-every", NEVER, "--checkpoint-every", NEVER]
        log, begun = run / "metrics.jsonl", 0
        with errors.open("wb") as file:
            training = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file)
            if undisturbed:
                while training.poll() is None and begun < SETTLED:
                    time.sleep(0.05)
                    begun = log.read_bytes().count(b"\n") if log.is_file() else 0
                before_all_others(training.pid)
                begun = log.read_bytes().count(b"\n") + 1
            if training.wait():
                raise SystemExit(errors.read_text(encoding="utf-8")[-2000:])
        lines = log.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines][max(begun, SETTLED) - 1 :]
    first, last = rows[0], rows[-1]
    return (last["steps"] - first["steps"]) / (last["seconds"] - first["seconds"])


def before_all_others(process: int) -> None:
    """Let the threads of a process and of those that it has started run whenever they can."""
    assert sys.platform == "linux"
    for thread in Path(f"/proc/{process}/task").iterdir():
        with suppress(ProcessLookupError):
            os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(1))
        for child in (thread / "children").read_text().split():
            before_all_others(int(child))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        prog="bench_devices", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("tasks", nargs="*", default=TASKS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--undisturbed", action="store_true")
    options = parser.parse_args(argv)
    n, alone = options.processes, options.undisturbed
    ways = {
        f"1 process, {n} threads": ("--threads", str(n)),
        f"{n} processes": ("--local-processes", str(n)),
        f"{n} devices of a process": ("--devices", str(n), "--threads", str(n)),
    }
    print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for task in options.tasks:
        found: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(options.rounds):
            for way, how in ways.items():
                found[way].append(rate(task, options.steps, *how, undisturbed=alone))
        middle = {way: statistics.median(rates) for way, rates in found.items()}
        base = next(iter(middle.values()))
        print(task)
        for way, value in middle.items():
            spread = f"{min(found[way]):,.0f} to {max(found[way]):,.0f}"
            print(f"  {way:<26}{value:>10,.0f} steps/s  {value / base:5.2f}  ({spread})")
    print(f"load after: {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

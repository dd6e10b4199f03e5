"""What several processes and devices give on this machine, against one process of as many threads.

    python -m benchmarks.bench_devices [TASK ...] [--processes 2] [--rounds 3] [--steps N]

Each way trains the same batch for the same steps, in turn and several times over; a rate is that of
the iterations after the first two, and the middle one of the rounds counts. Evaluations and
checkpoints are left out. The rates depend on what else the machine does: the load is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

NEVER = "1000000000000000"
TASKS = ("tasks/cartpole.yaml", "tasks/walk.yaml")
SETTLED = 2
"""Iterations at the beginning that do not count."""


def rate(task: str, steps: int, *how: str) -> float:
    """Environment steps a second of a training."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [sys.executable, "-m", "ksim_compiler.cli.run", task, "--out", str(run), *how]
        command += ["--engine", "native", "--steps", str(steps), "--episodes", "1"]
        command += ["--evaluate-every", NEVER, "--checkpoint-every", NEVER]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines][SETTLED - 1 :]
    first, last = rows[0], rows[-1]
    return (last["steps"] - first["steps"]) / (last["seconds"] - first["seconds"])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(
        prog="bench_devices", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("tasks", nargs="*", default=TASKS)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200_000)
    options = parser.parse_args(argv)
    n = options.processes
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
                found[way].append(rate(task, options.steps, *how))
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

"""What the engines for accelerators are worth here: correctness, then speed, within six minutes.

    python -m benchmarks.gpu [--seconds 340] [--tiny] [--only walk,agrees]

Each part is a process of its own with a budget of seconds, and prints its rows as they come:

* ``agrees``: the engine against MuJoCo's C code, from the same states under the same controls;
* ``learns``: the cartpole, trained by ``ksim-run`` and judged by its last evaluation;
* ``resumes``: a training that is stopped and resumed, against one that goes through;
* ``walk``, ``g1``, ``go1``: environment steps per second of training (rollout and update) over
  numbers of environments, beside ``mjx.step`` alone, jitted and vmapped, on the same model; their
  ratio is what the tick, the networks and the update cost;
* ``brax``: Brax's PPO on MuJoCo Playground's environments of the same robots, where both packages
  are installed.

G1 and Go1 are MuJoCo Menagerie's, by MENAGERIE_ROOT. Of the Go1 a copy is measured in which the
feet alone collide, and with a pyramidal cone: as it is, it has too many contacts for MJX (KS0486).
What is not there, does not fit, or was left out for want of time is a row that says so. Without a
GPU, or with ``--tiny``, sizes are tiny, and the rows say nothing about speed. The status is 1 where
something is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OUT = ROOT / "build" / "gpu"
COLUMNS = ("part", "what", "environments", "env steps/s", "of bare", "result")
ENVS, TINY_ENVS = (4096, 16384, 1024), (8,)
"""Numbers of environments, the most telling first: the last are left out when time is short."""
SLOW = 4
"""How many times as long a part may take on a CPU, where MJX compiles slowly."""


@dataclass(frozen=True)
class Job:
    """A part.

    Attributes:
        part: its name.
        seconds: it may take.
        arguments: of the process that does it.
        what: for the row of one that told nothing.
    """

    part: str
    seconds: float
    arguments: tuple[str, ...]
    what: str = ""


def jobs(engines: Sequence[str], envs: Sequence[int], tiny: bool) -> Iterator[Job]:
    """The parts in the order in which they are told."""
    small = ("--tiny",) if tiny else ()
    for engine in engines:
        yield Job("agrees", 90, ("agrees", "--engine", engine, *small), f"walk, {engine}")
    engine = engines[0]
    yield Job("learns", 100, ("learns", "--engine", engine, *small), f"cartpole, {engine}")
    yield Job("resumes", 90, ("resumes", "--engine", engine, *small), f"cartpole, {engine}")
    for count in envs:
        for task in ("walk", "g1", "go1"):
            for name in engines if count == envs[0] else engines[:1]:
                arguments = ("speed", "--engine", name, "--task", task, "--envs", str(count))
                yield Job(task, 100, (*arguments, *small), f"{name}, {count:,} environments")
    for name in () if tiny else ("Go1JoystickFlatTerrain", "G1JoystickFlatTerrain"):
        yield Job("brax", 120, ("brax", "--task", name, "--envs", str(envs[0])), name)


def rows_of(job: Job, seconds: float) -> Iterator[dict[str, Any]]:
    """Run a part for at most some seconds, and give its rows as they come."""
    command = [sys.executable, "-m", "benchmarks.gpu_parts", *job.arguments]
    paths = [str(ROOT), str(ROOT / "compiler"), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "MUJOCO_GL": "disable",
    }
    OUT.mkdir(parents=True, exist_ok=True)
    log, told = OUT / f"{'-'.join(job.arguments).replace('--', '')}.log", 0
    with log.open("w") as errors:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env=environment,
            start_new_session=True,
        )
        # what it has started ends with it
        stop = threading.Timer(seconds, os.killpg, (process.pid, signal.SIGKILL))
        stop.start()
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):
                told += 1
                yield json.loads(line)
        status = process.wait()
        late = not stop.is_alive()
        stop.cancel()
    if late:
        yield {"what": job.what, "result": f"not done in {seconds:.0f} s"}
    elif status or not told:
        lines = log.read_text(errors="replace").strip().splitlines() or ["it says nothing"]
        yield {"what": job.what, "result": f"FAILED ({lines[-1][:160]}; see {log})", "bad": True}


def text(part: str, row: dict[str, Any]) -> str:
    """A row of the table."""
    rate, ratio = row.get("rate"), row.get("ratio")
    cells = (
        part,
        row.get("what", ""),
        f"{row['envs']:,}" if "envs" in row else "",
        f"{rate:,.0f}" if rate is not None else "",
        f"{ratio:.2f}" if ratio is not None else "",
        row.get("result", ""),
    )
    return "| " + " | ".join(cells) + " |"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, help="for all of it (default: 340)")
    parser.add_argument("--tiny", action="store_true", help="tiny sizes, to try it on a CPU")
    parser.add_argument("--only", type=lambda given: given.split(","), help="parts, with commas")
    options = parser.parse_args(argv)
    begun = time.monotonic()
    OUT.mkdir(parents=True, exist_ok=True)
    here, *_ = rows_of(Job("device", 60, ("device",), "JAX"), 60)
    tiny = options.tiny or not here.get("gpu")
    print(here["result"], flush=True)
    if tiny:
        why = "there is no GPU here" if not here.get("gpu") else "--tiny"
        print(
            f"{why}: tiny sizes, whose speeds mean nothing; warp, Brax and large sizes are not seen"
        )
    print("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS), flush=True)
    whole = options.seconds or (SLOW * 340.0 if tiny else 340.0)
    engines = ["mjx", "warp"] if here.get("warp") and not tiny else ["mjx"]
    if "warp" not in engines and not tiny:
        print(
            text("warp", {"result": "its package is not installed: mujoco-mjx[warp]"}), flush=True
        )
    bad = 0
    for job in jobs(engines, TINY_ENVS if tiny else ENVS, tiny):
        if options.only and job.part not in options.only:
            continue
        left = whole - (time.monotonic() - begun)
        if left < 20:
            print(text(job.part, {"what": job.what, "result": "left out: no time"}), flush=True)
            continue
        for row in rows_of(job, min(job.seconds * (SLOW if tiny else 1), left)):
            bad += bool(row.get("bad"))
            print(text(job.part, row), flush=True)
    print(f"{time.monotonic() - begun:.0f} s in all; {bad or 'nothing'} wrong", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

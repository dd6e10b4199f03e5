"""How long checking takes: one task, a hundred in one call, large tasks; in seconds of CPU.

Each measurement is a process of its own, imports included: ``ksim-compile --check``.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TASKS = ROOT / "tasks"


def cpu(arguments: list[str]) -> tuple[float, int]:
    """Seconds of CPU that a check takes, and its exit status."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "ksim_compiler.cli.compile", "--check", "-q", *arguments]
    paths = (str(ROOT), str(ROOT / "compiler"), os.environ.get("PYTHONPATH", ""))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    status = subprocess.run(command, env=environment, stderr=subprocess.DEVNULL).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime), status


def wide(rewards: int, observations: int) -> str:
    """The walk with more rewards and observations, all of which are read."""
    text = (TASKS / "walk.yaml").read_text(encoding="utf-8")
    seen = [f"o{i}" for i in range(observations)]
    new = "".join(f"  {n}: {{kind: joint_position, noise: {{uniform: 1 deg}}}}\n" for n in seen)
    text = text.replace("Observation:\n", "Observation:\n" + new, 1)
    text = text.replace("read: [", f"read: [{', '.join(seen)}, ", 1)
    terms = "".join(
        f"  r{i}: {{kind: torque_penalty, scale: {1 + i}.0e-6}}\n" for i in range(rewards)
    )
    return text.replace("Reward:\n", "Reward:\n" + terms, 1)


def main() -> None:
    """Print a line for each measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "robots").symlink_to(TASKS / "robots")
        walk = (TASKS / "walk.yaml").read_text(encoding="utf-8")
        hundred = [folder / f"walk{i}.yaml" for i in range(100)]
        for path in hundred:
            path.write_text(walk, encoding="utf-8")
        for title, paths, text in (
            ("one task", [TASKS / "walk.yaml"], None),
            ("100 tasks in one call", hundred, None),
            ("200 rewards and 200 observations", [folder / "wide.yaml"], wide(200, 200)),
            ("10,000 parts", [folder / "huge.yaml"], wide(5000, 5000)),
        ):
            if text is not None:
                paths[0].write_text(text, encoding="utf-8")
            seconds, status = cpu([str(path) for path in paths])
            print(f"{title:34} {seconds:6.2f} s of CPU, status {status}", flush=True)


if __name__ == "__main__":
    main()

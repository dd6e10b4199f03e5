"""How long checking takes: one task, a hundred in one call, large tasks; in seconds of CPU.

Each measurement is a process of its own, imports included: ``ksim-compile --check``. One task is
held against the imports of the packages that a check needs, measured in turn: 1.5 times at most.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
TASKS = ROOT / "tasks"


IMPORTS = ["-c", "import pydantic, networkx, mujoco, numpy, yaml"]
"""What one task is held against: a check of it takes at most 1.5 times this."""
CHECK = ["-m", "ksim_compiler.cli.compile", "--check", "-q"]
TIMES = 9
"""How often one task is checked, in turn with the imports."""


def cpu(arguments: list[str], compiled: Path) -> tuple[float, int]:
    """Seconds of CPU that a run of Python takes, and its exit status.

    Args:
        arguments: of Python.
        compiled: where modules are kept as bytecode, as they are of packages that pip installs.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    paths = (str(ROOT), str(ROOT / "compiler"), os.environ.get("PYTHONPATH", ""))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(compiled)
    command = [sys.executable, *arguments]
    status = subprocess.run(command, env=environment, stderr=subprocess.DEVNULL).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime), status


def against_imports(compiled: Path) -> str:
    """One task and the imports in turn: the medians, and how many times the imports it takes."""
    check = [*CHECK, str(TASKS / "walk.yaml")]
    for arguments in (IMPORTS, check):  # once to write the bytecode
        cpu(arguments, compiled)
    runs = [(cpu(IMPORTS, compiled)[0], cpu(check, compiled)[0]) for _ in range(TIMES)]
    imports, task = (median(column) for column in zip(*runs, strict=True))
    return f"{task:6.2f} s of CPU, {task / imports:.2f} times the imports ({imports:.2f} s)"


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
        compiled = folder / "bytecode"
        print(f"{'one task':34} {against_imports(compiled)}", flush=True)
        for title, paths, text in (
            ("100 tasks in one call", hundred, None),
            ("200 rewards and 200 observations", [folder / "wide.yaml"], wide(200, 200)),
            ("10,000 parts", [folder / "huge.yaml"], wide(5000, 5000)),
        ):
            if text is not None:
                paths[0].write_text(text, encoding="utf-8")
            seconds, status = cpu([*CHECK, *map(str, paths)], compiled)
            print(f"{title:34} {seconds:6.2f} s of CPU, status {status}", flush=True)


if __name__ == "__main__":
    main()

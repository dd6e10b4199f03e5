"""Train peers side by side, judge them, and print ratios; see the package's docstring.

    python -m benchmarks.peers [--only mjbatch ksim brax bare] [--task TASK.yaml] [--seeds N]

Nothing else should run on the machine. What was trained stays under `build/peers/`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.peers import bare, judge, robot, table
from benchmarks.peers.table import NEVER, Row
from benchmarks.peers.trainings import TRAININGS, Sizes, Training
from benchmarks.peers.venvs import PLACE, REQUIREMENTS, ROOT, NoPeer, last_line, made, versions

TASK = ROOT / "benchmarks" / "peers" / "go1.yaml"
PARTS = (*TRAININGS, "bare")
ONCE = ("brax",)
"""Peers so slow that one seed of them says enough."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(prog="benchmarks.peers", description=__doc__)
    add = result.add_argument
    add("--only", nargs="+", choices=PARTS, default=list(PARTS), help="(default: all)")
    add("--task", type=Path, default=TASK, help="of ksim-schema (default: %(default)s)")
    add("--seeds", type=int, default=3, help="trainings of each peer (default: %(default)s)")
    add("--minutes", type=float, default=30.0, help="limit of a training (default: %(default)g)")
    add("--episodes", type=int, default=judge.EPISODES, help="of a judgement (%(default)s)")
    add("--iterations", type=int, default=600, help="of mjbatch's loop (default: %(default)s)")
    add("--brax-steps", type=int, default=4_000_000, help="environment steps (%(default)s)")
    add("--envs", type=int, default=1024, help="of bare physics (default: %(default)s)")
    add("--rounds", type=int, default=3, help="of bare physics (default: %(default)s)")
    add("--ksim-run", default="", metavar="OPTIONS", help="further options of ksim-run")
    add("--warm", action="store_true", help="ksim-run has what it compiled before")
    add("--out", type=Path, help="folder of the results (default: build/peers/TIME)")
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts that the command line asks for; 0 where each of them ran."""
    options = parser().parse_args(argv)
    out: Path = options.out or PLACE / time.strftime("%Y%m%d-%H%M%S")
    if out.exists():
        print(f"{out} is there already", file=sys.stderr)
        return 2
    try:
        root = robot.folder()
    except robot.NoRobot as error:
        print(f"the Go1's files: {error}", file=sys.stderr)
        return 2
    out.mkdir(parents=True)
    more = tuple(shlex.split(options.ksim_run))
    limits = (options.iterations, options.brax_steps)
    sizes = Sizes(options.minutes, options.task.resolve(), more, *limits, options.warm)
    speeds, notes = _bare(root, options) if "bare" in options.only else ({}, {})
    rows: list[Row] = []
    for seed in range(options.seeds):
        for peer in (p for p in TRAININGS if p in options.only):
            if peer in ONCE and seed:
                continue
            rows.append(_row(peer, seed, sizes, out, root, options.episodes))
            print("\n".join(table.trainings(rows[-1:])[2:]), file=sys.stderr, flush=True)
    about = _about(options.only)
    found = [
        about,
        f"goal: at most {judge.GOAL.falls:.0%} of {options.episodes} episodes fall, at most"
        f" {judge.GOAL.planar} m/s and {judge.GOAL.turn} rad/s off",
    ]
    for lines in (
        table.ratios(rows, speeds, robot.SUBSTEPS),
        table.trainings(rows),
        table.physics(speeds, notes),
    ):
        found += ["", *lines] if lines else []
    print("\n".join(found))
    (out / "results.md").write_text("\n".join(found) + "\n")
    told: dict[str, Any] = {"about": about, "bare": speeds, "rows": [asdict(row) for row in rows]}
    (out / "results.json").write_text(json.dumps(told, indent=2) + "\n")
    return 0 if not notes and all(row.judgement for row in rows) else 1


def _row(peer: str, seed: int, sizes: Sizes, out: Path, root: Path, episodes: int) -> Row:
    """Train a peer with a seed, and judge it."""
    print(f"training {peer}, seed {seed}", file=sys.stderr, flush=True)
    try:
        training = TRAININGS[peer](out / f"{peer}-{seed}", seed, sizes)
        if not training.stamps:
            raise NoPeer(f"no checkpoint: {training.note or 'it left none'}")
        others = _others(training, root) if peer == "ksim" else ()
        return _trained(peer, seed, training, _judge(peer, training, root, episodes), others)
    except NoPeer as error:
        return Row(peer, seed, note=str(error))


Judge = Callable[[int], judge.Judgement]


def _judge(peer: str, training: Training, root: Path, episodes: int) -> Judge:
    """What judges the checkpoint at a place."""
    from benchmarks.peers.episodes import Player, play

    def found(place: int) -> judge.Judgement:
        stamp = training.stamps[place]
        player: Player
        if peer == "ksim":
            from benchmarks.peers.ksim_player import Contracted

            player = Contracted(training.folder, stamp.steps)
        else:
            from benchmarks.peers.players import Mirrored, Plain

            player = Plain(stamp.file) if peer == "brax" else Mirrored(stamp.file)
        result = judge.judged(play(root, player, episodes))
        print(f"  {stamp.steps:,} steps, {stamp.seconds:.1f} s: {result}", file=sys.stderr)
        return result

    return found


def _others(training: Training, root: Path) -> Sequence[str]:
    """What the robot of a run of ksim-schema has otherwise than the judge's."""
    from benchmarks.peers.ksim_player import Contracted, differences

    return differences(Contracted(training.folder, training.stamps[-1].steps).plan, root)


def _trained(
    peer: str, seed: int, training: Training, judgement: Judge, others: Sequence[str]
) -> Row:
    """The row of a training; ``others`` is what its robot has otherwise than the judge's."""
    stamps = training.stamps
    first, figures = judge.first_to_stay(judgement, len(stamps))
    reached = None if first is None else stamps[first]
    notes = [training.note] if training.note else []
    if others:
        notes.append("trained on a robot with another " + ", ".join(others))
    return Row(
        peer,
        seed,
        speed=training.speed,
        first=stamps[0].seconds,
        steps=reached.steps if reached else math.nan,
        seconds=reached.seconds if reached else NEVER,
        judgement=figures,
        note="; ".join(notes),
    )


def _bare(root: Path, options: argparse.Namespace) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Physics steps a second of each package, in turns; and why there are none."""
    speeds: dict[str, list[float]] = {}
    notes: dict[str, str] = {}
    for _ in range(options.rounds):
        for package in bare.MODULES:
            try:
                python = made(package) if package in REQUIREMENTS else Path(sys.executable)
                command = [str(python), "-m", "benchmarks.peers.bare", package]
                command += ["--root", str(root), "--envs", str(options.envs)]
                around = {**os.environ, "PYTHONPATH": str(ROOT)}
                done = subprocess.run(
                    command, capture_output=True, text=True, cwd=ROOT, env=around, check=False
                )
                if done.returncode:
                    raise NoPeer(last_line(done.stderr))
                speeds.setdefault(package, []).append(float(done.stdout))
            except NoPeer as error:
                notes[package] = str(error)
    return speeds, notes


def _about(only: Sequence[str]) -> str:
    """The machine, and the versions that took part."""
    mine = versions(sys.executable, ("ksim-schema", "mujoco", "jax", "numpy"))
    found = [f"{platform.machine()}, {os.cpu_count()} cores ({_processor()})"]
    found.append(f"Python {platform.python_version()}")
    found.append("here: " + ", ".join(f"{name} {version}" for name, version in mine.items()))
    for peer, packages in REQUIREMENTS.items():
        python = PLACE / "venvs" / peer / "bin" / "python"
        asked = peer in only or (peer in bare.MODULES and "bare" in only)
        if asked and python.exists():
            names = tuple(p.partition("=")[0].partition(">")[0] for p in packages)
            there = versions(python, (*names, "mujoco"))
            found.append(f"{peer}: " + ", ".join(f"{n} {v}" for n, v in there.items()))
    return "; ".join(found)


def _processor() -> str:
    """The processor's name, as Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (named or [platform.processor()])[0]


if __name__ == "__main__":
    sys.exit(main())

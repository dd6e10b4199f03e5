"""Bare physics: steps a second of a Batch of either package, on the robot that mjbatch trains.

    python -m benchmarks.peers.bare {mujoco,mjbatch} --root GO1 [--envs 1024] [--ticks 24]

Prints physics steps a second, after one untimed tick; controls are small random ones about the
stand, drawn beforehand.
"""
# pyright: reportMissingImports=false

from __future__ import annotations

import argparse
import importlib
import time
from pathlib import Path

import numpy as np

from benchmarks.peers.robot import ACTION_SCALE, STAND, SUBSTEPS, trained

MODULES = {"mujoco": "mujoco.batch", "mjbatch": "mjbatch"}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", choices=MODULES)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--envs", type=int, default=1024)
    parser.add_argument("--ticks", type=int, default=100)
    options = parser.parse_args()
    model = trained(options.root).compile()
    batch = importlib.import_module(MODULES[options.package]).Batch(model, options.envs)
    rng = np.random.default_rng(0)
    batch.reset(keyframe=0)
    qpos, ctrl = batch.bind("qpos"), batch.bind("ctrl")
    qpos[:, 2] = 0.3
    batch.bind("sensordata")  # as a training has it: what it reads is copied out
    drawn = STAND + 0.2 * ACTION_SCALE * rng.standard_normal((8, *ctrl.shape))
    begun = 0.0
    for tick in range(options.ticks + 1):
        if tick == 1:
            begun = time.perf_counter()
        ctrl[:] = drawn[tick % len(drawn)]
        batch.step(nstep=SUBSTEPS)
    spent = time.perf_counter() - begun
    print(options.ticks * options.envs * SUBSTEPS / spent)


if __name__ == "__main__":
    main()

"""Trains a task for some iterations on several devices, and keeps all that came of it.

The first number of devices trains on and on. With each of the others every iteration begins from
the state that the first one began it from: what differs after it, that iteration has made.

A program of its own: how many devices a CPU is, a process says before it begins.

    python train.py TASK FOLDER ITERATIONS DEVICES[,DEVICES...] [PATH=VALUE ...]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np


def main(task: str, folder: str, iterations: str, devices: str, *settings: str) -> None:
    counts = [int(n) for n in devices.split(",")]
    os.environ["JAX_NUM_CPU_DEVICES"] = str(max(counts))
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax

    from ksim_compiler.learn.run import checkpoint
    from ksim_compiler.learn.run.devices import ONE, Devices
    from ksim_compiler.learn.run.trainer import Trainer
    from ksim_compiler.pipeline import compile_file

    plan = compile_file(Path(task), settings).plan
    assert plan is not None
    states: list[Any] = []
    for place, count in enumerate(counts):
        trainer = Trainer.build(plan, "native", devices=ONE if count == 1 else Devices.first(count))
        state, kept = trainer.init(0), dict[str, Any]()
        kept |= {f"begin/{k}": v for k, v in checkpoint.arrays(trainer.whole(state)).items()}
        for i in range(int(iterations)):
            if not place:
                states.append(trainer.whole(state))
            elif i:
                state = trainer.cut(states[i])
            collected: Any = trainer._collect(trainer.params, state)
            kept |= {f"ticks/{i}/{k}": v for k, v in checkpoint.arrays(collected.ticks).items()}
            state, metrics = trainer.step(trainer.params, state)
            kept |= {f"metrics/{i}/{k}": np.asarray(v) for k, v in jax.device_get(metrics).items()}
            after = checkpoint.arrays(trainer.whole(state))
            kept |= {f"after/{i}/{k}": v for k, v in after.items()}
        np.savez(Path(folder) / f"{place}.npz", **kept)


if __name__ == "__main__":
    main(*sys.argv[1:])

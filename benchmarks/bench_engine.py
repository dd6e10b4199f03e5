"""Physics steps per second of an engine inside a jitted `lax.scan`, against MuJoCo's bare loop.

The bare loop is `mujoco.batch.Batch.step` with the controls written and no field read. Both run
in turns within one process, on the same model, controls and number of threads, and the medians
are compared; what the engine loses is the price of the callback, of the conversion to float32 and
of the copies of the state.

    python benchmarks/bench_engine.py [--envs 512] [--substeps 5] [--mjx]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
from mujoco.batch import Batch

from ksim_compiler.engine import EngineSpec, make_engine
from ksim_compiler.engine.base import physics_model

HUMANOID = Path(__file__).parents[1] / "tasks/robots/humanoid/scene.xml"
FIELDS = ("qpos", "qvel", "sensordata", "xpos", "xquat", "cvel", "qfrc_actuator")


def humanoid() -> mujoco.MjModel:
    """The humanoid under position servos on its hinges, at their home angles."""
    spec = mujoco.MjSpec.from_file(str(HUMANOID))
    for joint in spec.joints:
        if joint.type == mujoco.mjtJoint.mjJNT_HINGE:
            servo = spec.add_actuator(target=joint.name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
            servo.set_to_position(kp=80, kv=4)
    return spec.compile()


def bare(model: mujoco.MjModel, ctrl: np.ndarray, substeps: int) -> Callable[[], None]:
    """A rollout on the Batch alone: ctrl is (ticks, n, nu) float64."""
    batch = Batch(physics_model(model), ctrl.shape[1])
    view = batch.bind("ctrl")

    def rollout() -> None:
        batch.reset(keyframe=0, stage=mujoco.mjtStage.mjSTAGE_NONE.value)
        for row in ctrl:
            view[...] = row
            batch.step(nstep=substeps)

    return rollout


def behind_jax(
    name: str, model: mujoco.MjModel, ctrl: np.ndarray, substeps: int
) -> Callable[[], None]:
    """The same rollout as a compiled scan; the fields are reduced so that all must be there."""
    n = ctrl.shape[1]
    engine = make_engine(name, EngineSpec(model, n, substeps, FIELDS))
    qpos = jnp.tile(jnp.asarray(model.key_qpos[0], jnp.float32), (n, 1))
    start, _ = jax.jit(engine.reset)(qpos, jnp.zeros((n, model.nv)))
    actions = jnp.asarray(ctrl, jnp.float32)

    def scan(state: Any, actions: jax.Array) -> Any:
        def tick(carry: Any, action: jax.Array) -> tuple[Any, Any]:
            state, world = engine.step(carry, action)
            return state, sum(x.sum() for x in world.values())

        return jax.lax.scan(tick, state, actions)

    compiled = jax.jit(scan)

    def rollout() -> None:
        jax.block_until_ready(compiled(start, actions))

    return rollout


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--envs", type=int, default=512)
    parser.add_argument("--substeps", type=int, default=5)
    parser.add_argument("--ticks", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--mjx", action="store_true", help="also MJX (compiles for a minute)")
    args = parser.parse_args()

    model = humanoid()
    home = model.key_qpos[0][model.jnt_qposadr[model.actuator_trnid[:, 0]]]
    noise = np.random.default_rng(0).standard_normal((args.ticks, args.envs, model.nu))
    ctrl = (home + 0.1 * noise).astype(np.float32).astype(np.float64)

    runs = {"Batch.step": bare(model, ctrl, args.substeps)}
    for name in ("native", "mjx") if args.mjx else ("native",):
        runs[name] = behind_jax(name, model, ctrl, args.substeps)
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for rollout in runs.values():
        rollout()  # compiles, and fills the caches
    for _ in range(args.repeats):
        for name, rollout in runs.items():
            began = time.perf_counter()
            rollout()
            seconds[name].append(time.perf_counter() - began)

    steps = args.envs * args.substeps * args.ticks
    bare_median = statistics.median(seconds["Batch.step"])
    print(f"{args.envs} environments, {args.substeps} substeps, {args.ticks} ticks a rollout")
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f"{name:12} {steps / median:>10,.0f} physics steps/s   x{bare_median / median:.3f}")


if __name__ == "__main__":
    main()

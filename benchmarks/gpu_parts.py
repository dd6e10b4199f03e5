"""The parts of :mod:`benchmarks.gpu`, each in a process of its own; they print rows as JSON."""

from __future__ import annotations

import argparse
import functools
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gpu import OUT, ROOT

AGREED = {"qpos": 1e-4, "qvel": 2e-3}
"""How far MJX may be from MuJoCo after two control ticks, as a share of what is larger than 1."""
LEARNED = 0.9
"""Share of the longest episode that a trained cartpole stays up."""
FEET = ("FR", "FL", "RR", "RL", "floor")


def row(**values: Any) -> None:
    """Tell a row."""
    print(json.dumps(values), flush=True)


def device(options: argparse.Namespace) -> None:
    """What there is."""
    import jax
    import mujoco

    found = jax.devices()
    kinds = ", ".join(sorted({d.device_kind for d in found}))
    warp = all(importlib.util.find_spec(name) is not None for name in ("warp", "mujoco"))
    said = f"{len(found)} x {kinds}; jax {jax.__version__}, mujoco {mujoco.__version__}"
    row(gpu=found[0].platform == "gpu", warp=warp, result=said)


def task_of(name: str) -> tuple[Path | None, str]:
    """The file of a task, or None and why there is none."""
    if name == "walk":
        return ROOT / "tasks" / "walk.yaml", ""
    given = os.environ.get("MENAGERIE_ROOT")
    if not given or not Path(given).is_dir():
        return None, "not seen: MENAGERIE_ROOT is not set to a checkout of mujoco_menagerie"
    tasks = ROOT / "examples" / "tasks" / "menagerie"
    if name == "g1":
        return tasks / "g1_joystick.yaml", ""
    feet_alone(Path(given) / "unitree_go1")
    text = (tasks / "go1_joystick.yaml").read_text(encoding="utf-8")
    path = OUT / "go1_feet.yaml"
    path.write_text(text.replace("menagerie:unitree_go1/scene", "go1/feet.xml"), encoding="utf-8")
    return path, ""


def feet_alone(robot: Path) -> None:
    """Write a Go1 whose feet alone collide, with a pyramidal cone, beside a copy of its meshes."""
    import mujoco

    shutil.copytree(robot, OUT / "go1", dirs_exist_ok=True)
    spec = mujoco.MjSpec.from_file(str(robot / "scene.xml"))
    for geom in spec.geoms:
        if geom.name not in FEET:
            geom.contype = geom.conaffinity = 0
    spec.option.cone = mujoco.mjtCone.mjCONE_PYRAMIDAL
    spec.compile()
    (OUT / "go1" / "feet.xml").write_text(spec.to_xml(), encoding="utf-8")


def plan_of(path: Path, *settings: str) -> Any:
    """The plan of a task."""
    from ksim_compiler.pipeline import compile_file

    compiled = compile_file(path, settings)
    if compiled.plan is None:
        raise ValueError("; ".join(f"{d.code} {d.message}" for d in compiled.diagnostics))
    return compiled.plan


def controls(plan: Any, ticks: int, envs: int) -> np.ndarray:
    """Controls near those of the home pose, (ticks, envs, nu)."""
    random = np.random.default_rng(0)
    model, servos = plan.robot.model, {d.joint for d in plan.drives if d.kp is not None}
    home = np.zeros(model.nu)
    for actuator, (joint, _) in enumerate(model.actuator_trnid):
        if model.actuator_trntype[actuator] == 0 and model.joint(joint).name in servos:
            home[actuator] = plan.robot.facts.home[model.jnt_qposadr[joint]]
    return home + 0.05 * random.standard_normal((ticks, envs, len(home)))


def agrees(options: argparse.Namespace) -> None:
    """The engine against mj_step."""
    import jax
    import jax.numpy as jnp
    import mujoco

    from ksim_compiler.engine import EngineSpec, make_engine

    plan = plan_of(ROOT / "tasks" / "walk.yaml")
    model, ticks, envs = plan.robot.model, 10, 2 if options.tiny else 16
    ctrl = controls(plan, ticks, envs)
    start = np.tile(np.asarray(plan.robot.facts.home), (envs, 1))
    start[:, 2] += np.linspace(0.0, 0.1, envs)  # from standing on the ground to falling on it
    engine = make_engine(options.engine, EngineSpec(model, envs, plan.substeps, ("qpos", "qvel")))
    reset, step = jax.jit(engine.reset), jax.jit(engine.step)
    state, _ = reset(jnp.asarray(start, jnp.float32), jnp.zeros((envs, model.nv)))
    data = [mujoco.MjData(model) for _ in range(envs)]
    for each, pose in zip(data, start, strict=True):
        each.qpos[:] = pose.astype(np.float32)
    for tick in range(ticks):
        state, world = step(state, jnp.asarray(ctrl[tick], jnp.float32))
        for each, control in zip(data, ctrl[tick], strict=True):
            each.ctrl[:] = control.astype(np.float32)
            mujoco.mj_step(model, each, plan.substeps)
        if tick + 1 not in (2, ticks):
            continue
        off = {name: _off(world[name], [getattr(d, name) for d in data]) for name in AGREED}
        good = all(off[name] <= AGREED[name] for name in AGREED)
        judged = tick + 1 == 2  # contacts amplify the rounding of float32 afterwards
        said = f"qpos off by {off['qpos']:.1e}, qvel by {off['qvel']:.1e} after {tick + 1} ticks"
        verdict = (": good" if good else ": WRONG") if judged else ""
        row(
            what=f"walk, {options.engine}, against mj_step",
            envs=envs,
            result=said + verdict,
            bad=judged and not good,
        )


def _off(found: Any, wanted: list[np.ndarray]) -> float:
    """The largest difference, as a share of the largest value where that is beyond 1."""
    exact = np.stack(wanted)
    return float(np.abs(np.asarray(found) - exact).max() / max(1.0, np.abs(exact).max()))


def ksim_run(*arguments: str) -> None:
    """Train as a user does.

    Raises:
        RuntimeError: the command fails.
    """
    command = [sys.executable, "-m", "ksim_compiler.cli.run", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["ksim-run failed"])[-1])


def lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def learns(options: argparse.Namespace) -> None:
    """Train the cartpole."""
    folder, task = OUT / f"learns-{options.engine}", ROOT / "tasks" / "cartpole.yaml"
    shutil.rmtree(folder, ignore_errors=True)
    tiny = ("--steps", "2000", "--set", "PPO.envs=8", "--episodes", "2")
    size = tiny if options.tiny else ("--evaluate-every", "1000000000")
    begun = time.monotonic()
    ksim_run(str(task), "--engine", options.engine, *size, "--out", str(folder))
    seconds = time.monotonic() - begun
    found, longest = lines(folder / "evaluations.jsonl")[-1], plan_of(task).longest_episode
    share, steps = found["length"] / longest, found["steps"]
    good = options.tiny or share >= LEARNED
    said = f"stays up for {share:.0%} of an episode after {steps:,} steps in {seconds:.0f} s"
    verdict = "not judged" if options.tiny else "good" if good else "WRONG"
    row(what=f"cartpole, {options.engine}", result=f"{said}: {verdict}", bad=not good)


def resumes(options: argparse.Namespace) -> None:
    """A training of four iterations, against one of two that is resumed."""
    folders = [OUT / f"{name}-{options.engine}" for name in ("through", "resumed")]
    small = ("--engine", options.engine, "--set", "PPO.envs=64", "--set", "PPO.rollout=16")
    task = (str(ROOT / "tasks" / "cartpole.yaml"), *small, "--episodes", "2")
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    ksim_run(*task, "--steps", "4096", "--out", str(folders[0]))
    ksim_run(*task, "--steps", "2048", "--out", str(folders[1]))
    ksim_run("--resume", str(folders[1]), "--steps", "4096")
    through, resumed = (lines(folder / "metrics.jsonl") for folder in folders)
    same = [r["steps"] for r in through] == [r["steps"] for r in resumed]
    names = [n for n, v in through[-1].items() if n != "seconds" and isinstance(v, float)]
    off = max(
        abs(through[-1][n] - (resumed[-1].get(n) or 0.0)) / max(1.0, abs(through[-1][n]))
        for n in names
    )
    good = same and off <= 1e-2
    exact = "to the bit" if off == 0 else f"to {off:.0e} (a GPU adds in another order each time)"
    said = f"a resumed training gives the same figures {exact}"
    row(
        what=f"cartpole, {options.engine}",
        result=f"{said}: {'good' if good else 'WRONG'}",
        bad=not good,
    )


def timed(run: Callable[[], Any], seconds: float) -> float:
    """Seconds of a call, the mean over calls of some seconds in all; the first was made before."""
    import jax

    begun, count = time.perf_counter(), 0
    while count < 2 or time.perf_counter() - begun < seconds:
        jax.block_until_ready(run())
        count += 1
    return (time.perf_counter() - begun) / count


def speed(options: argparse.Namespace) -> None:
    """Training, and the bare step, of a task over a number of environments."""
    import jax

    from ksim_compiler.checks.engines import on_engine
    from ksim_compiler.learn.run.trainer import Trainer

    name, envs = f"{options.task}, {options.engine}", options.envs
    path, why = task_of(options.task)
    if path is None:
        row(what=name, envs=envs, result=why)
        return
    rollout, spend = (2, 0.1) if options.tiny else (24, 3.0)
    sizes = [f"PPO.envs={envs}", f"PPO.rollout={rollout}"]
    plan = plan_of(path, *sizes, *(("PPO.minibatches=2",) if options.tiny else ()))
    for problem in on_engine(plan, options.engine):
        if problem.severity == "error":
            row(what=name, envs=envs, result=f"refused: {problem.code} {problem.message}"[:200])
            return
    bare = bare_steps(plan, envs, rollout, spend) if options.engine == "mjx" else None
    if bare is not None:
        row(what=f"{options.task}, bare mjx.step", envs=envs, rate=bare, ratio=1.0)
    trainer = Trainer.build(plan, options.engine)
    begun = time.perf_counter()
    trainer.prepare()
    state, _ = trainer.step(trainer.params, trainer.init(0))
    jax.block_until_ready(state)
    first = time.perf_counter() - begun
    one = timed(lambda: trainer.step(trainer.params, state), spend)
    rate = envs * rollout / one
    ratio = None if bare is None else rate / bare
    said = f"training; first update after {first:.0f} s"
    row(what=name, envs=envs, rate=rate, ratio=ratio, result=said)


def bare_steps(plan: Any, envs: int, ticks: int, spend: float) -> float:
    """Environment steps per second of ``mjx.step`` alone, jitted and vmapped, on a task's model.

    It computes in full float32, as the engine does; JAX's own default on a GPU is TF32.
    """
    import jax
    import jax.numpy as jnp
    from mujoco import mjx

    model = mjx.put_model(plan.robot.model, impl="jax")
    data = mjx.make_data(plan.robot.model, impl="jax")
    data = data.replace(qpos=jnp.asarray(plan.robot.facts.home, jnp.float32))
    many = jax.tree.map(lambda leaf: jnp.tile(leaf, (envs,) + (1,) * jnp.ndim(leaf)), data)
    ctrl = jnp.asarray(controls(plan, ticks, envs), jnp.float32)
    step = jax.vmap(functools.partial(mjx.step, model))

    @jax.jit
    def rollout(many: Any, ctrl: Any) -> Any:
        def tick(many: Any, ctrl: Any) -> tuple[Any, None]:
            told = many.replace(ctrl=ctrl)
            return jax.lax.fori_loop(0, plan.substeps, lambda _, each: step(each), told), None

        return jax.lax.scan(tick, many, ctrl)[0].qpos

    with jax.default_matmul_precision("highest"):
        jax.block_until_ready(rollout(many, ctrl))
        return envs * ticks / timed(lambda: rollout(many, ctrl), spend)


def brax(options: argparse.Namespace) -> None:
    """Brax's PPO on an environment of Playground, with Playground's own hyperparameters."""
    for package in ("brax", "mujoco_playground"):
        if importlib.util.find_spec(package) is None:
            row(what=options.task, result=f"not seen: {package} is not installed")
            return
    # by their names: they are installed where there is a GPU to compare on
    names = ("networks", "train")
    networks, train = (importlib.import_module(f"brax.training.agents.ppo.{n}") for n in names)
    registry: Any = importlib.import_module("mujoco_playground").registry
    wrapper: Any = importlib.import_module("mujoco_playground").wrapper
    locomotion_params: Any = importlib.import_module("mujoco_playground.config.locomotion_params")
    given = dict(locomotion_params.brax_ppo_config(options.task))
    shape = dict(given.pop("network_factory", {}))
    batches = given["batch_size"] * given["num_minibatches"]
    steps = max(1, batches // options.envs) * options.envs * given["unroll_length"]
    given |= {"num_envs": options.envs, "num_timesteps": 8 * steps, "num_evals": 3}
    given |= {"num_eval_envs": 128, "num_resets_per_eval": 0}
    rates = list[float]()

    def progress(steps: int, metrics: Any) -> None:
        if "training/sps" in metrics:
            rates.append(float(metrics["training/sps"]))

    train.train(
        environment=registry.load(options.task),
        wrap_env_fn=wrapper.wrap_for_brax_training,
        network_factory=functools.partial(networks.make_ppo_networks, **shape),
        progress_fn=progress,
        seed=0,
        **given,
    )
    row(
        what=f"Brax's PPO, Playground's {options.task}",
        envs=options.envs,
        rate=rates[-1],  # the first holds the compilation
        result="training, on Playground's own model and task",
    )


PARTS = {part.__name__: part for part in (device, agrees, learns, resumes, speed, brax)}


def main() -> None:
    """Do the part that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=sorted(PARTS))
    parser.add_argument("--engine", default="mjx")
    parser.add_argument("--task", default="walk")
    parser.add_argument("--envs", type=int, default=8)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    from ksim_compiler.cli import programs

    programs.keep()
    OUT.mkdir(parents=True, exist_ok=True)
    PARTS[options.part](options)


if __name__ == "__main__":
    main()

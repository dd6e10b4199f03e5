"""Adds a reward, an observation and a command to the packages, and prints what becomes of them.

A process of its own, so that no other test sees them. The modules in the folders beside this file
are put into the search paths of the folders in which they would stand; from there on they are found
as any are, by walking the folders.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ksim_compiler import lowering
from ksim_compiler.cli.explain import explain, list_kinds
from ksim_compiler.env import Env
from ksim_compiler.lowering import observation as observing, reward as rewarding
from ksim_compiler.pipeline import Compiled, compile_document
from ksim_compiler.robot.model import read_files
from ksim_schema.diagnostics import Sink
from ksim_schema.diff import diff
from ksim_schema.exchange.json_schema import task_schema
from ksim_schema.graph.canonical import canonical
from ksim_schema.source import parse
from ksim_schema.vocabulary import command, import_all, observation, reward

HERE, ROBOT = Path(__file__).parent, Path(__file__).parents[2] / "tasks/robots/cartpole/scene.xml"
TASK = """
ksim: 1
task: added
PhysicsState: {robot: {model: robots/cartpole/scene.xml, control: 50 Hz}}
Command: {coin: {kind: coin, angle: 0.25 rad, resample: [1 s, 1 s]}}
Observation: {product: {kind: joint_product}, pole: {kind: joint_position}}
Action: {cart: {kind: torque, joints: slide, scale: 1 N}}
Policy: {actor: {read: [product, pole], obey: [coin]}}
Critic: {critic: {judge: {clean: [product, pole]}}}
Reward: {spread: {kind: joint_spread, scale: 2.0}}
Termination: {limit: {kind: episode_length, after: 10 s}}
Reset:
  pole: {kind: joint_position, joints: pole, range: 20 deg}
  cart: {kind: joint_position, joints: slide, range: 1 m}
PPO: {envs: 8}
"""


def compiled(text: str) -> Compiled:
    document = parse(text, "added.yaml", Sink())
    assert document is not None
    return compile_document(document, read_files(ROBOT))


def data(of: Compiled) -> dict[str, Any]:
    assert of.plan is not None, of.diagnostics
    return canonical(of.plan.task, of.plan.graph)


def main() -> None:
    """Print a JSON object."""
    for package, folder in (
        (reward, "vocabulary/reward"),
        (observation, "vocabulary/observation"),
        (command, "vocabulary/command"),
        (rewarding, "lowering/reward"),
        (observing, "lowering/observation"),
        (lowering, "lowering"),
    ):
        package.__path__.append(str(HERE / folder))
        import_all(package.__name__, package.__path__)
    good = compiled(TASK)
    changed = diff(data(good), data(compiled(TASK.replace("angle: 0.25", "angle: 0.5"))))
    assert good.plan is not None
    env = Env(good.plan, "native")
    state = env.init(env.params, jax.random.key(0))
    after, step = env.step(env.params, state, jnp.zeros((env.num_envs, 1)))
    qpos = np.asarray(after.world["qpos"])
    result = {
        "diagnostics": [d.code for d in good.diagnostics],
        "typo": [d.code for d in compiled(TASK.replace("angle:", "agnle:")).diagnostics],
        "knee": [d.code for d in compiled(TASK.replace("scale: 2.0", "joints: knee")).diagnostics],
        "explained": [explain(kind) or "" for kind in ("joint_spread", "joint_product", "coin")],
        "listed": list_kinds(),
        "schema": json.dumps(task_schema()),
        "changes": [[c.subject, list(c.place), c.tier] for c in changed.changes],
        "inputs": [str(column.source) for column in good.plan.policy_input],
        "read": np.asarray(state.policy_input).tolist(),
        "qpos": np.asarray(state.world["qpos"]).tolist(),
        "reward": np.asarray(step.reward_terms["spread"]).tolist(),
        "spread": (qpos.max(axis=1) - qpos.min(axis=1)).tolist(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

"""Train, move to a task with another input, and export: what a network must be able to.

Run with the folder to work in; the packages are those on the path.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import onnxruntime

from ksim_compiler.cli import compile, export, run
from ksim_compiler.learn.run.policy import load_policy
from ksim_compiler.pipeline import compile_file

TASK = Path("tasks/cartpole.yaml")
SMALL = ("PPO={envs: 8, rollout: 8, epochs: 1, minibatches: 2, steps: 128}",)
NETWORK = ("Policy.actor.network={kind: leaky}", "Critic.critic.network={kind: leaky, width: 4}")
FIRST = ("Policy.actor.read=[cart, pole, pole_speed]",)
SECOND = ("Policy.actor.read=[pole, cart_speed, cart]", "Observation.cart.scale=2")
"""Columns that are moved, dropped, new and in another unit."""


def settings(*values: str) -> list[str]:
    return [word for value in values for word in ("--set", value)]


def main(folder: Path) -> None:
    uneven = "PPO={envs: 9, rollout: 8, minibatches: 2, steps: 128}"
    assert compile.main([str(TASK), "--check", *settings(uneven, *NETWORK)]) != 0  # KS0402
    command = [str(TASK), "--engine", "native", "--episodes", "2", "--seed", "1"]
    first, second = folder / "first", folder / "second"
    assert run.main([*command, *settings(*SMALL, *NETWORK, *FIRST), "--out", str(first)]) == 0
    changed = (*SMALL, *NETWORK, *SECOND)
    moved = [*command, *settings(*changed), "--from", str(first), "--out", str(second)]
    assert run.main([*moved, "--steps", "64"]) == 0
    file = folder / "policy.onnx"
    assert export.main([str(second), "--out", str(file)]) == 0

    compiled = compile_file(TASK, changed)
    assert compiled.plan is not None
    policy = load_policy(second, compiled.plan)
    session = onnxruntime.InferenceSession(file)
    terms = json.loads((folder / "contract.json").read_text(encoding="utf-8"))
    sizes = {row["name"]: row["size"] for row in terms["inputs"]}
    scales = [row["scale_in_graph"] for row in terms["inputs"] for _ in range(row["size"])]
    names = [output.name for output in session.get_outputs()]
    memory = {row["input"]: np.zeros(row["size"], np.float32) for row in terms["memory"]}
    carry, rng = policy.actor.network.initial_carry(1), np.random.default_rng(0)
    for _ in range(3):
        read = {n: rng.normal(size=size).astype(np.float32) for n, size in sizes.items()}
        given = dict(zip(names, session.run(None, read | memory), strict=True))
        row = jnp.asarray(np.concatenate([*read.values()]) * np.float32(scales))[None]
        action, carry = policy.actor.mode(policy.normalizer, row, carry, jnp.zeros(1))
        np.testing.assert_allclose(given["action"], action[0], rtol=1e-4, atol=1e-6)
        memory = {name: given[f"next.{name}"] for name in memory}
    print("all of it")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

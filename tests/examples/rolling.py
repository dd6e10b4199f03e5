"""Rollouts of an example with random actions, to be compared with plain MuJoCo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_schema.graph import Node
from tests.zoo.models import menagerie, not_at_hand

TASKS = Path(__file__).parents[2] / "examples" / "tasks"


def compiled(path: Path) -> Compiled:
    """An example; the test is skipped where its robot is not at hand."""
    if reason := not_at_hand(path):
        pytest.skip(reason)
    return compile_file(path, name=path.name)


def original(file: str, timestep: float) -> mujoco.MjModel:
    """A robot of Menagerie in plain MuJoCo; the test is skipped where it is not at hand."""
    root = menagerie()
    if root is None:
        pytest.skip("MENAGERIE_ROOT is not set")
    model = mujoco.MjModel.from_xml_path(str(root / file))
    model.opt.timestep = timestep
    return model


def go1() -> mujoco.MjModel:
    """The Go1 with the servos of MuJoCo Playground: kp 35, kd 0.5, targets of any size."""
    model = original("unitree_go1/scene.xml", 0.004)
    model.actuator_gainprm[:, 0] = 35.0
    model.actuator_biasprm[:, :3] = 0.0, -35.0, -0.5
    model.actuator_ctrllimited[:] = 0
    return model


@dataclass
class Rollout:
    """What was seen of the first episode of an environment.

    Attributes:
        qpos, qvel: (ticks + 1, ...) the state before each tick, and after the last.
        actions: (ticks, actions).
        seen: observation or ``command <name>`` -> (ticks + 1, size) as the critic reads it.
        terms: reward -> (ticks,) as it enters the sum.
        total: (ticks,) their sum.
        failed: (ticks,) whether the tick ended the episode in a failure.
    """

    qpos: np.ndarray
    qvel: np.ndarray
    actions: np.ndarray
    seen: dict[str, np.ndarray]
    terms: dict[str, np.ndarray]
    total: np.ndarray
    failed: np.ndarray


def roll(
    task: Compiled,
    ticks: int,
    seed: int = 0,
    strength: float = 1.0,
    act: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Rollout:
    """A rollout of an environment without the training's cuts.

    Its actions are random, or what `act` answers to qpos before each tick.
    """
    plan = task.plan
    assert plan is not None, task.diagnostics
    env, init, step = _environment(task)
    state = init(env.params, jax.random.key(seed))
    actions = np.random.default_rng(seed).uniform(-1, 1, (ticks, 1, plan.action_size)) * strength
    states, steps = [state], []
    for action in actions:
        if act is not None:
            action[0] = act(np.array(state.world["qpos"][0], float))
        state, out = step(env.params, state, jnp.asarray(action, jnp.float32))
        states.append(state)
        steps.append(out)
        if bool(out.failure[0]) or bool(out.timeout[0]):
            break
    read = np.array([s.critic_input[0] for s in states])
    seen = {
        _called(column.source): read[:, column.start : column.stop]
        for column in plan.critic_input
        if not column.noisy
    }
    return Rollout(
        qpos=np.array([s.world["qpos"][0] for s in states], float),
        qvel=np.array([s.world["qvel"][0] for s in states], float),
        actions=actions[: len(steps), 0],
        seen=seen,
        terms={n: np.array([s.reward_terms[n][0] for s in steps]) for n in env.reward_names},
        total=np.array([s.reward[0] for s in steps]),
        failed=np.array([bool(s.failure[0]) for s in steps]),
    )


_latest: list[Any] = []
"""The task last rolled out and its environment, which takes longer to compile than to run."""


def _environment(task: Compiled) -> Any:
    """The environment of a task, with its two functions."""
    plan = task.plan
    assert plan is not None, task.diagnostics
    if not _latest or _latest[0] is not task:
        env = Env(plan, "native", envs=1, threads=1)
        _latest[:] = task, (env, jax.jit(env.init), jax.jit(env.step))
    return _latest[1]


def _called(node: Node) -> str:
    return f"command {node.name}" if node.object == "Command" else node.name


def started(model: mujoco.MjModel, rollout: Rollout) -> mujoco.MjData:
    """The original model in the state in which a rollout begins."""
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = rollout.qpos[0], rollout.qvel[0]
    mujoco.mj_forward(model, data)
    return data

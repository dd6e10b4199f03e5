"""Every declared kind compiles, resets, steps 50 ticks on the native engine and stays finite.

``tests/kinds/<object>.yaml`` has one part for each kind, with what else it needs. The parts of an
object that can stand side by side run in one task, so that one compilation tests many.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
import yaml

from ksim_compiler.env import Env
from ksim_compiler.lowering import RULES, lowered_kinds
from ksim_compiler.pipeline import compile_document
from ksim_compiler.robot.model import read_files
from ksim_schema.diagnostics import Sink, has_errors, render_text
from ksim_schema.robot import file_key
from ksim_schema.source import parse
from ksim_schema.vocabulary import KINDS

KINDS_FOLDER = Path(__file__).parents[1] / "kinds"
ROBOTS = Path(__file__).parents[2] / "tasks" / "robots"
GROUP = 20
"""How many parts share a task."""
ALONE = frozenset(("Action", "Curriculum"))
"""Objects of which a task has one part, or whose parts would get in each other's way."""
HERE = frozenset(("PhysicsState", "Trajectory", "Policy", "Critic"))
"""Objects whose few kinds are in every task."""

BASE = """
ksim: 1
task: kinds
PhysicsState:
  robot: {model: robots/humanoid/scene.xml, control: 50 Hz, home: {keyframe: home}}
Observation:
  base_of_the_test: {kind: joint_position}
Action:
  action_of_the_test:
    kind: position_target
    scale: 0.4 rad
    gains: {kp: 120 N*m/rad, kd: 5 N*m*s/rad}
Policy:
  actor: {read: [base_of_the_test]}
Critic:
  critic: {judge: {clean: [base_of_the_test]}}
Reward:
  reward_of_the_test: {kind: stay_alive}
Termination:
  limit_of_the_test: {kind: episode_length, after: 600 ms}
"""


def examples(object: str) -> dict[str, dict[str, Any]]:
    return copy.deepcopy(written(object))


@cache
def written(object: str) -> dict[str, dict[str, Any]]:
    path = KINDS_FOLDER / f"{object}.yaml"
    return yaml.safe_load(path.read_text()) if path.exists() else {}


def groups() -> Iterator[tuple[str, tuple[str, ...]]]:
    for object in KINDS:
        if object in HERE:
            continue
        by_robot: dict[str, list[str]] = {}
        for kind, example in examples(object).items():
            by_robot.setdefault(example.get("robot", "humanoid"), []).append(kind)
        size = 1 if object in ALONE else GROUP
        for kinds in by_robot.values():
            for start in range(0, len(kinds), size):
                yield object, tuple(kinds[start : start + size])


def task_with(object: str, kinds: tuple[str, ...]) -> tuple[str, str]:
    """A task with a part of each kind, and the robot that it is for."""
    task: dict[str, Any] = yaml.safe_load(BASE)
    robot = "humanoid"
    for kind in kinds:
        example = examples(object)[kind]
        robot = example.get("robot", robot)
        for section, parts in example.get("needs", {}).items():
            task.setdefault(section, {}).update(parts)
        if object == "Action":
            task["Action"] = {}
        task.setdefault(object, {})[kind] = example["part"]
        if object == "Observation":
            task["Policy"]["actor"]["read"].append(kind)
            task["Critic"]["critic"]["judge"]["clean"].append(kind)
        if object == "Command":
            task["Policy"]["actor"].setdefault("obey", []).append(kind)
        if object == "Curriculum":
            ramp = {"linear": {"from": 0.0, "to": 1.0}}
            task["Reward"]["reward_of_the_test"]["scale"] = ramp
    if robot != "humanoid" and object != "Action":
        task["Action"] = {"action_of_the_test": {"kind": "torque", "scale": "1 N"}}
        if robot == "cartpole":
            task["Action"]["action_of_the_test"]["joints"] = "slide"
            task["Observation"]["base_of_the_test"]["joints"] = "slide"
    if robot == "quadrotor":
        task["Observation"]["base_of_the_test"] = {"kind": "projected_gravity"}
    task["PhysicsState"]["robot"]["model"] = f"robots/{robot}/scene.xml"
    return yaml.safe_dump(task, sort_keys=False), robot


def standing_motion() -> bytes:
    """A recorded motion of the humanoid: four frames in its home pose."""
    model = mujoco.MjModel.from_xml_path(str(ROBOTS / "humanoid" / "scene.xml"))
    buffer = io.BytesIO()
    np.savez(buffer, qpos=np.tile(model.key("home").qpos, (4, 1)), qvel=np.zeros((4, model.nv)))
    return buffer.getvalue()


def test_every_kind_has_an_example_and_every_example_a_kind() -> None:
    for object, kinds in KINDS.items():
        if object not in HERE:
            assert set(examples(object)) == set(kinds), object


def test_every_declared_kind_has_exactly_one_rule() -> None:
    assert set(RULES) == lowered_kinds()


@pytest.mark.parametrize(
    ("object", "kinds"), list(groups()), ids=lambda v: "+".join([v] if isinstance(v, str) else v)
)
def test_kinds_run(object: str, kinds: tuple[str, ...]) -> None:
    text, robot = task_with(object, kinds)
    found = Sink()
    document = parse(text, "kinds.yaml", found)
    assert document is not None, found
    files = read_files(ROBOTS / robot / "scene.xml")
    beside = {
        "motion.npz": standing_motion(),
        "clip.npz": (ROBOTS.parent / "motions/walk.npz").read_bytes(),
    }
    beside = {file_key(name): data for name, data in beside.items()}
    files = replace(files, content={**files.content, **beside})
    compiled = compile_document(document, files)
    report = render_text(compiled.diagnostics, compiled.sources)
    assert not has_errors(compiled.diagnostics), report
    assert compiled.plan is not None
    env = Env(compiled.plan, "native", envs=2)

    @jax.jit
    def run(params: Any, key: jax.Array) -> Any:
        def body(state: Any, key: jax.Array) -> Any:
            action = 0.2 * jax.random.normal(key, (2, env.action_size))
            state, out = env.step(params, state, action)
            return state, (
                out.reward_terms,
                out.terminations,
                state.policy_input,
                state.critic_input,
            )

        state = env.init(params, key)
        return jax.lax.scan(body, state, jax.random.split(key, 50))

    state, (terms, ends, *inputs) = run(env.params, jax.random.key(0))
    for leaf in jax.tree.leaves((terms, inputs, state.world)):
        assert np.isfinite(leaf).all()
    assert not ends["non_finite"].any()
    assert jnp.any(state.episode.age < 50)  # the time limit has reset them

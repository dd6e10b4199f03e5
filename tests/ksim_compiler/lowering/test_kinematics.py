"""Inverse kinematics: sites and Jacobians as MuJoCo has them, steps as NumPy solves for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.lowering import action as actions
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.kinematics import carried
from ksim_compiler.pipeline import compile_document
from ksim_compiler.robot.model import load, read_files
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse
from ksim_schema.vocabulary import action as v
from ksim_schema.vocabulary.state import Robot as RobotPart

ROBOTS = Path(__file__).parents[3] / "tasks" / "robots"
CASES = {
    "arm": ("arm", "tip", ".*"),
    "leg of a floating base": ("humanoid", "sole_left", "(hip|knee|ankle)_.*left|knee_left"),
}
GAINS = {"kp": "50 N*m/rad", "kd": "2 N*m*s/rad"}


def robot(name: str) -> Any:
    part = RobotPart.model_validate(
        {"model": "m.xml", "control": "20 ms", "home": {"keyframe": "home"}}
    )
    return load(part, read_files(ROBOTS / name / "scene.xml"))


def posed(model: mujoco.MjModel, facts: Any, seed: int) -> Any:
    """A random pose, the floating base turned."""
    random = np.random.default_rng(seed)
    data: Any = mujoco.MjData(model)
    data.qpos[:] = facts.home
    for joint in facts.motion_joints:
        data.qpos[joint.qpos] += random.uniform(-0.4, 0.4)
    if facts.base is not None:
        turn = random.normal(size=4)
        data.qpos[3:7] = turn / np.linalg.norm(turn)
    mujoco.mj_forward(model, data)
    return data


def jacobian(model: mujoco.MjModel, data: Any, facts: Any, site: str, joints: Any) -> np.ndarray:
    """(6, joints) MuJoCo's, in the axes of the floating base or the world's."""
    moves, turns = np.zeros((3, model.nv)), np.zeros((3, model.nv))
    mujoco.mj_jacSite(model, data, moves, turns, model.site(site).id)
    axes = np.eye(3) if facts.base is None else data.body(facts.root).xmat.reshape(3, 3)
    dofs = [joint.dof for joint in joints]
    return np.concatenate([axes.T @ moves[:, dofs], axes.T @ turns[:, dofs]])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("frame", ["base", "site"])
def test_steps_are_those_of_mujocos_jacobian(case: tuple[str, str, str], frame: str) -> None:
    name, site, joints = case
    whole = robot(name)
    model, facts = whole.model, whole.facts
    part = v.InverseKinematics.model_validate(
        {
            "kind": "inverse_kinematics",
            "site": site,
            "joints": joints,
            "gains": GAINS,
            "scale": "2 cm",
            "rotation_scale": "5 deg",
            "damping": 0.1,
            "frame": frame,
        }
    )
    matched = facts.match_joints(part.joints)
    rule = jax.jit(lambda qpos, action: _target(part, facts, qpos, action))
    for seed in range(5):
        data = posed(model, facts, seed)
        right = jacobian(model, data, facts, site, matched)
        path, place = part.path(facts), facts.links.sites[site]
        position, _, columns = carried(path, place, jnp.asarray(data.qpos, jnp.float32))
        ours = np.stack([np.concatenate(columns[j.name]) for j in matched], axis=1)
        np.testing.assert_allclose(ours, right, atol=2e-6)
        base = data.body(facts.root) if facts.base is not None else data.body(0)
        axes = base.xmat.reshape(3, 3)
        seen = axes.T @ (data.site(site).xpos - base.xpos)
        np.testing.assert_allclose(position, seen, atol=2e-6)
        action = np.random.default_rng(seed).uniform(-1, 1, 6)
        step = action * ([0.02] * 3 + [np.deg2rad(5.0)] * 3)
        if frame == "site":
            turn = axes.T @ data.site(site).xmat.reshape(3, 3)
            step = np.concatenate([turn @ step[:3], turn @ step[3:]])
        moved = right.T @ np.linalg.solve(right @ right.T + 0.01 * np.eye(6), step)
        q = np.array([data.qpos[joint.qpos] for joint in matched])
        np.testing.assert_allclose(rule(data.qpos, action), q + moved, atol=5e-5)


def _target(part: Any, facts: Any, qpos: Any, action: Any) -> Any:
    zero = jnp.float32(0.0)
    world = {"qpos": jnp.asarray(qpos, jnp.float32)}
    x = Context(facts, world, zero, 0.02, zero, jax.random.key(0), jnp.asarray(action, jnp.float32))
    with jax.default_matmul_precision("highest"):
        return actions.inverse_kinematics(part, x)


TASK = """
ksim: 1
task: t
PhysicsState: {r: {model: m.xml, control: 50 Hz, home: {keyframe: home}}}
Observation: {q: {kind: joint_position}}
Action:
  hand: {kind: inverse_kinematics, site: tip, joints: %s, scale: %s, torque_limit: 80 N*m,
         gains: {kp: 900 N*m/rad, kd: 40 N*m*s/rad}, clip: [-1, 1]}
Policy: {actor: {read: [q], network: {kind: mlp, hidden: [8]}}}
Critic: {critic: {judge: {clean: [q]}, network: {kind: mlp, hidden: [8]}}}
Reward: {alive: {kind: stay_alive, scale: 0.1}}
Termination: {time: {kind: episode_length, after: 50 s}}
PPO: {envs: 1, rollout: 8, minibatches: 1}
"""


def compiled(joints: str = ".*", scale: str = "1 cm", text: str = TASK) -> Any:
    problems = Sink()
    document = parse(text % (joints, scale), "t.yaml", problems)
    assert document is not None, list(problems)
    return compile_document(document, read_files(ROBOTS / "arm" / "scene.xml"))


def test_a_hand_goes_where_it_is_sent() -> None:
    plan = compiled().plan
    assert plan is not None
    assert plan.action_size == 3
    env = Env(plan, "native", threads=1)
    state, step = env.init(env.params, jax.random.key(0)), jax.jit(env.step)
    data: Any = mujoco.MjData(plan.robot.model)

    def tip() -> np.ndarray:
        data.qpos[:] = np.asarray(state.world["qpos"][0])
        mujoco.mj_kinematics(plan.robot.model, data)
        return data.site("tip").xpos.copy()

    begin = tip()
    for _ in range(20):
        state, _ = step(env.params, state, jnp.array([[0.0, 0.5, 0.5]]))
    gone = tip() - begin
    assert gone[1] > 0.02
    assert abs(gone[0]) < 0.5 * gone[1]


def test_what_is_refused() -> None:
    legs = (
        "{kind: inverse_kinematics, site: sole_left, joints: .*, scale: 1 cm, torque_limit: 9 N*m,"
    )
    text = TASK[: TASK.index("{kind: inverse")] + legs + TASK[TASK.index("\n         gains") :]
    problems = Sink()
    document = parse(text, "t.yaml", problems)
    assert document is not None, list(problems)
    found = compile_document(document, read_files(ROBOTS / "humanoid" / "scene.xml"))
    told = [d for d in found.diagnostics if d.code == "KS0485"]
    assert [d.path for d in told] == ["Action.hand.joints"]
    assert "does not carry site 'sole_left'" in told[0].message

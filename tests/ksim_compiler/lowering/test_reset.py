"""Resets: the state that several of them make, against MuJoCo's own velocities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.pipeline import compile_file

MODEL = """<mujoco><option timestep="0.005"/><worldbody>
<geom name="floor" type="plane" size="0 0 1"/>
<body name="cube" pos="2 0 .1"><freejoint name="cube"/><geom name="c" type="box" size=".1 .1 .1"/>
</body><body name="torso" pos="0 0 1"><freejoint name="root"/>
<geom name="t" type="box" size=".2 .1 .1" mass="5"/><body name="leg" pos="0 0 -.1">
<joint name="hip" axis="0 1 0" actuatorfrcrange="-5 5"/>
<geom name="l" type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass="1"/></body></body></worldbody>
<keyframe><key name="run" qpos="2 0 .1 1 0 0 0  0 0 1 .8 0 .6 0  .3"
 qvel="0 0 0 0 0 0  1 .5 -.2 .1 .2 .3  .4"/></keyframe></mujoco>"""
TASK = """ksim: 1
task: t
PhysicsState: {{r: {{model: m.xml, control: 50 Hz}}}}
Observation: {{q: {{kind: joint_position}}}}
Action: {{a: {{kind: torque, joints: hip, scale: 1 N*m}}}}
Policy: {{actor: {{read: [q], network: {{kind: mlp, hidden: [8]}}}}}}
Critic: {{critic: {{judge: {{clean: [q]}}, network: {{kind: mlp, hidden: [8]}}}}}}
Reward: {{e: {{kind: torque_penalty, scale: 0.1}}}}
Termination: {{time: {{kind: episode_length, after: 1 s}}}}
Reset:
  z_whole: {{kind: keyframe, keyframes: run}}
{resets}
PPO: {{envs: 8, rollout: 8, minibatches: 2}}
"""
RUN_QPOS = np.array([2, 0, 0.1, 1, 0, 0, 0, 0, 0, 1, 0.8, 0, 0.6, 0, 0.3])
RUN_QVEL = np.array([0, 0, 0, 0, 0, 0, 1, 0.5, -0.2, 0.1, 0.2, 0.3, 0.4])


def begun(folder: Path, *resets: str) -> tuple[Any, np.ndarray, np.ndarray]:
    """The model and the qpos and qvel in which eight episodes begin."""
    (folder / "m.xml").write_text(MODEL)
    (folder / "t.yaml").write_text(TASK.format(resets="\n".join(f"  {r}" for r in resets)))
    compiled = compile_file(folder / "t.yaml")
    assert compiled.plan is not None, compiled.diagnostics
    env = Env(compiled.plan, "native", threads=1)
    world = jax.jit(env.init)(env.params, jax.random.key(0)).world
    return compiled.plan.robot.model, np.asarray(world["qpos"]), np.asarray(world["qvel"])


def local_velocity(model: Any, qpos: np.ndarray, qvel: np.ndarray, body: str) -> np.ndarray:
    """Angular and linear velocity of a body in its own frame, as MuJoCo has them."""
    data: Any = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = qpos, qvel
    mujoco.mj_forward(model, data)
    found = np.zeros(6)
    which = mujoco.mjtObj.mjOBJ_XBODY
    mujoco.mj_objectVelocity(model, data, which, model.body(body).id, found, 1)
    return found


@pytest.mark.parametrize(
    "reset",
    [
        "turned: {kind: heading, range: 180 deg}",
        "turned: {kind: pitch_and_roll, pitch: 40 deg, roll: 40 deg}",
    ],
)
def test_a_body_that_is_turned_moves_on_in_its_own_frame(tmp_path: Path, reset: str) -> None:
    model, qpos, qvel = begun(tmp_path, reset)
    assert np.ptp(qpos[:, 10:14], axis=0).max() > 0.1
    for body in ("torso", "leg"):
        want = local_velocity(model, RUN_QPOS, RUN_QVEL, body)
        for row in range(len(qpos)):
            got = local_velocity(model, qpos[row], qvel[row], body)
            np.testing.assert_allclose(got, want, atol=1e-5)


def test_resets_act_in_the_order_of_their_names_after_the_whole_state(tmp_path: Path) -> None:
    """z_whole comes first in spite of its name; what is drawn later is not turned."""
    model, qpos, qvel = begun(
        tmp_path,
        "b_lift: {kind: height, range: [1 m, 1 m]}",
        "a_turn: {kind: heading}",
        "c_fast: {kind: base_velocity, vertical: 3 m/s}",
    )
    np.testing.assert_allclose(qpos[:, 9], 2.0, atol=1e-6)
    speed = np.hypot(qvel[:, 6], qvel[:, 7])
    np.testing.assert_allclose(speed, np.hypot(1, 0.5), atol=1e-5)
    assert np.ptp(qvel[:, 8]) > 0.5
    for row in range(len(qpos)):  # without the drawn vertical velocity it is the turned run
        own = qvel[row].copy()
        own[8] = -0.2
        want = local_velocity(model, RUN_QPOS, RUN_QVEL, "torso")
        np.testing.assert_allclose(local_velocity(model, qpos[row], own, "torso"), want, atol=1e-5)


def test_another_body_is_turned_alone(tmp_path: Path) -> None:
    _, qpos, qvel = begun(tmp_path, "cube: {kind: heading, body: cube}")
    np.testing.assert_allclose(qpos[:, 7:], np.tile(RUN_QPOS[7:], (8, 1)), atol=1e-6)
    np.testing.assert_allclose(qvel, np.tile(RUN_QVEL, (8, 1)), atol=1e-6)
    assert np.ptp(qpos[:, 6]) > 0.1

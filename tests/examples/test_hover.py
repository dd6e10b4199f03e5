"""The quadrotor that hovers: its rewards, of plain MuJoCo's state."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from tests.examples.rolling import TASKS, compiled, roll, started

FOLDER = TASKS / "own"
ROBOT = TASKS.parents[1] / "tasks" / "robots" / "quadrotor" / "scene.xml"
HOVER, SCALE = 0.6 * 9.81 / 4, 1.0


def test_rewards_follow_from_where_the_quadrotor_is() -> None:
    rollout = roll(compiled(FOLDER / "hover.yaml"), 60, seed=2, strength=0.3)
    model = mujoco.MjModel.from_xml_path(
        str(TASKS.parents[1] / "tasks" / "robots" / "quadrotor" / "scene.xml")
    )
    data = started(model, rollout)
    frame, last = model.body("frame").id, np.zeros(4)
    assert len(rollout.actions) > 40
    for tick, action in enumerate(rollout.actions):
        goal = rollout.seen["command goal"][tick]
        data.ctrl[:] = HOVER + SCALE * action
        mujoco.mj_step(model, data, 2)
        assert np.abs(data.qpos - rollout.qpos[tick + 1]).max() < 1e-3

        away = np.linalg.norm(data.xpos[frame] - goal[:3])
        turned = 2 * np.arccos(min(abs(data.xquat[frame] @ goal[3:]), 1.0))
        world = np.zeros(6)
        mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, frame, world, 0)
        wanted = {
            "near": np.exp(-away / 0.5),
            "turned": 0.5 * np.exp(-(turned**2) / 0.5) * (away < 1.0),
            "upright": 0.2 * np.exp(-5 * (1 - data.xmat[frame][8])),
            "spin": -0.01 * np.square(world[:3]).sum(),
            "thrust": -0.02 * np.square(action).sum(),
            "smooth": -0.02 * np.square(action - last).sum(),
        }
        for name, value in wanted.items():
            got = float(rollout.terms[name][tick])
            assert got == pytest.approx(value, abs=2e-3, rel=1e-2), (tick, name)
        last = action


def test_a_zero_action_gives_the_thrust_that_carries_its_weight() -> None:
    rollout = roll(compiled(FOLDER / "hover.yaml"), 30, strength=0.0)
    model = mujoco.MjModel.from_xml_path(
        str(TASKS.parents[1] / "tasks" / "robots" / "quadrotor" / "scene.xml")
    )
    data = started(model, rollout)
    data.ctrl[:] = HOVER
    mujoco.mj_step(model, data, 2 * len(rollout.actions))
    assert np.abs(data.qpos - rollout.qpos[-1]).max() < 1e-3

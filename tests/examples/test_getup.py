"""The Go1 that gets up: rewards by MuJoCo Playground's formulas, of plain MuJoCo's state."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from tests.examples.rolling import TASKS, compiled, go1, roll, started

SCALE, DT = 0.5, 0.02
HEIGHT, TICKS = 0.275, 40


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return go1()


@pytest.mark.parametrize("seed", [0, 1])
def test_rewards_are_those_of_playground(model: mujoco.MjModel, seed: int) -> None:
    task = compiled(TASKS / "menagerie" / "go1_getup.yaml")
    rollout = roll(task, TICKS, seed=seed, strength=0.6)
    data = started(model, rollout)
    home, imu = model.key("home").qpos[7:], model.site("imu").id
    lower, upper = model.jnt_range[1:].T
    middle, half = (lower + upper) / 2, 0.95 * (upper - lower) / 2
    last, before = np.zeros(12), np.zeros(12)
    fell = 0
    for tick, action in enumerate(rollout.actions):
        data.qpos[:], data.qvel[:] = rollout.qpos[tick], rollout.qvel[tick]
        data.ctrl[:] = data.qpos[7:] + SCALE * action
        mujoco.mj_step(model, data, 5)
        assert np.abs(data.qpos - rollout.qpos[tick + 1]).max() < 2e-3

        q, v, tau = data.qpos[7:], data.qvel[6:], data.actuator_force
        down = data.site_xmat[imu].reshape(3, 3).T @ [0.0, 0.0, -1.0]
        tilted = np.square(down - [0.0, 0.0, -1.0]).sum()
        height = min(data.site_xpos[imu, 2], HEIGHT)
        upright = tilted < 0.01
        standing = upright and HEIGHT - height < 0.005
        wanted = {
            "orientation": np.exp(-2.0 * tilted),
            "torso_height": np.exp(height) - 1.0,
            "posture": upright * np.exp(-0.5 * np.square(q - home).sum()),
            "stand_still": standing * np.exp(-0.5 * np.square(action).sum()),
            "action_rate": -0.001 * np.square(action - last).sum(),
            "action_acceleration": -0.001 * np.square(action - 2 * last + before).sum(),
            "dof_pos_limits": -0.1 * np.maximum(np.abs(q - middle) - half, 0).sum(),
            "torques": -1e-5 * (np.linalg.norm(tau) + np.abs(tau).sum()),
            "dof_acc": -2.5e-7 * np.square(data.qacc[6:]).sum(),
            "dof_vel": -0.1 * np.square(np.maximum(np.abs(v) - 2 * np.pi, 0)).sum(),
        }
        for name, value in wanted.items():
            got = float(rollout.terms[name][tick]) / DT
            assert got == pytest.approx(value, abs=0.01, rel=0.03), (tick, name)
        total = DT * sum(wanted.values())
        assert rollout.total[tick] == pytest.approx(max(total, 0.0), abs=1e-3), tick
        fell += not upright
        last, before = action, last
    assert fell > 0


def test_episodes_begin_lying_in_all_ways() -> None:
    task = compiled(TASKS / "menagerie" / "go1_getup.yaml")
    starts = [roll(task, 1, seed=seed).qpos[0] for seed in range(6)]
    up = [1 - 2 * (q[4] ** 2 + q[5] ** 2) for q in starts]
    assert max(up) - min(up) > 0.5
    assert all(0.0 < q[2] < 0.4 for q in starts)  # fallen from 0.5 m

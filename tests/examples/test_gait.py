"""The Go1 in a commanded gait: the reward by MuJoCo Playground's formulas, of plain MuJoCo."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from tests.examples.rolling import TASKS, compiled, go1, roll, started


def get_rz(phi: np.ndarray, height: float) -> np.ndarray:
    """Playground's gait.get_rz."""

    def bezier(start: float, end: float, x: np.ndarray) -> np.ndarray:
        return start + (end - start) * (x**3 + 3 * (x**2 * (1 - x)))

    x = (phi + np.pi) / (2 * np.pi)
    return np.where(x <= 0.5, bezier(0, height, 2 * x), bezier(height, 0, 2 * x - 1))


@pytest.mark.slow
def test_the_reward_is_that_of_playground() -> None:
    rollout = roll(compiled(TASKS / "menagerie" / "go1_gait.yaml"), 40, seed=3)
    model = go1()
    data, home = started(model, rollout), model.key("home").qpos[7:]
    trunk = model.body("trunk").id
    target = home
    for tick, action in enumerate(rollout.actions):
        if tick:
            history = rollout.seen["behind"][tick].reshape(3, 12)
            left = np.abs(history - (data.qpos[7:] - target)).max(axis=1)
            assert left.min() < 2e-3  # one of the three is the last
        target = np.clip(home + 0.6 * action, *model.jnt_range[1:].T)
        data.ctrl[:] = target
        mujoco.mj_step(model, data, 5)
        assert np.abs(data.qpos - rollout.qpos[tick + 1]).max() < 2e-3
        told = {n: rollout.seen[f"command {n}"][tick] for n in ("velocity", "gait", "height")}
        turned, world = data.xmat[trunk].reshape(3, 3), np.zeros(6)
        kind = mujoco.mjtObj.mjOBJ_XBODY
        mujoco.mj_objectVelocity(model, data, kind, trunk, world, 0)
        angular, linear = turned.T @ world[:3], turned.T @ world[3:]
        phase = np.arctan2(told["gait"][0::2], told["gait"][1::2])
        lifted = np.array([data.site(foot).xpos[2] for foot in ("FR", "FL", "RR", "RL")])
        off = np.square(lifted - get_rz(phase, told["height"][0])).sum()
        gains = 2.0 * np.exp(-off / 0.1)
        gains += 0.5 * np.exp(-np.square(told["velocity"][:2] - linear[:2]).sum() / 0.25)
        gains += 0.5 * np.exp(-np.square(told["velocity"][2] - angular[2]) / 0.25)
        costs = -0.5 * (np.square(world[:2]).sum() + world[5] ** 2)
        costs -= 0.5 * np.square((data.qpos[7:] - home)[[0, 3, 6, 9]]).sum()
        reward = gains * np.exp(0.2 * costs) * 0.02
        assert rollout.total[tick] == pytest.approx(reward, rel=2e-2, abs=1e-5)

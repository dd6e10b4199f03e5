"""Examples after dm_control: rewards and observations by its formulas, of plain MuJoCo's state."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from tests.examples.rolling import TASKS, compiled, roll, started
from tests.zoo.models import wheel


def test_cheetah_run() -> None:
    suite = wheel("dm_control", "suite")
    rewards = pytest.importorskip("dm_control.utils.rewards")
    rollout = roll(compiled(TASKS / "dm_control" / "cheetah_run.yaml"), 60)
    assert suite is not None
    model = mujoco.MjModel.from_xml_path(str(suite / "cheetah.xml"))
    data = started(model, rollout)
    speeds = []
    for tick, action in enumerate(rollout.actions):
        np.testing.assert_allclose(rollout.seen["position"][tick], data.qpos[1:], atol=2e-4)
        np.testing.assert_allclose(rollout.seen["velocity"][tick], data.qvel, atol=2e-2)
        data.ctrl[:] = action
        mujoco.mj_step(model, data)
        speed = data.sensor("torso_subtreelinvel").data[0]
        run = rewards.tolerance(speed, (10, np.inf), 10, "linear", 0)
        assert rollout.total[tick] == pytest.approx(run, abs=2e-4)
        speeds.append(speed)
    assert np.ptp(speeds) > 0.1


def test_fish_swim() -> None:
    """The goal is where the mouth was first, and what was left to it in the mouth's axes."""
    suite = wheel("dm_control", "suite")
    rewards = pytest.importorskip("dm_control.utils.rewards")
    rollout = roll(compiled(TASKS / "dm_control" / "fish_swim.yaml"), 40)
    assert suite is not None
    model = mujoco.MjModel.from_xml_path(str(suite / "fish.xml"))
    data = started(model, rollout)
    mouth, torso = data.geom("mouth"), data.body("torso")
    goal = mouth.xpos + mouth.xmat.reshape(3, 3) @ rollout.seen["target"][0]
    assert (np.abs(goal - [0, 0, 0.2]) <= [0.4, 0.4, 0.1]).all()
    for tick, action in enumerate(rollout.actions):
        data.ctrl[:] = action
        mujoco.mj_step(model, data, 10)
        left = (goal - mouth.xpos) @ mouth.xmat.reshape(3, 3)
        np.testing.assert_allclose(rollout.seen["target"][tick + 1], left, atol=2e-3)
        there = rewards.tolerance(np.linalg.norm(left), (0, 0.045), 0.09)
        swim = (7 * there + (torso.xmat[8] + 1) / 2) / 8
        assert rollout.total[tick] == pytest.approx(swim, abs=2e-3)

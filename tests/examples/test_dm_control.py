"""Examples after dm_control: rewards and observations by its formulas, of plain MuJoCo's state."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
import pytest

from tests.examples.rolling import TASKS, Rollout, compiled, roll, started
from tests.zoo.models import wheel


def beside(task: str, file: str, ticks: int) -> tuple[Rollout, mujoco.MjModel, Any]:
    """Ticks of an example, and dm_control's own model in the state that they began in."""
    suite = wheel("dm_control", "suite")
    rollout = roll(compiled(TASKS / "dm_control" / f"{task}.yaml"), ticks)
    assert suite is not None
    model = mujoco.MjModel.from_xml_path(str(suite / file))
    return rollout, model, started(model, rollout)


def test_cheetah_run() -> None:
    rewards = pytest.importorskip("dm_control.utils.rewards")
    rollout, model, data = beside("cheetah_run", "cheetah.xml", 60)
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
    rewards = pytest.importorskip("dm_control.utils.rewards")
    rollout, model, data = beside("fish_swim", "fish.xml", 40)
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

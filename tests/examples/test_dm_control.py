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

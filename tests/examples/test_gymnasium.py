"""Examples after Gymnasium: rewards and observations by its formulas, of plain MuJoCo's state."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest

from tests.examples.rolling import TASKS, compiled, roll, started

gymnasium = pytest.importorskip("gymnasium")
ASSETS = Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets"


def test_ant() -> None:
    rollout = roll(compiled(TASKS / "gymnasium" / "ant.yaml"), 60)
    model = mujoco.MjModel.from_xml_path(str(ASSETS / "ant.xml"))
    data = started(model, rollout)
    sensed = data.qpos.copy(), data.qvel.copy()  # of the last physics step's beginning
    seen, before = rollout.seen, data.qpos[0]
    for tick, action in enumerate(rollout.actions):
        base = np.concatenate([seen[n][tick] for n in ("height", "orientation")])
        np.testing.assert_allclose(base, sensed[0][2:7], atol=1e-4)
        moving = np.concatenate([seen[n][tick] for n in ("velocity", "turning")])
        np.testing.assert_allclose(moving, sensed[1][:6], atol=1e-3)
        np.testing.assert_allclose(seen["joints"][tick], data.qpos[7:], atol=1e-4)
        np.testing.assert_allclose(seen["joint_velocity"][tick], data.qvel[6:], atol=5e-3)
        data.ctrl[:] = action
        for _ in range(5):
            sensed = data.qpos.copy(), data.qvel.copy()
            mujoco.mj_step(model, data)
        forward = (sensed[0][0] - before) / 0.05
        assert rollout.terms["forward"][tick] == pytest.approx(forward, abs=1e-3)
        control = -0.5 * np.square(action).sum()
        assert rollout.terms["control"][tick] == pytest.approx(control, rel=1e-5)
        assert rollout.terms["healthy"][tick] == 1.0 - rollout.failed[tick]
        assert rollout.failed[tick] == (not 0.2 <= sensed[0][2] <= 1.0)
        before = sensed[0][0]

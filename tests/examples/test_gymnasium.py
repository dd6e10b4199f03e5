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


def test_inverted_double_pendulum() -> None:
    path = TASKS / "gymnasium" / "inverted_double_pendulum.yaml"
    rollout = roll(compiled(path), 20, strength=0.1)
    model = mujoco.MjModel.from_xml_path(str(ASSETS / "inverted_double_pendulum.xml"))
    data, sensed = started(model, rollout), mujoco.MjData(model)
    for tick, action in enumerate(rollout.actions):
        data.ctrl[:] = action
        mujoco.mj_step(model, data, 4)
        sensed.qpos[:] = data.qpos  # of the last physics step's beginning, not of RK4's last stage
        mujoco.mj_kinematics(model, sensed)
        mujoco.mj_step(model, data)
        seen = {name: values[tick + 1] for name, values in rollout.seen.items()}
        x, _, y = sensed.site_xpos[0]
        survive = 10.0 * (y > 1)
        distance = 0.01 * x**2 + (y - 2) ** 2
        speed = 1e-3 * data.qvel[1] ** 2 + 5e-3 * data.qvel[2] ** 2
        assert rollout.total[tick] == pytest.approx(survive - distance - speed, rel=1e-3)
        assert rollout.failed[tick] == (y <= 1)
        if rollout.failed[tick]:  # what is seen then is the next episode's
            break
        angles = [*np.sin(data.qpos[1:]), *np.cos(data.qpos[1:])]
        np.testing.assert_allclose(seen["angles"], angles, atol=1e-3)
        np.testing.assert_allclose(seen["velocity"], np.clip(data.qvel, -10, 10), atol=2e-2)
        held = np.clip(data.qfrc_constraint[:1], -10, 10)
        np.testing.assert_allclose(seen["constraint"], held, atol=1e-2)
    assert tick > 3

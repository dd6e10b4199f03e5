"""The Go1 with a joystick: rewards by MuJoCo Playground's formulas, of plain MuJoCo's state."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from tests.examples.rolling import TASKS, Rollout, compiled, go1, roll

FEET = ("FR", "FL", "RR", "RL")
SCALE, DT = 0.5, 0.02
TICKS = 60


@pytest.fixture(scope="module")
def rollout() -> Rollout:
    return roll(compiled(TASKS / "menagerie" / "go1_joystick.yaml"), TICKS, seed=3)


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return go1()


def velocity(model: mujoco.MjModel, data: mujoco.MjData, kind: int, index: int) -> np.ndarray:
    found = np.zeros(6)
    mujoco.mj_objectVelocity(model, data, kind, index, found, 0)
    return found


def test_rewards_are_those_of_playground(rollout: Rollout, model: mujoco.MjModel) -> None:
    data = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = rollout.qpos[0], rollout.qvel[0]
    mujoco.mj_forward(model, data)
    home = model.key("home").qpos[7:]
    lower, upper = 0.95 * model.jnt_range[1:].T
    trunk, floor = model.body("trunk").id, model.geom("floor").id
    air, peak, last = np.zeros(4), np.zeros(4), np.zeros(12)
    landed = 0
    for tick, action in enumerate(rollout.actions):
        command = rollout.seen["command velocity"][tick]
        data.ctrl[:] = home + SCALE * action
        mujoco.mj_step(model, data, 5)
        assert np.abs(data.qpos - rollout.qpos[tick + 1]).max() < 2e-3

        turned = data.xmat[trunk].reshape(3, 3)
        world = velocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, trunk)
        angular, linear = turned.T @ world[:3], turned.T @ world[3:]
        tau = data.actuator_force
        feet = [model.site(name).id for name in FEET]
        speeds = [velocity(model, data, mujoco.mjtObj.mjOBJ_SITE, s)[3:5] for s in feet]
        heights = data.site_xpos[feet, 2]
        pairs = {frozenset((c.geom1, c.geom2)) for c in data.contact if c.dist < c.includemargin}
        contact = np.array([frozenset((floor, model.geom(f).id)) in pairs for f in FEET])
        first = (air > 0) & contact
        air, peak = air + DT, np.maximum(peak, heights)
        moving = np.linalg.norm(command) > 0.01
        pose = data.qpos[7:] - home
        wanted = {
            "tracking_lin_vel": np.exp(-np.square(command[:2] - linear[:2]).sum() / 0.25),
            "tracking_ang_vel": 0.5 * np.exp(-np.square(command[2] - angular[2]) / 0.25),
            "lin_vel_z": -0.5 * world[5] ** 2,
            "ang_vel_xy": -0.05 * np.square(world[:2]).sum(),
            "orientation": -5.0 * np.square(turned[:2, 2]).sum(),
            "pose": 0.5 * np.exp(-(np.square(pose) * np.array([1.0, 1.0, 0.1] * 4)).sum()),
            "stand_still": -np.abs(pose).sum() * (not moving),
            "torques": -2e-4 * (np.linalg.norm(tau) + np.abs(tau).sum()),
            "action_rate": -0.01 * np.square(action - last).sum(),
            "energy": -0.001 * (np.abs(data.qvel[6:]) * np.abs(tau)).sum(),
            "dof_pos_limits": -(
                np.maximum(lower - data.qpos[7:], 0) + np.maximum(data.qpos[7:] - upper, 0)
            ).sum(),
            "feet_slip": -0.1 * sum(v @ v * c for v, c in zip(speeds, contact, strict=True)),
            "feet_clearance": -2.0
            * sum(
                abs(h - 0.1) * np.sqrt(np.linalg.norm(v))
                for v, h in zip(speeds, heights, strict=True)
            ),
            "feet_height": -0.2 * (np.square(peak / 0.1 - 1) * first).sum(),
            "feet_air_time": 0.1 * ((air - 0.1) * first).sum() * moving,
        }
        got = {name: float(rollout.terms[name][tick]) / DT for name in wanted}
        for name, value in wanted.items():
            assert got[name] == pytest.approx(value, abs=0.03, rel=0.03), (tick, name)
        total = DT * sum(wanted.values())
        assert rollout.total[tick] == pytest.approx(max(total, 0.0), abs=3e-3), tick
        landed += first.sum()
        air, peak, last = air * ~contact, peak * ~contact, action
    assert landed > 4

"""The Panda and the cube: rewards by MuJoCo Playground's formulas, of plain MuJoCo's state."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest

from tests.examples.rolling import TASKS, compiled, original, roll, started

FLOORED = ("left_finger_pad", "right_finger_pad", "hand_capsule")
SCALE = 0.04
TICKS, CLOSE, PRESS = 90, 60, 70


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return original("franka_emika_panda/mjx_single_cube.xml", 0.005)


def rewards(
    model: mujoco.MjModel, data: mujoco.MjData, goal: np.ndarray, reached: bool
) -> dict[str, float]:
    box, gripper = data.body("box"), data.site("gripper")
    away = np.linalg.norm(goal - box.xpos)
    turned = np.linalg.norm(np.eye(3).ravel()[:6] - box.xmat[:6])
    arm = data.qpos[:7] - model.key("home").qpos[:7]
    floor = model.geom("floor").id
    pairs = {frozenset((c.geom1, c.geom2)) for c in data.contact if c.dist < c.includemargin}
    floored = any(frozenset((floor, model.geom(name).id)) in pairs for name in FLOORED)
    return {
        "gripper_box": 4.0 * (1 - np.tanh(5 * np.linalg.norm(box.xpos - gripper.xpos))),
        "box_target": 8.0 * (1 - np.tanh(5 * (0.9 * away + 0.1 * turned))) * reached,
        "no_floor_collision": 0.25 * (not floored),
        "robot_target_qpos": 0.3 * (1 - np.tanh(np.linalg.norm(arm))),
    }


def observations(
    model: mujoco.MjModel, data: mujoco.MjData, goal: np.ndarray
) -> dict[str, np.ndarray]:
    box, gripper, speed = data.body("box"), data.site("gripper"), np.zeros(6)
    mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, box.id, speed, 0)
    return {
        "joints": data.qpos[:9],
        "joint_velocity": data.qvel[:9],
        "gripper": gripper.xpos,
        "cube": box.xpos,
        "cube_orientation": box.xquat,
        "cube_velocity": speed[3:],
        "gripper_axes": gripper.xmat[3:],
        "cube_axes": box.xmat[3:],
        "to_cube": box.xpos - gripper.xpos,
        "to_goal": goal - box.xpos,
        "turned": np.eye(3).ravel()[:6] - box.xmat[:6],
    }


class Grasp:
    """Actions that lead the open gripper to the cube, close it, and press it on the floor."""

    def __init__(self, model: mujoco.MjModel):
        self.model, self.data = model, mujoco.MjData(model)
        self.control = model.key("home").ctrl.copy()
        self.tick = 0

    def __call__(self, qpos: np.ndarray) -> np.ndarray:
        data, site = self.data, self.model.site("gripper").id
        data.qpos[:] = qpos
        mujoco.mj_forward(self.model, data)
        jacobian = np.zeros((3, self.model.nv))
        mujoco.mj_jacSite(self.model, data, jacobian, None, site)
        aim = data.body("box").xpos - np.array([0.0, 0.0, 0.0 if self.tick < PRESS else 0.1])
        step = np.linalg.pinv(jacobian[:, :7], rcond=0.05) @ (aim - data.site_xpos[site])
        action = np.empty(8)
        action[:7] = np.clip((qpos[:7] + step - self.control[:7]) / SCALE, -1, 1)
        action[7] = 1.0 if self.tick < CLOSE else -1.0
        low, high = self.model.actuator_ctrlrange.T
        self.control = np.clip(self.control + SCALE * action, low, high)
        self.tick += 1
        return action


def test_rewards_observations_and_controls_are_those_of_playground(model: mujoco.MjModel) -> None:
    task = compiled(TASKS / "menagerie" / "panda_pick_cube.yaml")
    rollout = roll(task, TICKS, seed=0, act=Grasp(model))
    data = started(model, rollout)
    low, high = model.actuator_ctrlrange.T
    goal = data.body("box").xpos + rollout.seen["to_goal"][0]  # drawn once an episode
    assert ((goal >= [0.5, -0.2, 0.23]) & (goal <= [0.9, 0.2, 0.43])).all()
    control, reached = model.key("home").ctrl.copy(), False
    clipped, terms = 0, []
    for tick, action in enumerate(rollout.actions):
        asked = control + SCALE * action
        control = np.clip(asked, low, high)
        clipped += (asked != control).sum()
        data.ctrl[:] = control
        mujoco.mj_step(model, data, 4)
        assert np.abs(data.qpos - rollout.qpos[tick + 1]).max() < 2e-3, tick
        away = np.linalg.norm(data.body("box").xpos - data.site("gripper").xpos)
        reached = reached or bool(away < 0.012)
        wanted = rewards(model, data, goal, reached)
        assert set(wanted) == set(rollout.terms)
        for name, value in wanted.items():
            got = float(rollout.terms[name][tick])
            assert got == pytest.approx(value, abs=5e-3, rel=5e-3), (tick, name)
        assert rollout.total[tick] == pytest.approx(sum(wanted.values()), abs=1e-2)
        for name, numbers in observations(model, data, goal).items():
            seen = rollout.seen[name][tick + 1]
            assert seen == pytest.approx(numbers, abs=1e-2, rel=1e-2), (tick, name)
        terms.append(wanted)
    assert clipped
    assert {term["no_floor_collision"] for term in terms} == {0.0, 0.25}
    assert terms[0]["box_target"] == 0 < terms[-1]["box_target"]

"""The G1 with a joystick: rewards by MuJoCo Playground's formulas, of plain MuJoCo's state."""

from __future__ import annotations

import re

import mujoco
import numpy as np
import pytest

from tests.examples.rolling import TASKS, Rollout, compiled, original, roll

SIDES = ("left", "right")
SOLES = [[f"{side}_foot{n}_collision" for n in (1, 2, 3)] for side in SIDES]
CROSSED = (
    ("right_foot_box_collision", "left_foot_box_collision"),
    ("left_foot_box_collision", "right_shin_collision"),
    ("right_foot_box_collision", "left_shin_collision"),
)
GAINS = {"ankle_pitch": (20.0, 1.0), "ankle_roll": (2.0, 0.2), "wrist": (2.0, 0.2), "": (75.0, 2.0)}
DT, TICKS, SEEDS, STRENGTH = 0.02, 80, (4, 11), 0.8


@pytest.fixture(scope="module")
def rollouts() -> list[Rollout]:
    task = compiled(TASKS / "menagerie" / "g1_joystick.yaml")
    return [roll(task, TICKS, seed=seed, strength=STRENGTH) for seed in SEEDS]


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    model = original("unitree_g1/scene_mjx.xml", 0.002)
    for index in range(model.nu):
        name = model.actuator(index).name
        kp, kd = next(gains for part, gains in GAINS.items() if part in name)
        model.actuator_gainprm[index, 0] = kp
        model.actuator_biasprm[index, :3] = 0.0, -kp, -kd
    return model


class State:
    """What Playground's formulas read of MuJoCo's state."""

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData):
        self.model, self.data = model, data
        self.home = model.key("knees_bent").qpos[7:]
        self.feet = [model.body(f"{side}_ankle_roll_link").id for side in SIDES]
        self.joints = [model.joint(i).name for i in range(1, model.njnt)]

    def sensor(self, name: str) -> np.ndarray:
        return self.data.sensor(name).data.copy()

    def touching(self, *pairs: tuple[str, str]) -> bool:
        found = {frozenset((c.geom1, c.geom2)) for c in self.data.contact if c.dist < 0}
        return any(frozenset(self.model.geom(g).id for g in pair) in found for pair in pairs)

    def contact(self) -> np.ndarray:
        return np.array([self.touching(*((geom, "floor") for geom in sole)) for sole in SOLES])

    def load(self) -> np.ndarray:
        """The vertical force of the ground on each foot, of MuJoCo's contacts, N."""
        loads, force = np.zeros(2), np.zeros(6)
        for index, contact in enumerate(self.data.contact):
            mujoco.mj_contactForce(self.model, self.data, index, force)
            up = contact.frame.reshape(3, 3)[:, 2] @ force[:3]
            bodies = self.model.geom_bodyid[[contact.geom1, contact.geom2]]
            for place, foot in enumerate(self.feet):
                loads[place] += up * (float(bodies[1] == foot) - float(bodies[0] == foot))
        return loads

    def deviation(self, pattern: str) -> np.ndarray:
        """How far the joints that a pattern names are from home."""
        named = [bool(re.fullmatch(pattern, name)) for name in self.joints]
        return (self.data.qpos[7:] - self.home)[named]


def swing_height(phase: np.ndarray, top: float) -> np.ndarray:
    """Height of a foot on a clock from -pi to pi: up the first half, down the second."""

    def smooth(x: np.ndarray) -> np.ndarray:
        return x**3 + 3 * x**2 * (1 - x)

    x = (phase + np.pi) / (2 * np.pi)
    return np.where(x <= 0.5, top * smooth(2 * x), top * (1 - smooth(2 * x - 1)))


def rewards(
    state: State, command: np.ndarray, phase: np.ndarray, air: np.ndarray, first: np.ndarray
) -> dict[str, float]:
    data, model = state.data, state.model
    lower, upper = model.jnt_range[1:].T
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    q = data.qpos[7:]
    linear, moving = state.sensor("global_linvel_pelvis")[:2], np.linalg.norm(command) > 0.01
    turns = abs(state.sensor("global_angvel_pelvis")[2]) > 0.1
    heights = swing_height(phase, 0.15)
    hands = [(f"{side}_hand_collision", f"{side}_thigh_collision") for side in SIDES]
    roll = state.deviation(".*_hip_roll_joint") * (command[1] <= 0.1)
    failed = state.sensor("upvector_torso")[2] < 0 or state.touching(*CROSSED)
    outside = np.maximum(middle - 0.95 * half - q, 0) + np.maximum(q - middle - 0.95 * half, 0)
    upright = np.array([0.073, 0.0, 1.0])
    return {
        "tracking_lin_vel": np.exp(
            -np.square(command[:2] - state.sensor("local_linvel_pelvis")[:2]).sum() / 0.25
        ),
        "tracking_ang_vel": 0.75
        * np.exp(-np.square(command[2] - state.sensor("gyro_pelvis")[2]) / 0.25),
        "ang_vel_xy": -0.15 * np.square(state.sensor("global_angvel_torso")[:2]).sum(),
        "orientation": -2.0 * np.square(state.sensor("upvector_torso") - upright).sum(),
        "feet_air_time": 2.0 * np.minimum((air - 0.2) * first, 0.3).sum(),
        "feet_slip": -0.25 * np.linalg.norm(linear) * state.contact().sum(),
        "feet_phase": np.exp(-np.square(data.xpos[state.feet, 2] - heights).sum() / 0.01)
        * (moving or turns or np.linalg.norm(linear) > 0.1),
        "stand_still": -np.abs(state.deviation(".*")).sum() * (not moving),
        "termination": -100.0 * failed,
        "collision": -0.1 * state.touching(*hands),
        "contact_force": -0.01 * np.maximum(np.abs(state.load()) - 500, 0).sum(),
        "joint_deviation_knee": -0.1 * np.abs(state.deviation(".*_knee_joint")).sum(),
        "joint_deviation_hip_yaw": -0.25 * np.abs(state.deviation(".*_hip_yaw_joint")).sum(),
        "joint_deviation_hip_roll": -0.25 * np.abs(roll).sum(),
        "dof_pos_limits": -outside.sum(),
        "pose": -0.1 * np.square(state.deviation(".*")).sum(),
    }


def observations(state: State) -> dict[str, np.ndarray]:
    data, model = state.data, state.model
    turned = data.site("imu_in_pelvis").xmat.reshape(3, 3)
    speeds = np.zeros((2, 6))
    for speed, foot in zip(speeds, state.feet, strict=True):
        mujoco.mj_objectVelocity(model, data, mujoco.mjtObj.mjOBJ_XBODY, foot, speed, 0)
    return {
        "velocity": state.sensor("local_linvel_pelvis"),
        "gyro": state.sensor("gyro_pelvis"),
        "gravity": turned.T @ np.array([0.0, 0.0, -1.0]),
        "joints": data.qpos[7:] - state.home,
        "joint_velocity": data.qvel[6:],
        "accelerometer": state.sensor("accelerometer_pelvis"),
        "turning": state.sensor("global_angvel_pelvis"),
        "height": data.xpos[model.body("pelvis").id, 2:],
        "forces": np.clip(data.actuator_force, *model.jnt_actfrcrange[1:].T),
        "feet": state.contact().astype(float),
        "feet_velocity": speeds[:, 3:].ravel(),
    }


def test_rewards_and_observations_are_those_of_playground(
    rollouts: list[Rollout], model: mujoco.MjModel
) -> None:
    acted: dict[str, int] = {}
    landed = 0
    for rollout in rollouts:
        data = mujoco.MjData(model)
        data.qpos[:], data.qvel[:] = rollout.qpos[0], rollout.qvel[0]
        mujoco.mj_forward(model, data)
        state, air = State(model, data), np.zeros(2)
        for tick, action in enumerate(rollout.actions):
            command = rollout.seen["command velocity"][tick]
            sin_cos = rollout.seen["command gait"][tick]
            data.ctrl[:] = state.home + 0.5 * action
            mujoco.mj_step(model, data, 10)
            goes_on = not rollout.failed[tick]  # else the next episode's state comes after it
            assert not goes_on or np.abs(data.qpos - rollout.qpos[tick + 1]).max() < 2e-3, tick
            contact = state.contact()
            first, air = (air > 0) & contact, air + DT
            wanted = rewards(state, command, np.arctan2(sin_cos[::2], sin_cos[1::2]), air, first)
            assert set(wanted) == set(rollout.terms)
            for name, value in wanted.items():
                got = float(rollout.terms[name][tick]) / DT
                assert got == pytest.approx(value, abs=0.01, rel=0.02), (tick, name)
                acted[name] = acted.get(name, 0) + (abs(value) > 0.01)
            assert rollout.total[tick] == pytest.approx(DT * sum(wanted.values()), abs=5e-3)
            if goes_on:
                for name, numbers in observations(state).items():
                    seen = rollout.seen[name][tick + 1]
                    assert seen == pytest.approx(numbers, abs=0.02, rel=0.02), (tick, name)
                clock = rollout.seen["command gait"][tick + 1]
                assert clock[:2] == pytest.approx(-clock[2:], abs=1e-4)
            landed += first.sum()
            air = air * ~contact
    assert all(acted.values()), acted
    assert landed > 4

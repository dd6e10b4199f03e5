"""Models, and the plain MuJoCo loop that engines are held against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mujoco
import numpy as np

from ksim_compiler.engine.base import physics_model

HUMANOID = Path(__file__).parents[3] / "tasks/robots/humanoid/scene.xml"
ROW = int(mujoco.mjtState.mjSTATE_INTEGRATION)

WALKER = """
<mujoco model="walker">
  <compiler angle="radian"/>
  <option timestep="0.004" integrator="implicitfast" iterations="8" ls_iterations="8"/>
  <default>
    <joint axis="0 1 0" range="-1.2 1.2" damping="0.2" armature="0.01"/>
    <geom contype="0" conaffinity="0"/>
  </default>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 0.1" contype="1" conaffinity="1"/>
    <body name="torso" pos="0 0 0.62">
      <freejoint name="root"/>
      <geom type="box" size="0.1 0.15 0.1" mass="4"/>
      <site name="imu"/>
      <body name="left" pos="0 0.1 -0.1">
        <joint name="hip_left" actuatorfrcrange="-12 12"/>
        <geom type="capsule" fromto="0 0 0 0 0 -0.45" size="0.03" mass="1"/>
        <geom name="toe_left" size="0.05" pos="0.1 0 -0.47" contype="1" conaffinity="1" mass="0.2"/>
        <geom name="heel_left" size="0.05" pos="-0.1 0 -0.47" contype="1" conaffinity="1"
              mass="0.2"/>
      </body>
      <body name="right" pos="0 -0.1 -0.1">
        <joint name="hip_right"/>
        <geom type="capsule" fromto="0 0 0 0 0 -0.45" size="0.03" mass="1"/>
        <geom name="toe_right" size="0.05" pos="0.1 0 -0.47" contype="1" conaffinity="1"
              mass="0.2"/>
        <geom name="heel_right" size="0.05" pos="-0.1 0 -0.47" contype="1" conaffinity="1"
              mass="0.2"/>
      </body>
    </body>
  </worldbody>
  <actuator>
    <position name="left" joint="hip_left" kp="60" kv="2"/>
    <position name="right" joint="hip_right" kp="60" kv="2" forcerange="-10 10"/>
  </actuator>
  <sensor>
    <gyro site="imu"/>
    <accelerometer site="imu"/>
    <framelinvel objtype="body" objname="torso"/>
    <actuatorfrc actuator="left"/>
  </sensor>
</mujoco>
"""

FIELDS = ("time", "sensordata", "xpos", "xquat", "xmat", "qfrc_actuator", "subtree_com")


def walker() -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(WALKER)


def humanoid() -> mujoco.MjModel:
    """The shipped humanoid under position servos, with an IMU."""
    spec = mujoco.MjSpec.from_file(str(HUMANOID))
    for joint in spec.joints:
        if joint.type == mujoco.mjtJoint.mjJNT_HINGE:
            servo = spec.add_actuator(target=joint.name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
            servo.set_to_position(kp=80, kv=4)
    return spec.compile()


def home(model: mujoco.MjModel) -> tuple[np.ndarray, np.ndarray]:
    """The home qpos, and the servos' targets that hold it, as float32."""
    qpos = model.key_qpos[0] if model.nkey else model.qpos0
    ctrl = qpos[model.jnt_qposadr[model.actuator_trnid[:, 0]]]
    return qpos.astype(np.float32), ctrl.astype(np.float32)


def actions(model: mujoco.MjModel, *leading: int, scale: float = 0.3, seed: int = 0) -> np.ndarray:
    """Servo targets (*leading, nu) about home, in radians."""
    noise = np.random.default_rng(seed).standard_normal((*leading, model.nu))
    return (home(model)[1] + scale * noise).astype(np.float32)


def starts(model: mujoco.MjModel, n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """n states about home: qpos (n, nq) and qvel (n, nv)."""
    rng = np.random.default_rng(seed)
    qpos = np.tile(home(model)[0], (n, 1))
    qpos[:, 7:] += 0.05 * rng.standard_normal((n, model.nq - 7))
    return qpos, (0.1 * rng.standard_normal((n, model.nv))).astype(np.float32)


class Plain:
    """One environment as a loop over `mujoco.mj_step`."""

    def __init__(self, model: mujoco.MjModel, qpos: np.ndarray, qvel: np.ndarray) -> None:
        self.model = physics_model(model)
        self.data = mujoco.MjData(self.model)
        self.data.qpos[:] = qpos
        self.data.qvel[:] = qvel
        mujoco.mj_forward(self.model, self.data)

    def step(
        self,
        ctrl: Sequence[np.ndarray],
        push: np.ndarray | None = None,
        wrench: np.ndarray | None = None,
    ) -> None:
        """One tick; ctrl has one row per substep."""
        if push is not None:
            self.data.qvel[:] += push
        if wrench is not None:
            self.data.xfrc_applied[:] = wrench
        for row in ctrl:
            self.data.ctrl[:] = row
            mujoco.mj_step(self.model, self.data)
        self.data.xfrc_applied[:] = 0.0

    def row(self) -> np.ndarray:
        row = np.empty(mujoco.mj_stateSize(self.model, ROW))
        mujoco.mj_getState(self.model, self.data, row, ROW)
        return row

    def field(self, name: str) -> np.ndarray:
        return np.asarray(getattr(self.data, name), np.float32)

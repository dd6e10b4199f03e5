"""What a task of position servos does on a model, by plain MuJoCo and NumPy alone.

Nothing here is of this project. The model is read from its own file; the actuators that act on the
driven joints are taken out; one servo a joint is put in, whose numbers are written into the arrays
of the compiled model, where no default can reach them. At each physics step

    force = clip(kp (target - q) - kd dq/dt, -limit, limit)

is worked out in NumPy and compared with what MuJoCo applies. Actuators that act on no driven joint
hold the control of the home pose: that of its keyframe, else the one at which an affine servo gives
no force there, else 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import mujoco
import numpy as np

_GAIN, _BIAS = mujoco.mjtGain, mujoco.mjtBias


@dataclass(frozen=True)
class Servo:
    """A position servo on a hinge or slide, in N*m/rad or N/m and so on."""

    kp: float
    kd: float
    limit: float


class Oracle:
    """A model under servos.

    Attributes:
        model: the model that is simulated.
        home: (nq,) the keyframe, or qpos0.
        torn: actuators that move a driven joint and one that is not, which no task can leave alone.
        law: the largest difference between MuJoCo's servo forces and the law, relative to the
            limit where that is above 1.
    """

    def __init__(self, path: Path, servos: Mapping[str, Servo], keyframe: str | None) -> None:
        original = mujoco.MjModel.from_xml_path(str(path))
        self._servos = dict(servos)
        kept, self.torn = _kept(original, list(servos))
        spec = mujoco.MjSpec.from_file(str(path))
        controls = _home_controls(original, spec, keyframe)
        for index, actuator in reversed(list(enumerate(spec.actuators))):
            if index not in kept:
                spec.delete(actuator)
        for key in spec.keys:
            key.ctrl, key.act = [], []
        for joint in servos:
            spec.add_actuator(
                name=f"oracle/{joint}", target=joint
            ).trntype = mujoco.mjtTrn.mjTRN_JOINT
        _neutral(spec, len(kept))
        self.model = spec.compile()
        self.data = mujoco.MjData(self.model)
        self.home = original.qpos0.copy()
        if keyframe is not None:
            self.home = original.key(keyframe).qpos.copy()
        self._held = np.array([controls[i] for i in kept])
        self._joints = np.array([self.model.joint(name).id for name in servos])
        self._own = np.array([self.model.actuator(f"oracle/{name}").id for name in servos])
        for index, servo in zip(self._own, servos.values(), strict=True):
            _write(self.model, int(index), servo)
        self.law = 0.0

    def run(self, targets: Sequence[np.ndarray], substeps: int) -> Iterator[np.ndarray]:
        """qpos and qvel after each tick, (nq + nv,), from the home pose at rest.

        Args:
            targets: (joints,) of each tick, in the order of the servos.
            substeps: physics steps of a tick.
        """
        self.data.qpos[:] = self.home.astype(np.float32)
        if len(self._held):
            self.data.ctrl[: len(self._held)] = self._held.astype(np.float32)
        for target in targets:
            self.data.ctrl[self._own] = target
            for _ in range(substeps):
                self._check(target)
                mujoco.mj_step(self.model, self.data)
            yield np.concatenate([self.data.qpos, self.data.qvel])

    def _check(self, target: np.ndarray) -> None:
        seen = mujoco.MjData(self.model)
        mujoco.mj_copyData(seen, self.model, self.data)
        mujoco.mj_forward(self.model, seen)
        kp, kd, limit = np.array([[s.kp, s.kd, s.limit] for s in self._servos.values()]).T
        q = seen.qpos[self.model.jnt_qposadr[self._joints]]
        v = seen.qvel[self.model.jnt_dofadr[self._joints]]
        wanted = np.clip(kp * (target - q) - kd * v, -limit, limit)
        off = np.abs(seen.actuator_force[self._own] - wanted) / np.maximum(1.0, np.abs(wanted))
        self.law = max(self.law, float(off.max()))


def _kept(model: mujoco.MjModel, driven: Sequence[str]) -> tuple[list[int], list[str]]:
    """The actuators that move no driven joint, and the names of those that move others besides.

    Found from their moment arms in random poses. A joint that an equality ties to a driven one, as
    the second finger of a gripper, is moved by whatever moves that one.
    """
    joints = {model.joint(name).id for name in driven}
    pairs = [
        {int(model.eq_obj1id[i]), int(model.eq_obj2id[i])}
        for i in range(model.neq)
        if model.eq_type[i] == mujoco.mjtEq.mjEQ_JOINT and model.eq_active0[i]
    ]
    tied = joints.union(*(pair for pair in pairs if pair & joints)) - {-1}
    dofs = np.isin(np.arange(model.nv), [model.jnt_dofadr[joint] for joint in tied])
    data, rng = mujoco.MjData(model), np.random.default_rng(0)
    touched = np.zeros((model.nu, model.nv), bool)
    for _ in range(4):
        mujoco.mj_integratePos(model, data.qpos, rng.standard_normal(model.nv), 0.3)
        mujoco.mj_forward(model, data)
        moment = np.zeros((model.nu, model.nv))
        mujoco.mju_sparse2dense(
            moment, data.actuator_moment, data.moment_rownnz, data.moment_rowadr, data.moment_colind
        )
        touched |= moment != 0
    site = model.actuator_trntype == mujoco.mjtTrn.mjTRN_SITE
    body = model.actuator_trntype == mujoco.mjtTrn.mjTRN_BODY
    on_driven = touched[:, dofs].any(axis=1) & ~site & ~body
    torn = np.flatnonzero(on_driven & touched[:, ~dofs].any(axis=1))
    return [int(i) for i in np.flatnonzero(~on_driven)], [model.actuator(i).name for i in torn]


def _home_controls(model: mujoco.MjModel, spec: mujoco.MjSpec, keyframe: str | None) -> np.ndarray:
    """(nu,) the control of each actuator of the original model that holds the home pose."""
    data = mujoco.MjData(model)
    if keyframe is not None:
        given = next(key for key in spec.keys if key.name == keyframe)
        if len(given.ctrl):
            return model.key(keyframe).ctrl.copy()
        data.qpos[:] = model.key(keyframe).qpos
    mujoco.mj_forward(model, data)
    controls = np.zeros(model.nu)
    for i in range(model.nu):
        gain, (b0, b1) = model.actuator_gainprm[i, 0], model.actuator_biasprm[i, :2]
        servo = model.actuator_biastype[i] == _BIAS.mjBIAS_AFFINE and b1 != 0 and gain != 0
        if servo and model.actuator_gaintype[i] == _GAIN.mjGAIN_FIXED:
            controls[i] = -(b0 + b1 * data.actuator_length[i]) / gain
            if model.actuator_ctrllimited[i]:
                controls[i] = np.clip(controls[i], *model.actuator_ctrlrange[i])
    return controls


def _neutral(spec: mujoco.MjSpec, first: int) -> None:
    """Take from the new actuators what would keep the model from being compiled."""
    for actuator in list(spec.actuators)[first:]:
        actuator.dyntype = mujoco.mjtDyn.mjDYN_NONE
        actuator.actdim = 0
        for name in ("ctrllimited", "forcelimited", "actlimited"):
            setattr(actuator, name, mujoco.mjtLimited.mjLIMITED_FALSE)


def _write(model: mujoco.MjModel, index: int, servo: Servo) -> None:
    """Put a servo's numbers over whatever the model's defaults made of it."""
    model.actuator_gaintype[index] = _GAIN.mjGAIN_FIXED
    model.actuator_biastype[index] = _BIAS.mjBIAS_AFFINE
    model.actuator_gear[index] = [1, 0, 0, 0, 0, 0]
    model.actuator_gainprm[index] = 0
    model.actuator_gainprm[index, 0] = servo.kp
    model.actuator_biasprm[index] = 0
    model.actuator_biasprm[index, 1:3] = -servo.kp, -servo.kd
    model.actuator_ctrllimited[index] = 0
    model.actuator_forcelimited[index] = 1
    model.actuator_forcerange[index] = -servo.limit, servo.limit

"""What is left from the robot to a frame of a motion, against MuJoCo's state and SciPy."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ksim_compiler.lowering import rules
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.motion import Place, Seen
from ksim_compiler.motion.library import Library, library
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from ksim_schema.vocabulary.metric_motion import MotionCompleted, MotionError
from ksim_schema.vocabulary.observation import motion as observations
from ksim_schema.vocabulary.reward import motion as rewards
from ksim_schema.vocabulary.termination_motion import MotionLost, MotionOver
from tests.ksim_compiler.motion.clips import ROOT, arrays

CLIP, FRAME = 3, 57
"""The walk, in the middle of a step."""
SHIFT = (0.8, -0.5, 0.7)
"""Where the clip's world stands in the robot's: m, m, rad."""


@cache
def track() -> Plan:
    plan = compile_file(ROOT / "tasks" / "humanoid_track.yaml").plan
    assert plan is not None
    return plan


class Bodies:
    """Places, rotations and velocities of all bodies in a state, by MuJoCo."""

    def __init__(self, qpos: np.ndarray, qvel: np.ndarray) -> None:
        self.model = track().robot.model
        self.data = mujoco.MjData(self.model)
        self.data.qpos[:], self.data.qvel[:] = qpos, qvel
        mujoco.mj_forward(self.model, self.data)

    def place(self, *names: str) -> np.ndarray:
        return np.array([self.data.body(name).xpos for name in names])

    def turn(self, *names: str) -> Rotation:
        quats = [self.data.body(name).xquat for name in names]
        return Rotation.from_quat(np.array(quats), scalar_first=True)

    def speeds(self, *names: str) -> tuple[np.ndarray, np.ndarray]:
        both = np.zeros((len(names), 6))
        for row, name in zip(both, names, strict=True):
            body = self.model.body(name).id
            kind = mujoco.mjtObj.mjOBJ_XBODY
            mujoco.mj_objectVelocity(self.model, self.data, kind, body, row, 0)
        return both[:, 3:], both[:, :3]


@cache
def states() -> tuple[Bodies, Bodies]:
    """The motion's frame where its world is shifted, and a robot that is off it."""
    clip = arrays("walk")
    qpos, qvel = (clip[key][FRAME].astype(float) for key in ("qpos", "qvel"))
    turn = Rotation.from_euler("z", SHIFT[2])
    qpos[:3] = turn.apply(qpos[:3]) + np.array([SHIFT[0], SHIFT[1], 0.0])
    own = Rotation.from_quat(qpos[3:7], scalar_first=True)
    qpos[3:7] = (turn * own).as_quat(scalar_first=True)
    qvel[:3] = turn.apply(qvel[:3])
    random = np.random.default_rng(5)
    off = qpos + np.concatenate(
        [random.normal(size=3) * 0.1, np.zeros(4), random.normal(size=20) * 0.2]
    )
    tilt = Rotation.from_rotvec([0.2, -0.1, 0.4])
    off[3:7] = (tilt * Rotation.from_quat(qpos[3:7], scalar_first=True)).as_quat(scalar_first=True)
    return Bodies(qpos, qvel), Bodies(off, qvel + random.normal(size=26) * 0.5)


@cache
def clips() -> Library:
    plan = track()
    part: Any = plan.task.parts["Command"]["motion"]
    return library(part, plan.clips["motion"], plan.robot.facts, plan.robot.model, plan.period)


def seen(frame: int) -> Seen:
    return Seen(clips(), Place(jnp.int32(CLIP), jnp.int32(frame), jnp.array(SHIFT)))


def context(frame: int = FRAME) -> Context:
    plan, robot = track(), states()[1]
    world = {
        "qpos": jnp.array(robot.data.qpos),
        "qvel": jnp.array(robot.data.qvel),
        "sensordata": jnp.array(robot.data.sensordata),
    }
    zero = jnp.zeros(plan.action_size)
    level, key = jnp.float32(0.0), jax.random.key(0)
    x = Context(plan.robot.facts, world, jnp.float32(1.0), plan.period, level, key, zero)
    return replace(x, motions={"motion": seen(frame)}, failure=jnp.bool_(False))


def value(part: Any, frame: int = FRAME) -> np.ndarray:
    def of() -> Any:
        x = context(frame)
        return rules.apply(part, x, rules.initial(part, x))[0]

    return np.asarray(jax.jit(of)())


M: dict[str, Any] = {"command": "motion"}


@cache
def bodies() -> tuple[str, ...]:
    part: Any = track().task.parts["Command"]["motion"]
    return part.followed(track().robot.facts)


def under_anchor() -> tuple[np.ndarray, Rotation]:
    """The motion's bodies moved along the ground and turned about the vertical to the robot's."""
    told, robot = states()
    apart = robot.turn("torso") * told.turn("torso").inv()
    w, x, y, z = apart.as_quat(scalar_first=True)[0]
    yaw = Rotation.from_euler("z", np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))
    here = np.append(robot.place("torso")[0, :2], told.place("torso")[0, 2])
    places = here + yaw.apply(told.place(*bodies()) - told.place("torso"))
    return places, yaw * told.turn(*bodies())


def kernel(squares: np.ndarray, scale: float) -> float:
    return float(np.exp(-np.mean(squares) / scale**2))


@cache
def expected() -> dict[str, tuple[Any, float]]:
    told, robot = states()
    moved, turned = under_anchor()
    own, own_turn = robot.place(*bodies()), robot.turn(*bodies())
    linear, angular = (
        a - b for a, b in zip(told.speeds(*bodies()), robot.speeds(*bodies()), strict=True)
    )
    joints = told.data.qpos[7:] - robot.data.qpos[7:]
    rates = told.data.qvel[6:] - robot.data.qvel[6:]
    anchor = np.sum((told.place("torso") - robot.place("torso")) ** 2, axis=1)
    tilt = (told.turn("torso").inv() * robot.turn("torso")).magnitude() ** 2
    body = np.sum((moved - own) ** 2, axis=1)
    world = np.sum((told.place(*bodies()) - own) ** 2, axis=1)
    of_feet = np.array([name.startswith("foot") for name in bodies()])
    return {
        "anchor position": (
            rewards.MotionAnchorPosition(**M, error_scale="20 cm"),
            kernel(anchor, 0.2),
        ),
        "anchor orientation": (rewards.MotionAnchorOrientation(**M), kernel(tilt, 0.4)),
        "body position": (rewards.MotionBodyPosition(**M), kernel(body, 0.3)),
        "feet": (
            rewards.MotionBodyPosition(**M, bodies=("foot_.*",), error_scale="20 cm"),
            kernel(body[of_feet], 0.2),
        ),
        "body position in the world": (
            rewards.MotionBodyPosition(**M, frame="world"),
            kernel(world, 0.3),
        ),
        "body orientation": (
            rewards.MotionBodyOrientation(**M, error_scale="0.8 rad"),
            kernel((turned.inv() * own_turn).magnitude() ** 2, 0.8),
        ),
        "body orientation in the world": (
            rewards.MotionBodyOrientation(**M, frame="world", error_scale="0.8 rad"),
            kernel((told.turn(*bodies()).inv() * own_turn).magnitude() ** 2, 0.8),
        ),
        "linear": (
            rewards.MotionBodyLinearVelocity(**M),
            kernel(np.sum(linear**2, axis=1), 1.0),
        ),
        "angular": (
            rewards.MotionBodyAngularVelocity(**M),
            kernel(np.sum(angular**2, axis=1), 3.14),
        ),
        "joints": (
            rewards.MotionJointPosition(**M, error_scale="0.35 rad"),
            kernel(joints**2, 0.35),
        ),
        "arms": (
            rewards.MotionJointPosition(**M, joints=("elbow_.*",), error_scale="0.35 rad"),
            kernel(joints[[16, 19]] ** 2, 0.35),
        ),
        "rates": (rewards.MotionJointVelocity(**M, error_scale="3 rad/s"), kernel(rates**2, 3.0)),
        "error": (MotionError(**M), float(np.mean(np.sqrt(body)))),
        "error in the world": (MotionError(**M, frame="world"), float(np.mean(np.sqrt(world)))),
        "error of the anchor": (MotionError(**M, of="anchor"), float(np.sqrt(anchor[0]))),
        "error of joints": (MotionError(**M, of="joints"), float(np.mean(np.abs(joints)))),
    }


WHAT = (
    *("anchor position", "anchor orientation", "body position", "feet"),
    *("body position in the world", "body orientation", "body orientation in the world"),
    *("linear", "angular", "joints", "arms", "rates"),
    *("error", "error in the world", "error of the anchor", "error of joints"),
)


def test_nothing_is_left_out() -> None:
    assert set(WHAT) == set(expected())


@cache
def found() -> dict[str, Any]:
    """All of them by their rules, in one program."""
    parts = {what: part for what, (part, _) in expected().items()}

    def all_of() -> dict[str, Any]:
        x = context()
        return {w: rules.apply(p, x, rules.initial(p, x))[0] for w, p in parts.items()}

    return jax.jit(all_of)()


@pytest.mark.parametrize("what", WHAT)
def test_what_is_left_is_that_of_mujocos_state(what: str) -> None:
    wanted = expected()[what][1]
    assert 0.02 < wanted < 0.98  # a kernel that says something
    np.testing.assert_allclose(found()[what], wanted, rtol=2e-3)


def test_observations_are_those_of_mujocos_state() -> None:
    told, robot = states()
    own = robot.turn("torso")
    left = own.inv().apply(told.place("torso") - robot.place("torso"))[0]
    columns = (own.inv() * told.turn("torso")).as_matrix()[0][:, :2].T.ravel()
    told_of = value(observations.MotionAnchorError(**M))
    np.testing.assert_allclose(told_of, [*left, *columns], atol=1e-4)
    feet = ("foot_left", "foot_right")
    seen_by = {
        name: side.turn("torso").inv().apply(side.place(*feet) - side.place("torso"))
        for name, side in (("motion", told), ("robot", robot))
    }
    for of in ("robot", "motion"):
        told_of = value(observations.MotionBodies(**M, bodies=("foot_.*",), of=of))
        np.testing.assert_allclose(told_of, seen_by[of].ravel(), atol=1e-4)
    told_of = value(observations.MotionBodies(**M, bodies=("foot_.*",)))
    np.testing.assert_allclose(told_of, (seen_by["motion"] - seen_by["robot"]).ravel(), atol=1e-4)
    clip = arrays("walk")
    part = observations.MotionJoints(**M, joints=("knee_.*",), ahead=("0 s", "40 ms", "100 s"))
    rows = clip["qpos"][[FRAME, FRAME + 2, -1]][:, [7 + 5, 7 + 11]]
    np.testing.assert_allclose(value(part), rows.ravel(), atol=1e-5)
    still = part.model_copy(update={"what": "velocities"})
    rates = clip["qvel"][[FRAME, FRAME + 2, -1]][:, [6 + 5, 6 + 11]] * [[1], [1], [0]]
    np.testing.assert_allclose(value(still), rates.ravel(), atol=1e-3)
    np.testing.assert_allclose(value(observations.MotionPhase(**M)), [FRAME / 300], rtol=1e-6)


def test_a_motion_is_lost_beyond_each_of_its_limits() -> None:
    told, robot = states()
    height = abs(float((told.place("torso") - robot.place("torso"))[0, 2]))
    apart = float(np.linalg.norm(told.place("torso") - robot.place("torso")))
    ups = [side.turn("torso").inv().apply([0.0, 0.0, 1.0])[0] for side in (told, robot)]
    tilt = float(np.arccos(ups[0] @ ups[1]))
    feet = np.abs(told.place("foot_left", "foot_right") - robot.place("foot_left", "foot_right"))
    lift = float(feet[:, 2].max())
    limits = {"anchor_height": height, "anchor_distance": apart, "anchor_tilt": tilt}
    for field, at in limits.items():
        assert at > 0.01
        unit = "rad" if field == "anchor_tilt" else "m"
        assert value(MotionLost(**M, **{field: f"{at * 0.98} {unit}"}))
        assert not value(MotionLost(**M, **{field: f"{at * 1.02} {unit}"}))
    for factor, lost in ((0.98, True), (1.02, False)):
        ends = {"bodies": ("foot_.*",), "height": f"{lift * factor} m"}
        assert bool(value(MotionLost(command="motion", ends=ends))) is lost


def test_a_motion_is_over_at_its_last_frame() -> None:
    for frame, over in ((299, False), (300, True), (301, True)):
        assert bool(value(MotionOver(**M), frame)) is over
        assert bool(value(MotionCompleted(**M), frame)) is over
    part = MotionCompleted(**M)
    x = replace(context(300), failure=jnp.bool_(True))
    assert not rules.apply(part, x, ())[0]
    # of another clip it says nothing
    assert np.isnan(value(MotionCompleted(**M, clip="wave"), 300))


def test_the_worst_second_is_a_mean_over_a_second() -> None:
    part = MotionError(**M, average="1 s")
    x = context()
    memory = rules.initial(part, x)
    assert memory.shape == (50,)
    values = []
    for frame in (FRAME, FRAME + 1, FRAME + 2):
        now, memory = rules.apply(part, context(frame), memory)
        values.append(float(now))
    single = [float(value(MotionError(**M), frame)) for frame in (FRAME, FRAME + 1, FRAME + 2)]
    np.testing.assert_allclose(values, [np.mean(single[:n]) for n in (1, 2, 3)], rtol=1e-5)

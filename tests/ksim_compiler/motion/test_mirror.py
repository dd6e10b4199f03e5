"""A recorded motion in the mirror, against MuJoCo's state of a robot that NumPy has reflected."""

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
from ksim_compiler.lowering.motion import Place, Seen, begun, frame_of, no_tally, odds
from ksim_compiler.motion.library import Library, library
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from ksim_schema.robot.mirror import Signed
from ksim_schema.vocabulary.command.clips import Motion
from ksim_schema.vocabulary.observation import motion as observations
from ksim_schema.vocabulary.reward import motion as rewards
from tests.ksim_compiler.motion.clips import ROOT, arrays

PATH = ROOT / "tasks" / "humanoid_track.yaml"
CLIP, FRAME = 3, 57
"""The walk, in the middle of a step."""
M: dict[str, Any] = {"command": "motion"}
FLIP = np.diag([1.0, -1.0, 1.0])


def compiled(*settings: str) -> Any:
    return compile_file(PATH, settings)


@cache
def plan() -> Plan:
    found = compiled("Command.motion.mirror=true", "PPO.mirror=0.5")
    assert found.plan is not None
    return found.plan


@cache
def clips() -> Library:
    part, robot = plan().task.parts["Command"]["motion"], plan().robot
    assert isinstance(part, Motion)
    own = plan().clips["motion"]
    return library(part, own, robot.facts, robot.model, plan().period, robot.mirror)


def other(name: str) -> str:
    """The name on the other side."""
    for here, there in (("_left", "_right"), ("_right", "_left")):
        if name.endswith(here):
            return name.removesuffix(here) + there
    return name


def reflected(qpos: np.ndarray, qvel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A state in the mirror y = 0 of the world, by the humanoid's joints' names."""
    model = plan().robot.model
    qpos, qvel, old, rates = qpos.copy(), qvel.copy(), qpos, qvel
    qpos[1] *= -1.0
    own = Rotation.from_quat(old[3:7], scalar_first=True).as_matrix()
    qpos[3:7] = Rotation.from_matrix(FLIP @ own @ FLIP).as_quat(scalar_first=True)
    qvel[1] *= -1.0
    qvel[3:6] = -(FLIP @ rates[3:6])  # an axial vector, in the base's axes
    for joint in range(1, model.njnt):
        there = model.joint(other(model.joint(joint).name))
        axis, counter = model.jnt_axis[joint], there.axis
        sign = -1.0 if np.allclose(-(FLIP @ axis), -counter) else 1.0
        assert np.allclose(-(FLIP @ axis), sign * counter)
        qpos[there.qposadr[0]] = sign * old[model.jnt_qposadr[joint]]
        qvel[there.dofadr[0]] = sign * rates[model.jnt_dofadr[joint]]
    return qpos, qvel


def state(qpos: np.ndarray, qvel: np.ndarray) -> mujoco.MjData:
    data = mujoco.MjData(plan().robot.model)
    data.qpos[:], data.qvel[:] = qpos, qvel
    mujoco.mj_forward(plan().robot.model, data)
    return data


def frame(name: str = "walk", row: int = FRAME) -> tuple[np.ndarray, np.ndarray]:
    clip = arrays(name)
    return clip["qpos"][row].astype(float), clip["qvel"][row].astype(float)


def test_each_clip_has_its_mirror_image_after_the_others() -> None:
    names = ("wave", "squat", "bow_and_step", "walk")
    assert clips().clips == (*names, *(f"{name} (mirrored)" for name in names))
    assert clips().length[:4].tolist() == clips().length[4:].tolist()
    part: Any = plan().task.parts["Command"]["motion"]
    each = np.asarray(odds(part, clips(), no_tally(clips())))
    shares = [each[clips().bin_clip == clip].sum() for clip in range(8)]
    np.testing.assert_allclose(shares, 0.125, rtol=1e-5)
    uneven = part.model_copy(update={"weights": (1.0, 1.0, 1.0, 5.0)})
    each = np.asarray(odds(uneven, clips(), no_tally(clips())))
    shares = [each[clips().bin_clip == clip].sum() for clip in range(8)]
    np.testing.assert_allclose(shares, np.array([1, 1, 1, 5] * 2) / 16, rtol=1e-5)
    drawn = jax.vmap(lambda key: begun(part, clips(), key, jnp.asarray(each)).clip)(
        jax.random.split(jax.random.key(0), 500)
    )
    assert set(np.unique(drawn)) == set(range(8))


@pytest.mark.parametrize(("clip", "row"), [(0, FRAME), (2, 212), (3, 3), (3, FRAME)])
def test_a_clip_in_the_mirror_is_the_robot_in_the_mirror(clip: int, row: int) -> None:
    name = clips().clips[clip]
    qpos, qvel = frame(name, row)
    wanted = state(*reflected(qpos, qvel))
    at = int(clips().start[clip + 4]) + row
    sign = np.sign(wanted.qpos[3:7] @ clips().qpos[at, 3:7])
    np.testing.assert_allclose(clips().qpos[at, :3], wanted.qpos[:3], atol=1e-5)
    np.testing.assert_allclose(clips().qpos[at, 3:7] * sign, wanted.qpos[3:7], atol=1e-5)
    np.testing.assert_allclose(clips().qpos[at, 7:], wanted.qpos[7:], atol=1e-5)
    np.testing.assert_allclose(clips().qvel[at], wanted.qvel, atol=5e-3)
    # every geom is where the other side's was, in the mirror: so the reflection itself is right
    here, model = state(qpos, qvel), plan().robot.model
    off = 0.0
    for body in range(1, model.nbody):
        there = here.body(other(model.body(body).name)).xpos
        np.testing.assert_allclose(wanted.xpos[body], FLIP @ there, atol=1e-6)
        off = max(off, float(np.abs(wanted.xpos[body] - here.xpos[body]).max()))
    assert off > 0.02, "the pose is its own mirror image"
    # and so are the bodies that are followed
    for i, body in enumerate(clips().bodies):
        np.testing.assert_allclose(clips().place[at, i], wanted.body(body).xpos, atol=1e-5)
        six = np.zeros(6)
        kind, index = mujoco.mjtObj.mjOBJ_XBODY, model.body(body).id
        mujoco.mj_objectVelocity(model, wanted, kind, index, six, 0)
        np.testing.assert_allclose(clips().angular[at, i], six[:3], atol=2e-2)
        np.testing.assert_allclose(clips().linear[at, i], six[3:], atol=1e-2)


def context(robot: mujoco.MjData, clip: int) -> Context:
    world = {
        "qpos": jnp.array(robot.qpos),
        "qvel": jnp.array(robot.qvel),
        "sensordata": jnp.array(robot.sensordata),
    }
    zero, key = jnp.zeros(plan().action_size), jax.random.key(0)
    facts, level = plan().robot.facts, jnp.float32(0.0)
    x = Context(facts, world, jnp.float32(1.0), plan().period, level, key, zero)
    place = Place(jnp.int32(clip), jnp.int32(FRAME), jnp.zeros(3))
    return replace(x, motions={"motion": Seen(clips(), place)}, failure=jnp.bool_(False))


PARTS: dict[str, Any] = {
    "joints": observations.MotionJoints(**M, ahead=("0 s", "60 ms")),
    "joint speeds": observations.MotionJoints(**M, joints=("(hip|knee)_.*",), what="velocities"),
    "anchor": observations.MotionAnchorError(**M),
    "place": observations.MotionAnchorError(**M, of="position"),
    "turn": observations.MotionAnchorError(**M, of="orientation"),
    "bodies": observations.MotionBodies(**M, bodies=("foot_.*", "pelvis", "forearm_.*")),
    "of the motion": observations.MotionBodies(**M, bodies=("foot_.*",), of="motion"),
    "of the robot": observations.MotionBodies(**M, bodies=("foot_.*",), of="robot"),
    "phase": observations.MotionPhase(**M),
}
REWARDS: tuple[Any, ...] = (
    rewards.MotionAnchorPosition(**M),
    rewards.MotionAnchorOrientation(**M),
    rewards.MotionBodyPosition(**M),
    rewards.MotionBodyOrientation(**M, error_scale="0.8 rad"),
    rewards.MotionBodyLinearVelocity(**M),
    rewards.MotionBodyAngularVelocity(**M),
    rewards.MotionJointPosition(**M, error_scale="0.35 rad"),
    rewards.MotionJointVelocity(**M, error_scale="3 rad/s"),
)


@cache
def both_sides() -> tuple[dict[str, Any], dict[str, Any]]:
    """What is seen of a robot off the walk, and of its reflection off the mirrored walk."""
    random = np.random.default_rng(5)
    qpos, qvel = frame()
    qpos = qpos + np.concatenate([random.normal(size=3) * 0.1, np.zeros(4), np.zeros(20)])
    qpos[7:] += random.normal(size=20) * 0.2
    tilt = Rotation.from_rotvec([0.2, -0.1, 0.4])
    own = Rotation.from_quat(qpos[3:7], scalar_first=True)
    qpos[3:7] = (tilt * own).as_quat(scalar_first=True)
    qvel = qvel + random.normal(size=26) * 0.5

    def told(robot: mujoco.MjData, clip: int) -> dict[str, Any]:
        x = context(robot, clip)
        parts = PARTS | {r.kind_name: r for r in REWARDS}
        found = {name: rules.apply(part, x, ())[0] for name, part in parts.items()}
        frame = frame_of(Seen(clips(), x.motions["motion"].place))
        return found | {"command": jnp.concatenate([frame.joints, frame.rates])}

    own_side = told(state(qpos, qvel), CLIP)
    return own_side, told(state(*reflected(qpos, qvel)), CLIP + 4)


@pytest.mark.parametrize("what", [*PARTS, "command"])
def test_what_is_seen_in_the_mirror_is_the_image_of_what_is_seen(what: str) -> None:
    here, there = (np.asarray(side[what]) for side in both_sides())
    mirror = plan().robot.mirror
    assert mirror is not None
    part: Any = PARTS.get(what, plan().task.parts["Command"]["motion"])
    image: Signed | None = part.mirrored(mirror)
    assert image is not None
    index, sign = map(np.array, zip(*image, strict=True))
    np.testing.assert_allclose(there, here[index] * sign, atol=2e-3)
    if what != "phase":
        assert np.abs(there - here).max() > 0.01


@pytest.mark.parametrize("reward", [r.kind_name for r in REWARDS])
def test_a_reward_is_worth_the_same_in_the_mirror(reward: str) -> None:
    here, there = (float(side[reward]) for side in both_sides())
    assert 0.02 < here < 0.98
    assert there == pytest.approx(here, abs=2e-3)


def test_the_networks_inputs_have_an_image_with_each_way_to_learn() -> None:
    assert plan().reflection is not None
    symmetric = [f"{n}.network.symmetric=true" for n in ("Policy.actor", "Critic.critic")]
    found = compiled(*symmetric)
    assert found.diagnostics == []
    assert found.plan is not None
    assert found.plan.reflection is not None


def test_an_anchor_at_one_side_has_no_mirror_image() -> None:
    found = compiled("PPO.mirror=0.5", "Command.motion.anchor=foot_left")
    told = next(d.message for d in found.diagnostics if d.code == "KS0444")
    assert "Observation.left is seen from 'foot_left', the anchor of 'motion'" in told
    # clips in the mirror need it not: they are of the whole robot
    both = compiled("Command.motion.mirror=true", "Command.motion.anchor=foot_left")
    assert not [d for d in both.diagnostics if d.severity == "error"]


def test_mirror_images_of_clips_need_to_know_left_and_right() -> None:
    found = compiled("Command.motion.mirror=true", "PhysicsState.humanoid.mirror=null")
    assert [(d.code, d.path) for d in found.diagnostics] == [("KS0440", "Command.motion.mirror")]


def test_a_metric_is_of_a_clip_or_of_its_image() -> None:
    of_image = "Metric.wave.clip=wave (mirrored)"
    assert compiled("Command.motion.mirror=true", of_image).diagnostics == []
    assert [d.code for d in compiled(of_image).diagnostics] == ["KS0685"]


def test_a_study_can_aim_at_a_clip_in_the_mirror() -> None:
    from ksim_compiler.sweep.check import goals

    known = goals(compiled("Command.motion.mirror=true"))
    for clip in ("wave", "wave (mirrored)"):
        assert known[f"motion/motion.{clip}/body_error"] == f"motion/motion.{clip}/body_error"
    assert "motion/motion.wave (mirrored)/completed" not in goals(compiled())

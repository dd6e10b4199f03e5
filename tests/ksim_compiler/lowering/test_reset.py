"""Resets: the state that several of them make, against MuJoCo's own velocities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.pipeline import compile_file

MODEL = """<mujoco><option timestep="0.005"/><worldbody>
<geom name="floor" type="plane" size="0 0 1"/>
<body name="cube" pos="2 0 .1"><freejoint name="cube"/><geom name="c" type="box" size=".1 .1 .1"/>
</body><body name="torso" pos="0 0 1"><freejoint name="root"/>
<geom name="t" type="box" size=".2 .1 .1" mass="5"/><body name="leg" pos="0 0 -.1">
<joint name="hip" axis="0 1 0" actuatorfrcrange="-5 5"/>
<geom name="l" type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass="1"/></body></body></worldbody>
<keyframe><key name="run" qpos="2 0 .1 1 0 0 0  0 0 1 .8 0 .6 0  .3"
 qvel="0 0 0 0 0 0  1 .5 -.2 .1 .2 .3  .4"/></keyframe></mujoco>"""
TASK = """ksim: 1
task: t
PhysicsState: {{r: {{model: m.xml, control: 50 Hz}}}}
Observation: {{q: {{kind: joint_position}}}}
Action: {{a: {{kind: torque, joints: hip, scale: 1 N*m}}}}
Policy: {{actor: {{read: [q], network: {{kind: mlp, hidden: [8]}}}}}}
Critic: {{critic: {{judge: {{clean: [q]}}, network: {{kind: mlp, hidden: [8]}}}}}}
Reward: {{e: {{kind: torque_penalty, scale: 0.1}}}}
Termination: {{time: {{kind: episode_length, after: 1 s}}}}
Reset:
  z_whole: {{kind: keyframe, keyframes: run}}
{resets}
PPO: {{envs: 8, rollout: 8, minibatches: 2}}
"""
RUN_QPOS = np.array([2, 0, 0.1, 1, 0, 0, 0, 0, 0, 1, 0.8, 0, 0.6, 0, 0.3])
RUN_QVEL = np.array([0, 0, 0, 0, 0, 0, 1, 0.5, -0.2, 0.1, 0.2, 0.3, 0.4])


def made(
    folder: Path, *resets: str, model: str = MODEL, engine: str = "native", task: str = TASK
) -> Env:
    """The environments of the task with these resets."""
    (folder / "m.xml").write_text(model)
    (folder / "t.yaml").write_text(task.format(resets="\n".join(f"  {r}" for r in resets)))
    compiled = compile_file(folder / "t.yaml")
    assert compiled.plan is not None, compiled.diagnostics
    return Env(compiled.plan, engine, threads=1)


def begun(folder: Path, *resets: str, model: str = MODEL) -> tuple[Any, np.ndarray, np.ndarray]:
    """The model and the qpos and qvel in which eight episodes begin."""
    env = made(folder, *resets, model=model)
    world = jax.jit(env.init)(env.params, jax.random.key(0)).world
    return env.plan.robot.model, np.asarray(world["qpos"]), np.asarray(world["qvel"])


def local_velocity(model: Any, qpos: np.ndarray, qvel: np.ndarray, body: str) -> np.ndarray:
    """Angular and linear velocity of a body in its own frame, as MuJoCo has them."""
    data: Any = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = qpos, qvel
    mujoco.mj_forward(model, data)
    found = np.zeros(6)
    which = mujoco.mjtObj.mjOBJ_XBODY
    mujoco.mj_objectVelocity(model, data, which, model.body(body).id, found, 1)
    return found


@pytest.mark.parametrize(
    "reset",
    [
        "turned: {kind: heading, range: 180 deg}",
        "turned: {kind: pitch_and_roll, pitch: 40 deg, roll: 40 deg}",
    ],
)
def test_a_body_that_is_turned_moves_on_in_its_own_frame(tmp_path: Path, reset: str) -> None:
    model, qpos, qvel = begun(tmp_path, reset)
    assert np.ptp(qpos[:, 10:14], axis=0).max() > 0.1
    for body in ("torso", "leg"):
        want = local_velocity(model, RUN_QPOS, RUN_QVEL, body)
        for row in range(len(qpos)):
            got = local_velocity(model, qpos[row], qvel[row], body)
            np.testing.assert_allclose(got, want, atol=1e-5)


def test_resets_act_in_the_order_of_their_names_after_the_whole_state(tmp_path: Path) -> None:
    """z_whole comes first in spite of its name; what is drawn later is not turned."""
    model, qpos, qvel = begun(
        tmp_path,
        "b_lift: {kind: height, range: [1 m, 1 m]}",
        "a_turn: {kind: heading}",
        "c_fast: {kind: base_velocity, vertical: 3 m/s}",
    )
    np.testing.assert_allclose(qpos[:, 9], 2.0, atol=1e-6)
    speed = np.hypot(qvel[:, 6], qvel[:, 7])
    np.testing.assert_allclose(speed, np.hypot(1, 0.5), atol=1e-5)
    assert np.ptp(qvel[:, 8]) > 0.5
    for row in range(len(qpos)):  # without the drawn vertical velocity it is the turned run
        own = qvel[row].copy()
        own[8] = -0.2
        want = local_velocity(model, RUN_QPOS, RUN_QVEL, "torso")
        np.testing.assert_allclose(local_velocity(model, qpos[row], own, "torso"), want, atol=1e-5)


def test_another_body_is_turned_alone(tmp_path: Path) -> None:
    _, qpos, qvel = begun(tmp_path, "cube: {kind: heading, body: cube}")
    np.testing.assert_allclose(qpos[:, 7:], np.tile(RUN_QPOS[7:], (8, 1)), atol=1e-6)
    np.testing.assert_allclose(qvel, np.tile(RUN_QVEL, (8, 1)), atol=1e-6)
    assert np.ptp(qpos[:, 6]) > 0.1


def test_a_body_is_placed_about_home_and_turned_about_the_worlds_axes(tmp_path: Path) -> None:
    reset = "cube: {kind: body_pose, body: torso, x: [1 m, 2 m], z: [5 cm, 5 cm], "
    reset += "roll: [20 deg, 20 deg], pitch: [-30 deg, -30 deg], yaw: [100 deg, 100 deg]}"
    model, qpos, qvel = begun(tmp_path, reset)
    offset = qpos[:, 7:10] - RUN_QPOS[7:10]
    assert 1.0 <= offset[:, 0].min() < offset[:, 0].max() <= 2.0
    np.testing.assert_allclose(offset[:, 1:], np.tile([0, 0.05], (8, 1)), atol=1e-6)
    turn, want = np.zeros(4), np.zeros(4)
    mujoco.mju_euler2Quat(turn, np.deg2rad([20, -30, 100]), "XYZ")
    mujoco.mju_mulQuat(want, turn, RUN_QPOS[10:14])
    np.testing.assert_allclose(qpos[:, 10:14], np.tile(want, (8, 1)), atol=1e-6)
    motion = local_velocity(model, RUN_QPOS, RUN_QVEL, "torso")
    np.testing.assert_allclose(local_velocity(model, qpos[0], qvel[0], "torso"), motion, atol=1e-5)


def test_a_body_is_placed_in_the_world(tmp_path: Path) -> None:
    reset = (
        "cube: {kind: body_pose, body: cube, around: world, y: [0.5 m, 0.5 m], yaw: [1 rad, 1 rad]}"
    )
    _, qpos, _ = begun(tmp_path, reset)
    np.testing.assert_allclose(
        qpos[:, :7], np.tile([2, 0.5, 0.1, np.cos(0.5), 0, 0, np.sin(0.5)], (8, 1)), atol=1e-6
    )
    _, qpos, _ = begun(tmp_path, "cube: {kind: body_pose, body: cube, orientation: any}")
    np.testing.assert_allclose(np.linalg.norm(qpos[:, 3:7], axis=1), 1.0, atol=1e-6)
    assert np.ptp(qpos[:, 3:7], axis=0).min() > 0.5
    np.testing.assert_allclose(qpos[:, :3], np.tile([2, 0, 0.1], (8, 1)), atol=1e-6)


def test_joints_are_placed_about_a_middle_of_their_own(tmp_path: Path) -> None:
    text = "{kind: joint_position, joints: hip, around: zero, offset: 0.4 rad, range: 0.1 rad}"
    _, qpos, _ = begun(tmp_path, "joint: " + text)
    hips = qpos[:, 14]
    assert hips.min() >= 0.3 - 1e-6
    assert hips.max() <= 0.5 + 1e-6
    assert np.ptp(hips) > 0.05


def test_joints_are_placed_within_their_limits(tmp_path: Path) -> None:
    """Without limits a hinge is turned anywhere; with them it is drawn from a part of the range."""
    _, qpos, _ = begun(tmp_path, "hip: {kind: joint_limits}")
    assert np.abs(qpos[:, 14]).max() > np.pi / 2
    assert np.abs(qpos[:, 14]).max() <= np.pi
    limited = MODEL.replace('name="hip" axis', 'name="hip" range="10 50" axis')
    _, qpos, _ = begun(tmp_path, "hip: {kind: joint_limits, share: 0.5}", model=limited)
    angles = np.rad2deg(qpos[:, 14])
    assert 20 <= angles.min() < 26
    assert 34 < angles.max() <= 40


@pytest.mark.parametrize("form", ["uniform", "gaussian"])
def test_jitter_changes_all_of_qpos_and_qvel(tmp_path: Path, form: str) -> None:
    reset = f"noise: {{kind: jitter, position: 0.02, velocity: 0.3, velocity_draw: {form}}}"
    _, qpos, qvel = begun(tmp_path, reset)
    place, speed = qpos - RUN_QPOS, qvel - RUN_QVEL
    assert (np.ptp(place, axis=0) > 1e-4).all()
    for start in (3, 10):
        np.testing.assert_allclose(np.linalg.norm(qpos[:, start : start + 4], axis=1), 1, atol=1e-6)
    straight = np.delete(place, [3, 4, 5, 6, 10, 11, 12, 13], axis=1)
    assert 0.015 < np.abs(straight).max() <= 0.02 + 1e-6
    if form == "uniform":
        assert 0.25 < np.abs(speed).max() <= 0.3 + 1e-6
    else:  # 104 draws of N(0, 0.3)
        assert abs(speed.std() - 0.3) < 0.08
        assert np.abs(speed).max() > 0.45


@pytest.mark.parametrize("engine", ["native", pytest.param("mjx", marks=pytest.mark.slow)])
def test_episodes_begin_after_the_physics_has_settled(tmp_path: Path, engine: str) -> None:
    """As a plain loop of mj_step from the drawn pose, under the controls of a zero action."""
    reset = "cube: {kind: body_pose, body: cube, z: [3 cm, 3 cm], yaw: [1 rad, 1 rad]}"
    control = "control: 50 Hz, settle: 102 ms"  # 21 steps of 5 ms
    env = made(tmp_path, reset, engine=engine, task=TASK.replace("control: 50 Hz", control))
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    model = env.plan.robot.model
    data: Any = mujoco.MjData(model)
    data.qpos[:], data.qvel[:] = RUN_QPOS, RUN_QVEL
    data.qpos[2] += 0.03
    data.qpos[3:7] = [np.cos(0.5), 0, 0, np.sin(0.5)]
    mujoco.mj_step(model, data, nstep=21)
    for name in ("qpos", "qvel"):
        want = np.tile(getattr(data, name), (8, 1))
        np.testing.assert_allclose(
            state.world[name], want, atol=2e-5 if engine == "native" else 2e-3
        )
    rows = env.engine.rows(state.physics)
    assert rows[0, 0] == 0.0  # the time begins then
    mujoco.mj_forward(model, data)
    if "sensordata" in state.world:
        np.testing.assert_allclose(state.world["sensordata"][0], data.sensordata, atol=1e-2)
    step = jax.jit(env.step)
    for _ in range(51):  # an episode takes 50 ticks: here the next one begins
        state, _ = step(env.params, state, np.zeros((8, env.action_size), np.float32))
    assert (np.asarray(state.episode.age) == 1).all()
    mujoco.mj_step(model, data, nstep=4)
    np.testing.assert_allclose(
        state.world["qpos"][0], data.qpos, atol=1e-4 if engine == "native" else 5e-3
    )


def test_resets_shape_their_share_of_the_episodes_and_one_draw_decides_for_all(
    tmp_path: Path,
) -> None:
    """Of 3 in 4 episodes all resets of the fall act, of the others the one that is theirs."""
    env = made(
        tmp_path,
        "a_up: {kind: height, range: [1 m, 1 m], episodes: 0.75}",
        "b_away: {kind: plane_position, x: 50 cm, y: 50 cm, episodes: [0, 0.75]}",
        "c_hip: {kind: joint_position, joints: hip, offset: 0.2 rad, range: 0 rad,"
        " episodes: [0.75, 1]}",
    )
    keys, init = jax.random.split(jax.random.key(3), 50), jax.jit(env.init)
    worlds = [init(env.params, key).world for key in keys]
    qpos = np.concatenate([np.asarray(world["qpos"]) for world in worlds])
    fell = qpos[:, 9] > 1.5
    assert 0.68 < fell.mean() < 0.82  # of 400
    np.testing.assert_array_equal(np.abs(qpos[:, 7]) > 0, fell)
    np.testing.assert_allclose(qpos[fell, 14], 0.3, atol=1e-6)  # as the keyframe has it
    np.testing.assert_allclose(qpos[~fell, 14], 0.2, atol=1e-6)


def test_joints_are_drawn_from_factors_of_home_and_from_normal_distributions(
    tmp_path: Path,
) -> None:
    """The home pose is that of a keyframe, with the hip at 0.3 rad."""
    task = TASK.replace("control: 50 Hz", "control: 50 Hz, home: {{keyframe: run}}")
    env = made(
        tmp_path,
        "a: {kind: joint_position, joints: hip, factor: [0.5, 1.5]}",
        "b: {kind: joint_velocity, joints: hip, range: 2 rad/s, draw: gaussian}",
        task=task,
    )
    keys, init = jax.random.split(jax.random.key(5), 50), jax.jit(env.init)
    worlds = [init(env.params, key).world for key in keys]
    place, speed = (
        np.concatenate([np.asarray(world[field])[:, index] for world in worlds])  # 400
        for field, index in (("qpos", 14), ("qvel", 12))
    )
    assert 0.15 <= place.min() < 0.17
    assert 0.43 < place.max() <= 0.45
    assert abs(speed.mean()) < 0.4
    assert 1.8 < speed.std() < 2.2
    assert np.abs(speed).max() > 4.0


@pytest.mark.parametrize(
    ("reset", "told"),
    [
        ("a: {kind: joint_limits, joints: hip}", False),
        ("a: {kind: joint_limits, joints: hip, episodes: 0.5}", True),
        ("a: {kind: joint_velocity, joints: hip, range: 1 rad/s}", True),
    ],
)
def test_a_home_pose_beyond_limits_matters_where_episodes_begin_there(
    tmp_path: Path, reset: str, told: bool
) -> None:
    model = MODEL.replace('name="hip"', 'name="hip" range="20 60"')
    task = TASK.replace("  z_whole: {{kind: keyframe, keyframes: run}}\n", "")
    (tmp_path / "m.xml").write_text(model)
    (tmp_path / "t.yaml").write_text(task.format(resets=f"  {reset}"))
    codes = [str(d.code) for d in compile_file(tmp_path / "t.yaml").diagnostics]
    assert ("KS0434" in codes) == told

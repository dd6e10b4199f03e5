"""The batched environment: ticks, resets, time-outs, random keys, events, latency, randomizers."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from ksim_compiler.env import Env, EnvState
from ksim_compiler.pipeline import compile_document
from ksim_compiler.plan import Plan
from ksim_compiler.robot.model import read_files
from ksim_schema.diagnostics import Sink, has_errors, render_text
from ksim_schema.source import parse

ROBOTS = Path(__file__).parents[2] / "tasks" / "robots"

CARTPOLE = """
ksim: 1
task: test
PhysicsState:
  robot: {model: robots/cartpole/scene.xml, control: 50 Hz, home: {keyframe: home}}
Observation:
  position: {kind: joint_position, noise: []}
  speed: {kind: joint_velocity, joints: slide, noise: {gaussian: 1 m/s}}
Action:
  force: {kind: torque, joints: slide, scale: 10 N}
Policy:
  actor: {read: [position, speed]}
Critic:
  critic: {judge: {clean: [position, speed]}}
Reward:
  alive: {kind: stay_alive}
Termination:
  off: {kind: joint_outside, joints: slide, range: [-1 m, 1 m]}
  limit: {kind: episode_length, after: 200 ms}
"""


def plan_of(text: str, robot: str) -> Plan:
    found = Sink()
    document = parse(textwrap.dedent(text), "test.yaml", found)
    assert document is not None, found
    compiled = compile_document(document, read_files(ROBOTS / robot / "scene.xml"))
    assert not has_errors(compiled.diagnostics), render_text(compiled.diagnostics, compiled.sources)
    assert compiled.plan is not None
    return compiled.plan


def start(
    text: str, robot: str = "cartpole", envs: int = 2, seed: int = 0, engine: str = "native"
) -> tuple[Env, Any, EnvState]:
    """An environment, its compiled step and its first state."""
    env = Env(plan_of(text, robot), engine, envs=envs)
    return env, jax.jit(env.step), jax.jit(env.init)(env.params, jax.random.key(seed))


def edited(text: str, edits: dict[str, str]) -> str:
    for old, new in edits.items():
        assert old in text
        text = text.replace(old, new)
    return text


def test_a_tick_is_the_physics_of_mujoco() -> None:
    env, step, state = start(CARTPOLE)
    model = env.plan.robot.model
    data = mujoco.MjData(model)
    for _ in range(4):
        state, _ = step(env.params, state, jnp.full((2, 1), 0.5))
        data.ctrl[:] = 5.0
        mujoco.mj_step(model, data, nstep=2)
    np.testing.assert_array_equal(state.world["qpos"][1], np.float32(data.qpos))
    np.testing.assert_array_equal(state.world["qvel"][0], np.float32(data.qvel))


def test_time_outs_are_told_from_failures_and_both_reset() -> None:
    env, step, state = start(CARTPOLE)
    for tick in range(1, 21):
        state, out = step(env.params, state, jnp.zeros((2, 1)))
        assert bool(out.timeout.all()) == (tick % 10 == 0)
        assert not out.failure.any()
        if tick % 10 == 0:
            np.testing.assert_array_equal(state.episode.age, 0)
            np.testing.assert_array_equal(state.world["qpos"], 0.0)
    params = jax.tree.map(lambda x: x, env.params)
    params["Termination"]["off"]["range"] = (jnp.float32(-0.01), jnp.float32(0.01))
    for _ in range(9):
        state, out = step(params, state, jnp.array([[1.0], [0.0]]))  # 10 N on 1.1 kg
        if out.failure[0]:
            break
    assert out.failure[0]
    assert not out.timeout[0]
    assert not out.failure[1]
    assert int(state.episode.age[0]) == 0 < int(state.episode.age[1])
    np.testing.assert_array_equal(out.reward, [0.0, 1.0])
    assert float(out.next_critic_input[0, 0]) > 0.01  # the state in which it ended
    assert float(state.critic_input[0, 0]) == 0.0  # the state in which the next one begins


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not() -> None:
    def run(seed: int) -> np.ndarray:
        env, step, state = start(CARTPOLE, envs=3, seed=seed)
        for _ in range(3):
            state, _ = step(env.params, state, jnp.full((3, 1), 0.1))
        return np.asarray(state.policy_input)

    first = run(0)
    np.testing.assert_array_equal(first, run(0))
    assert not np.array_equal(first, run(1))


def test_adding_an_observation_does_not_change_the_noise_of_another() -> None:
    extra = "  extra: {kind: joint_position, noise: {uniform: 1 m}, joints: slide}\n"
    edits = {
        "  speed: {": extra + "  speed: {",
        "[position, speed]}\nCritic": "[position, speed, extra]}\nCritic",
    }
    inputs = []
    for text in (CARTPOLE, edited(CARTPOLE, edits)):
        env, step, state = start(text, seed=3)
        state, _ = step(env.params, state, jnp.zeros((2, 1)))
        inputs.append(np.asarray(state.policy_input[:, 2]))
    np.testing.assert_array_equal(*inputs)
    assert inputs[0].std() > 0


def test_the_batch_size_does_not_change_an_environments_draws() -> None:
    few, many = (start(CARTPOLE, envs=n, seed=3)[2] for n in (2, 5))
    np.testing.assert_array_equal(few.policy_input, many.policy_input[:2])


def test_the_policy_reads_noise_and_the_critic_does_not() -> None:
    _, _, state = start(CARTPOLE, envs=256)
    np.testing.assert_array_equal(state.critic_input, 0.0)
    noise = np.asarray(state.policy_input[:, 2])
    assert 0.8 < noise.std() < 1.2
    np.testing.assert_array_equal(state.policy_input[:, :2], 0.0)


def test_numbers_are_runtime_arguments() -> None:
    env, step, state = start(CARTPOLE)
    action = jnp.zeros((2, 1))
    _, before = step(env.params, state, action)
    params = jax.tree.map(lambda x: x, env.params)
    params["Reward"]["alive"]["scale"]["constant"] = jnp.float32(3.0)
    params["Observation"]["speed"]["noise"][0]["gaussian"] = jnp.float32(0.0)
    params["Termination"]["limit"]["after"] = jnp.float32(0.02)
    following, after = step(params, state, action)
    np.testing.assert_array_equal(before.reward, 1.0)
    np.testing.assert_array_equal(after.reward, 3.0)
    assert after.timeout.all()
    np.testing.assert_array_equal(following.policy_input[:, 2], 0.0)
    assert step._cache_size() == 1


def test_a_latency_delays_the_action_by_physics_steps() -> None:
    late = {"scale: 10 N": "scale: 10 N, latency: [10 ms, 10 ms]"}
    env, step, state = start(edited(CARTPOLE, late))
    model = env.plan.robot.model
    data = mujoco.MjData(model)
    before = 0.0
    for command in (0.5, -0.2, 0.1):
        state, _ = step(env.params, state, jnp.full((2, 1), command))
        for force in (before, 10 * command):  # two physics steps of 10 ms in a tick
            data.ctrl[:] = np.float32(force)
            mujoco.mj_step(model, data)
        before = 10 * command
    np.testing.assert_allclose(state.world["qvel"][0], data.qvel, rtol=1e-6)


def test_a_state_that_is_no_number_ends_its_episode_and_spoils_nothing() -> None:
    env, step, state = start(CARTPOLE, envs=3)
    state, out = step(env.params, state, jnp.array([[0.1], [jnp.nan], [0.1]]))
    np.testing.assert_array_equal(out.terminations["non_finite"], [False, True, False])
    np.testing.assert_array_equal(out.failure, [False, True, False])
    for leaf in jax.tree.leaves((out.reward, out.next_critic_input, state.critic_input)):
        assert np.isfinite(leaf).all()
    assert np.isfinite(state.world["qpos"]).all()
    assert np.isfinite(state.policy_input).all()


def test_a_push_changes_the_velocity_at_its_time() -> None:
    pushed = "Event:\n  push: {kind: linear_push, speed: 1 m/s, every: [40 ms, 40 ms]}\n"
    plain, shoved = (start(HUMANOID + text, "humanoid", seed=1) for text in ("", pushed))
    changes = []
    states = [plain[2], shoved[2]]
    for _ in range(3):
        for i, (env, step, _) in enumerate((plain, shoved)):
            states[i], _ = step(env.params, states[i], jnp.zeros((2, env.action_size)))
        a, b = (np.asarray(s.world["qvel"][:, :2]) for s in states)
        changes.append(np.linalg.norm(b - a, axis=1))
    np.testing.assert_array_equal(changes[0], 0.0)
    np.testing.assert_array_equal(changes[1], 0.0)
    assert ((changes[2] > 0.5) & (changes[2] < 1.2)).all()  # 1 m/s, and one tick of physics


def test_a_randomizer_gives_each_environment_its_own_model() -> None:
    heavier = "Randomizer:\n  mass: {kind: body_mass, body: torso, factor: [0.5, 2.0]}\n"
    env, step, state = start(HUMANOID + heavier, "humanoid", envs=3)
    body = env.plan.robot.model.body("torso").id
    nominal = float(env.plan.robot.model.body_mass[body])
    masses = np.asarray(state.physics.model["body_mass"])[:, body] / nominal
    assert len(set(masses)) == 3
    assert ((masses >= 0.5) & (masses <= 2.0)).all()
    for _ in range(2):
        state, _ = step(env.params, state, jnp.zeros((3, env.action_size)))
    assert len({float(v) for v in state.world["qvel"][:, 2]}) == 3


HUMANOID = """
ksim: 1
task: test
PhysicsState:
  robot:
    model: robots/humanoid/scene.xml
    control: 50 Hz
    home: {keyframe: home}
Observation:
  position: {kind: joint_position, relative_to: home}
Action:
  targets:
    kind: position_target
    scale: 0.4 rad
    gains: {kp: 120 N*m/rad, kd: 5 N*m*s/rad}
Policy:
  actor: {read: position}
Critic:
  critic: {judge: {clean: position}}
Reward:
  alive: {kind: stay_alive}
Termination:
  limit: {kind: episode_length, after: 10 s}
"""


def test_staggered_environments_are_cut_off_once_each_at_a_time_of_its_own() -> None:
    plan = plan_of(CARTPOLE, "cartpole")
    env = Env(plan, "native", envs=32, stagger=10)
    step, state = jax.jit(env.step), env.init(env.params, jax.random.key(0))
    ends = []
    for _ in range(30):
        state, outcome = step(env.params, state, jnp.zeros((32, 1)))
        assert not outcome.failure.any()
        ends.append(np.array(outcome.timeout))
    first = np.argmax(ends, axis=0)
    assert set(first) == set(range(10))
    for tick, ended in enumerate(ends):  # from then on, every 10 ticks
        np.testing.assert_array_equal(ended, (tick >= first) & ((tick - first) % 10 == 0))


def test_a_training_may_have_shorter_episodes_than_the_task() -> None:
    env = Env(plan_of(CARTPOLE, "cartpole"), "native", envs=4, longest=7)
    step, state = jax.jit(env.step), env.init(env.params, jax.random.key(0))
    for tick in range(1, 22):
        state, outcome = step(env.params, state, jnp.zeros((4, 1)))
        np.testing.assert_array_equal(outcome.timeout, tick % 7 == 0)
        np.testing.assert_array_equal(outcome.terminations["limit"], False)

"""Environments of the public module: pure, by part, with the end of each episode, and bounds."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

import ksim_compiler as ksim

ROOT = Path(__file__).parents[3]
SHORT = {
    "Termination.time_limit.after": "100 ms",
    "Observation.cart_speed.noise": [],
    "Observation.pole_speed.noise": [],
}
"""Five ticks an episode, and nothing drawn after its start."""


@pytest.fixture(scope="module")
def env() -> ksim.Environment:
    return ksim.make_env(ksim.compile("cartpole", set=SHORT), "native", envs=3, threads=1)


def test_a_step_gives_the_observation_of_an_episode_s_end_and_of_the_next_start(
    env: ksim.Environment,
) -> None:
    state = env.reset(7)
    model = env.task.plan.robot.model
    data = mujoco.MjData(model)
    data.qpos[:] = [state.observation["Observation.cart"][1, 0], 0.0]
    pole = np.asarray(state.observation["Observation.pole"])[1, 0]
    data.qpos[1] = pole / 5  # the task's scale
    data.qvel[:] = [state.observation[f"Observation.{j}_speed"][1, 0] for j in ("cart", "pole")]
    ticks = round(env.control_period / model.opt.timestep)
    for tick in range(1, 6):
        state, step = env.step(state, jnp.full((3, 1), 0.3))
        data.ctrl[:] = 3.0  # of 10 N for an action of 1
        mujoco.mj_step(model, data, nstep=ticks)
        final = [float(step.final_observation[f"Observation.{n}"][1, 0]) for n in ("cart", "pole")]
        assert final == pytest.approx([data.qpos[0], 5 * data.qpos[1]], abs=2e-5)
        np.testing.assert_array_equal(step.final_policy_input[1, :2], np.float32(final))
        assert step.truncated.tolist() == step.done.tolist() == [tick == 5] * 3
        assert not step.terminated.any()
        total = sum(np.asarray(term) for term in step.terms.values())
        np.testing.assert_allclose(step.reward, total, rtol=1e-6)
        same = np.array_equal(step.final_policy_input, state.policy_input)
        assert same == (tick < 5)
    assert abs(float(state.observation["Observation.pole"][1, 0])) <= 5 * np.deg2rad(4) + 1e-6


def test_the_same_key_gives_the_same_bits_jitted_or_scanned(env: ksim.Environment) -> None:
    def run(key: jax.Array) -> jax.Array:
        def tick(state: ksim.State, action: jax.Array) -> tuple[ksim.State, jax.Array]:
            state, step = env.step(state, action)
            return state, step.reward

        return jax.lax.scan(tick, env.reset(key), jnp.zeros((7, 3, 1)))[1]

    scanned = jax.jit(run)(jax.random.key(3))
    state, rewards = env.reset(3), []
    for _ in range(7):
        state, step = env.step(state, np.zeros((3, 1)))
        rewards.append(step.reward)
    np.testing.assert_array_equal(scanned, rewards)
    assert not np.array_equal(env.reset(3).policy_input, env.reset(4).policy_input)


def test_an_action_of_another_shape_is_refused(env: ksim.Environment) -> None:
    with pytest.raises(ValueError, match=r"has the shape \(3, 1\), and not \(3,\)"):
        env.step(env.reset(0), np.zeros(3))


def test_an_episode_may_be_limited_besides() -> None:
    env = ksim.make_env("cartpole", "native", envs=1, limit=0.06, threads=1)
    state, ends = env.reset(0), []
    for _ in range(6):
        state, step = env.step(state, np.zeros((1, 1)))
        ends.append(bool(step.truncated[0]))
    assert ends == [False, False, True] * 2


@pytest.mark.parametrize(
    ("action", "bounds"),
    [
        ({}, (-1.0, 1.0)),  # 10 N of motor, 10 N for 1
        ({"scale": "2.5 N"}, (-4.0, 4.0)),
        ({"torque_limit": "5 N"}, (-0.5, 0.5)),
        ({"clip": [-0.25, 2]}, (-0.25, 2.0)),
        ({"squash": "tanh"}, (-np.inf, np.inf)),
        ({"low_pass": "5 Hz"}, (-np.inf, np.inf)),  # beyond its limit it still fills the filter
    ],
)
def test_bounds_are_where_an_action_changes_nothing_any_more(
    action: dict[str, object], bounds: tuple[float, float]
) -> None:
    task = ksim.compile("cartpole", set={f"Action.force.{k}": v for k, v in action.items()})
    assert task.action_bounds == (pytest.approx(bounds),)


def test_bounds_of_targets_are_those_of_the_joints(tmp_path: Path) -> None:
    base = (ROOT / "tasks" / "cartpole.yaml").read_text(encoding="utf-8")
    before = "force: {kind: torque, joints: slide, scale: 10 N}"
    servo = "{kind: position_target, joints: slide, scale: 0.5 m, around: home, gains: "
    after = f"force: {servo}{{kp: 100 N/m, kd: 20 N*s/m}}, clip_to_limits: true}}"
    assert before in base
    path = tmp_path / "task.yaml"
    robots = f"model: {ROOT}/tasks/robots"
    path.write_text(base.replace(before, after).replace("model: robots", robots), encoding="utf-8")
    task = ksim.compile(path)
    low, high = task.plan.robot.model.jnt_range[0]
    assert task.action_bounds == (pytest.approx((low / 0.5, high / 0.5)),)
    squashed = task.with_({"Policy.actor.distribution": {"kind": "tanh_gaussian"}})
    assert squashed.action_bounds == ((-1.0, 1.0),)

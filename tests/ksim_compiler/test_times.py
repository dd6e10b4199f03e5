"""In which ticks of an episode things happen, end to end."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.pipeline import compile_document
from ksim_compiler.robot.model import ModelFiles
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.source import parse

FLOATING = """
<mujoco>
  <option timestep="0.01" gravity="0 0 0"/>
  <worldbody>
    <body name="hull"><freejoint name="root"/><geom type="sphere" size="0.1" mass="1"/></body>
    <body name="cart" pos="0 5 0">
      <joint name="slide" type="slide" axis="1 0 0" actuatorfrcrange="-1 1"/>
      <geom type="sphere" size="0.1" mass="1"/>
    </body>
  </worldbody>
</mujoco>
"""
"""A hull whose velocity changes by what events do, and by nothing else."""

TASK = """
ksim: 1
task: times
PhysicsState: {r: {model: m.xml, control: 50 Hz}}
Command: {c: {kind: COMMAND}}
Observation: {q: {kind: joint_position, joints: slide}}
Event: {e: {kind: EVENT}}
Action: {a: {kind: torque, joints: slide, scale: 1 N}}
Policy: {actor: {read: [q], obey: c}}
Critic: {critic: {judge: {clean: [q], obey: c}}}
Reward: {effort: {kind: torque_penalty, scale: 0.1}}
Termination: {limit: {kind: episode_length, after: AFTER}}
"""
PUSH = "linear_push, body: hull, speed: 1 m/s, every: [1 s, 1 s]"
COMMAND = "angular_velocity, turn: [0.2 rad/s, 1 rad/s], resample: [1 s, 1 s]"


def compiled(event: str = PUSH, command: str = COMMAND, after: str = "40 s") -> Any:
    text = TASK.replace("EVENT", event).replace("COMMAND", command).replace("AFTER", after)
    found = Sink()
    document = parse(text, "test.yaml", found)
    assert document is not None, found
    return compile_document(document, ModelFiles("m.xml", {"m.xml": FLOATING.encode()}))


def episode(ticks: int, **parts: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Velocity of the hull before each tick (ticks, 3), the policy's input and time-outs."""
    result = compiled(**parts)
    assert result.plan is not None, result.diagnostics
    env = Env(result.plan, "native", envs=1, threads=1)
    step, state = jax.jit(env.step), jax.jit(env.init)(env.params, jax.random.key(0))
    speeds, inputs, ends = [], [], []
    for _ in range(ticks):
        speeds.append(np.asarray(state.world["qvel"])[0, :3])
        inputs.append(np.asarray(state.policy_input)[0])
        state, outcome = step(env.params, state, jnp.zeros((1, env.action_size)))
        ends.append(bool(outcome.timeout[0]))
    return np.array(speeds), np.array(inputs), np.array(ends)


def test_every_second_is_every_50_ticks() -> None:
    speeds, inputs, ends = episode(1000)
    pushed = np.flatnonzero(np.linalg.norm(np.diff(speeds, axis=0), axis=1) > 0.5)
    assert pushed.tolist() == list(range(50, 999, 50))
    drawn = np.flatnonzero(np.abs(np.diff(inputs[:, -1])) > 0) + 1
    assert drawn.tolist() == list(range(50, 1000, 50))
    assert not ends.any()


@pytest.mark.parametrize(
    ("every", "after", "period", "length"),
    [("100 ms", "300 ms", 5, 15), ("70 ms", "290 ms", 4, 15), ("69 ms", "289 ms", 3, 14)],
)
def test_halfway_is_the_longer_time(every: str, after: str, period: int, length: int) -> None:
    event = f"linear_push, body: hull, speed: 1 m/s, every: [{every}, {every}]"
    speeds, _, ends = episode(length, event=event, after=after)
    pushed = np.flatnonzero(np.linalg.norm(np.diff(speeds, axis=0), axis=1) > 0.5)
    assert pushed.tolist() == list(range(period, length - 1, period))
    assert np.flatnonzero(ends).tolist() == [length - 1]


@pytest.mark.parametrize(("duration", "ticks"), [("40 ms", 2), ("50 ms", 3), ("49 ms", 2)])
def test_a_force_lasts_for_whole_ticks(duration: str, ticks: int) -> None:
    event = f"force_push, body: hull, force: 10 N, duration: {duration}, every: [200 ms, 200 ms]"
    speeds, _, _ = episode(25, event=event)
    change = np.linalg.norm(np.diff(speeds, axis=0), axis=1)
    acting = np.flatnonzero(change > 0.01)
    assert acting.tolist() == [10 + i for i in range(ticks)] + [20 + i for i in range(ticks)]
    np.testing.assert_allclose(change[acting], 10 / 1 * 0.02, rtol=1e-4)  # 10 N on 1 kg, one tick


def test_a_path_shorter_than_a_tick_takes_one() -> None:
    command = "joint_position, joints: slide, range: [-1 m, 1 m], duration: 1 us"
    _, inputs, _ = episode(20, command=command)
    assert np.isfinite(inputs).all()
    position, speed = inputs[:, -2], inputs[:, -1]
    np.testing.assert_allclose(np.diff(position) / 0.02, speed[:-1], rtol=1e-4, atol=1e-4)


def of_times(found: list[Diagnostic]) -> list[str]:
    """Codes of what is said of times; nothing rewards the command of these tasks."""
    return [d.code for d in found if d.code != "KS0342"]


FORCE = "force_push, body: hull, force: 1 N, every: [1 s, 1 s], duration: "


@pytest.mark.parametrize(
    ("parts", "codes"),
    [
        ({}, []),
        ({"event": PUSH.replace("[1 s, 1 s]", "[1 s, 1.55 s]")}, []),
        ({"event": PUSH.replace("[1 s, 1 s]", "[1.01 s, 1.01 s]")}, ["KS0465"]),
        ({"event": FORCE + "9 ms"}, ["KS0466"]),
        ({"event": FORCE + "[1 ms, 90 ms]"}, ["KS0466"]),
        ({"command": COMMAND.replace("[1 s, 1 s]", "[1.03 s, 1.03 s]")}, ["KS0465"]),
        ({"after": "9.99 s"}, ["KS0465"]),
    ],
)
def test_what_is_rounded_is_told(parts: dict[str, str], codes: list[str]) -> None:
    assert of_times(compiled(**parts).diagnostics) == codes


@pytest.mark.parametrize(
    ("observation", "codes"),
    [
        ("history: 50", []),
        ("history: 51", ["KS0471"]),
        ("delay: 980 ms", []),
        ("delay: 1 s", ["KS0471"]),
    ],
)
def test_what_outlasts_an_episode_is_told(observation: str, codes: list[str]) -> None:
    text = TASK.replace("EVENT", PUSH.replace("1 s, 1 s", "0.5 s, 0.5 s"))
    text = text.replace("COMMAND", COMMAND).replace("AFTER", "1 s")
    text = text.replace("joints: slide}}\nEvent", f"joints: slide, {observation}}}}}\nEvent")
    found = Sink()
    document = parse(text, "test.yaml", found)
    assert document is not None, found
    result = compile_document(document, ModelFiles("m.xml", {"m.xml": FLOATING.encode()}))
    assert of_times(result.diagnostics) == codes

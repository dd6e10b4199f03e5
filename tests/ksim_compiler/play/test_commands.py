"""Commands that are held at a value."""

from __future__ import annotations

import shutil
from pathlib import Path

import jax
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.pipeline import compile_file
from ksim_compiler.play.commands import CommandError, dials, held

TASKS = Path(__file__).parents[3] / "tasks"


def env_of(task: str, *settings: str) -> Env:
    compiled = compile_file(TASKS / f"{task}.yaml", ("PPO.envs=64", *settings))
    assert compiled.plan is not None, compiled.diagnostics
    return Env(compiled.plan, "native")


def told(env: Env, label: str, value: float) -> np.ndarray:
    state = env.init(held(env.params, env.plan, "velocity", label, value), jax.random.key(0))
    (_, memory) = next(iter(state.episode.memory["Command"].items()))
    return np.asarray(memory.state.target)


@pytest.mark.slow
def test_a_held_command_never_stands_still_and_follows_no_curriculum() -> None:
    rising = "Command.velocity.scale={linear: {from: 0, to: 1}}"
    env = env_of("walk_robust", "Command.velocity.stand_still=0.5", rising)
    target = told(env, "forward", 0.8)
    np.testing.assert_allclose(target[:, 0], 0.8, rtol=1e-6)
    assert np.unique(target[:, 2]).size > 30  # the task goes on to draw the turning rate


def test_the_elements_that_can_be_held_have_the_ranges_of_the_task() -> None:
    env = env_of("walk")
    found = {str(d): (d.low, d.high) for d in dials(env.plan, env.params)}
    assert found == {
        "velocity.forward": (0.0, 1.0),
        "velocity.sideways": (0.0, 0.0),
        "velocity.turn": (-0.5, 0.5),
    }


OWN = """
from ksim_schema.custom import Command, Probability, jax


class Coin(Command):
    heads: Probability = 0.5
    elements = ("up",)

    def value(self, x):
        return jax.random.bernoulli(x.key, self.heads, (1,)).astype(float)
"""


@pytest.mark.parametrize(
    ("part", "label"),
    [
        ("{kind: coin}", "up"),
        ("{kind: integer_vector, ranges: [[0, 3]]}", "0"),
        ("{kind: phase, period: 1 s}", "sin"),
    ],
)
def test_a_command_with_a_rule_of_its_own_is_not_held(
    part: str, label: str, tmp_path: Path
) -> None:
    shutil.copytree(TASKS / "robots" / "cartpole", tmp_path / "robots" / "cartpole")
    text = (TASKS / "cartpole.yaml").read_text()
    text += f"\ncomponents: [own.py]\nCommand:\n  other: {part}\n"
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "task.yaml").write_text(text)
    compiled = compile_file(tmp_path / "task.yaml", ("Policy.actor.obey=other", "PPO.envs=2"))
    assert compiled.plan is not None, compiled.diagnostics
    env = Env(compiled.plan, "native")
    assert [*dials(env.plan, env.params)] == []
    with pytest.raises(CommandError, match="it is not held"):
        held(env.params, env.plan, "other", label, 1.0)


@pytest.mark.parametrize(
    ("name", "label", "message"),
    [
        ("speed", "forward", "there is no command 'speed'; commands: velocity"),
        ("velocity", "up", "'velocity' has no 'up'; it has: forward, sideways, turn"),
    ],
)
def test_what_cannot_be_held_is_said(name: str, label: str, message: str) -> None:
    env = env_of("walk")
    with pytest.raises(CommandError) as caught:
        held(env.params, env.plan, name, label, 1.0)
    assert str(caught.value) == message

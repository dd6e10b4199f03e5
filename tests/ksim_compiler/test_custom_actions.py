"""Actions of a task's own file: what they tell the robot, what is refused, and what is exported."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler import artifact
from ksim_compiler.deploy.targets import ExportError, targets
from ksim_compiler.env import Env
from ksim_compiler.lowering.custom import check_rules
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_schema.diagnostics import TaskError

TASKS = Path(__file__).parents[2] / "tasks"
ACTIONS = '''from ksim_schema.custom import Action, Effort, Length, PerJoint, Number, jnp


class Push(Action):
    """A force that saturates softly, of the difference of two numbers."""

    strength: Effort = "6 N"

    def size(self, robot):
        return 2

    def value(self, x):
        return self.strength * jnp.tanh(x.action[:1] - x.action[1:])


class Ramp(Action):
    """A target that goes on from tick to tick."""

    rate: Length = "1 cm"

    def initial(self, x):
        return x.joint_positions(x.robot.match_joints(self.joints))

    def value(self, x, target):
        target = target + self.rate * x.action
        return target, target


class Twice(Action):
    """Positions, twice what the policy says."""

    share: PerJoint[Number] = 2.0

    def value(self, x):
        return self.share * x.action


class Chase(Action):
    """Targets about where the joints are."""

    def value(self, x):
        return x.joint_positions(x.robot.match_joints(self.joints)) + x.action


class Wrong(Action):
    """Too many targets."""

    def value(self, x):
        return jnp.zeros(7)


class Blind(Action):
    """It looks at what an action does not see."""

    def value(self, x):
        return x.world["xpos"][0, :1]
'''
GAINS = "gains: {kp: 90 N/m, kd: 9 N*s/m}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(TASKS / "robots" / "cartpole", tmp_path / "robots" / "cartpole")
    (tmp_path / "act.py").write_text(ACTIONS)
    return tmp_path


def compiled(folder: Path, part: str) -> Compiled:
    text = (TASKS / "cartpole.yaml").read_text()
    first = text.index("Action:\n")
    second = text.index("\n\n", first)
    action = f"Action:\n  force: {{joints: slide, torque_limit: 9 N, {part}}}"
    text = text[:first] + action + text[second:]
    text = text.replace("task: cartpole", "task: own\ncomponents: act.py").replace(
        "envs: 128", "envs: 2"
    )
    (folder / "own.yaml").write_text(text)
    return compile_file(folder / "own.yaml")


def told(found: Compiled, actions: Any) -> np.ndarray:
    """(ticks, controls) of the first environment."""
    assert found.plan is not None, found.diagnostics
    env = Env(found.plan, "native", threads=1)
    state, step = env.init(env.params, jax.random.key(0)), jax.jit(env.step)
    seen = []
    for action in np.atleast_2d(np.float32(actions)):
        state, _ = step(env.params, state, jnp.asarray(np.tile(action, (env.num_envs, 1))))
        seen.append(np.asarray(state.episode.controls[0]))
    return np.stack(seen)


def test_its_rule_gives_the_targets_of_its_joints(folder: Path) -> None:
    push = compiled(folder, "kind: push, strength: 5 N, clip: [-1, 1]")
    assert push.plan is not None, push.diagnostics
    assert push.plan.action_size == 2
    assert [(d.joint, d.kp, d.limit) for d in push.plan.drives] == [("slide", None, 9.0)]
    seen = told(push, [[0.5, -0.5], [3.0, 0.2]])
    np.testing.assert_allclose(seen[:, 0], 5 * np.tanh([1.0, 0.8]), rtol=1e-6)
    twice = compiled(folder, f"kind: twice, {GAINS}, share: {{slide: 3}}")
    np.testing.assert_allclose(told(twice, [[0.1], [-0.2]])[:, 0], [0.3, -0.6], rtol=1e-6)
    assert twice.plan is not None
    assert [drive.kp for drive in twice.plan.drives] == [90.0]


def test_it_may_remember(folder: Path) -> None:
    seen = told(compiled(folder, f"kind: ramp, rate: 2 cm, {GAINS}"), [[1.0], [1.0], [-0.5]])
    np.testing.assert_allclose(np.diff(seen[:, 0]), [0.02, -0.01], atol=1e-7)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("kind: wrong", "a target for each of its joints"),
        ("kind: blind", "an Action sees qpos, qvel"),
    ],
)
def test_a_rule_that_fails_is_told(folder: Path, part: str, words: str) -> None:
    found = compiled(folder, part)
    assert found.plan is not None, found.diagnostics
    with pytest.raises(TaskError) as error:
        check_rules(found.plan)
    shown = [f"{d.code} {d.message} {d.help}" for d in error.value.diagnostics]
    assert any(words in text and "KS0709" in text for text in shown), shown


def test_it_travels_in_an_archive(folder: Path) -> None:
    found = compiled(folder, f"kind: twice, {GAINS}")
    assert found.plan is not None, found.diagnostics
    path = folder / "own.ksim"
    artifact.write(path, found)
    loaded = artifact.read(path, trust=True)
    np.testing.assert_array_equal(told(loaded, [[0.3]]), told(found, [[0.3]]))


def test_what_is_linear_is_exported_and_nothing_else(folder: Path) -> None:
    twice = compiled(folder, f"kind: twice, {GAINS}").plan
    assert twice is not None
    (part,) = targets(twice)
    np.testing.assert_allclose(part.gain, [[2.0]])
    for kind, why in (("push", "not linear"), ("ramp", "remembers"), ("chase", "looks at")):
        gains = "" if kind == "push" else f", {GAINS}"
        plan = compiled(folder, f"kind: {kind}{gains}").plan
        assert plan is not None
        with pytest.raises(ExportError, match=why):
            targets(plan)

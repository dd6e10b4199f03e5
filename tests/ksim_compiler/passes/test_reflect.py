"""The mirror image of inputs and actions, held against the simulation of a mirrored robot."""

from __future__ import annotations

import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.pipeline import Compiled, compile_file

ROOT = Path(__file__).parents[3]
SIDES = "{left: left, right: right}"
QUIET = (
    "Observation.joint_position.noise=[]",
    "Observation.joint_velocity.noise=[]",
    "Observation.gravity.noise=[]",
    "Observation.gyro.noise=[]",
    "PPO.mirror=0.5",
    "PPO.envs=2",
    "PPO.minibatches=1",
)
CONSTANT = "{kind: planar_velocity, forward: [0.5 m/s, 0.5 m/s], turn: [0 rad/s, 0 rad/s]}"


def compiled(task: str, *settings: str) -> Compiled:
    return compile_file(ROOT / "tasks" / f"{task}.yaml", settings)


@pytest.mark.parametrize(("task", "robot"), [("walk", "humanoid"), ("trot", "quadruped")])
def test_a_mirrored_robot_does_the_mirror_image(task: str, robot: str) -> None:
    """Two robots begin alike; one gets actions, the other their mirror images."""
    settings = [f"PhysicsState.{robot}.mirror={SIDES}", *QUIET]
    settings += [f"PhysicsState.{robot}.solver={{iterations: 100, ls_iterations: 50}}"]
    settings += ["Reset.pose.range=0 deg", "Reset.heading.range=0 deg"]
    settings.append(f"Command.velocity={CONSTANT}")
    plan = compiled(task, *settings).plan
    assert plan is not None
    env = Env(plan, "native", threads=1)
    image = env.reflection
    assert image is not None
    state = env.init(env.params, jax.random.key(0))
    step = jax.jit(env.step)
    clock = next(c for c in plan.policy_input if c.source.name == "clock")
    actions = np.random.default_rng(0).normal(size=(15, env.action_size)).astype(np.float32)
    moved = 0.0
    for action in actions:
        index, sign = map(np.array, zip(*image.action, strict=True))
        both = jnp.array([0.3 * action, 0.3 * action[index] * sign])
        state, outcome = step(env.params, state, both)
        assert not outcome.done.any()
        for seen, pairs in (
            (state.policy_input, image.policy),
            (state.critic_input, image.critic),
        ):
            index, sign = map(np.array, zip(*pairs, strict=True))
            here, there = np.array(seen[0]), np.array(seen[1])
            mirrored = here[index] * sign
            mirrored[clock.start : clock.stop] *= -1.0  # both began at the same time
            np.testing.assert_allclose(there, mirrored, atol=2e-2)
            moved = max(moved, float(np.abs(here - there).max()))
    assert moved > 0.5, "the two robots did the same"


OWN = """
from ksim_schema.custom import Observation


class Mine(Observation):
    size = 2
    unit = "m"

    def value(self, x):
        return x.world["qpos"][:2]

    def mirrored(self, mirror):
        return {image}
"""


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ("((0, 1.0), (1, -1.0))", None),
        ("[(1, -1), (0, -1)]", None),
        ("None", "KS0444"),
        ("((0, 1.0),)", "KS0709"),
        ("((5, 1.0), (1, 1.0))", "KS0709"),
        ("((-1, 1.0), (-2, 1.0))", "KS0709"),
        ("((0, 1.0), (0, 1.0))", "KS0709"),
        ("((0, 2.0), (1, 1.0))", "KS0709"),
        ("((0.5, 1.0), (1, 1.0))", "KS0709"),
        ("'left'", "KS0709"),
        ("1 / 0", "KS0709"),
    ],
)
def test_the_mirror_image_of_a_component_of_ones_own(
    tmp_path: Path, image: str, code: str | None
) -> None:
    shutil.copytree(ROOT / "tasks" / "robots" / "humanoid", tmp_path / "robots" / "humanoid")
    (tmp_path / "mine.py").write_text(OWN.format(image=image))
    text = (ROOT / "tasks" / "walk.yaml").read_text()
    text = text.replace("task: walk\n", "task: walk\ncomponents: [mine.py]\n")
    text = text.replace("Observation:\n", "Observation:\n  place: {kind: mine}\n")
    text = text.replace("        [joint_position,", "        [place, joint_position,")
    (tmp_path / "walk.yaml").write_text(text)
    found = compile_file(tmp_path / "walk.yaml").diagnostics
    assert [d.code for d in found] == ([] if code is None else [code])
    if code == "KS0709":
        assert found[0].where.file.endswith("mine.py")

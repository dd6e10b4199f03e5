"""What rewards, terminations and curricula see of a tick, and what ends an episode for all."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.learn.run.trainer import Trainer
from ksim_compiler.pipeline import Compiled, compile_document
from ksim_compiler.robot.model import ModelFiles, read_files
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse
from tests.ksim_compiler.test_env import CARTPOLE, ROBOTS, edited

TERMS = b"""
from ksim_schema.custom import Annotated, CommandName, ObservationName, Reward, Termination
from ksim_schema.custom import Time, jnp, measures


class Seen(Reward):
    of: ObservationName

    def value(self, x):
        return x.observations[self.of][0]


class Pressed(Reward):
    of: Annotated[ObservationName, measures("N", each=3)]

    def value(self, x):
        return jnp.sum(x.observations[self.of])


class Told(Reward):
    of: CommandName

    def value(self, x):
        return x.commands[self.of][0]


class Beyond(Termination):
    of: ObservationName
    after: Time = "20 ms"

    def value(self, x):
        return jnp.abs(x.observations[self.of][0]) > 0.02


class Limit(Termination):
    timeout = True
    length: Time = "100 ms"

    def time_limit(self):
        return self.length

    def value(self, x):
        return x.time >= self.length - x.period / 2
"""
OWN = edited(
    CARTPOLE,
    {
        "PhysicsState:": "components: [terms.py]\nPhysicsState:",
        "  alive: {kind: stay_alive}": "  seen: {kind: seen, of: position}",
    },
)


def compiled(text: str) -> Compiled:
    found = Sink()
    document = parse(text, "test.yaml", found)
    assert document is not None, found
    files = read_files(ROBOTS / "cartpole" / "scene.xml")
    return compile_document(document, files, components={"terms.py": TERMS})


def ticks(text: str, actions: list[float], **options: Any) -> list[tuple[Any, Any]]:
    """The state and the outcome of each tick, with one action for all environments."""
    result = compiled(text)
    assert result.plan is not None, result.diagnostics
    env = Env(result.plan, "native", envs=2, threads=1, **options)
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    step, made = jax.jit(env.step), []
    for action in actions:
        state, outcome = step(env.params, state, jnp.full((2, 1), action))
        made.append((state, outcome))
    return made


def slide(actions: list[float]) -> list[float]:
    """The cart's place after each tick, from MuJoCo alone."""
    model = mujoco.MjModel.from_xml_path(str(ROBOTS / "cartpole" / "scene.xml"))
    joint = model.joint("slide")
    data = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, model.key("home").id)
    places = []
    for action in actions:
        for _ in range(round(0.02 / model.opt.timestep)):
            data.qfrc_applied[joint.dofadr[0]] = 10.0 * action
            mujoco.mj_step(model, data)
        places.append(float(data.qpos[joint.qposadr[0]]))
    return places


@pytest.mark.parametrize(
    "network",
    [
        "",
        ", scale: 5",
        ", history: 3",
        ", delay: 40 ms",
        ", clip: [-1 mm, 1 mm]",
        ", noise: {gaussian: 10 cm}, bias: 20 cm",
        ", scale: 0, history: 2, delay: 20 ms, noise: {gaussian: 10 cm}",
    ],
)
def test_a_reward_reads_what_an_observation_measures_of_the_new_state(network: str) -> None:
    text = edited(
        OWN,
        {
            "{kind: joint_position, noise: []}": "{kind: joint_position, joints: slide"
            + network
            + "}",
            "after: 200 ms": "after: 80 ms",
        },
    )
    forces = [0.5, 0.5, -1.0, 1.0]  # the last of them ends the episode
    made = ticks(text, forces)
    np.testing.assert_allclose([s.reward[1] for _, s in made], slide(forces), rtol=1e-4, atol=1e-7)
    assert [bool(s.done[1]) for _, s in made] == [False, False, False, True]


def test_the_networks_read_what_they_did_before() -> None:
    """The critic's input is scaled and stacked, though a reward names the observation."""
    text = edited(OWN, {"noise: []": "joints: slide, scale: 5, history: 2"})
    forces = [0.5, -1.0]
    (_, _), (state, _) = ticks(text, forces)
    np.testing.assert_allclose(
        state.critic_input[0, :2], 5 * np.array(slide(forces)), rtol=1e-4, atol=1e-6
    )


def test_a_termination_reads_an_observation_of_the_new_state() -> None:
    text = edited(
        OWN,
        {
            "{kind: joint_position, noise: []}": "{kind: joint_position, joints: slide, scale: 9}",
            "  off: {kind: joint_outside, joints: slide, range: [-1 m, 1 m]}": (
                "  off: {kind: beyond, of: position}"
            ),
            "after: 200 ms": "after: 2 s",
        },
    )
    forces = [1.0] * 12
    first = next(i for i, place in enumerate(slide(forces)) if abs(place) > 0.02)
    made = ticks(text, forces)
    assert [bool(s.failure[0]) for _, s in made][: first + 1] == [False] * first + [True]


def test_a_command_is_the_one_that_the_policy_was_told() -> None:
    text = edited(
        OWN,
        {
            "{kind: seen, of: position}": "{kind: told, of: aim}",
            "Observation:": (
                "Command:\n"
                "  aim: {kind: float_vector, ranges: [[0, 1]], resample: [20 ms, 20 ms]}\n"
                "Observation:"
            ),
            "actor: {read: [position, speed]}": "actor: {read: [position, speed], obey: aim}",
        },
    )
    made = ticks(text, [0.0] * 6)
    told = [float(state.policy_input[0, -1]) for state, _ in made]
    assert [float(s.reward[0]) for _, s in made][1:] == told[:-1]
    assert len(set(told)) == 6


def test_an_observation_of_the_wrong_unit_is_refused() -> None:
    text = edited(OWN, {"{kind: seen, of: position}": "{kind: pressed, of: position}"})
    (problem,) = (d for d in compiled(text).diagnostics if d.severity == "error")
    assert problem.code == "KS0460"
    assert "a force (N)" in problem.message
    assert "an angle (rad)" in problem.message


LEVELS = {
    "Termination:": (
        "Curriculum:\n  level: {kind: episode_length, raise_above: 30 ms, lower_below: 10 ms, "
        "levels: 10}\nTermination:"
    ),
    "  alive: {kind: stay_alive}": "  alive: {kind: stay_alive, scale: {linear: {from: 1, to: 2}}}",
}


def test_a_curriculum_counts_the_episodes_that_the_training_cuts_off() -> None:
    made = ticks(edited(CARTPOLE, LEVELS), [0.0] * 10, longest=2)
    levels = [float(state.episode.level[0]) for state, _ in made]
    np.testing.assert_allclose(levels, np.floor(np.arange(1, 11) / 2) / 10, atol=1e-6)
    assert [bool(s.timeout[0]) for _, s in made] == [False, True] * 5


def test_a_curriculum_forgets_an_episode_that_is_cut_off_to_stagger() -> None:
    made = ticks(edited(CARTPOLE, LEVELS), [0.0] * 4, stagger=4)
    assert any(bool(s.timeout[i]) for _, s in made for i in range(2))
    state, _ = made[-1]
    assert not state.episode.level.any()
    assert not state.episode.memory["Curriculum"]["level"].episodes.any()


def test_the_farthest_place_is_that_of_one_episode() -> None:
    text = edited(
        CARTPOLE,
        {
            **LEVELS,
            "Termination:": (
                "Curriculum:\n  level: {kind: distance_from_origin, body: cart, "
                "raise_above: 10 m, lower_below: 1 mm, levels: 10}\nTermination:"
            ),
        },
    )
    made = ticks(text, [1.0, 1.0, 1.0, 0.0, 0.0], longest=3)
    reached = [float(s.episode.memory["Curriculum"]["level"].reached[0]) for s, _ in made]
    assert reached[1] > 1e-3
    assert reached[2] == 0.0
    assert reached[4] < 1e-6


def test_only_a_time_limit_is_a_time_limit() -> None:
    """A field of another termination may be called what it likes."""
    with_own = edited(OWN, {"  off:": "  far: {kind: beyond, of: position}\n  off:"})
    plan = compiled(with_own).plan
    assert plan is not None
    assert plan.longest_episode == 10
    own_limit = compiled(
        edited(OWN, {"{kind: episode_length, after: 200 ms}": "{kind: limit}"})
    ).plan
    assert own_limit is not None
    assert own_limit.longest_episode == 5


ARM = """
<mujoco><worldbody><body><joint name="a1" type="hinge" actuatorfrcrange="-5 5"/>
<geom size="0.05" mass="1"/><body pos="0 0 .3"><joint name="a2" type="hinge"
actuatorfrcrange="-5 5"/><geom size="0.05" mass="1"/><body pos="0 0 .3"><joint name="c1"
type="hinge" actuatorfrcrange="-5 5"/><geom size="0.05" mass="1"/></body></body></body>
</worldbody></mujoco>
"""
TWO = """
ksim: 1
task: two
PhysicsState: {r: {model: arm.xml, control: 50 Hz}}
Observation:
  q: {kind: joint_position}
  last: {kind: last_action}
Action:
  tool: {kind: torque, joints: "c.*", scale: 1 N*m}
  arm: {kind: torque, joints: "a.*", scale: 1 N*m}
Policy: {actor: {act: [tool, arm], read: [q, last], network: {kind: mlp, hidden: [8]}}}
Critic: {critic: {judge: {clean: [q]}, network: {kind: mlp, hidden: [8]}}}
Reward: {alive: {kind: stay_alive}, still: {kind: joint_tracking, joints: a1, error_scale: 5 deg}}
Termination: {time: {kind: episode_length, after: 1 s}}
PPO: {envs: 4, rollout: 4, minibatches: 2, entropy: 0.0}
"""


@pytest.mark.parametrize(
    ("recall", "columns"),
    [
        ("", [1.0, 2.0, 3.0]),
        (", recall: tool", [1.0]),
        (", recall: arm", [2.0, 3.0]),
        (", recall: [arm, tool]", [2.0, 3.0, 1.0]),
        (", recall: arm, history: 2", [0.0, 0.0, 2.0, 3.0]),
    ],
)
def test_the_last_action_is_that_of_the_actions_it_names(recall: str, columns: list[float]) -> None:
    document = parse(edited(TWO, {"last_action": "last_action" + recall}), "two.yaml", Sink())
    assert document is not None
    result = compile_document(document, ModelFiles("arm.xml", {"arm.xml": ARM.encode()}))
    assert result.plan is not None, result.diagnostics
    trainer = Trainer.build(result.plan, "native", 1)
    state = jax.jit(trainer.env.init)(trainer.params, jax.random.key(0))
    action = jnp.tile(jnp.array([1.0, 2.0, 3.0]), (4, 1))
    state, _ = jax.jit(trainer.env.step)(trainer.params, state, action)
    assert state.policy_input[0, 3:].tolist() == columns
    assert result.plan.policy_input[-1].stop == 3 + len(columns)
    learner, first = trainer.algorithm, trainer.init(0)
    collected = jax.eval_shape(learner.collect, trainer.params, first)
    jax.eval_shape(learner.learn, trainer.params, first, collected)


def test_a_formula_reads_what_has_any_name() -> None:
    """Names with signs, a keyword and an axis at their end, against MuJoCo's own values."""
    names = {"a1": "left/a1", "c1": "a1.velocity"}
    text = edited(TWO, {"joints: a1": "joints: a2", '"c.*"': "a1.velocity"})
    text = edited(text, {'"a.*"': "[left/a1, a2]"})
    formula = (
        "joint['left/a1'] / rad + 10 * joint['left/a1'].velocity / (rad/s) + 100 * "
        "joint['a1.velocity'] / rad + 1000 * joint['a1.velocity'].velocity * s / rad + "
        "body['class.x'].x / m + 0 * 2 ** 3"
    )
    text = edited(
        text, {"alive: {kind: stay_alive}": f'odd: {{kind: formula, expression: "{formula}"}}'}
    )
    arm = ARM.replace("<body pos=", '<body name="class.x" pos=', 1)
    for old, new in names.items():
        arm = arm.replace(f'"{old}"', f'"{new}"')
    document = parse(text, "two.yaml", Sink())
    assert document is not None
    result = compile_document(document, ModelFiles("arm.xml", {"arm.xml": arm.encode()}))
    assert result.plan is not None, result.diagnostics
    env = Env(result.plan, "native", envs=1, threads=1)
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    state, step = jax.jit(env.step)(env.params, state, jnp.array([[1.0, 2.0, 3.0]]))
    model = mujoco.MjModel.from_xml_string(arm)
    data = mujoco.MjData(model)
    data.qfrc_applied[:] = [2.0, 3.0, 1.0]
    mujoco.mj_step(model, data, nstep=10)
    place = data.body("class.x").xpos[0]
    wanted = [*data.qpos[[0, 2]] * [1, 100], *data.qvel[[0, 2]] * [10, 1000], place]
    np.testing.assert_allclose(step.reward_terms["odd"][0], sum(wanted), rtol=1e-4)

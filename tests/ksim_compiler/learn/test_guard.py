"""Numbers that are not finite: found by name, thrown away, never in a checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.learn.learner import finite
from ksim_compiler.learn.run import nonfinite
from ksim_compiler.learn.run.nonfinite import Finding
from ksim_compiler.learn.run.trainer import Diverged, Trainer
from ksim_compiler.pipeline import compile_file

CARTPOLE = Path(__file__).parents[3] / "tasks" / "cartpole.yaml"


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    settings = (
        "PPO.envs=8",
        "PPO.rollout=8",
        "PPO.minibatches=2",
        # the slide starts within the domain of the root and leaves it
        "Reward.alive={kind: formula, expression: sqrt(1 + 3 * joint.slide / m)}",
    )
    compiled = compile_file(CARTPOLE, settings)
    assert compiled.plan is not None, compiled.diagnostics
    return Trainer.build(compiled.plan, "native")


def train(trainer: Trainer, state: Any, go_on: bool = True) -> tuple[Any, list[Finding]]:
    findings: list[Finding] = []

    def note(finding: Finding) -> bool:
        findings.append(finding)
        return go_on

    return trainer.train(state, 64 * 3, non_finite=note), findings


def test_a_reward_that_goes_bad_is_named_and_nothing_of_it_is_learned(
    trainer: Trainer, tmp_path: Path
) -> None:
    with pytest.raises(Diverged, match=r"Reward\.alive") as caught:
        train(trainer, trainer.init(0))
    assert finite((caught.value.state.networks, caught.value.state.optimizer))
    assert int(caught.value.state.rollbacks) == 9
    finding = caught.value.finding
    assert finding.node == "Reward.alive"
    assert not finding.kept
    assert len(finding.qpos) == len(finding.action) > 0
    assert np.isfinite(finding.qpos).all()
    back = nonfinite.read(nonfinite.write(tmp_path, finding))
    assert str(back) == str(finding)
    np.testing.assert_array_equal(back.qpos, finding.qpos)


def test_training_stops_when_asked_to(trainer: Trainer) -> None:
    with pytest.raises(Diverged) as caught:
        train(trainer, trainer.init(0), go_on=False)
    assert int(caught.value.state.rollbacks) == 0
    assert int(caught.value.state.iteration) == 0


def test_a_network_that_goes_bad_is_named(trainer: Trainer) -> None:
    state = trainer.init(0)
    weights = lambda s: s.networks.actor.network.layers[0].weight  # noqa: E731
    state = eqx.tree_at(weights, state, weights(state).at[0, 0].set(jnp.nan))
    with pytest.raises(Diverged) as caught:
        train(trainer, state)
    assert caught.value.finding.node.startswith("Policy.")


def test_a_simulation_that_diverges_ends_its_episode_and_spoils_nothing() -> None:
    settings = ("PPO.envs=8", "PPO.rollout=8", "PPO.minibatches=2")
    plan = compile_file(CARTPOLE, settings).plan
    assert plan is not None
    trainer = Trainer.build(plan, "native")
    state = trainer.init(0)
    nan = jnp.uint32(0x7FF80000)  # either half of a float64 that is not a number
    bits = state.env.physics.bits.at[3].set(nan)
    state = state._replace(env=state.env._replace(physics=replace(state.env.physics, bits=bits)))
    after, findings = train(trainer, state)
    (finding,) = findings
    assert finding.node.startswith("PhysicsState.")
    assert (finding.env, finding.tick, finding.kept) == (3, 0, True)
    assert finite((after.networks, after.optimizer, after.policy_normalizer))
    assert int(after.iteration) == 3
    assert int(after.rollbacks) == 0


LATE = """from ksim_schema.custom import Observation, Time, jnp


class Late(Observation):
    \"\"\"No number from a time on.\"\"\"

    after: Time
    remembered: bool = False
    unit = "1"

    def shape(self, robot):
        return (1,)

    def initial(self, x):
        return jnp.zeros(1)

    def value(self, x, memory):
        bad = jnp.where(x.time >= self.after, jnp.full(1, jnp.nan), 0.0)
        return (jnp.zeros(1), bad) if self.remembered else (bad, memory)
"""


@pytest.mark.parametrize("remembered", [pytest.param("false", marks=pytest.mark.slow), "true"])
def test_what_the_last_tick_leaves_to_the_next_iteration_is_not_kept(
    remembered: str, tmp_path: Path
) -> None:
    (tmp_path / "late.py").write_text(LATE)
    task = tmp_path / "late.yaml"
    part = f"{{kind: late, after: 160 ms, remembered: {remembered}}}"  # 8 ticks: an iteration
    text = CARTPOLE.read_text().replace("Observation:\n", f"Observation:\n  late: {part}\n")
    text = text.replace("task: cartpole", "task: late\ncomponents: [late.py]")
    text = text.replace("read: [cart,", "read: [late, cart,")
    text = text.replace("robots/", f"{CARTPOLE.parent}/robots/")
    task.write_text(text)
    settings = ("PPO.envs=8", "PPO.rollout=8", "PPO.minibatches=2", "PPO.stagger=false")
    compiled = compile_file(task, settings)
    assert compiled.plan is not None, compiled.diagnostics
    trainer = Trainer.build(compiled.plan, "native")
    with pytest.raises(Diverged) as caught:
        train(trainer, trainer.init(0))
    finding, state = caught.value.finding, caught.value.state
    assert finding.node == "Observation.late"
    assert finding.tick == 7
    assert int(state.iteration) == 0  # and not 1, whose first input would be no number
    assert finite(state._replace(env=state.env.inputs))


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04 cut off", None])
def test_a_file_that_is_no_dump(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    if content is None:  # an archive of another program
        np.savez(path, about=np.frombuffer(b"[1]", np.uint8))
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"not a dump of a training$"):
        nonfinite.read(path)

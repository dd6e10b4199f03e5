"""Exported policies: the graph gives what JAX gives, and a program without this package drives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import onnxruntime
import pytest

from ksim_compiler.cli.export import main
from ksim_compiler.deploy.contract import contract
from ksim_compiler.deploy.graph import build
from ksim_compiler.deploy.targets import ExportError, targets
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_compiler.learn.run.policy import Policy, fresh_policy
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from ksim_compiler.play.record import record
from ksim_schema.vocabulary.observation import Observation
from tests.support import example

ROOT = Path(__file__).parents[3]
TASKS = ROOT / "tasks"
NETWORKS = {
    "mlp": "Policy.actor.network={kind: mlp, hidden: [32, 16], activation: swish}",
    "symmetric": "Policy.actor.network={kind: mlp, hidden: [32, 16], symmetric: true}",
    "gru": "Policy.actor.network={kind: gru, hidden: 24, depth: 2, head: [16]}",
    "lstm": "Policy.actor.network={kind: lstm, hidden: 24, activation: gelu}",
}


def plan_of(task: str, *settings: str) -> Plan:
    compiled = compile_file(TASKS / f"{task}.yaml", settings)
    assert compiled.plan is not None, compiled.diagnostics
    return compiled.plan


def policy_of(plan: Plan, seed: int = 0) -> Policy:
    """A policy with large random weights and statistics."""
    fresh = fresh_policy(plan, seed)
    rng = np.random.default_rng(seed)

    def stir(leaf: Any) -> Any:
        return jnp.asarray(leaf + 0.2 * rng.normal(size=leaf.shape), jnp.float32)

    dynamic, static = eqx.partition(fresh.actor, eqx.is_inexact_array)
    actor = eqx.combine(jax.tree.map(stir, dynamic), static)
    size = plan.policy_input[-1].stop
    mean, variance = rng.normal(size=size), rng.uniform(0.2, 2.0, size)
    normalizer = Normalizer(jnp.float32(100), jnp.float32(mean), jnp.float32(variance))
    return Policy(actor, normalizer, 0)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("distribution", ["gaussian", "tanh_gaussian"])
def test_the_graph_gives_what_jax_gives(network: str, distribution: str) -> None:
    settings = (
        NETWORKS[network],
        "PPO.mirror=0",
        f"Policy.actor.distribution={{kind: {distribution}}}",
        "Observation.gyro.clip=[-1 rad/s, 1 rad/s]",
        "Action.joint_targets.clip=[-0.5, 0.5]",
    )
    plan = plan_of("walk", *settings)
    policy = policy_of(plan)
    assert policy.normalizer is not None
    session = onnxruntime.InferenceSession(build(plan, policy).SerializeToString())
    names = [output.name for output in session.get_outputs()]
    rng = np.random.default_rng(1)
    carry = policy.actor.network.initial_carry(1)
    (part,) = targets(plan)
    act = jax.jit(lambda x, c: policy.actor(policy.normalizer(x), c))  # type: ignore[misc]
    rows = contract(plan, policy, "")["memory"]
    memory = {row["input"]: np.zeros(row["size"], np.float32) for row in rows}
    for _ in range(1000):
        raw = {
            column.source.name: rng.normal(size=column.stop - column.start).astype(np.float32)
            for column in plan.policy_input
        }
        read = []
        for column in plan.policy_input:
            value, own = raw[column.source.name], plan.task.of(column.source.object)
            spec = own[column.source.name]
            if isinstance(spec, Observation):
                value = np.clip(value, *(spec.clip or (-np.inf, np.inf))) * np.float32(spec.scale)
            read.append(value)
        distributed, carry = act(jnp.concatenate(read)[None], carry)
        mode = np.asarray(distributed.mode()[0])
        result = dict(zip(names, session.run(names, raw | memory), strict=True))
        memory = {row["input"]: result[row["output"]] for row in rows}
        np.testing.assert_allclose(result["action"], mode, atol=1e-5)
        wanted = part.offset + np.clip(mode, -0.5, 0.5) @ part.gain
        np.testing.assert_allclose(result["joint_targets"], wanted, atol=1e-5)
    assert len(rows) == {"mlp": 0, "symmetric": 0, "gru": 2, "lstm": 2}[network]


@pytest.mark.parametrize("network", [n for n in NETWORKS if n != "symmetric"])
def test_the_graph_does_what_was_recorded(network: str) -> None:
    plan = plan_of("cartpole", NETWORKS[network])
    policy = policy_of(plan, 1)
    recording = record(plan, policy, seed=0, ticks=1000)
    assert 3 < recording.done.sum() < 500  # memories are forgotten on the way
    session = onnxruntime.InferenceSession(build(plan, policy).SerializeToString())
    names = [output.name for output in session.get_outputs()]
    rows = contract(plan, policy, "")["memory"]
    empty = {row["input"]: np.zeros(row["size"], np.float32) for row in rows}
    scales = {name: plan.task.of(Observation)[name].scale for name in plan.parts(Observation)}
    memory = empty
    for tick in range(1000):
        read = {
            (name := column.source.name): recording.inputs[str(column.source)][tick] / scales[name]
            for column in plan.policy_input
        }
        result = dict(zip(names, session.run(names, read | memory), strict=True))
        np.testing.assert_allclose(result["action"], recording.action[tick], atol=1e-5)
        memory = {row["input"]: result[row["output"]] for row in rows}
        memory = empty if recording.done[tick] else memory


def test_what_a_graph_cannot_do_is_refused() -> None:
    plan = plan_of("walk", "Action.joint_targets.max_speed=3 rad/s")
    with pytest.raises(ExportError, match="max_speed"):
        targets(plan)
    plan = plan_of("walk", "Policy.actor.distribution={kind: mixture, components: 2}")
    with pytest.raises(ExportError, match="mixture"):
        build(plan, fresh_policy(plan))


def test_the_example_drives_as_the_environment_does(tmp_path: Path) -> None:
    still = (
        *(f"Observation.{name}.noise=[]" for name in ("cart_speed", "pole_speed")),
        "Reset.cart.range=0 m",
        "Reset.pole.range=0 deg",
        "Reset.speed.range=0 rad/s",
        "Reset.speed.joints=pole",
        "Action.force.scale=1 N",
    )
    plan = plan_of("cartpole", *still)
    policy = policy_of(plan, 3)
    (tmp_path / "policy.onnx").write_bytes(build(plan, policy).SerializeToString())
    terms = json.loads(json.dumps(contract(plan, policy, "")))
    recording = record(plan, policy, seed=0, ticks=50)
    assert not recording.done.any()
    drive = example.drive()
    robot = drive.Robot(TASKS / "robots" / "cartpole" / "scene.xml", terms)
    driver = drive.Driver(tmp_path / "policy.onnx", terms, {})
    for tick in range(50):
        np.testing.assert_allclose(robot.data.qpos, recording.qpos[tick], atol=1e-4)
        aim = driver.step(robot)
        np.testing.assert_allclose(driver.action, recording.action[tick], atol=1e-4)
        robot.drive(aim)
    for path in example.EXAMPLES.glob("*.py"):
        assert "ksim_compiler" not in path.read_text()
        assert "ksim_schema" not in path.read_text()


def test_mistakes_of_an_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "is not a run" in capsys.readouterr().err
    from ksim_compiler.artifact import write

    write(tmp_path / "task.ksim", compile_file(TASKS / "cartpole.yaml"))
    assert main([str(tmp_path), "-o", str(tmp_path / "p.onnx")]) == 1
    assert "has no checkpoint yet" in capsys.readouterr().err

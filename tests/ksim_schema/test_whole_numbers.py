"""A whole number is one however it is written, and a network may have no hidden layer."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from ksim_schema.diagnostics import Sink
from ksim_schema.frontend import check_document
from ksim_schema.source import parse
from ksim_schema.vocabulary.learner.ppo import PPO
from ksim_schema.vocabulary.networks.gru import Gru
from ksim_schema.vocabulary.networks.mlp import Mlp

TASK = """
ksim: 1
task: whole
PhysicsState: {r: {model: m.xml, control: 50 Hz}}
Observation: {q: {kind: joint_position, joints: a, history: HISTORY}}
Action: {s: {kind: torque, joints: a, scale: 1 N*m}}
Policy: {actor: {read: [q], network: NETWORK}}
Critic: {critic: {judge: {clean: [q]}}}
Reward: {effort: {kind: torque_penalty, scale: 0.1}}
Termination: {limit: {kind: episode_length, after: 1 s}}
PPO: {steps: STEPS}
"""


def codes(
    history: str = "2", network: str = "{kind: mlp, hidden: [8]}", steps: str = "1000000"
) -> list[tuple[str, int]]:
    text = TASK.replace("HISTORY", history).replace("NETWORK", network).replace("STEPS", steps)
    found = Sink()
    document = parse(text, "t.yaml", found)
    assert document is not None, found
    return [(d.code, d.where.line) for d in check_document(document, Path()).diagnostics]


@pytest.mark.parametrize("steps", ["6e6", "6.0e6", "6E+6", "6000000.0"])
def test_a_whole_number_by_another_name(steps: str) -> None:
    found = Sink()
    document = parse(f"steps: {steps}", "t.yaml", found)
    assert document is not None, found
    value = PPO.model_validate(document.data).steps
    assert (value, type(value)) == (6_000_000, int)
    assert codes(steps=steps) == []


@pytest.mark.parametrize(
    "steps", ["6.5e0", "0.5", "1e-3", "1e400", "1e300", ".nan", "true", "'6e6'"]
)
def test_what_is_no_whole_number(steps: str) -> None:
    assert [line for _, line in codes(steps=steps)] == [11]


def test_whole_numbers_in_lists_and_parts() -> None:
    assert Mlp.model_validate({"hidden": (1e2, 32.0, 8)}).hidden == (100, 32, 8)
    assert Gru.model_validate({"hidden": 16.0, "depth": 2.0}).hidden == 16
    assert codes(history="3e0", network="{kind: mlp, hidden: [1e2, 32.0]}") == []
    with pytest.raises(ValidationError):
        Mlp.model_validate({"hidden": (1.5,)})


@pytest.mark.parametrize("network", ["{kind: mlp, hidden: []}", "{kind: gru, hidden: 8, head: []}"])
def test_a_network_without_hidden_layers(network: str) -> None:
    assert codes(network=network) == []

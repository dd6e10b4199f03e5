"""examples/drive.py plays the clip of a policy that follows one, frame by frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ksim_compiler.deploy.contract import bound, contract, contract_path
from ksim_compiler.deploy.graph import build
from ksim_compiler.learn.run.policy import fresh_policy
from ksim_compiler.pipeline import compile_file
from ksim_compiler.play.record import record
from tests.support.example import drive

ROOT = Path(__file__).parents[3]
SETTINGS = (
    "Command.motion.begin.draw=start",
    "Command.motion.weights=[1, 1000000, 1, 1]",
    "Reset.start.noise={}",
    "Policy.actor.network.hidden=[8]",
    "Critic.critic.network.hidden=[8]",
)


def test_the_inputs_are_those_of_the_simulation(tmp_path: Path) -> None:
    compiled = compile_file(ROOT / "tasks" / "humanoid_track.yaml", SETTINGS)
    plan = compiled.plan
    assert plan is not None, compiled.diagnostics
    policy, ticks, path = fresh_policy(plan, 1), 12, tmp_path / "policy.onnx"
    graph, text = bound(build(plan, policy), contract(plan, policy, ""), path)
    path.write_bytes(graph)
    contract_path(path).write_text(text)
    assert len(text) < 4_000_000
    recording = record(plan, policy, seed=0, ticks=ticks)
    recorded = {str(name): rows for name, rows in recording.inputs.items()}
    example = drive()
    terms = example.read_contract(path)
    robot = example.Robot(ROOT / "tasks/robots/humanoid/scene.xml", terms)
    driver = example.Driver(path, terms, {"motion": np.array([1.0])})  # the squat
    robot.data.qpos[:], robot.data.qvel[:] = recording.qpos[0], recording.qvel[0]
    for tick in range(ticks):
        targets = driver.step(robot)
        for name, key in (("motion", "Command.motion"), ("next", "Observation.next")):
            told = recorded[key][tick]
            np.testing.assert_allclose(np.ravel(driver.values[name]), told, atol=2e-4)
        if tick:  # noise of the sensor apart; the clip begins where the robot stood
            left = np.ravel(driver.values["left"])
            np.testing.assert_allclose(left, recorded["Observation.left"][tick], atol=0.06)
        robot.drive(targets)
    with pytest.raises(SystemExit, match="0 is wave, 1 is squat"):
        example.Driver(path, terms, {"motion": np.array([7.0])}).step(robot)

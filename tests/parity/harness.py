"""A recorded rollout, fed tick by tick through the rules of rewards.

The arrays of a row are those of the recording. The sensors that the compiler added are computed by
MuJoCo from the row's qpos and qvel, of which the recorded xpos and xquat are functions as well.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import yaml

from ksim_compiler.lowering import rules
from ksim_compiler.lowering.binding import bind, extract
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.scale import scaled
from ksim_compiler.pipeline import compile_document
from ksim_compiler.plan import Plan
from ksim_compiler.robot.model import read_files
from ksim_schema.diagnostics import Sink, has_errors, render_text
from ksim_schema.source import parse
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.reward import Reward
from tests.parity.from_ksim import Rollout, Translated, translate

FOLDER = Path(
    os.environ.get("KSIM_GOLDEN") or Path(__file__).parents[2].parent / "shared" / "golden"
)
FEET = ("foot_left", "foot_right")
COMMANDS = {
    "linvel": "cmd_linvel",
    "angvel": "cmd_angvel",
    "target": "cmd_target",
    "gait": "cmd_gait",
}
"""Command -> array of the recording."""
Rows = dict[str, Any]
"""Field of a context -> array, or mapping of arrays, of all ticks."""
OBSERVATIONS = {
    "feet_contact": "foot_contact",
    "feet_force": "foot_force",
    "feet_velocity": "feet_velocity",
}
"""Observation -> array of the recording."""

TASK = """
ksim: 1
task: parity
PhysicsState:
  robot: {model: humanoid.xml, timestep: 4 ms, control: 20 ms}
Command:
  linvel: {kind: linear_velocity, speed: [0 m/s, 1 m/s]}
  angvel: {kind: angular_velocity, turn: [0 rad/s, 1 rad/s]}
  target: {kind: cartesian_coordinate, x: [0 m, 1 m], y: [0 m, 1 m], z: [0 m, 1 m]}
  gait: {kind: sinusoidal_gait, period: 1 s, height: 10 cm}
Observation:
  position: {kind: joint_position}
  feet_contact: {kind: contact, geoms: [foot_left, foot_right], with: floor}
  feet_force: {kind: feet_force, feet: [foot_left, foot_right]}
  feet_velocity: {kind: center_of_mass_velocity, bodies: [foot_left, foot_right]}
Action:
  torque: {kind: torque, scale: 1 N*m}
Policy:
  actor: {read: [position], obey: [linvel, angvel, target, gait]}
Critic:
  critic: {judge: {clean: [position]}}
Termination:
  limit: {kind: episode_length, after: 20 s}
"""


@dataclass(frozen=True)
class Golden:
    """ksim's numbers, the rollout that they are of, and the task with a part for each reward."""

    folder: Path

    @cached_property
    def text(self) -> dict[str, Any]:
        return json.loads((self.folder / "rewards.json").read_text())

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / "rollout.npz") as arrays:
            return dict(arrays)

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(self.text["rewards"])

    @cached_property
    def translated(self) -> dict[str, Translated]:
        text = self.text
        rollout = Rollout(text["control_dt"], text["joints"], text["bodies"], FEET)
        rewards = text["rewards"]
        return {name: translate(name, rewards[name]["params"], rollout) for name in rewards}

    @cached_property
    def plan(self) -> Plan:
        task = yaml.safe_load(TASK)
        period = self.text["control_dt"]
        task["PhysicsState"]["robot"] |= {"timestep": f"{period / 5} s", "control": f"{period} s"}
        task["Reward"] = {name: t.part for name, t in self.translated.items()}
        found = Sink()
        document = parse(yaml.safe_dump(task, sort_keys=False), "parity.yaml", found)
        assert document is not None, found
        compiled = compile_document(document, read_files(self.folder / "humanoid.xml"))
        report = render_text(compiled.diagnostics, compiled.sources)
        assert not has_errors(compiled.diagnostics), report
        assert compiled.plan is not None
        return compiled.plan

    def expected(self, name: str) -> dict[str, np.ndarray]:
        """ksim's values, (ticks,) for each component ("" for a reward without components)."""
        value = self.text["rewards"][name]["value"]
        value = value if isinstance(value, dict) else {"": value}
        return {component: np.asarray(series, np.float64) for component, series in value.items()}

    @cached_property
    def rows(self) -> Rows:
        """What rules see of the ticks; every array leads with them."""
        arrays = self.arrays
        ticks = len(arrays["qpos"])
        begins = self._begins
        actions = jnp.asarray(arrays["action"])
        told = {name: _rows(arrays[array]) for name, array in COMMANDS.items() if array in arrays}
        seen = {name: _rows(arrays[array]) for name, array in OBSERVATIONS.items()}
        return {
            "world": self._world(),
            "time": jnp.asarray(arrays["timestep"]),
            "level": jnp.ones(ticks),
            "key": jax.random.split(jax.random.key(0), ticks),
            "action": actions,
            "previous_action": jnp.where(begins[:, None], actions, jnp.roll(actions, 1, axis=0)),
            "commands": told,
            "observations": seen,
            "failure": jnp.asarray(arrays["done"] & ~arrays["success"]),
            "done": jnp.asarray(arrays["done"]),
        }

    def _at(self, rows: Rows, tick: Any) -> Context:
        """What rules see of one tick."""
        row = jax.tree.map(lambda values: values[tick], rows)
        facts = self.plan.robot.facts
        labels = {name: c.labels(facts) for name, c in self.plan.parts(Command).items()}
        return Context(robot=facts, period=self.plan.period, labels=labels, **row)

    def _world(self) -> dict[str, jax.Array]:
        arrays, model, facts = self.arrays, self.plan.robot.model, self.plan.robot.facts
        data = mujoco.MjData(model)
        sensed = []
        for qpos, qvel in zip(arrays["qpos"], arrays["qvel"], strict=True):
            data.qpos[:], data.qvel[:] = qpos, qvel
            mujoco.mj_forward(model, data)
            sensed.append(data.sensordata.copy())
        torques = np.zeros_like(arrays["qvel"])
        targets = np.zeros((len(sensed), model.nu))
        joints = {joint.name: joint for joint in facts.joints}
        for i, (name, gear) in enumerate(self._actuators):
            torques[:, joints[name].dof] += gear * arrays["actuator_force"][:, i]
            targets[:, facts.actuators.index(f"ksim/{name}")] = arrays["action"][:, i]
        world = {name: arrays[name] for name in ("qpos", "qvel", "xpos", "xquat")}
        world |= {"sensordata": np.stack(sensed), "qfrc_actuator": torques, "ctrl": targets}
        return {name: jnp.asarray(value, jnp.float32) for name, value in world.items()}

    @cached_property
    def _begins(self) -> np.ndarray:
        """Whether an episode begins at each tick, (ticks,)."""
        return np.concatenate([[True], self.arrays["done"][:-1]])

    @cached_property
    def _actuators(self) -> list[tuple[str, float]]:
        """Joint and gear of each actuator of the robot as it was recorded."""
        model = mujoco.MjModel.from_xml_path(str(self.folder / "humanoid.xml"))
        joints = [model.joint(model.actuator_trnid[i, 0]).name for i in range(model.nu)]
        return list(zip(joints, model.actuator_gear[:, 0].tolist(), strict=True))

    def values(self, name: str) -> dict[str, np.ndarray]:
        """Our scaled values, (ticks,) for each component."""
        part, how = self.plan.parts(Reward)[name], self.translated[name]
        rows = self._as_ksim_pairs_them() if how.in_order_of_joints else self.rows
        part, memory = bind(part, extract(part)), None
        if how.mean_of_rollout:
            memory = self._after_the_rollout(part, rows, how)
            part = part.model_copy(update={"alpha": jnp.float32(0.0)})
        begins = self._begins
        if how.carried:
            begins = np.arange(len(begins)) == 0

        def tick(memory: Any, step: tuple[jax.Array, jax.Array]) -> tuple[Any, Any]:
            x, fresh = self._at(rows, step[0]), step[1]
            if not how.mean_of_rollout:
                first = rules.initial(part, x)
                memory = jax.tree.map(lambda new, old: jnp.where(fresh, new, old), first, memory)
            value, kept = rules.apply(part, x, memory)
            return (memory if how.mean_of_rollout else kept), value

        if not how.mean_of_rollout:
            memory = rules.initial(part, self._at(rows, 0))
        steps = (jnp.arange(len(begins)), jnp.asarray(begins))
        _, values = jax.lax.scan(tick, memory, steps)
        values = values if isinstance(values, dict) else {"": values}
        scale = float(scaled(part.scale, jnp.float32(1.0)))
        past = np.arange(len(begins)) >= how.masked
        return {
            c: np.where(past, scale * np.asarray(v, np.float64), 0.0) for c, v in values.items()
        }

    def _after_the_rollout(self, part: Any, rows: Rows, how: Translated) -> Any:
        """The running mean after one step to the mean of the rollout.

        Both the step and the distance from the target are linear, so a step to the mean position
        is that to the mean distance.
        """
        world = {"qpos": jnp.mean(rows["world"]["qpos"], axis=0)}
        average = replace(self._at(rows, 0), world=world)
        return rules.apply(part, average, jnp.asarray(how.carry, jnp.float32))[1]

    def _as_ksim_pairs_them(self) -> Rows:
        """The rollout as if the i-th actuator were on the i-th joint after the free one."""
        world = self.rows["world"]
        facts = self.plan.robot.facts
        qvel, ctrl = np.array(world["qvel"]), np.array(world["ctrl"])
        for i, (name, _) in enumerate(self._actuators):
            joint, paired = next(j for j in facts.joints if j.name == name), facts.joints[1 + i]
            qvel[:, joint.dof] = world["qvel"][:, paired.dof]
            ctrl[:, facts.actuators.index(f"ksim/{paired.name}")] = self.arrays["action"][:, i]
        return self.rows | {
            "world": {**world, "qvel": jnp.asarray(qvel), "ctrl": jnp.asarray(ctrl)}
        }


def _rows(values: np.ndarray) -> jax.Array:
    """Flat vectors, as commands and observations are."""
    return jnp.asarray(values.reshape(len(values), -1), jnp.float32)

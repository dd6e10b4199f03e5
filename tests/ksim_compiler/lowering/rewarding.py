"""What the tests of rewards share: a task of rewards, and their values in a state of MuJoCo."""

from __future__ import annotations

from collections.abc import Mapping
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
from ksim_compiler.pipeline import compile_document
from ksim_compiler.plan import Plan
from ksim_compiler.robot.model import read_files
from ksim_schema.diagnostics import Diagnostic, Sink, has_errors, render_text
from ksim_schema.source import parse
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.reward import Reward

ROBOTS = Path(__file__).parents[3] / "tasks" / "robots"
SERVO = {
    "kind": "position_target",
    "scale": "0.4 rad",
    "gains": {"kp": "100 N*m/rad", "kd": "4 N*m*s/rad"},
}
MOTOR = {"kind": "torque", "scale": "10 N", "joints": "slide"}
COMMANDS = """
velocity: {kind: planar_velocity, forward: [0 m/s, 1 m/s]}
motion: {kind: linear_velocity, speed: [0 m/s, 1 m/s]}
height: {kind: base_height, range: [0.8 m, 1 m]}
target: {kind: cartesian_coordinate, x: [0 m, 1 m], y: [0 m, 1 m], z: [0 m, 1 m]}
gait: {kind: sinusoidal_gait, period: 0.8 s, height: 10 cm}
"""


def diagnosed(
    rewards: str, robot: str = "humanoid", more: str = ""
) -> tuple[Plan | None, list[Diagnostic], str]:
    """The plan of a task with these rewards, what is wrong with it, and that as text."""
    observed = "slide" if robot == "cartpole" else ".*"
    task: dict[str, Any] = {
        "ksim": 1,
        "task": "rewards",
        "PhysicsState": {
            "robot": {
                "model": "scene.xml",
                "timestep": "4 ms",
                "control": "20 ms",
                "home": {"keyframe": "home"},
            }
        },
        "Command": yaml.safe_load(COMMANDS),
        "Observation": {"joints": {"kind": "joint_position", "joints": observed}},
        "Action": {"move": MOTOR if robot == "cartpole" else SERVO},
        "Policy": {"actor": {"read": ["joints"]}},
        "Critic": {"critic": {"judge": {"clean": ["joints"]}}},
        "Reward": yaml.safe_load(rewards),
        "Termination": {"limit": {"kind": "episode_length", "after": "20 s"}},
    }
    for section, parts in (yaml.safe_load(more) or {}).items():
        task.setdefault(section, {}).update(parts)
    found = Sink()
    document = parse(yaml.safe_dump(task, sort_keys=False), "rewards.yaml", found)
    assert document is not None, found
    compiled = compile_document(document, read_files(ROBOTS / robot / "scene.xml"))
    return compiled.plan, compiled.diagnostics, render_text(compiled.diagnostics, compiled.sources)


class Scene:
    """A task of rewards and a state of its robot."""

    def __init__(self, rewards: str, robot: str = "humanoid", more: str = "") -> None:
        plan, found, report = diagnosed(rewards, robot, more)
        assert not has_errors(found), report
        assert plan is not None
        self.plan, self.facts, self.model = plan, plan.robot.facts, plan.robot.model
        self.data = mujoco.MjData(self.model)
        self.data.qpos[:] = self.facts.home
        self.forward()

    def forward(self) -> None:
        """Compute everything from qpos, qvel and ctrl."""
        mujoco.mj_forward(self.model, self.data)

    def stir(self, seed: int = 0, speed: float = 1.0) -> None:
        """A random pose and velocity near the home pose."""
        rng = np.random.default_rng(seed)
        move = rng.normal(0, 0.3, self.model.nv)
        mujoco.mj_integratePos(self.model, self.data.qpos, move, 1.0)
        self.data.qvel[:] = rng.normal(0, speed, self.model.nv)
        self.data.ctrl[:] = rng.normal(0, 0.5, self.model.nu)
        self.forward()

    def context(self, commands: Mapping[str, Any] | None = None, **fields: Any) -> Context:
        """What rules see of the state."""
        world = {
            name: jnp.asarray(getattr(self.data, name), jnp.float32) for name in self.plan.fields
        }
        told = self.plan.parts(Command) | {}
        zero = jnp.zeros(self.plan.action_size)
        values: dict[str, Any] = {
            "time": jnp.float32(0.02),
            "level": jnp.float32(1.0),
            "key": jax.random.key(0),
            "action": zero,
            "previous_action": zero,
            "failure": jnp.bool_(False),
            "done": jnp.bool_(False),
        }
        return Context(
            robot=self.facts,
            world=world,
            period=self.plan.period,
            commands={n: jnp.asarray(v, jnp.float32) for n, v in (commands or {}).items()},
            labels={name: part.labels(self.facts) for name, part in told.items()},
            **(values | fields),
        )

    def start(self, name: str, **fields: Any) -> Any:
        """The memory of a reward at the start of an episode in this state."""
        return rules.initial(self._part(name), self.context(**fields))

    def step(self, name: str, memory: Any = (), **fields: Any) -> tuple[Any, Any]:
        """The value of a reward in this state, as numbers, and its new memory."""
        value, memory = rules.apply(self._part(name), self.context(**fields), memory)
        if isinstance(value, dict):
            return {component: float(v) for component, v in value.items()}, memory
        return float(value), memory

    def value(self, name: str, **fields: Any) -> Any:
        """The value of a reward without memory."""
        return self.step(name, (), **fields)[0]

    def _part(self, name: str) -> Any:
        part = self.plan.parts(Reward)[name]
        return bind(part, extract(part))

"""A policy of ksim-schema as a robot's program would run it: by its exported contract.

The contract says what each input of the policy is read from and what to do with its outputs;
`examples/drive.py` does the same for one robot. Here it is done for n at once. Noise, bias and
other faults of training are not repeated. What a task has of the robot itself (masses, rotors,
friction) is the judge's: :func:`differences` says where a task was trained on another one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers import robot
from benchmarks.peers.episodes import Robots, matrices
from benchmarks.peers.venvs import NoPeer
from ksim_compiler.artifact import read
from ksim_compiler.deploy.contract import contract
from ksim_compiler.deploy.targets import ExportError, Targets, targets
from ksim_compiler.learn.run.policy import load_policy
from ksim_compiler.plan import Plan

Entry = Mapping[str, Any]


class Contracted:
    """A checkpoint of a run, which acts on all robots at once.

    Raises:
        NoPeer: the task asks for something that this judge cannot read or do.
    """

    def __init__(self, folder: Path, steps: int) -> None:
        compiled = read(folder / "task.ksim")
        plan = compiled.plan
        assert plan is not None
        self.plan, self.policy = plan, load_policy(folder, plan, steps)
        self.contract = contract(plan, self.policy, compiled.fingerprint)
        self.sensors = self.contract["sensors"]
        self.late = _checked(self.contract)
        self._order = _places(self.contract)
        self.begin(0)
        for entry in self.contract["inputs"]:
            if entry["kind"] not in READ:
                raise NoPeer(f"the judge cannot read {entry['name']}, a {entry['kind']}")

    @cached_property
    def _targets(self) -> list[Targets]:
        try:
            return targets(self.plan)
        except ExportError as error:
            raise NoPeer(str(error)) from error

    def begin(self, envs: int) -> None:
        self.envs, self.time, self.ticks = envs, 0.0, 0
        self.action = np.zeros((envs, self.contract["outputs"][0]["size"]))
        self.carry = self.policy.actor.network.initial_carry(envs)
        self._kept: dict[str, Any] = {}

    def act(self, robots: Robots, command: np.ndarray) -> np.ndarray:
        self.command = command
        seen = [self._input(entry, robots) for entry in self.contract["inputs"]]
        start = jnp.full(self.envs, float(self.ticks == 0))
        x = jnp.asarray(np.concatenate(seen, axis=1), jnp.float32)
        action, self.carry = self._mode(x, self.carry, start)
        self.action = np.asarray(action, np.float64)
        self.ticks += 1
        self.time = self.ticks * self.contract["control_period"]
        found = np.concatenate([self._target(part) for part in self._targets], axis=1)
        return found[:, self._order]

    @cached_property
    def _mode(self) -> Callable[..., Any]:
        policy = self.policy
        return jax.jit(
            lambda x, carry, start: policy.actor.mode(policy.normalizer, x, carry, start)
        )

    def _input(self, entry: Entry, robots: Robots) -> np.ndarray:
        """(n, size) one input, after its delay, lag, history, clip and scale."""
        name, value = entry["name"], READ[entry["kind"]](self, entry, robots)
        if entry["object"] == "Command":
            return value
        if entry["delay_ticks"]:
            late = self._kept.setdefault(f"late {name}", [value] * entry["delay_ticks"])
            late.append(value)
            value = late.pop(0)
        if (share := entry["reads"].get("lag")) is not None:
            value = share * self._kept.get(f"lag {name}", value) + (1 - share) * value
            self._kept[f"lag {name}"] = value
        times = entry["history"]
        rows = self._kept.setdefault(f"history {name}", [value] * times)
        if self.ticks:
            rows.append(value)
            rows.pop(0)
        value = np.concatenate(rows, axis=1)
        if entry["clip_in_graph"] is not None:
            low, high = (_ends(end, times) for end in entry["clip_in_graph"])
            value = np.clip(value, low, high)
        return value * _ends(entry["scale_in_graph"], times)

    def _target(self, part: Targets) -> np.ndarray:
        """(n, targets) of an action part."""
        value = self.action[:, part.start : part.stop]
        if part.part.squash == "tanh":
            value = np.tanh(value)
        if part.clips is not None:
            value = np.clip(value, *np.array(part.clips).T)
        found = part.offset + value @ part.gain
        if part.limits is not None:
            found = np.clip(found, *part.limits)
        if part.feed is not None:
            found = found + value @ part.feed
        if part.part.low_pass is not None:
            period = self.contract["control_period"]
            share = period / (period + 1 / (2 * math.pi * part.part.low_pass))
            before = self._kept.get(f"filter {part.name}", part.initial)
            found = self._kept[f"filter {part.name}"] = before + share * (found - before)
        return found

    def told(self, entry: Entry) -> np.ndarray:
        """(n, size) what the joystick's command says, no faster than the task has it move."""
        places = [("forward", "sideways", "turn").index(label) for label in entry["elements"]]
        wanted, name, reads = self.command[:, places], entry["name"], entry["reads"]
        if not reads.get("rates"):
            return wanted
        if self._kept.get(f"told at {name}") == self.ticks:
            return self._kept[f"told {name}"]
        rates = np.array([math.inf if rate is None else rate for rate in reads["rates"]])
        steps = rates * self.contract["control_period"]
        if (now := self._kept.get(f"told {name}")) is not None:
            now = now + np.clip(wanted - now, -steps, steps)
        else:
            now = np.where(np.isinf(rates), wanted, 0.0) if reads["from_rest"] else wanted
        self._kept[f"told {name}"], self._kept[f"told at {name}"] = now, self.ticks
        return now

    def named(self, reads: Entry) -> Entry:
        """The command that an observation names."""
        rows = (e for e in self.contract["inputs"] if e["object"] == "Command")
        return next((e for e in rows if e["name"] == reads["command"]), reads.get("of", {}))


def _ends(value: Any, times: int) -> Any:
    """A number for all elements, or one for each of every tick of a history."""
    return value if np.isscalar(value) else np.tile(np.asarray(value, float), times)


def _of_joints(player: Contracted, entry: Entry, robots: Robots) -> np.ndarray:
    places = [robot.JOINTS.index(joint) for joint in entry["reads"]["joints"]]
    if entry["kind"] == "joint_velocity":
        return robots.qvel[:, 6:][:, places]
    home = entry["reads"].get("relative_to") == "home"
    about = np.array(entry["reads"]["home"]) if home else 0.0
    return robots.qpos[:, 7:][:, places] - about


def _velocity(player: Contracted, entry: Entry, robots: Robots) -> np.ndarray:
    names = entry["reads"]["sensors"]
    value = robots.sensor(names[0])
    if entry["reads"]["frame"] != "robot":
        return value
    return np.einsum("nij,ni->nj", matrices(robots.sensor(names[1])), value)


def _gravity(player: Contracted, entry: Entry, robots: Robots) -> np.ndarray:
    return -matrices(robots.sensor(entry["reads"]["sensors"][0]))[:, 2, :]


def _sensor(player: Contracted, entry: Entry, robots: Robots) -> np.ndarray:
    return robots.sensor(entry["reads"]["sensor"])


def _height(player: Contracted, entry: Entry, robots: Robots) -> np.ndarray:
    return robots.sensor(entry["reads"]["sensors"][0])[:, 2:]


def _contact(player: Contracted, entry: Entry, robots: Robots) -> np.ndarray:
    groups = entry["reads"]["groups"]
    touches = [[robots.sensor(name) > 0 for name in group] for group in groups]
    return np.stack([np.concatenate(g, axis=1).any(1) for g in touches], axis=1).astype(float)


def _last_action(player: Contracted, entry: Entry, robots: Robots) -> np.ndarray:
    parts = [player.action[:, start:stop] for start, stop in entry["reads"]["slices"]]
    return np.concatenate(parts, axis=1)


def _clock(player: Contracted, entry: Entry, robots: Robots) -> np.ndarray:
    turn = 2 * math.pi * player.time / entry["reads"]["period"]
    return np.tile([math.sin(turn), math.cos(turn)], (player.envs, 1))


def _phase(player: Contracted, entry: Entry, robots: Robots) -> np.ndarray:
    reads = entry["reads"]
    turns = reads["start"] + player.time / reads["period"] + np.array(reads["offsets"])
    hands = np.stack([np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)], axis=1)
    return np.tile(hands.ravel(), (player.envs, 1))


def _time(player: Contracted, entry: Entry, robots: Robots) -> np.ndarray:
    return np.full((player.envs, 1), player.time)


def _joystick(player: Contracted, entry: Entry, robots: Robots) -> np.ndarray:
    return player.told(entry)


def _of_command(player: Contracted, entry: Entry, robots: Robots) -> np.ndarray:
    named = player.named(entry["reads"])
    if named.get("kind") not in ("planar_velocity", "phase"):
        raise NoPeer(f"the judge cannot tell {entry['name']} what its command says")
    return READ[named["kind"]](player, named, robots)


READ: Mapping[str, Callable[[Contracted, Entry, Robots], np.ndarray]] = {
    "joint_position": _of_joints,
    "joint_velocity": _of_joints,
    "base_linear_velocity": _velocity,
    "base_angular_velocity": _velocity,
    "projected_gravity": _gravity,
    "sensor": _sensor,
    "base_height": _height,
    "contact": _contact,
    "feet_contact": _contact,
    "last_action": _last_action,
    "phase_clock": _clock,
    "episode_time": _time,
    "command": _of_command,
    "planar_velocity": _joystick,
    "phase": _phase,
}
"""Kind of an input -> how it is read."""


def _checked(terms: Entry) -> int:
    """By how many physics steps targets come late; the motors must be the judge's.

    Raises:
        NoPeer: they are not.
    """
    if not math.isclose(terms["control_period"], robot.PERIOD):
        raise NoPeer(f"a control period of {terms['control_period']:g} s, not {robot.PERIOD} s")
    late = 0.0
    for output in terms["outputs"][1:]:
        gains = {*zip(output["kp"], output["kd"], strict=True)}
        if gains != {(robot.KP, robot.KD)} or output["added_to"]:
            raise NoPeer(f"{output['name']} are not targets of motors of 35 N*m/rad")
        late = max(late, float(np.mean(output["latency"] or 0.0)))
    return min(math.ceil(late / robot.TIMESTEP - 1e-6), robot.SUBSTEPS)


def _places(terms: Entry) -> list[int]:
    """Where the contract has the target of each of the judge's joints."""
    told = [joint for output in terms["outputs"][1:] for joint in output["joints"]]
    if sorted(told) != sorted(robot.JOINTS):
        raise NoPeer("the policy does not move exactly the twelve joints of the Go1")
    return [told.index(joint) for joint in robot.JOINTS]


COMPARED = (
    ("body", "body_mass"),
    ("body", "body_inertia"),
    ("dof", "dof_armature"),
    ("dof", "dof_damping"),
    ("dof", "dof_frictionloss"),
    ("foot", "geom_friction"),
    ("foot", "geom_solref"),
    ("foot", "geom_solimp"),
)
"""What makes a robot: kind of element, field of MjModel."""


def differences(plan: Plan, root: Path) -> list[str]:
    """What the robot that a task trains has otherwise than the one that is judged."""
    model, mine = plan.robot.model, robot.judged(root).compile()
    found: list[str] = []
    for kind, field in COMPARED:
        theirs, ours = (_by_name(m, kind, field) for m in (model, mine))
        if any(n not in theirs or not np.allclose(theirs[n], v, 1e-6) for n, v in ours.items()):
            found.append(field)
    options = ("timestep", "integrator", "cone", "impratio")
    found += [o for o in options if getattr(model.opt, o) != getattr(mine.opt, o)]
    return found


def _by_name(model: Any, kind: str, field: str) -> dict[str, Any]:
    """Element -> its values; a joint's stand for those of its dofs."""
    values = getattr(model, field)
    if kind == "body":
        return {model.body(i).name: values[i] for i in range(1, model.nbody)}
    if kind == "foot":
        return {name: values[model.geom(name).id] for name in robot.FEET}
    return {name: values[model.joint(name).dofadr[0]] for name in robot.JOINTS}

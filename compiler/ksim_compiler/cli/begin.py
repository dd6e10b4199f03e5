"""``ksim-compile --init --robot``: the text of a task for a robot, from what its model says."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.checks.matter import lowest
from ksim_compiler.checks.stance import thickness
from ksim_compiler.cli.controls import controls, written
from ksim_compiler.cli.motors import (
    Motor,
    Servos,
    driven,
    in_loops,
    round_down,
    weightless,
)
from ksim_compiler.robot import bases, model as robots
from ksim_compiler.robot.facts import read_facts
from ksim_compiler.robot.files import ModelFiles
from ksim_compiler.robot.model import Robot
from ksim_compiler.robot.transmission import carried
from ksim_schema.robot import Joint, RobotFacts
from ksim_schema.vocabulary.learner import usual
from ksim_schema.vocabulary.state import Home, Robot as RobotPart

PERIOD = 0.02
"""Seconds: what the control period of a new task is close to."""
_UNITS = {"hinge": ("N*m", "rad"), "slide": ("N", "m")}


class NothingToDrive(Exception):
    """A robot for which there is no task to begin with; the message says why."""


class Beginning:
    """A robot, and how a task for it may begin.

    Args:
        model: as the task is to name it.
        files: those of the model.

    Attributes:
        own: the model's own actuators that stay as they are.
        driven: the other joints with a motor.
        tied: the joints that an equality makes follow one with a motor -> that one.
        left_out: sentences on what is not driven, and on what is guessed.

    Raises:
        NothingToDrive: there is no joint with a motor.
        ModelError: MuJoCo refuses the model.
    """

    def __init__(self, model: str, files: ModelFiles) -> None:
        part = RobotPart.model_validate({"model": model, "control": "20 ms"})
        plain = robots.load(part, files)
        self.home = _home(plain.facts)
        part = part.model_copy(update={"home": Home(keyframe=self.home)})
        self.robot: Robot = robots.load(part, files) if self.home else plain
        timestep = self.robot.facts.timestep
        if not 0 < timestep < 1:
            raise NothingToDrive(f"its timestep of {timestep:g} s is none to simulate with")
        self.own = controls(self.robot)
        moved = {name for own in self.own for name in own.joints}
        self.driven = tuple(j for j in driven(self.robot) if j.name not in moved)
        if not self.driven and not self.own:
            raise NothingToDrive(f"nothing in it can be driven: {_why(self.robot.facts)}")
        still = weightless(self.robot, self.driven)
        if still:
            raise NothingToDrive(f"joint {still!r} moves no mass, or one that is not a number")
        if self.driven:
            self._know_driven()
        self.moved = tuple(
            j for j in self.robot.facts.motion_joints if j in self.driven or j.name in moved
        )
        self._servos = Servos(self.robot, self.driven)
        self.tied = self._tied()
        self.left_out = _left_out(self.robot, self.moved, self.tied)
        found = self._servos.motors().items()
        guessed = [repr(j.name) for m, joints in found for j in joints if m.limit is not None]
        if guessed:
            why = "the model does not say what its motors give"
            self.left_out.append(f"a guess: the torque_limit of {_some(guessed)}: {why}")

    def _know_driven(self) -> None:
        """Take the motor limits that follow from which joints are driven."""
        robot, names = self.robot, [joint.name for joint in self.driven]
        facts = read_facts(robot.part, robot.model, robot.facts.root, names)
        self.robot = replace(robot, facts=replace(facts, files=robot.facts.files))
        self.driven = tuple(joint for joint in facts.joints if joint.name in names)

    def _tied(self) -> dict[str, str]:
        joints, own = self.robot.facts.joints, {joint.name for joint in self.moved}
        indices = [i for i, joint in enumerate(joints) if joint.name in own]
        found = {
            joints[other].name: joints[index].name
            for index, with_it in carried(self.robot.model, indices).items()
            for other in with_it
        }
        return {name: of for name, of in found.items() if name and name not in own}

    @property
    def substeps(self) -> int:
        """Physics timesteps of a control period."""
        return max(1, round(PERIOD / self.robot.facts.timestep))

    def text(self, softer: float = 1.0) -> str:
        """The sections of the task, with all gains multiplied by a factor."""
        facts, found = self.robot.facts, self._servos.motors(softer)
        still = [j for j in facts.motion_joints if j.name and j not in self.moved]
        passive = [j for j in still if j.name not in self.tied]  # the others say nothing new
        model, names = self.robot.model, [joint.name for joint in self.moved]
        root = bases.likely(model, names)
        base = facts.bodies[root]
        floats = bool(base) and bases.floats(model, root)
        wheels = {j.name for motor, of in found.items() if motor.kind == "velocity" for j in of}
        posed = [j for j in self.moved if j.name not in wheels]  # a wheel has no pose to be in
        readings = _readings(facts, self.moved, "joint", posed) | (_BASE if floats else {})
        readings |= _readings(facts, passive, "passive")
        fall = _fall(self.robot, root) if floats else ""
        lines = ["PhysicsState:", "  robot:", f"    model: {quoted(facts.source)}"]
        lines += [f"    control: {self._control()}  # how often the policy acts"]
        if self._servos.implicit:
            lines.append("    solver: {integrator: implicitfast}  # it bears the servos' damping")
        if self.home:
            lines.append(f"    home: {{keyframe: {quoted(self.home)}}}")
        if base and len(bases.candidates(model, names)) > 1:
            lines.append(f"    base: {quoted(base)}")
        lines += ["", "Observation:"]
        for name, content in readings.items():
            if name.startswith("passive") and name.endswith("position"):
                lines.append("  # no motor moves these; remove them where nothing measures them")
            lines.append(f"  {name}: {content}")
        lines += ["  last_action: {kind: last_action}", "", "Action:"]
        for note in self.left_out:
            lines.append(f"  # {note}")
        for name, (motor, joints) in zip(_names(found), found.items(), strict=True):
            lines += _action(facts, name, motor, joints)
        if self.own:
            texts = "[" + ", ".join(quoted(re.escape(own.name)) for own in self.own) + "]"
            lines += written(self.own, len(self.own) == len(facts.own), texts)
        reads = "[" + ", ".join([*readings, "last_action"]) + "]"
        network = "    network: {kind: mlp, hidden: [128, 128], activation: elu}"
        acts = "[" + ", ".join([*_names(found), *(["own"] if self.own else [])]) + "]"
        lines += ["", "Policy:", "  actor:", f"    act: {acts}", f"    read: {reads}", network]
        lines += ["", "Critic:", "  critic:", f"    judge: {{clean: {reads}}}", network]
        lines += ["", "Reward:", _WORDS]
        if fall:
            lines.append("  alive: {kind: stay_alive, scale: 1}")
        if posed:
            near = pattern(facts, posed)
            lines.append(f"  near_home: {{kind: joint_deviation, joints: {near}, scale: 0.1}}")
        lines += ["  smooth: {kind: action_velocity, scale: 0.02}", "", "Termination:"]
        lines += [*filter(None, [fall]), "  time_limit: {kind: episode_length, after: 10 s}"]
        resets = _resets(self.robot, self.moved)
        lines += ["", "Reset:", *resets] if resets else []
        lines += ["", f"{usual().section}:", "  envs: 256", "  steps: 1000000", ""]
        return "\n".join(lines)

    def _control(self) -> str:
        period = self.substeps * self.robot.facts.timestep
        rate = 1.0 / period
        whole = abs(rate - round(rate)) < 1e-9 * rate
        return f"{round(rate)} Hz" if whole else f"{period * 1e3:.12g} ms"


_WORDS = "  # ksim-compile --list names every kind; --explain joint_deviation explains one"
_BASE = {
    "gyroscope": "{kind: base_angular_velocity, noise: {uniform: 0.1 rad/s}}",
    "gravity": "{kind: projected_gravity, noise: {uniform: 0.02}}",
}


def quoted(text: str) -> str:
    """A name or path as YAML."""
    if re.fullmatch(r"[A-Za-z_.][\w./-]*", text, re.ASCII) and text.lower() not in _WORDS_OF_YAML:
        return text
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text)


_WORDS_OF_YAML = ("on", "off", "yes", "no", "y", "n", "true", "false", "null", ".inf", ".nan")


def pattern(facts: RobotFacts, joints: Sequence[Joint]) -> str:
    """What selects some joints, as a task has it."""
    names = [joint.name for joint in joints]
    others = [j.name for j in facts.motion_joints if j.name and j.name not in names]
    leaves_out = any(j.type == "ball" for j in facts.joints)  # of which the checker would tell
    if not others and not leaves_out:
        return ".*"
    if len(others) < len(names) and not leaves_out:
        but = "(?!(?:" + "|".join(map(re.escape, others)) + ")$).*"
        if len(but) <= 60:
            return quoted(but)
    return "[" + ", ".join(quoted(re.escape(name)) for name in names) + "]"


def _home(facts: RobotFacts) -> str | None:
    """The keyframe to begin in: the one called home, else the first, within the joints' limits."""
    named = [name for name in facts.keyframes if name]
    named.sort(key=lambda name: ("home", "stand").index(name) if name in ("home", "stand") else 2)
    for name in named:
        pose = facts.poses[name][0]
        inside = (
            j.limits is None or j.limits[0] - 1e-9 <= pose[j.qpos] <= j.limits[1] + 1e-9
            for j in facts.motion_joints
        )
        if all(inside):
            return name
    return named[0] if "home" in named else None


def _why(facts: RobotFacts) -> str:
    scalar = [j for j in facts.joints if j.type in ("hinge", "slide")]
    if not facts.joints:
        return "it has no joints"
    if not scalar:
        kinds = " and ".join(sorted({j.type for j in facts.joints}))
        return f"it has {kinds} joints only, and actions drive hinges and slides"
    if not any(j.name for j in scalar):
        return "its hinges and slides have no names, by which a task drives them; name them in it"
    return "its actuators move each hinge and slide together with joints that no action can drive"


def _left_out(robot: Robot, joints: Sequence[Joint], tied: dict[str, str]) -> list[str]:
    """What has no motor in the task, for its author."""
    facts, found = robot.facts, list[str]()
    balls = [repr(j.name) for j in facts.joints if j.type == "ball" and j.name]
    if balls:
        what = "ball joints" if len(balls) > 1 else "a ball joint"
        found.append(f"not driven: {_some(balls)}, {what}: actions drive hinges and slides")
    nameless = [j for j in facts.joints if j.type != "free" and not j.name]
    if nameless:
        count = len(nameless)
        what = "joints have no names" if count > 1 else "joint has no name"
        found.append(f"not driven: {count} {what} in the model, and a task drives them by name")
    if tied:
        pairs = [f"{name!r}, which follows {of!r}" for name, of in tied.items()]
        found.append(f"not driven: {_some(pairs, '; ')}")
    names = [j.name for j in facts.motion_joints if j.name and j not in joints]
    still = [repr(name) for name in names if name not in tied]
    if still:
        them, they = ("them", "they") if len(still) > 1 else ("it", "it")
        why = f"no motor of the model moves {them} alone"
        if not robot.model.nu:  # of the others the model says how much torque they take
            limit = "in a URDF: <limit effort=...>"
            why = f"the model does not say what torque {they} may take ({limit})"
        found.append(f"not driven: {_some(still)}: {why}")
    return found


def _some(names: Sequence[str], between: str = ", ") -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return between.join(names[:4]) + more


def _fall(robot: Robot, root: int) -> str:
    """A termination by the base's height over what is lowest of the robot at home, or its tilt."""
    model, facts = robot.model, robot.facts
    data: Any = mujoco.MjData(model)
    data.qpos[:] = facts.home
    mujoco.mj_forward(model, data)
    of_robot = model.body_rootid[model.geom_bodyid] == model.body_rootid[root]
    lows = [lowest(model, data, int(i)) for i in np.flatnonzero(of_robot)]
    height = float(data.xpos[root][2])
    stands = height - max(min(lows, default=0.0), 0.0)
    halves = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0)
    limit = round_down(0.5 * stands, halves) if stands > 0.02 and height > 0.02 else 0.0
    if limit > thickness(model, data, root):  # else it is as high when it lies
        return f"  fall: {{kind: min_height, height: {limit:g} m}}"
    if float(data.xmat[root][8]) > 0.9 and np.linalg.norm(model.opt.gravity) > 0:
        return "  fall: {kind: not_upright, max_tilt: 60 deg}"
    return ""


def _readings(
    facts: RobotFacts, joints: Sequence[Joint], name: str, posed: Sequence[Joint] | None = None
) -> dict[str, str]:
    """Observations of the velocities of some joints, and of the positions of those with a pose."""
    posed = joints if posed is None else posed
    types = [t for t in ("hinge", "slide") if any(j.type == t for j in posed)]
    found: dict[str, str] = {}
    for kind in types:
        own = name if len(types) == 1 else f"{name}_{kind}"
        of_kind = [j for j in posed if j.type == kind]
        which = pattern(facts, of_kind)
        noise = _noise(of_kind)
        found[f"{own}_position"] = (
            f"{{kind: joint_position, joints: {which}, relative_to: home, "
            f"noise: {{uniform: {noise}}}}}"
        )
    if joints:
        which = pattern(facts, joints)
        found[f"{name}_velocity"] = f"{{kind: joint_velocity, joints: {which}, scale: 0.1}}"
    return found


def _noise(joints: Sequence[Joint]) -> str:
    """An error of encoders; smaller where a joint has next to no play."""
    hinge = joints[0].type == "hinge"
    plays = [j.limits[1] - j.limits[0] for j in joints if j.limits is not None]
    usual, least = math.radians(1.0) if hinge else 1e-3, min(plays, default=math.inf) / 40.0
    if usual <= least:
        return "1 deg" if hinge else "1 mm"
    size = round_down(math.degrees(least) if hinge else least * 1e3)
    return f"{size:g} deg" if hinge else f"{size:g} mm"


def _names(found: dict[Motor, tuple[Joint, ...]]) -> list[str]:
    """A name for each action."""
    stems = ["wheels" if motor.kind == "velocity" else "joint_targets" for motor in found]
    return [
        stem if stems.count(stem) == 1 else f"{stem}_{stems[: i + 1].count(stem)}"
        for i, stem in enumerate(stems)
    ]


def _action(facts: RobotFacts, name: str, motor: Motor, joints: Sequence[Joint]) -> list[str]:
    force, length = _UNITS[motor.type]
    lines = [
        f"  {name}:",
        f"    kind: {motor.kind}_target",
        f"    joints: {pattern(facts, joints)}",
    ]
    if motor.kind == "velocity":
        lines += [f"    scale: {motor.scale:g} {length}/s"]
        lines += [f"    gain: {motor.kd:.6g} {force}*s/{length}"]
    else:
        lines += ["    around: home", f"    scale: {motor.scale:g} {length}"]
        kp, kd = f"{motor.kp:.6g} {force}/{length}", f"{motor.kd:.6g} {force}*s/{length}"
        lines += [f"    gains: {{kp: {kp}, kd: {kd}}}"]
    if motor.limit is None:
        return [*lines, "    # torque_limit: what the model's own motors give, by default"]
    return [*lines, f"    torque_limit: {motor.limit:.6g} {force}"]


def _resets(robot: Robot, joints: Sequence[Joint]) -> list[str]:
    """Resets of joints that can be put elsewhere one by one."""
    facts, tied = robot.facts, in_loops(robot.model)
    free = [j for j in joints if facts.joints.index(j) not in tied]
    types = [t for t in ("hinge", "slide") if any(j.type == t for j in free)]
    lines: list[str] = []
    for kind in types:
        some = [j for j in free if j.type == kind]
        spans = [j.limits[1] - j.limits[0] for j in some if j.limits is not None]
        if kind == "hinge":
            degrees = [5.0, *(math.degrees(0.05 * span) for span in spans if span > 0)]
            value = f"{round_down(min(degrees)):g} deg"
        else:
            value = f"{round_down(min([0.01, *(0.05 * s for s in spans if s > 0)])):g} m"
        name = "pose" if len(types) == 1 else f"{kind}s"
        which = pattern(facts, some)
        lines.append(
            f"  {name}: {{kind: joint_position, joints: {which}, around: home, range: {value}}}"
        )
    return lines

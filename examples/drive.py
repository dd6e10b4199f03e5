"""Drive a robot in MuJoCo with an exported policy: NumPy, onnxruntime and mujoco, nothing else.

    ksim-export runs/walk-... -o policy.onnx
    python examples/drive.py policy.onnx tasks/robots/humanoid/scene.xml velocity=0.5,0,0.2

The scene is the robot's own file, as the task names it. What `Robot` does with a simulated body, a
program on a real one does with its encoders, its IMU and its motors. The contract, beside the
policy, says which inputs there are and what to do with the outputs. The errors that a policy is
trained with (noise, bias, lost messages) are not repeated here; of a latency or a lag that is drawn
from a range, the middle is taken.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import onnxruntime
from recorded_motion import Player
from simulated_robot import Robot

FORMAT = "ksim-contract-2"
FIXED = (
    "float_vector",
    "integer_vector",
    "planar_velocity",
    "linear_velocity",
    "angular_velocity",
    "base_height",
    "cartesian_coordinate",
    "pose",
)
"""Commands that stay what the user says."""


class Driver:
    """Reads the robot, runs the graph, remembers what the next period needs."""

    def __init__(self, policy: Path, contract: dict, commands: dict[str, np.ndarray]) -> None:
        self.session = onnxruntime.InferenceSession(str(policy))
        self.contract, self.commands = contract, commands
        self.begin()

    def begin(self) -> None:
        """The start of an episode."""
        self.ticks, self.time = 0, 0.0
        self.action = np.zeros(self.contract["outputs"][0]["size"])
        self.memory = {m["input"]: np.zeros(m["size"]) for m in self.contract["memory"]}
        self.filtered: dict[str, np.ndarray] = {}
        self.late: dict[str, list[np.ndarray]] = {}
        self.stack: dict[str, list[np.ndarray]] = {}
        self.lagged: dict[str, np.ndarray] = {}
        self.told: dict[str, np.ndarray] = {}
        self.kept: dict[str, Any] = {}
        self.last: dict[str, np.ndarray] = {}

    def read(self, entry: dict, robot: Robot) -> np.ndarray:
        """The value of one input in this period, in SI units."""
        if entry["object"] == "Command":
            return self.command(entry, robot)
        name, value = entry["name"], np.ravel(self.measure(entry, robot))
        if entry["delay_ticks"]:
            late = self.late.setdefault(name, [value] * entry["delay_ticks"])
            late.append(value)
            value = late.pop(0)
        if entry["reads"].get("lag") is not None:
            share = entry["reads"]["lag"]
            value = share * self.lagged.get(name, value) + (1 - share) * value
            self.lagged[name] = value
        stack = self.stack.setdefault(name, [value] * entry["history"])
        if self.ticks:
            self.stack[name] = stack = [*stack[1:], value]
        return np.concatenate(stack)

    def measure(self, entry: dict, robot: Robot) -> np.ndarray:
        """What an observation measures now."""
        r = entry["reads"]
        values = [robot.sensor(name) for name in r.get("sensors", [])]
        home = np.array(r["home"]) if r.get("relative_to") == "home" else 0.0
        match entry["kind"]:
            case "joint_position":
                return robot.of_joints("qpos", r["joints"]) - home
            case "joint_velocity":
                return robot.of_joints("qvel", r["joints"])
            case "joint_acceleration":
                return robot.of_joints("qacc", r["joints"])
            case "actuator_force":
                return robot.of_joints("qfrc_actuator", r["joints"])
            case "commanded_joint_position":
                return robot.targets(r["joints"]) - home
            case "sensor":
                return robot.sensor(r["sensor"])
            case "projected_gravity":
                return _matrix(values[0]).T @ [0.0, 0.0, -1.0]
            case "base_position":
                return values[0]
            case "base_height":
                return values[0][2:]
            case "base_orientation":
                return _rotation(r["form"], values[0])
            case "base_linear_velocity" | "base_angular_velocity" | "base_angular_acceleration":
                return _matrix(values[1]).T @ values[0] if r["frame"] == "robot" else values[0]
            case "base_linear_acceleration":
                vector = values[0] if r["gravity"] else values[0] - values[2]
                return _matrix(values[1]).T @ vector if r["frame"] == "robot" else vector
            case "body_position" | "site_position" | "feet_position":
                return np.array(values)
            case "body_orientation" | "site_orientation" | "feet_orientation":
                return np.array([_rotation(r["form"], value) for value in values])
            case "body_velocity" | "site_velocity":
                if r["frame"] == "world" or r["relative_to"]:
                    return np.array(values)
                return np.array(values[:-1]) @ _matrix(values[-1])
            case "center_of_mass_inertia":
                return robot.of_bodies("cinert", r["names"])
            case "center_of_mass_velocity":
                return robot.of_bodies("cvel", r["names"])
            case "feet_force" | "feet_torque" as kind:
                return _load(kind, r, values, robot.of_bodies("cfrc_ext", r["names"]))
            case "contact" | "feet_contact":
                groups = [[robot.sensor(name) for name in group] for group in r["groups"]]
                return np.array([float(np.any(np.concatenate(g) > 0)) for g in groups])
            case "last_action":
                return np.concatenate([self.action[start:stop] for start, stop in r["slices"]])
            case "command":
                return self.named_command(r, robot)[0]
            case "pose_error":
                return self.pose_error(r, values, robot)
            case "motion_joints" | "motion_anchor_error" | "motion_phase" as kind:
                return self.player(r).observed(kind, r, values, self.ticks)
            case "phase_clock":
                turn = 2 * math.pi * self.time / r["period"]
                return np.array([math.sin(turn), math.cos(turn)])
            case "episode_time":
                return np.array([self.time])
            case kind:
                raise SystemExit(f"this example cannot read {entry['name']}, a {kind}")

    def named_command(self, r: dict, robot: Robot) -> tuple[np.ndarray, dict]:
        """What the command that an observation names says in this period, and its entry."""
        rows = [e for e in self.contract["inputs"] if e["object"] == "Command"]
        named = [e for e in rows if e["name"] == r["command"]]
        entry = named[0] if named else r["of"]
        return self.command(entry, robot), entry

    def pose_error(self, r: dict, values: list[np.ndarray], robot: Robot) -> np.ndarray:
        """From where something is, position and orientation, to a commanded pose."""
        told, entry = self.named_command(r, robot)
        goal = dict(zip(entry["elements"], told, strict=True))
        position, rotation = values[0], _matrix(values[1])
        axes = {"world": np.eye(3), "own": rotation}.get(r["frame"])
        axes = _matrix(values[2]) if axes is None else axes
        origin, frame = np.zeros(3), np.eye(3)
        if entry["reads"].get("relative_to") == "base":
            origin, quaternion = (robot.sensor(name) for name in entry["reads"]["sensors"][:2])
            frame = _matrix(quaternion)
        if r["part"] == "position":
            return axes.T @ (origin + frame @ [goal[axis] for axis in "xyz"] - position)
        wanted = frame @ _matrix(np.array([goal[f"q{axis}"] for axis in "wxyz"]))
        left = axes.T @ wanted @ rotation.T @ axes
        if r["form"] == "rotation_6d":
            return left[:, :2].T.ravel()
        quaternion = np.zeros(4)
        mujoco.mju_mat2Quat(quaternion, left.ravel())
        quaternion *= math.copysign(1.0, quaternion[0])
        if r["form"] == "quaternion":
            return quaternion
        vector = np.zeros(3)
        mujoco.mju_quat2Vel(vector, quaternion, 1.0)
        return vector

    def player(self, r: dict) -> Player:
        """What plays the clip of the command that an observation names."""
        rows = [e for e in self.contract["inputs"] if e["name"] == r["command"]]
        return self._player(rows[0] if rows else r["of"])

    def _player(self, entry: dict) -> Player:
        name = entry["name"]
        if name not in self.kept:
            given = self.commands.get(name)
            self.kept[name] = Player(name, entry["reads"], 0 if given is None else int(given[0]))
        return self.kept[name]

    def command(self, entry: dict, robot: Robot) -> np.ndarray:
        """What a command says in this period; worked out once in each."""
        name = entry["name"]
        if name not in self.told:
            self.told[name] = self._command(entry, robot)
        return self.told[name]

    def _command(self, entry: dict, robot: Robot) -> np.ndarray:
        name, kind, r = entry["name"], entry["kind"], entry["reads"]
        values = [robot.sensor(sensor) for sensor in r.get("sensors", [])]
        match kind:
            case "motion":
                return self._player(entry).told(self.ticks)
            case "start_position" | "start_orientation":
                return self.kept.setdefault(name, values[0])
            case "phase":
                turns = r["start"] + self.time / r["period"] + np.array(r["offsets"])
                angles = 2 * math.pi * turns
                return np.ravel(np.stack([np.sin(angles), np.cos(angles)], axis=1))
            case "sinusoidal_gait":
                phase = self.kept.get(name, 0.0)
                if r["still_below"] is not None and math.hypot(*values[0][:2]) < r["still_below"]:
                    phase = 0.0
                self.kept[name] = (phase + self.contract["control_period"] / r["period"]) % 1.0
                feet = (phase + np.arange(r["feet"]) / r["feet"]) % 1.0
                swing = np.clip((feet - r["stance"]) / (1 - r["stance"]), 0.0, 1.0)
                heights = r["offset"] + r["height"] * np.sin(np.pi * swing)
                turn = 2 * math.pi * phase
                return np.array([*heights, math.sin(turn), math.cos(turn)])
        given = self.commands.get(name)
        if given is None and kind in FIXED:
            given = np.array([float(element == "qw") for element in entry["elements"]])
            self.commands[name] = given
            told = ", ".join(f"{e} {v:g}" for e, v in zip(entry["elements"], given, strict=True))
            print(f"no {name}=NUMBERS is given: it is {told}")
        numbers = 2 if kind == "linear_velocity" else entry["size"]  # the rest follows from them
        if given is None or len(given) not in (numbers, entry["size"]):
            count = f"{numbers} numbers" if numbers > 1 else "one number"
            elements = ", ".join(entry["elements"][:numbers])
            raise SystemExit(f"give the command {name} (a {kind}) {count}: {elements}")
        now = self._towards(name, np.array(given[:numbers], float), r)
        if kind == "linear_velocity":
            return np.array([*now, now[0] * math.cos(now[1]), now[0] * math.sin(now[1])])
        if kind == "cartesian_coordinate" and r["relative_to"] == "start":
            return now + self.kept.setdefault(f"{name} start", values[0])
        return now

    def _towards(self, name: str, target: np.ndarray, r: dict) -> np.ndarray:
        """A command moves to what it is told to be no faster than the task has it."""
        if not r.get("rates"):
            return target
        free = np.array([rate is None for rate in r["rates"]])
        rates = np.array([math.inf if rate is None else rate for rate in r["rates"]])
        steps = rates * self.contract["control_period"]
        if name in self.kept:
            now = self.kept[name] + np.clip(target - self.kept[name], -steps, steps)
        else:
            now = np.where(free, target, 0.0) if r["from_rest"] else target
        self.kept[name] = now
        return now

    def step(self, robot: Robot) -> dict[str, np.ndarray]:
        """The targets of one control period."""
        self.told = {}
        self.values = {entry["name"]: self.read(entry, robot) for entry in self.contract["inputs"]}
        feed = {n: np.asarray(v, np.float32) for n, v in (self.values | self.memory).items()}
        names = [output.name for output in self.session.get_outputs()]
        result = dict(zip(names, self.session.run(names, feed), strict=True))
        self.action = result["action"]
        self.memory = {m["input"]: result[m["output"]] for m in self.contract["memory"]}
        self.ticks += 1
        self.time = self.ticks * self.contract["control_period"]
        return {o["name"]: self._smooth(o, self._target(o, result, robot)) for o in robot.outputs}

    def _target(self, output: dict, result: dict[str, np.ndarray], robot: Robot) -> np.ndarray:
        """What the graph gives, added to what the contract names and then limited."""
        name, joints = output["name"], output["joints"]
        target, about = result[name], output["added_to"]
        if about is None:
            return target
        base = robot.of_joints("qpos", joints) if joints else np.array(output["initial"])
        if about == "last targets":  # at first those above
            base = self.last.get(name, base)
        elif about != "joint positions":
            raise SystemExit(f"{name}: targets are added to {about}, which this program has not")
        self.last[name] = target = _limited(base + target, output["limits"])
        return target

    def _smooth(self, output: dict, target: np.ndarray) -> np.ndarray:
        """The low-pass filter of an action, if it has one."""
        if output["low_pass"] is None:
            return target
        period = self.contract["control_period"]
        share = period / (period + 1.0 / (2 * math.pi * output["low_pass"]))
        before = self.filtered.get(output["name"], np.array(output["initial"]))
        self.filtered[output["name"]] = before + share * (target - before)
        return self.filtered[output["name"]]


def _limited(target: np.ndarray, limits: list | None) -> np.ndarray:
    """A target within its limits; None where a joint has no limit."""
    if limits is None:
        return target
    low, high = zip(*limits, strict=True)
    low = [-np.inf if end is None else end for end in low]
    return np.clip(target, low, [np.inf if end is None else end for end in high])


def _matrix(quaternion: np.ndarray) -> np.ndarray:
    """The rotation from the body's frame to the world's."""
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)


def _rotation(form: str, quaternion: np.ndarray) -> np.ndarray:
    return quaternion if form == "quaternion" else _matrix(quaternion)[:, :2].T.ravel()


def _load(kind: str, r: dict, values: list[np.ndarray], loads: np.ndarray) -> np.ndarray:
    """Force on each foot, or torque about its origin (MuJoCo has it about the robot's centre)."""
    count = len(loads)
    vectors = loads[:, 3:]
    if kind == "feet_torque":
        rest = np.array(values[count + 1 :])
        vectors = loads[:, :3] + np.cross(rest[count:] - rest[:count], vectors)
    if r["frame"] == "world":
        return vectors
    turned = [_matrix(q).T @ v for q, v in zip(values[:count], vectors, strict=True)]
    return np.array(turned)


def read_contract(policy: Path, path: Path | None = None) -> dict:
    """The contract of a policy: the file that the policy names, which names the policy too."""
    if not policy.is_file():
        raise SystemExit(f"there is no {policy}")
    try:
        about = onnxruntime.InferenceSession(str(policy)).get_modelmeta().custom_metadata_map
    except Exception as error:
        raise SystemExit(f"{policy} is not an ONNX file: {error}") from error
    path = path or policy.with_name(about.get("ksim_contract", "contract.json"))
    if not path.is_file():
        raise SystemExit(f"there is no {path}, the contract of {policy}; give it as --contract")
    try:
        contract = json.loads(path.read_text(encoding="utf-8"))
        form, identity = contract.get("format"), contract.get("policy", {}).get("id")
    except (ValueError, AttributeError) as error:
        raise SystemExit(f"{path} is not a contract: {error}") from error
    if form != FORMAT:
        raise SystemExit(f"{path} is a {form}, this reads a {FORMAT}: export the policy again")
    if identity is None or identity != about.get("ksim_policy"):
        raise SystemExit(f"{path} is the contract of another policy than {policy}")
    return contract


def read_commands(contract: dict, texts: list[str]) -> dict[str, np.ndarray]:
    """``velocity=0.5,0,0.2`` -> the numbers of a command."""
    known = {e["name"] for e in contract["inputs"] if e["object"] == "Command"}
    known |= {e["reads"]["command"] for e in contract["inputs"] if e["kind"] == "command"}
    commands = {}
    for text in texts:
        name, _, numbers = text.partition("=")
        if name not in known:
            raise SystemExit(f"no command {name!r}; there is: {', '.join(sorted(known)) or 'none'}")
        try:
            commands[name] = np.array([float(number) for number in numbers.split(",")])
        except ValueError:
            raise SystemExit(f"{text!r}: write {name}=0.5,0 and so on, in SI units") from None
    return commands


def main() -> None:
    """Drive for a while and print where the robot is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("policy", type=Path)
    parser.add_argument("scene", type=Path)
    parser.add_argument("commands", nargs="*", metavar="NAME=NUMBERS")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--contract", type=Path, help="by default the file that the policy names")
    options = parser.parse_args()
    contract = read_contract(options.policy, options.contract)
    if contract["terrain"]["kind"] != "flat":
        print(f"trained on a terrain ({contract['terrain']['kind']}); the scene's ground is used")
    commands = read_commands(contract, options.commands)
    robot, driver = Robot(options.scene, contract), Driver(options.policy, contract, commands)
    shown = 3 if contract.get("home", {}).get("base") else None  # where a base that floats is
    for tick in range(round(options.seconds / contract["control_period"])):
        if tick % max(round(1.0 / contract["control_period"]), 1) == 0:
            print(f"{driver.time:5.1f} s  qpos {np.round(robot.data.qpos[:shown], 2)}")
        robot.drive(driver.step(robot))
    print(f"{driver.time:5.1f} s  qpos {np.round(robot.data.qpos[:shown], 2)}")


if __name__ == "__main__":
    main()

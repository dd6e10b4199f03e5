"""Drive a robot in MuJoCo with an exported policy: NumPy, onnxruntime and mujoco, nothing else.

    ksim-export runs/walk-... -o policy.onnx
    python examples/drive.py policy.onnx tasks/robots/humanoid/scene.xml velocity=0.5,0,0.2

What `Robot` does with a simulated body, a program on a real one does with its encoders, its IMU
and its motors. contract.json, beside the policy, says which inputs there are and what to do with
the outputs.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import mujoco
import numpy as np
import onnxruntime


class Robot:
    """A simulated robot: its senses, and servos as the contract has them."""

    def __init__(self, scene: Path, contract: dict) -> None:
        spec = mujoco.MjSpec.from_file(str(scene))
        self.outputs = [output for output in contract["outputs"] if "joints" in output]
        for output in self.outputs:
            for joint, kp, kd, limit in zip(
                output["joints"], output["kp"], output["kd"], output["torque_limit"], strict=True
            ):
                motor = spec.add_actuator(
                    name=f"{output['name']}/{joint}",
                    target=joint,
                    trntype=mujoco.mjtTrn.mjTRN_JOINT,
                )
                if kp is not None:
                    motor.set_to_position(kp=kp, kv=kd)
                if limit is not None:
                    motor.forcerange = [-limit, limit]
                    motor.forcelimited = True
        self.model = spec.compile()
        self.model.opt.timestep = contract["physics_timestep"]
        self.substeps = round(contract["control_period"] / self.model.opt.timestep)
        self.data = mujoco.MjData(self.model)
        for joint in contract["joints"]:
            self.data.qpos[self.model.joint(joint["name"]).qposadr[0]] = joint["home"]
        if self.model.nkey:
            self.data.qpos[:] = self.model.key("home").qpos
        mujoco.mj_forward(self.model, self.data)

    def joint_positions(self, names: list[str]) -> np.ndarray:
        """rad or m, as encoders give them."""
        return np.array([self.data.joint(name).qpos[0] for name in names])

    def joint_velocities(self, names: list[str]) -> np.ndarray:
        """rad/s or m/s."""
        return np.array([self.data.joint(name).qvel[0] for name in names])

    def sensor(self, name: str) -> np.ndarray:
        """A sensor of the model, such as a gyro."""
        return self.data.sensor(name).data.copy()

    def gravity(self, body: str) -> np.ndarray:
        """The direction of gravity in a body's frame, as an IMU estimates it."""
        return self.data.body(body).xmat.reshape(3, 3).T @ np.array([0.0, 0.0, -1.0])

    def drive(self, targets: dict[str, np.ndarray]) -> None:
        """Hold targets for one control period."""
        for output in self.outputs:
            for joint, target in zip(output["joints"], targets[output["name"]], strict=True):
                self.data.actuator(f"{output['name']}/{joint}").ctrl[0] = target
        mujoco.mj_step(self.model, self.data, self.substeps)


class Driver:
    """Reads the robot, runs the graph, remembers what the next period needs."""

    def __init__(self, policy: Path, contract: dict, commands: dict[str, np.ndarray]) -> None:
        self.session = onnxruntime.InferenceSession(str(policy))
        self.contract, self.commands = contract, commands
        self.home = {joint["name"]: joint["home"] for joint in contract["joints"]}
        self.begin()

    def begin(self) -> None:
        """The start of an episode."""
        self.time = 0.0
        self.action = np.zeros(self.contract["outputs"][0]["size"])
        self.memory = {m["input"]: np.zeros(m["size"]) for m in self.contract["memory"]}
        self.filtered: dict[str, np.ndarray] = {}

    def read(self, entry: dict, robot: Robot) -> np.ndarray:
        """The value of one input, in SI units."""
        parameters = entry["parameters"]
        match entry["kind"]:
            case _ if entry["object"] == "Command":
                return self.commands[entry["name"]]
            case _ if entry["history"] > 1 or entry["delay"]:
                raise SystemExit(f"{entry['name']}: history and delay are left to the reader")
            case "joint_position":
                value = robot.joint_positions(entry["elements"])
                if parameters["relative_to"] == "home":
                    value -= np.array([self.home[name] for name in entry["elements"]])
                return value
            case "joint_velocity":
                return robot.joint_velocities(entry["elements"])
            case "sensor":
                return robot.sensor(parameters["sensor"])
            case "projected_gravity":
                return robot.gravity(parameters["body"])
            case "last_action":
                return self.action
            case "phase_clock":
                turn = 2 * math.pi * self.time / _seconds(parameters["period"])
                return np.array([math.sin(turn), math.cos(turn)])
            case kind:
                raise SystemExit(f"this example cannot read {entry['name']}, a {kind}")

    def step(self, robot: Robot) -> dict[str, np.ndarray]:
        """The targets of one control period."""
        values = {entry["name"]: self.read(entry, robot) for entry in self.contract["inputs"]}
        feed = {n: np.asarray(v, np.float32) for n, v in (values | self.memory).items()}
        names = [output.name for output in self.session.get_outputs()]
        result = dict(zip(names, self.session.run(names, feed), strict=True))
        self.action = result["action"]
        self.memory = {m["input"]: result[m["output"]] for m in self.contract["memory"]}
        self.time += self.contract["control_period"]
        return {o["name"]: self._smooth(o, result[o["name"]]) for o in robot.outputs}

    def _smooth(self, output: dict, target: np.ndarray) -> np.ndarray:
        """The low-pass filter of an action, if it has one."""
        if output["low_pass"] is None:
            return target
        period = self.contract["control_period"]
        share = period / (period + 1.0 / (2 * math.pi * output["low_pass"]))
        before = self.filtered.get(output["name"])
        if before is None:
            before = np.array([self.home[name] for name in output["joints"]])
        self.filtered[output["name"]] = before + share * (target - before)
        return self.filtered[output["name"]]


def _seconds(text: str | float) -> float:
    return float(str(text).removesuffix(" s"))


def main() -> None:
    """Drive for a while and print where the robot is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("policy", type=Path)
    parser.add_argument("scene", type=Path)
    parser.add_argument("commands", nargs="*", metavar="NAME=NUMBERS")
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    contract = json.loads(options.policy.with_name("contract.json").read_text())
    commands = {
        entry["name"]: np.zeros(entry["size"])
        for entry in contract["inputs"]
        if entry["object"] == "Command"
    }
    for text in options.commands:
        name, _, numbers = text.partition("=")
        commands[name] = np.array([float(number) for number in numbers.split(",")])
    robot, driver = Robot(options.scene, contract), Driver(options.policy, contract, commands)
    for tick in range(round(options.seconds / contract["control_period"])):
        if tick % round(1.0 / contract["control_period"]) == 0:
            print(f"{driver.time:5.1f} s  qpos {np.round(robot.data.qpos[:3], 2)}")
        robot.drive(driver.step(robot))
    print(f"{driver.time:5.1f} s  qpos {np.round(robot.data.qpos[:3], 2)}")


if __name__ == "__main__":
    main()

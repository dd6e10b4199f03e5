"""What is said of formulas that mean something else than their authors want, and of others not."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest

from ksim_compiler.pipeline import compile_document
from ksim_compiler.robot.model import read_files
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.source import parse

INVALID = Path(__file__).parents[1] / "invalid"
ODD = [
    # the minus of a penalty is missing
    ("sum(square(action - action.previous))", "KS0350", "pays without bound for action"),
    ("0.5 * base.forward + 0.01 * sum(action**2)", "KS0350", "for action"),
    ("0.01 * abs(joint.hip_left.velocity)", "KS0350", "joint.hip_left.velocity"),
    ("0.01 * sum(square(joints['hip_.*'].velocity))", "KS0350", "joints['hip_.*'].velocity"),
    ("1e-3 * norm(joints['hip_.*'].torque)", "KS0350", "joints['hip_.*'].torque"),
    ("1e-2 * norm(sensor.imu_gyro)", "KS0350", "sensor.imu_gyro"),
    ("2 * abs(base.left)", "KS0350", "20 at 10 m/s"),
    ("3 * (base.height - 0.9)**2", "KS0350", "the larger its error is"),
    ("log(1 + norm(action))", "KS0350", "action"),
    ("2 * abs(base.forward - command.speed.forward)", "KS0350", "what command.speed.forward asks"),
    ("1 - exp(-((base.forward - command.speed.forward) / 0.5)**2)", "KS0350", "least where"),
    ("tanh(abs(command.speed.turn - base.turn) / 0.5)", "KS0350", "what command.speed.turn asks"),
    ("1 - cos(base.tilt)", "KS0350", "where the episode ends"),
    # an exponential without its minus, or of an error that has a sign
    ("exp(((base.height - 0.6) / 0.1)**2)", "KS0351", "a kernel has a minus"),
    ("exp(base.tilt / 0.3)", "KS0351", "a kernel has a minus"),
    ("-exp(base.tilt / 0.2)", "KS0351", "a kernel has a minus"),
    ("exp(-(base.forward - command.speed.forward) / 0.25)", "KS0351", "falls to both sides"),
    # the same whatever happens
    ("tanh((base.tilt + 40) / 0.2)", "KS0352", "write 40*deg"),
    ("max(0, base.tilt - 30) / 1", "KS0352", "is always 0"),
    ("clip(base.tilt, 10, 20) / 1", "KS0352", "is always 10"),
    ("min(base.tilt / 1, 0)", "KS0352", "is always 0"),
    ("exp(-(base.tilt / 1000)**2)", "KS0352", "hardly other than 1"),
    ("clip(time, 30, 40) / 1", "KS0352", "is always 30"),
    ("0.2", "KS0352", "names no quantity"),
    ("-1 * (base.tilt > 40)", "KS0352", "write 40*deg"),
    ("where(base.tilt < 30 or time > 1, 1, 0.5)", "KS0352", "write 30*deg"),
    ("tolerance(base.tilt, 10, 20, 5)", "KS0355", "write 10*deg"),
    ("tolerance(base.tilt, 5, inf, 2)", "KS0355", "is never within the bounds"),
    ("all(joints['hip_.*'] > 100)", "KS0352", "write 100*deg"),
    ("exp(-(base.forward - base.forward)**2 / 0.1)", "KS0352", "is always 0"),
    ("exp(-(base.tilt + 1) / 0.1)", "KS0353", "is at most 4.5e-05"),
    # not a number
    ("log(base.forward / 1)", "KS0354", "a logarithm of"),
    ("sqrt(base.forward / 1)", "KS0354", "a root of"),
    ("base.left / base.forward", "KS0354", "a division by 'base.forward'"),
    ("base.forward / command.speed.forward", "KS0354", "a division by"),
    # degrees for rad
    ("exp(-((base.tilt - 40) / 10)**2)", "KS0355", "write 40*deg"),
    ("-(joint.hip_left - 30)**2 / 100", "KS0355", "write 30*deg"),
]
USUAL = [
    "exp(-((base.tilt - 0.7) / 0.2)**2)",
    "exp(-((base.height - 1.1) / 0.1)**2)",
    "0.5 * base.forward",
    "2 * max(base.forward, 0)",
    "0.3 * abs(base.turn)",
    "0.2 * base.forward**2",
    "0.5 * sqrt(base.forward**2 + base.left**2)",
    "tanh(norm(action))",
    "min(norm(action), 1)",
    "-0.1 * sum(action**2)",
    "exp(-sum(square(action - action.previous)))",
    "exp(-(base.forward - command.speed.forward)**2 / 0.25)",
    "-3 * abs(base.forward - command.speed.forward)",
    "1 / (1 + ((base.forward - command.speed.forward) / 0.5)**2)",
    "1 / (1 + exp(-10 * base.forward))",
    "log(1 + exp(2 * base.forward))",
    "-log(1 + sum(action**2))",
    "exp(-base.height / 0.1)",
    "exp(-time / 2)",
    "1 - base.tilt / 1",
    "exp(-(1 - cos(base.tilt)) / 0.1)",
    "exp(-((joint.hip_left - 10*deg) / (10*deg))**2)",
    "-1 * max(0, base.tilt - 30*deg)",
    "-sqrt(1 - cos(base.tilt)**2)",
    "sum(action * action.previous) / (1 + sum(action**2))",
    "base.forward / (0.5 + abs(base.left))",
    "base.forward / max(command.speed.forward, 0.1)",
    "0.3 * norm(body.trunk)",
    "-3 * norm(body.trunk - body.shin_left)",
    "0.5 * command.speed.forward * base.forward",
    "where(base.forward > 0.1, log(base.forward / 1), -2)",
    "where(base.forward <= 0, 1, base.left / base.forward)",
    "-1 * (base.height < 0.3 or base.tilt > 40*deg)",
    "tolerance(base.forward, 1, inf, 1)",
    "(base.tilt < 20*deg) * tolerance(base.height, 0.6, inf, 0.2)",
    "-1e-4 * sum(square(joints['hip_.*'].torque))",
    "-0.1 * norm(sensor.imu_gyro)",
    "0.5 * norm(body.trunk.velocity)",
    "body.trunk.up.z**2",
    "-3 * distance(body.trunk.com, body.shin_left)",
    "0.1 * any(joints['hip_.*'] > 0.1)",
]


def checked(formulas: list[str]) -> dict[str, list[Diagnostic]]:
    """What is said of each formula, all of them in one task."""
    text = (INVALID / "KS0417_formula.yaml").read_text(encoding="utf-8")
    head, _, rest = text.partition("Reward:\n")
    rewards = "".join(
        f"  r{i}: {{kind: formula, commands: speed, expression: {json.dumps(formula)}}}\n"
        for i, formula in enumerate(formulas)
    )
    command = "Command:\n  speed: {kind: planar_velocity, forward: [0 m/s, 1 m/s], "
    command += "turn: [-1 rad/s, 1 rad/s], resample: [4 s, 4 s]}\n"
    ends = "  tilted: {kind: not_upright, max_tilt: 50 deg}\n"
    task = f"{head}{command}Reward:\n{rewards}{rest[rest.index('Termination:') :]}{ends}"
    for listed in ("read: [hips, gyro]", "clean: [hips, gyro]"):
        task = task.replace(listed, f"{listed}, obey: speed")
    problems = Sink()
    document = parse(task, "formulas.yaml", problems)
    assert document is not None, problems
    files = read_files(INVALID / "robots" / "biped.xml")
    found = compile_document(document, files).diagnostics
    by_name: dict[str, list[Diagnostic]] = {formula: [] for formula in formulas}
    for diagnostic in found:
        section, name, *_ = diagnostic.path.split(".")
        assert section == "Reward", diagnostic
        by_name[formulas[int(name[1:])]].append(diagnostic)
    return by_name


@functools.cache
def said() -> dict[str, list[Diagnostic]]:
    """What is said of all formulas here."""
    return checked([formula for formula, _, _ in ODD] + USUAL)


@pytest.mark.parametrize(("formula", "code", "words"), ODD, ids=[row[0] for row in ODD])
def test_what_is_hardly_meant_is_said_once(formula: str, code: str, words: str) -> None:
    (found,) = said()[formula]
    assert str(found.code) == code
    assert found.severity == "warning"
    assert words in f"{found.message} {found.help}"


@pytest.mark.parametrize("formula", USUAL)
def test_nothing_is_said_of_what_is_usual(formula: str) -> None:
    assert said()[formula] == []


def test_the_unit_of_a_command_counts() -> None:
    formula = "(base.height - command.speed.forward) / 1"
    (found,) = checked([formula])[formula]
    assert (str(found.code), found.severity) == ("KS0417", "error")
    assert "cannot subtract: 'm' and 'm/s'" in found.message

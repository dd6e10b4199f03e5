"""Terminations by a formula, where episodes begin: against MuJoCo's own numbers."""

from __future__ import annotations

import re
from pathlib import Path

import mujoco
import numpy as np
import pytest

from ksim_compiler.checks.formula_starts import conditions
from ksim_compiler.pipeline import compile_file
from ksim_schema.diagnostics import Diagnostic

TASKS = Path(__file__).parents[2] / "tasks"


def told(expression: str, task: str = "walk", *more: str) -> list[Diagnostic]:
    setting = f'Termination.tipped={{kind: formula, expression: "{expression}"}}'
    compiled = compile_file(TASKS / f"{task}.yaml", (setting, *more))
    found = [d for d in compiled.diagnostics if d.severity != "info"]
    return [d for d in found if d.path.startswith("Termination.tipped")]


@pytest.mark.parametrize(
    ("expression", "codes"),
    [
        ("base.height > 0.5", ["KS0432"]),
        ("base.height < 0.5", []),
        ("body.torso.up.z > 0.9 and time < 1", ["KS0432"]),
        ("body.torso.up.z < 0.1 or base.tilt > 80*deg", []),
        ("norm(site.sole_left - site.sole_right) < 1", ["KS0432"]),
        ("any(abs(joints['hip_.*']) > 100*deg)", []),
        ("abs(base.forward) < 0.01", ["KS0432"]),  # a robot begins at rest
        ("sum(square(joints['.*'].torque)) < 1", []),  # not known before it acts
    ],
)
def test_a_formula_that_is_true_at_home_is_told(expression: str, codes: list[str]) -> None:
    assert [str(d.code) for d in told(expression)] == codes


def test_a_share_of_the_starts_is_that_of_arithmetic() -> None:
    # both of two joints uniform over 3 deg: above 1.5 deg together in 1 of 16
    pair = "min(joint.elbow_left, joint.elbow_right)"
    home = compile_file(TASKS / "walk.yaml").plan
    assert home is not None
    joint = next(j for j in home.robot.facts.motion_joints if j.name == "elbow_left")
    edge = joint.home[0] + np.radians(1.5)
    (one,) = told(f"{pair} > {edge:.6f}*rad")
    assert str(one.code) == "KS0435"
    share = re.search(r"about (\d+) in 100", one.message)
    assert share is not None
    assert abs(int(share[1]) - 100 / 16) < 7


def test_the_base_in_a_formula_is_that_of_mujoco() -> None:
    names = ("height", "tilt", "forward", "left", "up", "turn")
    expression = " + ".join(f"0*base.{n}/(1*{u})" for n, u in zip(names, UNITS, strict=True))
    setting = f'Termination.tipped={{kind: formula, expression: "{expression} > 1"}}'
    plan = compile_file(TASKS / "walk.yaml", (setting,)).plan
    assert plan is not None
    model, random = plan.robot.model, np.random.default_rng(0)
    data = mujoco.MjData(model)
    data.qpos[:] = plan.robot.facts.home
    data.qpos[3:7] = random.normal(size=4)
    data.qvel[:] = random.normal(size=model.nv)
    mujoco.mj_normalizeQuat(model, data.qpos)
    mujoco.mj_forward(model, data)
    condition = conditions(plan)["tipped"]
    value = {name: float(condition.value(f"base.{name}", data)) for name in names}
    turn = np.zeros(9)
    mujoco.mju_quat2Mat(turn, data.qpos[3:7])
    turn = turn.reshape(3, 3)
    ahead = np.array([turn[0, 0], turn[1, 0], 0.0])
    ahead /= np.linalg.norm(ahead)
    side = np.cross([0.0, 0.0, 1.0], ahead)
    v, spin = data.qvel[:3], turn @ data.qvel[3:6]
    expected = [data.qpos[2], np.arccos(turn[2, 2]), v @ ahead, v @ side, v[2], spin[2]]
    assert np.allclose([value[name] for name in names], expected, atol=1e-9)


UNITS = ("m", "rad", "m/s", "m/s", "m/s", "rad/s")

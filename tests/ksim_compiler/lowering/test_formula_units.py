"""Formulas on an arm: the units of joints and sensors, and both engines."""

from __future__ import annotations

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.pipeline import compile_document
from ksim_compiler.robot.files import ModelFiles
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse
from ksim_schema.units import ANGLE, FORCE, LENGTH, NUMBER, SPEED, TORQUE, Dimension
from ksim_schema.vocabulary.formula import Surroundings, sources

ARM = """<mujoco>
  <worldbody>
    <geom name="floor" type="plane" size="1 1 1"/>
    <body name="link" pos="0 0 1">
      <joint name="turn" axis="0 1 0" range="-1 1"/> <geom name="rod" size="0.1" pos="0.2 0 0"/>
      <site name="tip" size="0.2"/>
      <body name="slide" pos="0.4 0 0"> <joint name="push" type="slide" axis="1 0 0" range="-1 1"/>
        <geom name="end" size="0.1"/> </body>
    </body>
  </worldbody>
  <tendon> <fixed name="both"> <joint joint="turn" coef="1"/> <joint joint="push" coef="1"/>
    </fixed> </tendon>
  <actuator> <motor name="m" tendon="both" ctrlrange="-1 1" forcerange="-1 1"/>
    <motor name="p" joint="push" ctrlrange="-1 1" forcerange="-1 1"/> </actuator>
  <sensor>
    <jointpos name="angle" joint="turn"/> <jointpos name="place" joint="push"/>
    <jointvel name="rate" joint="turn"/> <jointvel name="speed" joint="push"/>
    <jointactuatorfrc name="torque" joint="turn"/> <jointactuatorfrc name="thrust" joint="push"/>
    <touch name="touch" site="tip"/> <framezaxis name="axis" objtype="site" objname="tip"/>
    <framequat name="turned" objtype="site" objname="tip"/> <actuatorfrc name="motor" actuator="m"/>
    <subtreelinvel name="drift" body="link"/> <subtreeangmom name="momentum" body="link"/>
    <e_kinetic name="energy"/> <tendonpos name="length" tendon="both"/>
  </sensor>
</mujoco>"""
TASK = """
ksim: 1
task: arm
PhysicsState: {arm: {model: arm.xml, control: 100 Hz}}
Observation: {joints: {kind: joint_position}}
Action:
  turn: {kind: torque, scale: 1 N*m, joints: turn, torque_limit: 1 N*m}
  push: {kind: torque, scale: 1 N, joints: push, torque_limit: 1 N}
Policy: {actor: {act: [turn, push], read: joints}}
Critic: {critic: {judge: {clean: joints}}}
Reward: {r: {kind: formula, expression: FORMULA}}
Termination: {limit: {kind: episode_length, after: 1 s}}
"""
UNITS = {
    "angle": (ANGLE, 0),
    "place": (LENGTH, 0),
    "rate": (Dimension(rad=1, s=-1), 0),
    "speed": (SPEED, 0),
    "torque": (TORQUE, 0),
    "thrust": (FORCE, 0),
    "touch": (FORCE, 0),
    "axis": (NUMBER, 3),
    "axis.z": (NUMBER, 0),
    "turned": (NUMBER, 4),
    "turned.w": (NUMBER, 0),
    "length": (None, 0),
    "drift": (SPEED, 3),
    "momentum": (Dimension(m=2, kg=1, s=-1), 3),
    "energy": (Dimension(m=2, kg=1, s=-2), 0),
}


def compiled(formula: str, arm: str = ARM) -> Any:
    document = parse(TASK.replace("FORMULA", json.dumps(formula)), "arm.yaml", Sink())
    assert document is not None
    return compile_document(document, ModelFiles("arm.xml", {"arm.xml": arm.encode()}))


def test_sensors_have_the_unit_of_what_they_measure() -> None:
    result = compiled("-sensor.angle**2 / 1")
    assert result.plan is not None, result.diagnostics
    known = sources(result.plan.robot.facts, Surroundings({}))
    found = {n: known[f"sensor.{n}"].quantity for n in UNITS}
    assert {n: (q.dimension, q.length) for n, q in found.items()} == UNITS


def test_hinges_and_slides_have_no_common_unit() -> None:
    assert compiled("norm(joints['turn']) / 1 - norm(joints['push']) / 1").plan is not None
    result = compiled("sum(joints['.*']) / 1")
    assert "matches hinges and slides, whose units are rad and m" in str(result.diagnostics)


def test_a_sensor_of_an_actuator_that_goes_cannot_be_read() -> None:
    result = compiled("-abs(sensor.motor)")
    (found,) = [d for d in result.diagnostics if d.severity == "error"]
    assert "sensor 'motor' reads an actuator that an action of the task replaces" in found.message
    assert found.path == "Reward.r.expression"


@pytest.mark.slow
def test_both_engines_compute_the_same() -> None:
    """A few ticks of a bigger share of the names, on MuJoCo and on MJX."""
    result = compiled(
        "norm(body.slide.velocity) / 1 + norm(body.link.angular_velocity) / 10"
        " + body.link.com.x / 1 + site.tip.up.z / 100 + norm(body.link.com_velocity) / 2"
        " + sensor.rate / 3 + sensor.axis.x + 0.3 * sum(joints['turn'].torque)"
        " + joint.push.torque / 7 + (sensor.speed > 0.01) / 5 + site.tip.x_axis.z / 9"
        " + tolerance(joint.push, 0.1, 0.2, 0.3)",
        ARM.replace('<e_kinetic name="energy"/> <tendonpos name="length" tendon="both"/>', ""),
    )
    assert result.plan is not None, result.diagnostics
    seen: list[list[float]] = []
    for engine in ("native", "mjx"):
        env = Env(result.plan, engine, envs=1)
        state, step = jax.jit(env.init)(env.params, jax.random.key(0)), jax.jit(env.step)
        terms: list[float] = []
        for tick in range(4):
            state, out = step(env.params, state, jnp.array([[0.9, 0.5 - 0.3 * tick]]))
            terms.append(float(out.reward_terms["r"][0]))
        seen.append(terms)
    assert np.ptp(seen[0]) > 0.05
    np.testing.assert_allclose(seen[0], seen[1], rtol=2e-4)

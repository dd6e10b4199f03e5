"""What the names and functions of formulas are, against MuJoCo's own numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import mujoco
import numpy as np
import pytest

from ksim_compiler.lowering import rules
from ksim_schema.graph import Node
from ksim_schema.units.interval import Interval
from ksim_schema.units.quantity import parse_unit
from ksim_schema.vocabulary.observation import Observation
from ksim_schema.vocabulary.termination import Termination
from tests.ksim_compiler.lowering.rewarding import Scene, diagnosed


def _velocity(scene: Scene, kind: mujoco.mjtObj, index: int) -> np.ndarray:
    """Angular, then linear velocity in the world's axes."""
    found = np.zeros(6)
    mujoco.mj_objectVelocity(scene.model, scene.data, kind, index, found, 0)
    return found


def _body(s: Scene, name: str) -> np.ndarray:
    return _velocity(s, mujoco.mjtObj.mjOBJ_XBODY, s.model.body(name).id)


def _site(s: Scene, name: str) -> np.ndarray:
    return _velocity(s, mujoco.mjtObj.mjOBJ_SITE, s.model.site(name).id)


def _axes(s: Scene, name: str) -> np.ndarray:
    """The axes of a site as columns."""
    return s.data.site(name).xmat.reshape(3, 3)


def _com_velocity(s: Scene, name: str) -> np.ndarray:
    mujoco.mj_subtreeVel(s.model, s.data)
    return s.data.subtree_linvel[s.model.body(name).id]


def _knees(s: Scene, what: np.ndarray, of: str = "jnt_dofadr") -> np.ndarray:
    names = ("knee_left", "knee_right")
    return np.array([what[getattr(s.model, of)[s.model.joint(name).id]] for name in names])


def _angle(s: Scene, name: str) -> float:
    return float(_knees(s, s.data.qpos, "jnt_qposadr")[int(name == "knee_right")])


FORMULAS: dict[str, Callable[[Scene], Any]] = {
    "body.torso.velocity.x / 1": lambda s: _body(s, "torso")[3],
    "norm(body.foot_left.velocity) / 1": lambda s: np.linalg.norm(_body(s, "foot_left")[3:]),
    "body.foot_left.angular_velocity.y / 1": lambda s: _body(s, "foot_left")[1],
    "site.sole_left.velocity.z / 1": lambda s: _site(s, "sole_left")[5],
    "site.imu.up.z": lambda s: _axes(s, "imu")[2, 2],
    "site.imu.x_axis.y + 10 * site.imu.y_axis.x": lambda s: (
        _axes(s, "imu")[1, 0] + 10 * _axes(s, "imu")[0, 1]
    ),
    "norm(body.torso.z_axis - body.torso.up) + norm(body.torso.up)": lambda s: 1.0,
    "body.torso.com.z / 1": lambda s: s.data.subtree_com[s.model.body("torso").id][2],
    "norm(body.pelvis.com_velocity) / 1": lambda s: np.linalg.norm(_com_velocity(s, "pelvis")),
    "joint.knee_left.torque / 1": lambda s: _knees(s, s.data.qfrc_actuator)[0],
    "sum(joints['knee_.*'].torque) / 1": lambda s: _knees(s, s.data.qfrc_actuator).sum(),
    "joint.knee_left.acceleration / 1": lambda s: _knees(s, s.data.qacc)[0],
    "norm(joints['knee_.*'].acceleration) / (1*rad/s**2)": lambda s: np.linalg.norm(
        _knees(s, s.data.qacc)
    ),
    "sum(square(joints['knee_.*'])) / 1": lambda s: (
        _knees(s, s.data.qpos, "jnt_qposadr") ** 2
    ).sum(),
    "max(joints['knee_.*'].velocity) / 1": lambda s: _knees(s, s.data.qvel).max(),
    "sum(joints['.*'] * joints['.*']) / 1": lambda s: (s.data.qpos[7:] ** 2).sum(),
    "sensor.imu_gyro.z / 1": lambda s: s.data.sensor("imu_gyro").data[2],
    "norm(sensor.imu_accelerometer) / 1": lambda s: np.linalg.norm(
        s.data.sensor("imu_accelerometer").data
    ),
    "distance(site.sole_left, body.torso) / 1": lambda s: np.linalg.norm(
        s.data.site("sole_left").xpos - s.data.body("torso").xpos
    ),
    "atan2(site.imu.x_axis.y, site.imu.x_axis.x) / rad": lambda s: math.atan2(
        _axes(s, "imu")[1, 0], _axes(s, "imu")[0, 0]
    ),
    "where(joint.knee_left < joint.knee_right, 3, base.height) / 1": lambda s: (
        3.0
        if _angle(s, "knee_left") < _angle(s, "knee_right")
        else s.data.body(s.facts.root).xpos[2]
    ),
    "(joint.knee_left >= joint.knee_right) + 2 * (0 <= base.tilt <= pi)": lambda s: (
        2.0 + (_angle(s, "knee_left") >= _angle(s, "knee_right"))
    ),
    "any(joints['knee_.*'].velocity > 0) + 2 * all(joints['.*'] < 100)": lambda s: (
        2.0 + (_knees(s, s.data.qvel) > 0).any()
    ),
    "(time > 1 or not time > 1) + 2 * (time > 1 and time < 2)": lambda s: 1.0,
    # dm_control's rewards.tolerance(x, (0.7, inf), margin=0.5) of x = body.torso.up.z - 2
    "tolerance(body.torso.up.z - 2, 0.7, inf, 0.5)": lambda s: (
        0.1 ** (((0.7 - (s.data.body("torso").xmat[8] - 2)) / 0.5) ** 2)
    ),
    "tolerance(body.torso.up.z, -1, 1) + 2 * tolerance(time, 1, 2)": lambda s: 1.0,
    "tolerance(body.torso.up.z - 2, 0.7, inf, 2.5, 'linear', 0.5)": lambda s: (
        1.0 - 0.5 * (0.7 - (s.data.body("torso").xmat[8] - 2)) / 2.5
    ),
    "norm([body.torso, 2*m, site.imu.z - 1*m]) / 1": lambda s: np.linalg.norm(
        [*s.data.body("torso").xpos, 2.0, s.data.site("imu").xpos[2] - 1.0]
    ),
    "norm(geom.foot_left - site.sole_left) / 1": lambda s: np.linalg.norm(
        s.data.geom("foot_left").xpos - s.data.site("sole_left").xpos
    ),
    "geom.foot_left.velocity.x / 1 + 10 * geom.foot_left.up.y": lambda s: (
        _velocity(s, mujoco.mjtObj.mjOBJ_GEOM, s.model.geom("foot_left").id)[3]
        + 10 * s.data.geom("foot_left").xmat[5]
    ),
    "max(sites['sole_.*'].z) / 1": lambda s: max(
        s.data.site(f"sole_{side}").xpos[2] for side in ("left", "right")
    ),
    "sum(sites['sole_.*'].velocity.x * sites['sole_.*'].height) / 1": lambda s: sum(
        _site(s, f"sole_{side}")[3] * s.data.site(f"sole_{side}").xpos[2]
        for side in ("left", "right")
    ),
    "norm(bodies['foot_.*'].velocity - geoms['foot_.*'].velocity) / 1": lambda s: np.linalg.norm(
        [
            _body(s, f"foot_{side}")[3:]
            - _velocity(s, mujoco.mjtObj.mjOBJ_GEOM, s.model.geom(f"foot_{side}").id)[3:]
            for side in ("left", "right")
        ]
    ),
    "norm(joints['knee_.*'] - joints['knee_.*'].home) / 1": lambda s: np.linalg.norm(
        _knees(s, s.data.qpos - s.facts.home, "jnt_qposadr")
    ),
    "sum([base.height] * joints['knee_.*']) / 1": lambda s: (
        s.data.body(s.facts.root).xpos[2] * _knees(s, s.data.qpos, "jnt_qposadr").sum()
    ),
    "sum(abs(joints['knee_.*'].constraint_force)) / 1": lambda s: np.abs(
        _knees(s, s.data.qfrc_constraint)
    ).sum(),
    "joint.knee_left.upper / 1 + 10 * sum(joints['knee_.*'].lower)": lambda s: (
        s.model.joint("knee_left").range[1]
        + 10 * sum(s.model.joint(f"knee_{side}").range[0] for side in ("left", "right"))
    ),
    "distance(command.target, body.torso) / 1": lambda s: np.linalg.norm(
        np.array([0.1, 0.2, 0.3]) - s.data.body("torso").xpos
    ),
}


@pytest.fixture(scope="module")
def scene() -> Scene:
    rewards = {
        f"r{i}": {"kind": "formula", "expression": text, "commands": "target"}
        for i, text in enumerate(FORMULAS)
    }
    return Scene(json.dumps(rewards))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_what_mujoco_computes(scene: Scene, text: str) -> None:
    number = list(FORMULAS).index(text)
    for seed in range(3):
        scene.stir(seed)
        told = {"target": [0.1, 0.2, 0.3]}
        value = scene.value(f"r{number}", commands=told)
        assert value == pytest.approx(float(FORMULAS[text](scene)), rel=2e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("joint.knee_left.torque / (1*N)", "not a plain number: "),
        ("sum(joints['kne_.*'])", "'kne_.*' matches no joint"),
        ("sum(joints['(']) / 1", "'(' is not a pattern of names"),
        ("sum(joints['knee_.*'] * site.imu.up) / 1", "2 elements and 3 elements"),
        ("site.imu.up > base.height", "cannot compare: '1' and 'm'"),
        ("body.torso.velocity.x - sensor.imu_gyro.x", "'m/s' and 'rad/s'"),
        ("sensor.imu_giro.x / 1", "did you mean 'sensor.imu_gyro"),
        ("geom.foot_lft.z / 1", "'foot_lft.z' is no geom of the robot or its world"),
        ("geom.foot_left.torque / 1", "'torque' is nothing that a geom has"),
        ("sum(sites['soles_.*'].z) / 1", "'soles_.*' matches no site"),
        ("sum(sites['sole_.*'].com) / 1", "'com' is nothing that a site has"),
        ("sum(contacts['fot_.*'])", "'fot_.*' matches no geom"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    rewards = json.dumps({"bad": {"kind": "formula", "expression": text}})
    plan, _, report = diagnosed(rewards)
    assert plan is None
    assert "KS0417" in report
    assert message in report


OBSERVED: dict[str, tuple[str, Callable[[Scene], Any]]] = {
    "body.torso - site.sole_left": (
        "m",
        lambda s: s.data.body("torso").xpos - s.data.site("sole_left").xpos,
    ),
    "joints['knee_.*'].velocity > 0": ("", lambda s: _knees(s, s.data.qvel) > 0),
    "joints['knee_.*'].acceleration": ("rad/s^2", lambda s: _knees(s, s.data.qacc)),
    "joint.knee_left.torque": ("N*m", lambda s: [_knees(s, s.data.qfrc_actuator)[0]]),
    "2 * norm(body.torso.velocity)": (
        "m/s",
        lambda s: [2 * np.linalg.norm(_body(s, "torso")[3:])],
    ),
    "sensor.imu_gyro": ("rad/s", lambda s: s.data.sensor("imu_gyro").data),
    "time / 0.5": ("s", lambda s: [0.04]),
}
ENDED: dict[str, Callable[[Scene], bool]] = {
    "joint.knee_left < joint.knee_right": lambda s: (
        _angle(s, "knee_left") < _angle(s, "knee_right")
    ),
    "any(joints['knee_.*'].velocity > 0) and not site.imu.up.z < 0.9": lambda s: bool(
        (_knees(s, s.data.qvel) > 0).any() and _axes(s, "imu")[2, 2] >= 0.9
    ),
    "body.torso.velocity.x / (1*m/s) > command.target.x / (1*m)": lambda s: bool(
        _body(s, "torso")[3] > 0.1
    ),
}


def test_formulas_are_observed_and_end_episodes() -> None:
    """Vectors and units of observations, conditions of terminations, in many states."""
    noisy = {"noise": {"uniform": "1 cm"}, "unit": "m"}
    observed = {
        f"o{i}": {"kind": "formula", "expression": text} | (noisy if not i else {})
        for i, text in enumerate(OBSERVED)
    }
    ended = {
        f"t{i}": {"kind": "formula", "expression": text, "commands": "target", "timeout": i == 1}
        for i, text in enumerate(ENDED)
    }
    read = {"actor": {"read": ["joints", *observed]}}
    more = {"Observation": observed, "Termination": ended, "Policy": read}
    scene = Scene("life: {kind: stay_alive}", more=json.dumps(more))
    units = [str(scene.plan.units[Node("Observation", name)][0]) for name in observed]
    assert units == [unit and str(parse_unit(unit)[1]) for unit, _ in OBSERVED.values()]
    observations = scene.plan.parts(Observation)
    terminations = scene.plan.parts(Termination)
    assert [terminations[name].is_timeout for name in ended] == [False, True, False]
    came: dict[str, set[bool]] = {name: set() for name in ended}
    for seed in range(12):
        scene.stir(seed, speed=0.3)
        x = scene.context({"target": [0.1, 0.2, 0.3]})
        for name, (_, value) in zip(observed, OBSERVED.values(), strict=True):
            found, _ = rules.apply(observations[name], x, ())
            np.testing.assert_allclose(found, value(scene), rtol=2e-5, atol=1e-6)
            assert found.shape == scene.plan.shapes[Node("Observation", name)]
        for name, holds in zip(ended, ENDED.values(), strict=True):
            found, _ = rules.apply(terminations[name], x, ())
            assert bool(found) == holds(scene)
            came[name].add(bool(found))
    assert all(seen == {False, True} for seen in came.values())


@pytest.mark.parametrize(
    ("section", "part", "message"),
    [
        ("Termination", {"expression": "base.height"}, "is a number, and a condition is needed"),
        ("Termination", {"expression": "joints['.*'] > 1"}, "reduce it by any or all"),
        ("Termination", {"expression": "base.height < 1*s"}, "cannot compare: 'm' and 's'"),
        ("Termination", {"expression": "base.tilt > 40"}, "write 40*deg"),
        ("Termination", {"expression": "1 > 2"}, "help: name what it is measured by"),
        ("Observation", {"expression": "action"}, "unknown quantity 'action'"),
        (
            "Observation",
            {"expression": "base.height", "unit": "rad"},
            "its unit is said to be 'rad'",
        ),
        ("Observation", {"expression": "base.height", "unit": "cm"}, "write 'm'"),
        ("Observation", {"expression": "base.height", "unit": "furlong"}, "unknown unit 'furlong'"),
        (
            "Observation",
            {"expression": "base.height", "clip": ["0 s", "1 s"]},
            "the clip is a time",
        ),
    ],
)
def test_what_is_refused_elsewhere(section: str, part: dict[str, Any], message: str) -> None:
    more: dict[str, Any] = {section: {"bad": {"kind": "formula", **part}}}
    if section == "Observation":
        more["Policy"] = {"actor": {"read": ["joints", "bad"]}}
    _, _, report = diagnosed("life: {kind: stay_alive}", more=json.dumps(more))
    assert message in report


def test_a_condition_tells_where_episodes_go_on() -> None:
    """Each of several comparisons with a number, as the kinds for that say it."""
    text = "base.tilt > 60*deg or 0.5 > body.torso.z or abs(joint.knee_left) >= 2 or (time > 1 and "
    text += "base.height < 3) or base.forward > base.left"
    more = {"Termination": {"t": {"kind": "formula", "expression": text}}}
    plan, _, report = diagnosed("life: {kind: stay_alive}", more=json.dumps(more))
    assert plan is not None, report
    facts = plan.robot.facts
    found = {e.quantity: e.fixed for e in plan.parts(Termination)["t"].effects_on(facts)}
    assert found == {
        f"body.{facts.root}.tilt": Interval(-math.inf, math.radians(60)),
        "body.torso.height": Interval(0.5, math.inf),
        "joint.knee_left": Interval(-2.0, 2.0),
    }
    rewards = json.dumps({"r": {"kind": "formula", "expression": "1 - cos(base.tilt)"}})
    assert "KS0350" in diagnosed(rewards, more=json.dumps(more))[2]

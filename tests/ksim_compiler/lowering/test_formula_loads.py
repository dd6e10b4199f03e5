"""Contacts and forces from outside in formulas, against MuJoCo's own contacts."""

from __future__ import annotations

import mujoco
import numpy as np
import pytest
import yaml

from tests.ksim_compiler.lowering.rewarding import Scene, diagnosed

EXPRESSIONS = {
    "any": "contact.foot_left",
    "pair": "contact.foot_left.floor + 2 * contact.foot_left.foot_right",
    "other": "contact.head",
    "force": "contact.foot_left.floor.force / (1*N)",
    "load": "norm(body.foot_left.external_force) / (1*N)",
    "up": "body.foot_right.external_force.z / (1*N)",
    "turn": "body.foot_left.external_torque.x / (1*N*m)",
    "feet": "sum(square(clip(bodies['foot_.*'].external_force, -100, 100))) / (1*N^2)",
}


def forces(scene: Scene, geom: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Place and force in the world, N, of each contact on a geom."""
    found = []
    own = scene.model.geom(geom).id
    for index, contact in enumerate(scene.data.contact):
        if own not in (contact.geom1, contact.geom2) or contact.efc_address < 0:
            continue
        wrench = np.zeros(6)
        mujoco.mj_contactForce(scene.model, scene.data, index, wrench)
        force = contact.frame.reshape(3, 3).T @ wrench[:3]
        found.append((contact.pos.copy(), force if contact.geom2 == own else -force))
    return found


@pytest.mark.parametrize("lower", [-0.5, 0.004, 0.02])
def test_contacts_and_loads_are_those_of_mujoco(lower: float) -> None:
    expressions = {k: e.replace("N^2", "N*N") for k, e in EXPRESSIONS.items()}
    rewards = {n: {"kind": "formula", "expression": e} for n, e in expressions.items()}
    scene = Scene(yaml.safe_dump(rewards))
    scene.data.qpos[2] -= lower
    scene.data.qpos[7:] += np.random.default_rng(1).normal(0, 0.02, scene.model.nq - 7)
    scene.forward()
    left, right = forces(scene, "foot_left"), forces(scene, "foot_right")
    assert bool(left) == bool(right) == (lower > 0)
    total = [sum((f for _, f in each), np.zeros(3)) for each in (left, right)]
    centre = scene.data.subtree_com[scene.model.body("torso").id]
    turn = sum((np.cross(place - centre, f) for place, f in left), np.zeros(3))
    strongest = max((float(np.linalg.norm(f)) for _, f in left), default=0.0)
    wanted = {
        "any": float(bool(left)),
        "pair": float(bool(left)),
        "other": 0.0,
        "force": strongest,
        "load": np.linalg.norm(total[0]),
        "up": total[1][2],
        "turn": turn[0],
        "feet": (np.clip(total, -100, 100) ** 2).sum(),
    }
    for name, value in wanted.items():
        assert scene.value(name) == pytest.approx(value, rel=1e-4, abs=1e-3), name
    assert lower < 0 or strongest > 1.0


def test_a_pattern_alone_asks_for_what_its_parts_are_read_from() -> None:
    """Each body that it matches reads `cfrc_ext`; nothing else of the task does."""
    expression = "sum(square(clip(bodies['foot_.*'].external_force, -1, 1))) / (1*N*N)"
    scene = Scene(yaml.safe_dump({"feet": {"kind": "formula", "expression": expression}}))
    assert "cfrc_ext" in scene.plan.fields
    scene.data.qpos[2] -= 0.02
    scene.forward()
    loads = np.zeros(3), np.zeros(3)
    for total, foot in zip(loads, ("foot_left", "foot_right"), strict=True):
        total += sum((force for _, force in forces(scene, foot)), np.zeros(3))
    wanted = (np.clip(loads, -1, 1) ** 2).sum()
    assert wanted >= 1.0
    assert scene.value("feet") == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("contact.fot_left", "'fot_left' is no geom"),
        ("contact.foot_left.flor", "'flor' is no geom"),
        ("sum(bodies['wing.*'].external_force)", "matches no body"),
        ("sum(bodies['foot_.*'].speed)", "matches no body"),
        ("norm(body.foot_left.external_force)", "not a plain number"),
    ],
)
def test_what_is_no_contact_is_refused(expression: str, what: str) -> None:
    part = {"a": {"kind": "formula", "expression": expression}}
    _, found, text = diagnosed(yaml.safe_dump(part))
    assert [str(d.code) for d in found if d.severity == "error"] == ["KS0417"]
    assert what in text


def test_a_formula_adds_only_the_sensors_that_it_reads() -> None:
    part = {"a": {"kind": "formula", "expression": "body.torso.up.z * contact.foot_left.floor"}}
    plan, _, _ = diagnosed(yaml.safe_dump(part))
    assert plan is not None
    assert {(s.type, s.objname) for s in plan.sensors} == {
        ("framezaxis", "torso"),
        ("contact", "foot_left"),
    }

"""Terms of formulas with names of their own, and contacts by a pattern, against MuJoCo."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.ksim_compiler.lowering.rewarding import Scene, diagnosed

TERMS = {
    "kind": "formula",
    "let": {
        "away": "body.torso - site.sole_left",
        "near": "tolerance(norm(away), 0, 0.5, 1)",
        "told": "command.target.x / (1*m)",
    },
    "expression": "near * (1 + away.z / (1*m)) + told",
}


def test_terms_with_names_stand_for_what_they_say() -> None:
    """The same number as with each written out, and the commands of terms are found."""
    written = "tolerance(norm(body.torso - site.sole_left), 0, 0.5, 1) * (1 + (body.torso.z - "
    written += "site.sole_left.z) / (1*m)) + command.target.x / (1*m)"
    whole = {"kind": "formula", "expression": written}
    scene = Scene(json.dumps({"named": TERMS, "whole": whole}))
    for seed in range(3):
        scene.stir(seed)
        told = {"target": [0.1, 0.2, 0.3]}
        away = scene.data.body("torso").xpos - scene.data.site("sole_left").xpos
        near = 0.1 ** (max(np.linalg.norm(away) - 0.5, 0) ** 2)
        right = near * (1 + away[2]) + 0.1
        assert scene.value("named", commands=told) == pytest.approx(right, rel=1e-5)
        assert scene.value("whole", commands=told) == pytest.approx(right, rel=1e-5)


@pytest.mark.parametrize(
    ("let", "expression", "message"),
    [
        ({"a": "body.torsoo.z"}, "a / 1", "unknown quantity 'body.torsoo.z'"),
        ({"a": "b", "b": "time"}, "a / 1", "unknown quantity 'b'"),
        ({"a": "time"}, "a.x / 1", "'a' has no x, y and z"),
        ({"a": "time"}, "a", "'s' and '1'"),
        ({"m": "time"}, "m / 1", "a term's name 'm' means something else"),
        ({"a b": "time"}, "time / 1", "a term's name 'a b' is no single word"),
        ({"a": "time", "b": "time"}, "a / 1", "the term 'b' is named, and never used"),
    ],
)
def test_terms_that_are_refused_are_shown_at_their_place(
    let: dict[str, str], expression: str, message: str
) -> None:
    part = {"kind": "formula", "let": let, "expression": expression}
    _, _, report = diagnosed(json.dumps({"bad": part}))
    assert message in report


def test_contacts_by_pattern() -> None:
    """Both feet stand on the floor, the head touches nothing."""
    texts = {
        "count": "sum(contacts['foot_.*'])",
        "floor": "sum(contacts['foot_.*|head'].floor * geoms['foot_.*|head'].z) / 1",
        "force": "sum(contacts['foot_.*'].floor.force) / 1",
    }
    rewards = {name: {"kind": "formula", "expression": text} for name, text in texts.items()}
    scene = Scene(json.dumps(rewards))
    scene.data.qpos[2] -= 0.01
    scene.forward()
    heights = [scene.data.geom(f"foot_{side}").xpos[2] for side in ("left", "right")]
    assert scene.value("count") == 2
    assert scene.value("floor") == pytest.approx(sum(heights), rel=1e-4)
    assert scene.value("force") > 10

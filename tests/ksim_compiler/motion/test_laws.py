"""What a task says of following a motion, and where parts of it contradict each other."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from ksim_compiler.checks.motionstarts import beside
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from ksim_schema.checks.ranges import table
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.reset_motion import ResetMotionStart
from tests.ksim_compiler.motion.clips import ROOT

PATH = ROOT / "tasks" / "humanoid_track.yaml"


@cache
def plan() -> Plan:
    found = compile_file(PATH)
    assert found.diagnostics == []
    assert found.plan is not None
    return found.plan


def test_what_a_task_says_of_its_motion() -> None:
    known = table(plan().task, plan().robot.facts)
    said = {
        quantity.removeprefix("motion.motion."): ranges
        for quantity, ranges in known.items()
        if quantity.startswith("motion.")
    }
    ends = {q: r.says("ends")[0].within for q, r in said.items() if r.says("ends")}
    limbs = [f"{limb}_{side}.rise" for limb in ("foot", "forearm") for side in ("left", "right")]
    wanted = dict.fromkeys(("anchor.rise", *limbs), Interval(-0.25, 0.25))
    assert {q: ends[q] for q in wanted} == wanted
    assert ends["anchor.tilt"].high == pytest.approx(math.radians(45))
    assert ends["phase"] == Interval(0.0, 1.0)
    assert set(ends) == {*wanted, "anchor.tilt", "phase"}
    scales = {q: r.says("wants")[0].scale for q, r in said.items() if r.says("wants")}
    assert scales == {
        "anchor.distance": 0.3,
        "anchor.angle": 0.4,
        "bodies.distance": 0.2,
        "bodies.angle": 0.4,
        "bodies.speed": 1.0,
        "bodies.spin": 3.14,
    }
    starts = {q: r.says("starts")[0].within.high for q, r in said.items() if r.says("starts")}
    assert set(starts) == {"base.distance", "base.tilt", "joints.apart"}
    # the reset's draws stay within what is said of them
    part = plan().task.parts["Reset"]["start"]
    assert isinstance(part, ResetMotionStart)
    for frame, start in beside(plan(), part, 200):
        off = np.linalg.norm(start.qpos[:3] - frame.qpos[:3])
        assert off <= starts["base.distance"] + 1e-9
        ups = [1 - 2 * (q[4] ** 2 + q[5] ** 2) for q in (frame.qpos, start.qpos)]
        assert abs(math.acos(ups[0]) - math.acos(ups[1])) <= starts["base.tilt"] + 1e-9
        assert np.abs(start.qpos[7:] - frame.qpos[7:]).max() <= starts["joints.apart"] + 1e-9


LAWS = {
    "Termination.lost.anchor_height=2 m": ("KS0313", "at most 1.04 m above the ground"),
    "Termination.lost.anchor_tilt=180 deg": ("KS0313", "no angle is more than 180 degrees"),
    "Termination.lost.ends.height=25 m": ("KS0313", "a robot that has fallen is not 25 m off"),
    # far from the base small angles are much
    "Reset.start.noise.tilt=40 deg": ("KS0686", "of the episodes are lost at once: the ends"),
    "Reset.start.noise.joints=40 deg": ("KS0686", "and more than 0.25 ends them"),
    "Reset.start.noise.height=40 cm": ("KS0686", "lost at once: the anchor"),
    "Reward.place.error_scale=2 mm": ("KS0334", "which leads nowhere"),
}


@pytest.mark.parametrize("setting", LAWS)
def test_a_contradiction_is_told(setting: str) -> None:
    code, words = LAWS[setting]
    found = compile_file(PATH, [setting]).diagnostics
    assert {d.code for d in found} == {code}
    assert any(words in d.message for d in found), [d.message for d in found]

"""What a task says of physical quantities: declarations, intervals, and the printed table."""

from __future__ import annotations

import math
from pathlib import Path
from string import Formatter

import mujoco
import pytest

from ksim_compiler.cli.emit import ranges
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan
from ksim_schema.checks.ranges import shown, shown_range, table
from ksim_schema.units import ANGLE, LENGTH, Dimension
from ksim_schema.units.interval import EVERYTHING, Interval
from ksim_schema.vocabulary import KINDS, Part

ROOT = Path(__file__).parents[2]


def plan_of(name: str, *settings: str) -> Plan:
    plan = compile_file(ROOT / "tasks" / f"{name}.yaml", settings).plan
    assert plan is not None
    return plan


@pytest.mark.parametrize(
    "part",
    [part for kinds in KINDS.values() for part in kinds.values() if part.effects],
    ids=lambda part: f"{part.object}.{part.kind_name}",
)
def test_effects_name_fields_of_their_part(part: type[Part]) -> None:
    for effect in part.effects:
        named = [name for _, name, _, _ in Formatter().parse(effect.quantity) if name]
        named += [name for name in (effect.field, effect.scale) if name]
        assert {*named} - {"name"} <= {*part.model_fields}
        assert effect.field or effect.fixed is not None
        assert effect.in_words()


def test_the_home_pose_is_measured_as_mujoco_has_it() -> None:
    plan = plan_of("walk")
    model, data = plan.robot.model, mujoco.MjData(plan.robot.model)
    data.qpos[:] = plan.robot.facts.home
    mujoco.mj_kinematics(model, data)
    measures = plan.robot.facts.measures
    assert measures["body.torso.height"] == data.body("torso").xpos[2]
    assert measures["site.sole_left.x"] == data.site("sole_left").xpos[0]
    up = data.body("torso").xmat[8]
    assert math.cos(measures["body.torso.tilt"]) == pytest.approx(up, abs=1e-12)
    assert measures["body.torso.mass"] == model.body("torso").mass[0]


def test_resets_terminations_commands_and_rewards_meet_in_one_quantity() -> None:
    plan = plan_of("cartpole")
    pole = table(plan.task, plan.robot.facts)["joint.pole"]
    wide, narrow = math.radians(12), math.radians(4)
    assert pole.start.low == pytest.approx(-narrow)
    assert pole.start.high == pytest.approx(narrow)
    assert pole.lasting is not None
    assert pole.lasting.high == pytest.approx(wide)
    (wanted,) = pole.says("wants")
    assert wanted.within == Interval(0, 0)
    assert wanted.scale == pytest.approx(math.radians(5))
    plan = plan_of("walk", "Command.velocity.forward=[-0.5 m/s, 2 m/s]")
    forward = table(plan.task, plan.robot.facts)["body.torso.forward"]
    assert {s.within for s in forward.says("wants")} == {Interval(-0.5, 2.0)}
    assert {s.command for s in forward.statements} == {"velocity"}


def test_a_joint_starts_within_its_limits() -> None:
    plan = plan_of("walk", "Reset.pose.range=60 deg")
    knee = table(plan.task, plan.robot.facts)["joint.knee_left"]
    assert knee.start.low == knee.bounds.low == 0.0


def test_what_changes_nothing_is_not_said() -> None:
    plan = plan_of("walk", "Reset.pose.range=0 deg")
    assert "joint.knee_left" not in table(plan.task, plan.robot.facts)


def test_the_table_names_each_place() -> None:
    text = ranges(plan_of("cartpole"))
    lines = text.splitlines()
    start = lines.index("joint.pole")
    block = lines[start : lines.index("", start)]
    source = (ROOT / "tasks/cartpole.yaml").read_text(encoding="utf-8").splitlines()
    ends = next(line for line in block if "Termination.tipped" in line)
    assert "-12 to 12 deg" in ends
    assert "tipped" in source[int(ends.rpartition(":")[2]) - 1]


def test_numbers_are_shown_as_people_read_them() -> None:
    assert shown(math.pi / 2, ANGLE) == "90 deg"
    assert shown_range(Interval(math.pi / 4, math.inf), ANGLE) == "at least 45 deg"
    assert shown_range(Interval(-1, 2), LENGTH) == "-1 to 2 m"
    assert shown_range(Interval(1, 1), Dimension()) == "1"
    assert shown_range(EVERYTHING, LENGTH) == "anything"

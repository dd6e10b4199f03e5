"""What is found between two tasks, and its tier."""

from __future__ import annotations

import pytest

from ksim_schema.diff import Change, Diff, diff
from ksim_schema.diff.report import lines
from tests.support.tasks import SHIPPED, checked, meaning

WALK = next(p for p in SHIPPED if p.stem == "walk").read_text(encoding="utf-8")


def change(*pairs: tuple[str, str]) -> Diff:
    text = WALK
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return diff(meaning(checked(WALK)), meaning(checked(text)))


def only(found: Diff) -> Change:
    (single,) = found.changes
    return single


@pytest.mark.parametrize(
    ("old", "new", "tier"),
    [
        ("scale: 0.3, noise", "scale: 0.4, noise", "policy-io"),
        ("relative_to: home", "relative_to: zero", "policy-io"),
        ("sensor: imu_gyro", "sensor: imu_acc", "policy-io"),
        ("last_action, clock]", "clock, last_action]", "policy-io"),
        ("gravity, gyro,", "gyro,", "policy-io"),
        ("scale: 0.6 rad", "scale: 0.5 rad", "policy-io"),
        ("kp: 120 N*m/rad", "kp: 100 N*m/rad", "policy-io"),
        ("around: home\n    scale", "around: zero\n    scale", "policy-io"),
        ("hidden: [128, 128]", "hidden: [64, 128]", "policy-io"),
        (", symmetric: true", "", "policy-io"),
        ("control: 50 Hz", "control: 25 Hz", "policy-io"),
        ("{kind: gaussian, init_std: 0.5}", "{kind: tanh_gaussian, init_std: 0.5}", "policy-io"),
        ("init_std: 0.5", "init_std: 0.6", "training"),
        ("uniform: 1 deg", "uniform: 2 deg", "training"),
        ("uniform: 1 deg}", "gaussian: 1 deg}", "training"),
        ("forward: [0.0 m/s, 1.0 m/s]", "forward: [0.0 m/s, 2.0 m/s]", "training"),
        ("frame: robot", "frame: world", "training"),  # only the critic reads it
        ("height: 0.75 m", "height: 0.7 m", "training"),
        ("range: 3 deg", "range: 4 deg", "training"),
        ("gamma: 0.98", "gamma: 0.97", "training"),
        ("iterations: 8", "iterations: 9", "training"),
        ("envs: 512", "envs: 1024", "runtime"),
        ("steps: 4000000", "steps: 60", "runtime"),
        ("  alive:", "  living:", "runtime"),
        ("about: A", "about: The", "cosmetic"),
        ("task: walk", "task: stroll", "cosmetic"),
        ("  humanoid:", "  robot:", "cosmetic"),
        ("  actor:", "  brain:", "cosmetic"),
        ("robots/humanoid/scene.xml", "other/scene.xml", "cosmetic"),
    ],
)
def test_the_tier_of_a_change(old: str, new: str, tier: str) -> None:
    assert change((old, new)).tier == tier


@pytest.mark.parametrize(
    ("old", "new"),
    [("  # what a robot", "  # that a robot"), ("5 ms", "0.005 s"), ("1.0e-5", "0.00001")],
)
def test_what_means_the_same_is_no_change(old: str, new: str) -> None:
    assert not change((old, new))


def test_a_value_is_given_before_and_after() -> None:
    found = only(change(("error_scale: 0.5 m/s, scale: 0.8", "error_scale: 0.5 m/s, scale: 2.5")))
    assert found.place == ("Reward", "linvel", "scale", "constant")
    assert (found.old, found.new) == (0.8, 2.5)


def test_a_part_of_the_same_content_is_renamed() -> None:
    found = only(change(("  alive:", "  living:")))
    assert (found.action, found.old, found.new) == ("renamed", "alive", "living")


@pytest.mark.parametrize(
    "field",
    ["collide: ['foot_.*', 'knee_.*']", "joint_dynamics: {friction: 0.1 N*m}"],
)
def test_how_the_robot_is_simulated_is_of_the_training(field: str) -> None:
    assert only(change(("timestep: 5 ms", f"timestep: 5 ms\n    {field}"))).tier == "training"


def test_the_only_part_of_its_object_is_renamed_whatever_changes_in_it() -> None:
    found = change(("  humanoid:", "  robot:"), ("timestep: 5 ms", "timestep: 2 ms"))
    assert [(c.action, c.tier) for c in found.changes] == [
        ("renamed", "cosmetic"),
        ("changed", "training"),
    ]


def test_of_equal_parts_each_is_renamed_to_the_one_with_its_neighbours() -> None:
    twins = (
        "  clock: {kind: phase_clock, period: 0.8 s}\n",
        "  clock: {kind: phase_clock, period: 0.8 s}\n  a: {kind: phase_clock, period: 0.8 s}\n",
    )
    reads = ("last_action, clock]", "last_action, clock, a]")
    old = WALK.replace(*twins).replace(*reads)
    new = old.replace("  a: {", "  z: {").replace("clock, a]", "c, z]")
    new = new.replace("  clock: {", "  c: {").replace("last_action, clock,\n", "last_action, c,\n")
    found = diff(meaning(checked(old)), meaning(checked(new)))
    assert found.renames == {("Observation", "a"): "z", ("Observation", "clock"): "c"}
    assert len(found.changes) == 2


def test_a_part_that_nothing_reads_is_runtime() -> None:
    found = change(("  base_height:", "  spare: {kind: base_height}\n  base_height:"))
    assert found.tier == "runtime"


def test_wires_of_a_new_part_are_told_with_it() -> None:
    found = change(
        ("  base_height:", "  spare: {kind: base_height}\n  base_height:"),
        ("last_action, clock]", "last_action, clock, spare]"),
    )
    (line,) = lines(found, "policy-io")
    assert line.text == "{kind: base_height} -> Policy.actor"


def test_a_value_is_shown_in_its_unit_and_exactly_where_six_digits_hide_the_change() -> None:
    (line,) = lines(change(("period: 0.8 s}", "period: 900 ms}")), "policy-io")
    assert (line.old, line.new) == ("0.8 s", "0.9 s")
    (line,) = lines(change(("gamma: 0.98", "gamma: 0.980000001")), "training")
    assert (line.old, line.new) == ("0.98", "0.980000001")


def test_files_of_the_model() -> None:
    task = meaning(checked(WALK))
    old = {**task, "files": {"a.xml": "1", "b.png": "2", "gone.stl": "3"}}
    new = {**task, "files": {"a.xml": "9", "c.png": "2", "new.stl": "4"}}
    found = {(c.action, c.place[0]): c.tier for c in diff(old, new).changes}
    assert found == {
        ("changed", "a.xml"): "training",
        ("renamed", "c.png"): "runtime",
        ("born", "new.stl"): "training",
        ("died", "gone.stl"): "training",
    }
    assert diff(old, new).with_files("policy-io", "").tier == "policy-io"

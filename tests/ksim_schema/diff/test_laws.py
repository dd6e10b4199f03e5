"""The laws of differences, for random tasks."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings

from ksim_schema.diff import Diff, DiffError, apply, diff
from ksim_schema.diff.report import Comparison, to_json
from ksim_schema.diff.text import markdown, text
from ksim_schema.graph.canonical import canonical_yaml, fingerprint_of
from tests.support.tasks import SHIPPED, checked, meaning, tasks

FEW = settings(max_examples=60, deadline=None)


@FEW
@given(tasks())
def test_a_task_does_not_differ_from_itself(task: dict[str, Any]) -> None:
    assert not diff(task, copy.deepcopy(task))
    assert apply(task, Diff()) == task


@FEW
@given(tasks(), tasks())
def test_a_diff_leads_from_one_task_to_the_other(a: dict[str, Any], b: dict[str, Any]) -> None:
    before = copy.deepcopy(a)
    changes = diff(a, b)
    assert apply(a, changes) == b
    assert a == before
    assert apply(a, Diff.from_json(changes.to_json())) == b
    assert Diff.from_json(changes.to_json()) == changes


@FEW
@given(tasks(), tasks())
def test_cosmetic_is_what_leaves_the_fingerprint(a: dict[str, Any], b: dict[str, Any]) -> None:
    same = fingerprint_of(a) == fingerprint_of(b)
    assert same == (diff(a, b).tier in (None, "cosmetic"))


@FEW
@given(tasks())
def test_the_canonical_text_is_the_task(task: dict[str, Any]) -> None:
    data = {key: value for key, value in task.items() if key != "files"}
    assert meaning(checked(canonical_yaml(data))) == task


@settings(max_examples=15, deadline=None)
@given(tasks(), tasks())
def test_every_diff_can_be_shown(a: dict[str, Any], b: dict[str, Any]) -> None:
    compared = [Comparison("a", "b", diff(a, b), None, a, b)]
    for shown in (text(compared), markdown(compared), to_json(compared)):
        assert "a -> b" in shown or '"old": "a"' in shown


def test_a_diff_of_another_task_is_refused() -> None:
    named = {path.stem: path for path in SHIPPED}
    walk, cartpole = (
        meaning(checked(named[name].read_text(encoding="utf-8"))) for name in ("walk", "cartpole")
    )
    with pytest.raises(DiffError):
        apply(cartpole, diff(walk, {**walk, "Reward": {}}))


@pytest.mark.parametrize(
    "bad", ["", "[]", "{}", '{"format": 1, "changes": [1]}', '{"format": 1, "changes": [{}]}']
)
def test_what_is_no_diff_is_refused(bad: str) -> None:
    with pytest.raises(DiffError):
        Diff.from_json(bad)

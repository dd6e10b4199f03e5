"""Robots of others: what --init begins is sound, and the physics is what the task says.

Three models of gymnasium run with all tests; `make test-zoo` runs the others, those of dm_control
and those of MuJoCo Menagerie (MENAGERIE_ROOT). Both print a table of the largest differences to
plain MuJoCo.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.zoo import trial
from tests.zoo.conftest import Record
from tests.zoo.models import GYMNASIUM, OTHERS, Model

EXACT = 1e-9
"""Of qpos and qvel after 20 ticks on the native engine; relative where they are above 1."""
FLOAT32 = 5e-4
"""The same on MJX, which rounds each operation to 6e-8 and runs through contacts here."""


def param(model: Model, *marks: pytest.MarkDecorator) -> object:
    return pytest.param(model, id=model.name, marks=marks)


FEW = ("gymnasium/half_cheetah", "gymnasium/humanoid", "gymnasium/reacher")
EVERY = [
    param(model, *(() if model.name in FEW else (pytest.mark.slow, pytest.mark.zoo)))
    for model in (*GYMNASIUM, *OTHERS)
]
ON_MJX = [m for m in GYMNASIUM if m.name.split("/")[-1] in ("half_cheetah", "hopper", "reacher")]


@pytest.fixture(autouse=True)
def loads(model: Model) -> None:
    """Leave out what is a part of another file, or needs files that are not there."""
    try:
        model.load()
    except ValueError as error:
        pytest.skip(f"MuJoCo does not load it: {error}")


@pytest.mark.parametrize("model", EVERY)
def test_init_begins_a_task_that_runs(model: Model, tmp_path: Path, record: Record) -> None:
    record(model.name, "--init", lambda: trial.steps(trial.begun(model, tmp_path)))


@pytest.mark.parametrize("model", EVERY)
def test_all_joints_driven_move_as_in_plain_mujoco(
    model: Model, tmp_path: Path, record: Record
) -> None:
    assert record(model.name, "all driven", lambda: trial.compared(model, tmp_path)) < EXACT


@pytest.mark.parametrize("model", EVERY)
def test_joints_that_no_action_drives_are_held_by_their_own_actuators(
    model: Model, tmp_path: Path, record: Record
) -> None:
    """Or the task is refused, with the actuators' names, where they move a driven one as well."""
    try:
        worst = record(model.name, "half", lambda: trial.compared(model, tmp_path, every=2))
    except trial.Refused:
        return
    assert worst < EXACT


@pytest.mark.slow
@pytest.mark.zoo
@pytest.mark.parametrize("model", [param(model) for model in ON_MJX])
def test_mjx_moves_them_alike(model: Model, tmp_path: Path, record: Record) -> None:
    assert record(model.name, "mjx", lambda: trial.compared(model, tmp_path, "mjx")) < FLOAT32

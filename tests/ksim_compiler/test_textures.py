"""The first look at a model draws no textures; what it says is the same, and plans have them."""

from __future__ import annotations

from pathlib import Path

import mujoco

from ksim_compiler.pipeline import compile_file
from ksim_compiler.robot import model

TASKS = Path(__file__).parents[2] / "tasks"


def test_a_model_says_the_same_without_its_textures_and_a_plan_has_them() -> None:
    plan = compile_file(TASKS / "walk.yaml").plan
    assert plan is not None
    written = mujoco.MjModel.from_xml_path(str(TASKS / "robots/humanoid/scene.xml"))
    assert plan.robot.model.ntexdata == written.ntexdata > 1_000_000

    whole = model.load(plan.robot.part, plan.robot.files)
    small = model.load(plan.robot.part, plan.robot.files, textures=False)
    assert whole.model.ntexdata == written.ntexdata
    assert small.model.ntexdata < 100
    assert small.facts == whole.facts
    assert (small.held, small.notes) == (whole.held, whole.notes)

"""Paths in tasks that extend others, over folders and links; what a compiled task repeats."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from ksim_compiler import artifact
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_schema.diagnostics import has_errors
from ksim_schema.vocabulary.reward import Reward

MODEL = """<mujoco><compiler autolimits="true"/><option timestep="0.005"/><worldbody><body name="b">
<joint name="j" axis="0 1 0" actuatorfrcrange="-5 5"/><geom name="g" size=".1" mass="MASS"/></body>
</worldbody></mujoco>"""
NETWORK = {"kind": "mlp", "hidden": [8]}
BASE: dict[str, Any] = {
    "PhysicsState": {"r": {"model": "robot.xml", "control": "50 Hz"}},
    "Observation": {"q": {"kind": "joint_position"}},
    "Action": {"a": {"kind": "torque", "joints": "j", "scale": "1 N*m"}},
    "Policy": {"actor": {"read": ["q"], "network": NETWORK}},
    "Critic": {"critic": {"judge": {"clean": ["q"]}, "network": NETWORK}},
    "Reward": {"e": {"kind": "torque_penalty", "scale": 0.1}},
    "Termination": {"time": {"kind": "episode_length", "after": "1 s"}},
    "PPO": {"envs": 2, "rollout": 8, "minibatches": 2},
}
COMPONENT = '''"""Rewards."""

import jax.numpy as jnp
from ksim_schema.custom import Reward


class NAME(Reward):
    """Nothing."""

    fields = ("qpos",)

    def value(self, x):
        return jnp.sum(x.row.state["qpos"]) * 0.0
'''


def put(path: Path, content: dict[str, Any] | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not isinstance(content, str):
        content = yaml.safe_dump({"ksim": 1, "task": path.stem, **content}, sort_keys=False)
    path.write_text(content, encoding="utf-8")
    return path


def robot(path: Path, mass: int = 1) -> Path:
    return put(path, MODEL.replace("MASS", str(mass)))


def good(path: Path) -> Compiled:
    compiled = compile_file(path)
    assert not has_errors(compiled.diagnostics), compiled.diagnostics
    assert compiled.plan is not None
    return compiled


def mass(compiled: Compiled) -> float:
    assert compiled.plan is not None
    return compiled.plan.robot.facts.mass


@pytest.mark.parametrize("base", ["base.yaml", "common/base.yaml", "a/b/base.yaml", "../base.yaml"])
@pytest.mark.parametrize("way", ["set", "part"])
def test_a_model_that_one_of_two_changes(base: str, way: str, tmp_path: Path) -> None:
    here = tmp_path / "here"
    put(here / base, BASE)
    robot((here / base).parent / "robot.xml", 1)
    robot(here / "other.xml", 2)
    put(here / "x.yaml", {"extends": base, "set": {"PhysicsState.r.model": "other.xml"}})
    if way == "part":
        part = {**BASE["PhysicsState"]["r"], "model": "other.xml"}
        put(here / "x.yaml", {"extends": base, "set": {"PhysicsState.r": part}})
    put(here / "y.yaml", {"extends": base, "set": {"PPO.rollout": 16}})
    both = good(put(here / "main.yaml", {"extends": ["x.yaml", "y.yaml"]}))
    assert mass(both) == 2
    assert both.plan is not None
    assert both.plan.task.learner.rollout == 16


def test_a_base_that_is_used_from_two_depths(tmp_path: Path) -> None:
    put(tmp_path / "base.yaml", BASE)
    robot(tmp_path / "robot.xml", 3)
    put(tmp_path / "x/x.yaml", {"extends": "../base.yaml", "set": {"PPO.envs": 4}})
    put(tmp_path / "y/z/y.yaml", {"extends": "../../base.yaml", "set": {"PPO.rollout": 16}})
    for folder in (tmp_path, tmp_path / "deep/er"):
        up = Path(*[".."] * len(folder.relative_to(tmp_path).parts))
        names = [str(up / "x/x.yaml"), str(up / "y/z/y.yaml")]
        assert mass(good(put(folder / "main.yaml", {"extends": names}))) == 3


def test_two_ways_to_write_one_path_are_no_conflict(tmp_path: Path) -> None:
    robot(tmp_path / "r/robot.xml", 4)
    for name, model in (("x", "./r/robot.xml"), ("s/y", "../r/robot.xml")):
        part = {"r": {**BASE["PhysicsState"]["r"], "model": model}}
        put(tmp_path / f"{name}.yaml", {**BASE, "PhysicsState": part})
    assert mass(good(put(tmp_path / "main.yaml", {"extends": ["x.yaml", "s/y.yaml"]}))) == 4
    # and another file of the same name is one
    robot(tmp_path / "s/robot.xml", 5)
    part = {"r": {**BASE["PhysicsState"]["r"], "model": "robot.xml"}}
    put(tmp_path / "s/y.yaml", {**BASE, "PhysicsState": part})
    assert [d.code for d in compile_file(tmp_path / "main.yaml").diagnostics] == ["KS0602"]


def with_component(name: str, file: str) -> dict[str, Any]:
    reward = {name.lower(): {"kind": name.lower(), "scale": 1.0}}
    return {"components": [file], "Reward": reward}


@pytest.mark.parametrize("place", ["base.yaml", "common/base.yaml", "../base.yaml"])
def test_a_task_adds_component_files_to_those_of_its_base(place: str, tmp_path: Path) -> None:
    here = tmp_path / "here"
    base = with_component("One", "one.py")
    put(here / place, {**BASE, **base, "Reward": {**BASE["Reward"], **base["Reward"]}})
    robot((here / place).parent / "robot.xml")
    put((here / place).parent / "one.py", COMPONENT.replace("NAME", "One"))
    put(here / "two.py", COMPONENT.replace("NAME", "Two"))
    path = put(here / "t.yaml", {"extends": place, **with_component("Two", "two.py")})
    compiled = good(path)
    assert compiled.plan is not None
    assert set(compiled.plan.task.of(Reward)) == {"e", "one", "two"}
    assert {Path(n).name for n in compiled.plan.task.components.files} == {"one.py", "two.py"}
    artifact.write(tmp_path / "t.ksim", compiled)
    shutil.rmtree(here)
    read = artifact.read(tmp_path / "t.ksim", trust=True)
    assert not has_errors(read.diagnostics), read.diagnostics
    assert read.fingerprint == compiled.fingerprint


def test_component_files_of_two_bases(tmp_path: Path) -> None:
    robot(tmp_path / "robot.xml")
    put(tmp_path / "base.yaml", BASE)
    for name in ("One", "Two"):
        put(tmp_path / f"{name}.py", COMPONENT.replace("NAME", name))
        more = {"extends": "base.yaml", **with_component(name, f"{name}.py")}
        put(tmp_path / f"{name}.yaml", more)
    compiled = good(put(tmp_path / "main.yaml", {"extends": ["One.yaml", "Two.yaml"]}))
    assert compiled.plan is not None
    assert set(compiled.plan.task.of(Reward)) == {"e", "one", "two"}
    # a file that is not there is reported in the task that names it
    (tmp_path / "Two.py").unlink()
    (problem, *_) = compile_file(tmp_path / "main.yaml").diagnostics
    assert (problem.code, Path(problem.where.file).name) == ("KS0701", "Two.yaml")


def test_two_component_files_of_one_name_are_a_conflict(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        robot(tmp_path / folder / "robot.xml")
        put(tmp_path / folder / "c.py", COMPONENT.replace("NAME", folder.upper()))
    put(tmp_path / "a/base.yaml", {**BASE, "components": ["c.py"]})
    put(tmp_path / "b/more.yaml", {"components": ["c.py"], "Reward": {}})
    path = put(tmp_path / "own/t.yaml", {"extends": ["../a/base.yaml", "../b/more.yaml"]})
    problems = compile_file(path).diagnostics
    assert "KS0602" in {d.code for d in problems}
    assert any("two files are called c.py" in d.message for d in problems)


def test_a_link_to_a_task(tmp_path: Path) -> None:
    robot(tmp_path / "repository/robots/robot.xml", 6)
    part = {"r": {**BASE["PhysicsState"]["r"], "model": "robots/robot.xml"}}
    put(tmp_path / "repository/base.yaml", {**BASE, "PhysicsState": part})
    put(tmp_path / "repository/t.yaml", {"extends": "base.yaml", "set": {"PPO.envs": 4}})
    (tmp_path / "mine").mkdir()
    for name in ("base.yaml", "t.yaml"):
        link = tmp_path / "mine" / f"my_{name}"
        link.symlink_to(tmp_path / "repository" / name)
        assert mass(good(link)) == 6
    # a task that extends a link finds what stands beside the file that it leads to
    child = put(tmp_path / "mine/child.yaml", {"extends": "my_t.yaml"})
    assert mass(good(child)) == 6


def test_a_link_into_a_store_of_files_by_their_hash(tmp_path: Path) -> None:
    store, snapshot = tmp_path / "blobs", tmp_path / "snapshot"
    robot(store / "1f0a", 7)
    put(store / "c77c2", BASE)
    snapshot.mkdir()
    (snapshot / "t.yaml").symlink_to(store / "c77c2")
    (snapshot / "robot.xml").symlink_to(store / "1f0a")
    assert mass(good(snapshot / "t.yaml")) == 7
    assert mass(good(put(snapshot / "child.yaml", {"extends": "t.yaml"}))) == 7


def test_a_model_that_is_not_there_is_told_with_where_it_was_looked_for(tmp_path: Path) -> None:
    put(tmp_path / "common/base.yaml", BASE)
    path = put(tmp_path / "own/t.yaml", {"extends": "../common/base.yaml"})
    (problem,) = compile_file(path).diagnostics
    assert problem.code == "KS0202"
    assert f"looked for {tmp_path / 'common/robot.xml'}" in problem.message
    put(tmp_path / "common/robot.xml", '<mujoco><include file="part.xml"/></mujoco>')
    (problem,) = compile_file(path).diagnostics
    assert f"looked for {tmp_path / 'common/part.xml'}" in problem.message


@pytest.mark.parametrize("text", ["1 +", "import os", "f'x'", "x" * 2000, "+".join(["1"] * 400)])
def test_each_mistake_in_a_formula_has_a_help(text: str, tmp_path: Path) -> None:
    robot(tmp_path / "robot.xml")
    reward = {"f": {"kind": "formula", "expression": text}}
    path = put(tmp_path / "t.yaml", {**BASE, "Reward": reward})
    (problem,) = compile_file(path).diagnostics
    assert problem.code == "KS0417"
    assert "formula" in problem.help


def test_a_compiled_task_repeats_no_warnings(tmp_path: Path) -> None:
    robot(tmp_path / "robot.xml")
    path = put(tmp_path / "t.yaml", {k: v for k, v in BASE.items() if k != "Termination"})
    compiled = compile_file(path)
    assert [d.code for d in compiled.diagnostics] == ["KS0407"]
    artifact.write(tmp_path / "t.ksim", compiled)
    assert artifact.read(tmp_path / "t.ksim").diagnostics == []
    # what is wrong with a setting is told, at the setting
    (problem,) = artifact.read(tmp_path / "t.ksim", ["PPO.envs=x"]).diagnostics
    assert problem.where.file == "--set"

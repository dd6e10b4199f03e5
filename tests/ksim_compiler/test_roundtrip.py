"""Every declared kind at its defaults, on hinges and on slides: what is archived is read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ksim_compiler import artifact
from ksim_compiler.pipeline import Compiled, compile_document, compile_file
from ksim_compiler.robot.model import ModelFiles, read_files
from ksim_schema.diagnostics import Sink, has_errors, render_text
from ksim_schema.graph.canonical import canonical
from ksim_schema.graph.wiring import wire
from ksim_schema.robot import file_key
from ksim_schema.source import parse
from ksim_schema.units import Measured, Unit
from ksim_schema.vocabulary import KINDS
from ksim_schema.vocabulary.base import field_annotation
from ksim_schema.vocabulary.reward import Reward
from tests.ksim_compiler.test_every_kind import (
    HERE,
    ROBOTS,
    examples,
    groups,
    standing_motion,
    task_with,
)

JOINT = """<body name="{name}" pos="{place} 0 1">
  <joint name="{name}" type="{type}" axis="0 1 0" range="-1 1" actuatorfrcrange="-5 5"/>
  <geom name="{name}" type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass="1"/></body>"""


def task_on(types: tuple[str, ...], part: dict[str, Any]) -> str:
    """A task with a reward; its command and its motor are of the first joint's type."""
    joints = ".*" if len(set(types)) == 1 else "j0"
    unit, effort = ("rad", "N*m") if types[0] == "hinge" else ("m", "N")
    command = {"kind": "joint_position", "joints": joints, "duration": "1 s"}
    network = {"kind": "mlp", "hidden": [8]}
    task = {
        "ksim": 1,
        "task": "t",
        "PhysicsState": {"r": {"model": "m.xml", "control": "50 Hz"}},
        "Command": {"c": {**command, "range": [f"-0.1 {unit}", f"0.1 {unit}"]}},
        "Observation": {"q": {"kind": "joint_position"}},
        "Action": {"a": {"kind": "torque", "joints": joints, "scale": f"1 {effort}"}},
        "Policy": {"actor": {"read": ["q"], "obey": "c", "network": network}},
        "Critic": {"critic": {"judge": {"clean": ["q"], "obey": "c"}, "network": network}},
        "Reward": {"e": {"kind": "torque_penalty", "scale": 0.1}, "tested": part},
        "Termination": {"time": {"kind": "episode_length", "after": "1 s"}},
        "PPO": {"envs": 2, "rollout": 8, "minibatches": 2},
    }
    return yaml.safe_dump(task, sort_keys=False)


def machine(*types: str) -> ModelFiles:
    bodies = "".join(JOINT.format(name=f"j{i}", type=type, place=i) for i, type in enumerate(types))
    text = (
        '<mujoco><compiler autolimits="true"/><option timestep="0.005"/>'
        f"<worldbody>{bodies}</worldbody></mujoco>"
    )
    return ModelFiles("m.xml", {"m.xml": text.encode()})


def compiled(text: str, files: ModelFiles) -> Compiled:
    found = Sink()
    document = parse(text, "t.yaml", found)
    assert document is not None, found
    result = compile_document(document, files)
    report = render_text(result.diagnostics, result.sources)
    assert not has_errors(result.diagnostics), report
    return result


def same_when_read_back(before: Compiled, folder: Path) -> Compiled:
    artifact.write(folder / "t.ksim", before)
    after = artifact.read(folder / "t.ksim")
    report = render_text(after.diagnostics, after.sources)
    assert not has_errors(after.diagnostics), report
    assert before.plan is not None
    assert after.plan is not None
    assert after.fingerprint == before.fingerprint
    first, second = (canonical(p.task, wire(p.task, Sink())) for p in (before.plan, after.plan))
    assert first == second
    assert artifact.pack(after)  # and it can be written anew
    return after


def bare_defaults() -> dict[str, list[str]]:
    """Rewards that have a default in the unit of their joints -> those fields."""
    found: dict[str, list[str]] = {}
    for kind, declared in KINDS["Reward"].items():
        for name, info in declared.model_fields.items():
            unit = field_annotation(info, Unit)
            several = unit is not None and len(unit.allowed) == 2
            if several and isinstance(info.default, float) and info.default:
                found.setdefault(kind, []).append(name)
    return found


NEEDS: dict[str, dict[str, str]] = {
    "joint_position_tracking": {"command": "c"},
    "pairwise_symmetry": {"left": "j0", "right": "j1"},
}


BOTH = ("hinge", "slide")


@pytest.mark.parametrize("types", [("hinge", "hinge"), ("slide", "slide"), BOTH], ids=str)
@pytest.mark.parametrize("kind", bare_defaults())
def test_a_default_is_in_the_unit_of_its_joints(
    kind: str, types: tuple[str, ...], tmp_path: Path
) -> None:
    part: dict[str, Any] = {"kind": kind, "scale": 0.1, **NEEDS.get(kind, {})}
    if types == BOTH and kind == "joint_position_tracking":
        part["joints"] = "j0"  # a command is for joints of one type
        types = ("hinge",)
    robot = machine(*(BOTH if len(types) == 1 else types))
    text = task_on(types if len(types) > 1 else BOTH, part)
    before = compiled(text, robot)
    after = same_when_read_back(before, tmp_path)
    assert after.plan is not None
    read: Any = after.plan.task.of(Reward)["tested"]
    for field in bare_defaults()[kind]:
        declared = KINDS["Reward"][kind].model_fields[field]
        unit, value = field_annotation(declared, Unit), getattr(read, field)
        assert unit is not None
        assert value == declared.default
        if types == BOTH:
            assert not isinstance(value, Measured)
            written = f"{value!r} {unit.allowed[0]} or {unit.allowed[1]}"
        else:
            assert value.dimension == unit.allowed[0 if types[0] == "hinge" else 1]
            written = f"{value!r} {value.dimension}"
        same = text.replace(f"kind: {kind}", f"kind: {kind}\n    {field}: {written}")
        assert compiled(same, robot).fingerprint == before.fingerprint


def test_there_are_such_defaults_of_rewards_only() -> None:
    assert len(bare_defaults()) >= 5
    for object, kinds in KINDS.items():
        for kind, declared in kinds.items():
            for name, info in declared.model_fields.items():
                unit = field_annotation(info, Unit)
                if object != "Reward" and unit is not None and len(unit.allowed) == 2:
                    free = info.is_required() or not info.default or not any(info.default)
                    assert free, f"test {kind}.{name} as well"


@pytest.mark.parametrize(
    "written", ["20 rad/s", "20 m/s", "20", "20 m/s or rad/s", "x rad/s or m/s"]
)
def test_joints_of_both_types_want_a_value_for_each(written: str) -> None:
    part = {"kind": "small_joint_velocity", "scale": 0.1, "error_scale": written}
    document = parse(task_on(BOTH, part), "t.yaml", Sink())
    assert document is not None
    found = compile_document(document, machine(*BOTH)).diagnostics
    assert {d.code for d in found if d.severity == "error"} & {
        "KS0409",
        "KS0110",
        "KS0109",
        "KS0108",
    }


@pytest.mark.parametrize(
    ("object", "kinds"), list(groups()), ids=lambda v: "+".join([v] if isinstance(v, str) else v)
)
def test_every_kind_is_read_back(object: str, kinds: tuple[str, ...], tmp_path: Path) -> None:
    assert object not in HERE
    text, robot = task_with(object, kinds)
    files = read_files(ROBOTS / robot / "scene.xml")
    beside = {
        "motion.npz": standing_motion(),
        "clip.npz": (ROBOTS.parent / "motions/walk.npz").read_bytes(),
    }
    beside = {file_key(name): data for name, data in beside.items()}
    files = replace(files, content={**files.content, **beside})
    same_when_read_back(compiled(text, files), tmp_path)


def test_examples_leave_defaults_out() -> None:
    """Where the examples give all values, this would not test the defaults."""
    given = [len(example["part"]) for kinds in KINDS for example in examples(kinds).values()]
    assert sum(size <= 3 for size in given) > len(given) / 2


COMPONENT = '''
from ksim_schema.custom import JointPattern, JointSpeed, Reward, jnp


class Calm(Reward):
    """Little motion."""

    fields = ("qvel",)
    joints: JointPattern = (".*",)
    limit: JointSpeed = 5.0

    def value(self, x):
        joints = x.robot.match_joints(self.joints)
        return jnp.sum(x.joint_velocities(joints)) / self.limit
'''


@pytest.mark.parametrize("types", [("hinge", "hinge"), ("slide", "slide"), BOTH], ids=str)
def test_a_default_of_a_component_of_ones_own(types: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "m.xml").write_bytes(machine(*types).content["m.xml"])
    (tmp_path / "c.py").write_text(COMPONENT, encoding="utf-8")
    text = "components: [c.py]\n" + task_on(types, {"kind": "calm", "scale": 0.1})
    (tmp_path / "t.yaml").write_text(text, encoding="utf-8")
    before = compile_file(tmp_path / "t.yaml")
    assert not has_errors(before.diagnostics), before.diagnostics
    artifact.write(tmp_path / "t.ksim", before)
    after = artifact.read(tmp_path / "t.ksim", trust=True)
    assert not has_errors(after.diagnostics), after.diagnostics
    assert after.fingerprint == before.fingerprint

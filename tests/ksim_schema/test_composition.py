"""Tasks made of others: pushouts, three-way merges, removals, and where each value comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import yaml
from hypothesis import HealthCheck, given, settings

from ksim_schema.diagnostics import has_errors
from ksim_schema.frontend import Checked, check_file
from ksim_schema.graph.canonical import canonical
from ksim_schema.vocabulary.reward import Reward
from ksim_schema.vocabulary.state import Robot
from tests.support.tasks import SHIPPED, source

WALK = next(path for path in SHIPPED if path.stem == "walk")


def write(folder: Path, name: str, data: dict[str, Any]) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    head = {"ksim": 1, "task": path.stem.replace("_", "-")}
    path.write_text(yaml.safe_dump({**head, **data}, sort_keys=False), encoding="utf-8")
    return path


def meaning(checked: Checked) -> dict[str, Any]:
    assert checked.task is not None, checked.diagnostics
    assert checked.graph is not None
    assert not has_errors(checked.diagnostics), checked.diagnostics
    data = canonical(checked.task, checked.graph)
    return {key: value for key, value in data.items() if key not in ("task", "about")}


def codes(path: Path) -> list[str]:
    return [d.code for d in check_file(path).diagnostics]


PARTS = [
    (section, name)
    for section, parts in source(WALK).items()
    if isinstance(parts, dict) and section != "PPO"
    for name in parts
]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.booleans(), min_size=len(PARTS), max_size=len(PARTS)))
def test_any_split_of_a_task_into_two_is_the_task_again(tmp_path: Path, left: list[bool]) -> None:
    whole = source(WALK)
    first: dict[str, Any] = {"PPO": whole["PPO"]}
    second: dict[str, Any] = {"extends": "first.yaml"}
    for (section, name), goes_left in zip(PARTS, left, strict=True):
        side = first if goes_left else second
        side.setdefault(section, {})[name] = whole[section][name]
    write(tmp_path, "first.yaml", first)
    path = write(tmp_path, "second.yaml", second)
    wanted, found = meaning(check_file(WALK)), meaning(check_file(path))
    assert found == wanted


def test_two_changes_of_one_base_are_merged(tmp_path: Path) -> None:
    write(
        tmp_path, "base.yaml", {k: v for k, v in source(WALK).items() if k not in ("ksim", "task")}
    )
    more = {"extends": "base.yaml"}
    write(tmp_path, "fast.yaml", {**more, "set": {"Reward.linvel.scale": 3, "PPO.gamma": 0.9}})
    write(tmp_path, "calm.yaml", {**more, "remove": ["Reward.torque"], "set": {"PPO.lam": 0.9}})
    both = check_file(write(tmp_path, "both.yaml", {"extends": ["fast.yaml", "calm.yaml"]}))
    assert both.task is not None, both.diagnostics
    assert "torque" not in both.task.of(Reward)
    assert both.task.of(Reward)["linvel"].scale.constant == 3  # type: ignore[attr-defined]
    assert (both.task.learner.gamma.start, both.task.learner.lam) == (0.9, 0.9)
    assert not has_errors(both.diagnostics)
    span = both.task.span("PPO", "lam")
    assert Path(span.file).name == "calm.yaml"
    assert "0.9" in both.sources[span.file].splitlines()[span.line - 1]

    write(tmp_path, "slow.yaml", {**more, "set": {"Reward.linvel.scale": 1}})
    problems = check_file(write(tmp_path, "two.yaml", {"extends": ["fast.yaml", "slow.yaml"]}))
    (problem,) = problems.diagnostics
    assert problem.code == "KS0602"
    assert "Reward.linvel.scale is 1 here and 3 in " in problem.message
    assert "fast.yaml:" in problem.message
    assert Path(problem.where.file).name == "slow.yaml"
    # what one removes and another changes is a conflict too
    write(tmp_path, "gone.yaml", {**more, "remove": ["Reward.linvel"]})
    assert codes(write(tmp_path, "three.yaml", {"extends": ["fast.yaml", "gone.yaml"]})) == [
        "KS0602"
    ]


def test_a_mistake_in_a_base_is_shown_there(tmp_path: Path) -> None:
    data = {k: v for k, v in source(WALK).items() if k not in ("ksim", "task")}
    data["Reward"]["alive"]["scal"] = 1
    write(tmp_path, "base.yaml", data)
    checked = check_file(write(tmp_path, "child.yaml", {"extends": "base.yaml"}))
    (problem,) = checked.diagnostics
    assert problem.code == "KS0104"
    assert Path(problem.where.file).name == "base.yaml"
    line = checked.sources[problem.where.file].splitlines()[problem.where.line - 1]
    assert "scal" in line


def test_paths_of_a_base_are_relative_to_it(tmp_path: Path) -> None:
    data = {k: v for k, v in source(WALK).items() if k not in ("ksim", "task")}
    write(tmp_path, "bases/walk.yaml", data)
    checked = check_file(write(tmp_path, "own/walk.yaml", {"extends": "../bases/walk.yaml"}))
    assert checked.task is not None
    (robot,) = checked.task.of(Robot).values()
    assert robot.model == "../bases/robots/humanoid/scene.xml"  # type: ignore[attr-defined]


def test_a_part_that_something_names_cannot_go_unnoticed(tmp_path: Path) -> None:
    data = {k: v for k, v in source(WALK).items() if k not in ("ksim", "task")}
    write(tmp_path, "base.yaml", data)
    path = write(tmp_path, "child.yaml", {"extends": "base.yaml", "remove": ["Observation.gyro"]})
    found = check_file(path).diagnostics
    assert {d.code for d in found} == {"KS0301"} or has_errors(found)
    assert any("gyro" in d.message for d in found)


def test_a_chain_and_a_crowd_have_an_end(tmp_path: Path) -> None:
    for number in range(20):
        write(tmp_path, f"t{number}.yaml", {"extends": f"t{number + 1}.yaml"})
    assert codes(tmp_path / "t0.yaml") == ["KS0603"]
    write(tmp_path, "me.yaml", {"extends": "me.yaml"})
    assert codes(tmp_path / "me.yaml") == ["KS0603"]


def test_what_a_set_path_makes_is_blamed_on_its_line(tmp_path: Path) -> None:
    base = {k: v for k, v in source(WALK).items() if k not in ("ksim", "task")}
    plain = {k: v for k, v in base["Reward"]["linvel"].items() if k != "scale"}
    write(tmp_path, "base.yaml", {**base, "Reward": {**base["Reward"], "linvel": plain}})
    given = {"PPO.rollout": 16, "Reward.linvel.scale.linear.to": 2}
    path = write(tmp_path, "ramp.yaml", {"extends": "base.yaml", "set": given})
    line = path.read_text(encoding="utf-8").splitlines().index("  Reward.linvel.scale.linear.to: 2")
    (problem,) = check_file(path).diagnostics
    assert (problem.code, problem.where.file) == ("KS0105", str(path))
    assert problem.where.line == line + 1
    settings = ("PPO.rollout=16", "Reward.linvel.scale.linear.to=2")
    (problem,) = check_file(tmp_path / "base.yaml", settings).diagnostics
    assert (problem.code, problem.where.file, problem.where.line) == ("KS0105", "--set", 2)


def test_a_path_of_set_that_leads_nowhere_does_not_hide_other_mistakes(tmp_path: Path) -> None:
    base = next(path for path in SHIPPED if path.stem == "cartpole")
    write(tmp_path, "base.yaml", source(base))
    changed = {
        "ksim": 1,
        "task": "t",
        "extends": "base.yaml",
        "Reward": {"more": {"kind": "stay_alive", "scael": 1}},
        "set": {"Reward.alife.scale": 2},
    }
    assert sorted(codes(write(tmp_path, "t.yaml", changed))) == ["KS0104", "KS0115"]

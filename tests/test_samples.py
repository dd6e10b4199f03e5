"""Every sample in README.md and docs/ is run, checked, or named here with the reason why not."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import yaml

from ksim_compiler.cli.compile import main as compile_command
from ksim_compiler.cli.lsp import parser
from ksim_compiler.cli.motion import main as motion_command
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_compiler.sweep.check import check
from tests.support import samples
from tests.support.samples import PAGES, ROOT, blocks, tasks

ELSEWHERE = {
    ("README.md", "$ ksim-compile --check tasks/walk.yaml"): "test_pages.py",
    ("docs/components.md", "from ksim_schema.custom import BodyName"): "test_component_page.py",
    ("docs/components.md", "ksim: 1"): "test_component_page.py",
    ("docs/components.md", "from ksim_schema.custom import Observation"): "test_component_page.py",
    ("docs/components.md", "from ksim_schema.custom import Action"): "test_component_page.py",
    ("docs/diff.md", "old.yaml -> walk.yaml"): "test_pages.py",
    ("docs/editors.md", "(with-eval-after-load 'eglot"): "test_editors.py",
    ("docs/editors.md", "vim.lsp.config('ksim', {"): "test_editors.py",
    ("docs/editors.md", "npm install --no-package-lock"): "test_vscode.py",
    ("docs/diff.md", "~ m.xml"): "test_diff.py",
    ("docs/own-robot.md", '<mujoco model="rover"'): "test_init.py",
    ("docs/own-robot.md", '<mujoco model="ant"'): "test_tutorial.py",
    ("docs/own-robot.md", "PhysicsState:"): "test_tutorial.py",
    ("docs/own-robot.md", "ksim: 1"): "test_tutorial.py",
    ("docs/tutorial.md", "ksim: 1"): "test_tutorial.py",
    ("docs/python.md", "from stable_baselines3"): "test_learners.py",
    ("docs/python.md", "from brax"): "test_learners.py",
    ("docs/python.md", "from rsl_rl"): "test_learners.py",
    ("docs/from-others.md", "Command:"): "test_importing.py",
    ("docs/acsets.md", "import acsets"): "test_samples_python.py",
    ("docs/python.md", "import gymnasium"): "test_samples_python.py",
    ("README.md", "import ksim_compiler"): "test_samples_python.py",
    ("docs/python.md", "import ksim_compiler as ksim"): "test_samples_python.py",
    ("docs/python.md", "import jax"): "test_samples_python.py",
    ("docs/diff.md", "from pathlib import Path"): "test_samples_python.py",
}
"""Samples that another test of this suite runs, by page and the beginning of the first line."""
NOT_RUN = {
    ("docs/acsets.md", "using ACSets"): "needs Julia",
    ("docs/own-robot.md", "208,896 steps"): "what a training of some minutes printed",
    ("docs/tutorial.md", "1,007,616 steps"): "what a training of four minutes printed",
    ("docs/tutorial.md", "random actions"): "numbers of one machine; test_probe.py has the form",
    ("CONTRIBUTING.md", "ksim_compiler.__main__"): "a list, printed by test_boundaries.py",
}
"""Samples that nothing runs, and why."""
HERE = {
    ("README.md", "ksim: 1"),
    ("docs/actions.md", "Action:"),
    ("docs/actions.md", "PhysicsState:"),
    ("docs/actions.md", "Reset:"),
    ("docs/checking.md", "height: {kind: base_height}"),
    ("docs/editors.md", "# yaml-language-server"),
    ("docs/editors.md", "[language-server.ksim]"),
    ("docs/editors.md", "{"),
    ("docs/editors.md", '{"[ksim]"'),
    ("docs/ci-and-editors.md", "jobs:"),
    ("docs/ci-and-editors.md", "repos:"),
    ("docs/composition.md", "ksim: 1"),
    ("docs/composition.md", "kind: min_height"),
    ("docs/formulas.md", "Observation:"),
    ("docs/formulas.md", "Reward:"),
    ("docs/metrics.md", "Metric:"),
    ("docs/rewards.md", "Reward:"),
    ("docs/sweeps.md", "study: walk_rates"),
    ("docs/models.md", "# only the feet"),
    ("docs/models.md", "PhysicsState:"),
    ("docs/motions.md", "Command:"),
    ("docs/motions.md", "motion: 1"),
    ("docs/objects.md", "Command:"),
    ("docs/objects.md", "PhysicsState:"),
    ("docs/objects.md", "Randomizer:"),
    ("docs/objects.md", "Reset:"),
    ("docs/terrain.md", "PhysicsState:"),
    ("docs/terrain.md", "Reset:"),
    ("docs/terrain.md", "# kinds of ground"),
    ("docs/terrain.md", "# two levels"),
    ("docs/terrain.md", "# who gets along"),
    ("docs/training.md", "PhysicsState:"),
}
"""Samples that the tests below run. Command lines are those of test_commands.py."""


def test_every_sample_is_accounted_for() -> None:
    known = {*ELSEWHERE, *NOT_RUN, *HERE}
    used: set[tuple[str, str]] = set()
    for page in PAGES:
        for block in blocks(page):
            names = {k for k in known if k[0] == page and block.first.startswith(k[1])}
            assert names or block.is_commands, f"{page}: nothing runs the sample {block.first!r}"
            used |= names
    assert known == used, "these samples are gone"
    for test in ELSEWHERE.values():
        assert any(ROOT.glob(f"tests/**/{test}"))


def sample(page: str, first: str) -> str:
    assert (page, first) in HERE
    return samples.sample(page, first)


def merged(base: Any, changes: Any) -> Any:
    """A mapping with another one laid over it, part by part."""
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    return base | {key: merged(base.get(key), value) for key, value in changes.items()}


def compiled(folder: Path, base: str, fragment: str) -> Compiled:
    """A shipped task with the parts of a fragment, compiled."""
    task = yaml.safe_load((folder / base).read_text(encoding="utf-8"))
    task = merged(task, yaml.safe_load(fragment)) | {"task": "sample"}
    (folder / "sample.yaml").write_text(yaml.safe_dump(task, sort_keys=False), encoding="utf-8")
    return compile_file(folder / "sample.yaml")


def errors(compiled: Compiled) -> list[str]:
    return [f"{d.code} {d.message}" for d in compiled.diagnostics if d.severity == "error"]


def assert_within(part: Any, whole: Any, where: str = "") -> None:
    """Whether all of a sample is in the whole; lists may leave members out."""
    if isinstance(part, dict):
        for key, value in part.items():
            assert key in whole, f"{where}.{key}"
            assert_within(value, whole[key], f"{where}.{key}")
    elif isinstance(part, list):
        rest = iter(whole)
        assert all(value in rest for value in part), f"{where}: {part} of {whole}"
    else:
        assert part == whole, where


FLIGHT = """
ksim: 1
task: sample
Observation: {down: {kind: projected_gravity}, turn: {kind: base_angular_velocity}}
Policy: {actor: {read: [down, turn]}}
Critic: {critic: {judge: {clean: [down, turn]}}}
Termination: {low: {kind: min_height, height: 20 cm}, time: {kind: episode_length, after: 10 s}}
"""


def test_rotors_are_told_what_the_page_says(tmp_path: Path) -> None:
    flight = yaml.safe_load(FLIGHT) | yaml.safe_load(sample("docs/actions.md", "PhysicsState:"))
    flight["Reward"] = {"alive": {"kind": "stay_alive"}}
    (tasks(tmp_path) / "sample.yaml").write_text(yaml.safe_dump(flight), encoding="utf-8")
    found = compile_file(tmp_path / "tasks" / "sample.yaml")
    assert found.plan is not None, errors(found)
    assert len(found.plan.controls) == 4


def test_the_hand_of_the_arm_goes_in_steps(tmp_path: Path) -> None:
    reach = yaml.safe_load((tasks(tmp_path) / "reach.yaml").read_text(encoding="utf-8"))
    reach["Action"] = yaml.safe_load(sample("docs/actions.md", "Action:"))["Action"]
    reach["Policy"]["actor"].pop("act", None)
    (tmp_path / "tasks" / "sample.yaml").write_text(yaml.safe_dump(reach), encoding="utf-8")
    found = compile_file(tmp_path / "tasks" / "sample.yaml")
    assert found.plan is not None, errors(found)
    assert found.plan.action_size == 3


def test_the_formulas_are_those_of_the_language(tmp_path: Path) -> None:
    samples = [("metrics", "Metric:"), ("rewards", "Reward:")]
    samples += [("formulas", "Observation:"), ("formulas", "Reward:"), ("objects", "Reset:")]
    for page, first in ((f"docs/{name}.md", first) for name, first in samples):
        folder = tmp_path / f"{page}.{first.strip(':')}"
        found = compiled(tasks(folder), "walk.yaml", sample(page, first))
        assert found.plan is not None, errors(found)


def test_a_squat_is_made_of_the_poses_of_the_page(tmp_path: Path) -> None:
    poses = tasks(tmp_path) / "poses.yaml"
    poses.write_text(sample("docs/motions.md", "motion: 1"), encoding="utf-8")
    assert motion_command(["make", str(poses), "-o", str(tmp_path / "squat.npz")]) == 0
    with np.load(tmp_path / "squat.npz") as clip:
        height = clip["qpos"][:, 2]
    assert height.min() == pytest.approx(height[0] - 0.22, abs=0.001)


def test_a_task_follows_the_clips_of_the_page(tmp_path: Path) -> None:
    told = yaml.safe_load(sample("docs/motions.md", "Command:"))
    folder = tasks(tmp_path)
    task = yaml.safe_load((folder / "walk.yaml").read_text(encoding="utf-8"))
    task = {**task, **told, "task": "sample"}
    (folder / "sample.yaml").write_text(yaml.safe_dump(task, sort_keys=False), encoding="utf-8")
    found = compile_file(folder / "sample.yaml")
    assert found.plan is not None, errors(found)


def test_a_goal_of_the_arm_is_checked_without_a_word(tmp_path: Path) -> None:
    told = yaml.safe_load(sample("docs/objects.md", "Command:"))
    told["Policy"] = {"actor": {"obey": ["target", "goal"]}}
    told["Critic"] = {"critic": {"judge": {"obey": ["target", "goal"]}}}
    found = compiled(tasks(tmp_path), "reach.yaml", yaml.safe_dump(told))
    assert found.plan is not None, errors(found)
    said = [f"{d.code} {d.message}" for d in found.diagnostics]
    assert [line for line in said if not line.startswith("KS0307")] == []


def test_starts_that_settle_are_checked(tmp_path: Path) -> None:
    found = compiled(tasks(tmp_path), "walk.yaml", sample("docs/objects.md", "PhysicsState:"))
    assert found.plan is not None, errors(found)
    assert found.plan.settle_steps == round(0.5 / found.plan.robot.facts.timestep)
    assert "settles for" in found.plan.text()


def test_what_differs_of_an_object_is_checked(tmp_path: Path) -> None:
    told = yaml.safe_load(sample("docs/objects.md", "Randomizer:"))
    folder = tasks(tmp_path)
    task = yaml.safe_load((folder / "walk.yaml").read_text(encoding="utf-8"))
    task["Randomizer"] = told["Randomizer"]
    task["Event"] = task.get("Event", {}) | told["Event"]
    (folder / "sample.yaml").write_text(yaml.safe_dump(task, sort_keys=False), encoding="utf-8")
    found = compile_file(folder / "sample.yaml")
    assert found.plan is not None, errors(found)


def test_the_task_in_the_readme_is_part_of_the_walk(tmp_path: Path) -> None:
    shown = yaml.safe_load(sample("README.md", "ksim: 1"))
    walk = (ROOT / "tasks" / "walk.yaml").read_text(encoding="utf-8")
    assert_within(shown, yaml.safe_load(walk))
    assert {"PhysicsState", "Policy", "Critic", "Reward", "Termination"} <= set(shown)


def test_an_ignored_warning_is_left_out(tmp_path: Path) -> None:
    line = sample("docs/checking.md", "height: {kind: base_height}")
    walk = (tasks(tmp_path) / "walk.yaml").read_text(encoding="utf-8")
    found = []
    for text in (line, line.partition("#")[0] + "\n"):
        task = walk.replace("\nObservation:\n", f"\nObservation:\n{text}")
        assert task != walk
        (tmp_path / "tasks" / "walk.yaml").write_text(task, encoding="utf-8")
        found.append([d.code for d in compile_file(tmp_path / "tasks" / "walk.yaml").diagnostics])
    assert found == [[], ["KS0307"]]


def test_the_line_for_editors_is_that_of_the_tasks() -> None:
    line = sample("docs/editors.md", "# yaml-language-server")
    assert (ROOT / "tasks" / "walk.yaml").read_text(encoding="utf-8").startswith(line)
    assert (ROOT / "tasks" / line.strip().partition("$schema=")[2]).is_file()


def test_the_settings_of_editors_start_the_server() -> None:
    helix = tomllib.loads(sample("docs/editors.md", "[language-server.ksim]"))
    assert helix["language-server"]["ksim"]["command"] == "ksim-lsp"
    assert helix["language"][0]["language-servers"][0] == "ksim"
    code, zed = (json.loads(b.text) for b in blocks("docs/editors.md") if b.language == "json")
    binary = zed["lsp"]["yaml-language-server"]["binary"]
    assert binary["path"] == "ksim-lsp"
    assert parser().parse_args(binary["arguments"]).stdio
    assert code == {"[ksim]": {"editor.codeActionsOnSave": {"source.fixAll": "explicit"}}}
    extension = json.loads((ROOT / "editors/vscode/package.json").read_text(encoding="utf-8"))
    assert extension["contributes"]["languages"][0]["id"] == "ksim"


def test_the_job_and_the_hooks_are_what_there_is() -> None:
    (job,) = yaml.safe_load(sample("docs/ci-and-editors.md", "jobs:"))["jobs"].values()
    inputs = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))["inputs"]
    (given,) = (step["with"] for step in job["steps"] if "with" in step)
    assert set(given) <= set(inputs)
    (repository,) = yaml.safe_load(sample("docs/ci-and-editors.md", "repos:"))["repos"]
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {hook["id"] for hook in repository["hooks"]} <= {hook["id"] for hook in hooks}


def test_the_task_that_extends_another_compiles(tmp_path: Path) -> None:
    folder = tasks(tmp_path)
    (folder / "mine.yaml").write_text(sample("docs/composition.md", "ksim: 1"), encoding="utf-8")
    assert errors(compile_file(folder / "mine.yaml")) == []


def test_effective_values_are_shown_as_they_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    assert compile_command(["--emit", "effective", "tasks/walk_robust.yaml"]) == 0
    printed = capsys.readouterr().out.splitlines()
    for line in sample("docs/composition.md", "kind: min_height").splitlines():
        assert line in printed


@pytest.mark.parametrize(
    ("page", "first", "base"),
    [
        ("docs/actions.md", "Reset:", "walk.yaml"),
        ("docs/models.md", "# only the feet", "walk.yaml"),
        ("docs/terrain.md", "PhysicsState:", "trot.yaml"),
        ("docs/terrain.md", "Reset:", "walk.yaml"),
        ("docs/terrain.md", "# kinds of ground", "trot.yaml"),
        ("docs/training.md", "PhysicsState:", "walk.yaml"),
    ],
)
def test_fragments_fit_into_a_task(page: str, first: str, base: str, tmp_path: Path) -> None:
    folder = tasks(tmp_path)
    robot = compile_file(folder / base).plan
    assert robot is not None
    model = robot.robot.model
    qpos = np.tile(model.qpos0, (150, 1))
    np.savez(folder / "walk.npz", qpos=qpos, qvel=np.zeros((150, model.nv)))
    assert errors(compiled(folder, base, sample(page, first))) == []


@pytest.mark.parametrize("first", ["# who gets along", "# two levels"])
def test_levels_fit_into_the_task_with_the_tiles(first: str, tmp_path: Path) -> None:
    folder = tasks(tmp_path)
    tiles = yaml.safe_load(sample("docs/terrain.md", "# kinds of ground"))
    task = yaml.safe_load((folder / "trot.yaml").read_text(encoding="utf-8"))
    for section, parts in (tiles | yaml.safe_load(sample("docs/terrain.md", first))).items():
        task.setdefault(section, {}).update(parts)
    (folder / "trot.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")
    made = compile_file(folder / "trot.yaml")
    assert errors(made) == []


def test_the_base_that_is_named_is_the_base(tmp_path: Path) -> None:
    folder = tasks(tmp_path)
    task = yaml.safe_load((folder / "walk.yaml").read_text(encoding="utf-8"))
    shown = yaml.safe_load(sample("docs/models.md", "PhysicsState:"))
    ((name, part),) = shown["PhysicsState"].items()
    (of_the_walk,) = task["PhysicsState"].values()
    task |= {"PhysicsState": {name: of_the_walk | part}, "task": "sample"}
    shutil.copytree(folder / "robots" / "humanoid", folder, dirs_exist_ok=True)
    (folder / "sample.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")
    made = compile_file(folder / "sample.yaml")
    assert errors(made) == []
    assert made.plan is not None
    base = made.plan.robot.facts.base
    assert base is not None
    assert base.body == part["base"]


def test_a_comment_in_a_base_is_about_the_base(tmp_path: Path) -> None:
    """Of a task that has taken out what the comment is for; the base still needs it."""
    folder = tasks(tmp_path)
    walk = (folder / "walk.yaml").read_text(encoding="utf-8")
    idle = "  height: {kind: base_height}  # ksim: ignore[KS0307]\n"
    (folder / "base.yaml").write_text(walk.replace("\nObservation:\n", f"\nObservation:\n{idle}"))
    (folder / "own.yaml").write_text(
        "ksim: 1\ntask: own\nextends: base.yaml\nremove: [Observation.height]\n"
    )
    found = compile_file(folder / "own.yaml")
    assert [str(d.code) for d in found.diagnostics if d.severity != "info"] == []


def test_studies_are_right(tmp_path: Path) -> None:
    shown = tmp_path / "study.yaml"
    shown.write_text(sample("docs/sweeps.md", "study: walk_rates"), encoding="utf-8")
    for path in (shown, ROOT / "examples" / "studies" / "cartpole_rates.yaml"):
        ready = check(path)
        assert ready.study is not None
        assert ready.diagnostics == []
        whole = {space.path for space in ready.spaces if getattr(space, "whole", False)}
        assert whole == {"PPO.epochs"}
    schema = json.loads((ROOT / "schemas" / "study.schema.json").read_text(encoding="utf-8"))
    for path in (shown, ROOT / "examples" / "studies" / "cartpole_rates.yaml"):
        jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), schema)

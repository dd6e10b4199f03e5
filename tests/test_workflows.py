"""The workflows of .github: what they call is there, with little permission; a version's notes."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
WRITERS = {
    ("release", "publish"): {"contents": "write"},
    ("docs", "publish"): {"pages": "write", "id-token": "write"},
}
"""What jobs may write; all others read."""
MADE = ("dist/", ".venv/", "build/")
"""Folders that the commands of a workflow make."""


def load(path: Path) -> dict[str, Any]:
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(read, dict)
    return read


def steps(workflow: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def pythons(workflow: dict[str, Any]) -> set[str]:
    """The Pythons that a workflow asks for, in a step or in a matrix."""
    asked = {str(s["with"]["python-version"]) for s in steps(workflow) if "setup-python" in str(s)}
    for job in workflow["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        asked |= {str(version) for version in matrix.get("python", ())}
        asked |= {str(row["python"]) for row in matrix.get("include", ())}
    return {version for version in asked if not version.startswith("${{")}


def supported() -> set[str]:
    prefix = "Programming Language :: Python :: "
    return {c.removeprefix(prefix) for c in PROJECT["classifiers"] if c.startswith(prefix)}


def targets() -> set[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))


def test_there_are_workflows_for_commits_nights_and_releases() -> None:
    assert [path.stem for path in WORKFLOWS] == ["ci", "docs", "nightly", "release"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_what_there_is(path: Path) -> None:
    made, called = targets(), 0
    for step in steps(load(path)):
        for line in step.get("run", "").splitlines():
            program, *words = line.split()
            if program == "make":
                called += 1
                assert set(words) <= made, line
            for word in words:
                name = word.strip("\"'")
                if "/" in name and "$" not in name and "*" not in name:
                    assert name.startswith(MADE) or (ROOT / name).exists(), line
    assert called


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_do_little(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        writes = WRITERS.get((path.stem, name))
        assert job.get("permissions") == writes
        assert job["timeout-minutes"] <= 180
        uses = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", used) for used in uses)
        assert not (writes and "actions/checkout" in str(uses)), "what may write runs no code"
    for step in steps(workflow):  # names of branches and tags are texts of others
        assert "${{" not in step.get("run", "")


def test_all_supported_pythons_are_tested_and_no_others() -> None:
    asked = {path.stem: pythons(load(path)) for path in WORKFLOWS}
    assert asked["ci"] | asked["nightly"] == supported() | {"3.12"}
    assert set().union(*asked.values()) <= supported()
    least = min(supported(), key=lambda version: int(version.split(".")[1]))
    assert PROJECT["requires-python"] == f">={least}"


def test_the_slow_tests_and_another_system_are_run_at_night() -> None:
    text = (FOLDER / "workflows" / "nightly.yml").read_text(encoding="utf-8")
    assert "make test-slow" in text
    assert "macos-latest" in text


def test_forms_of_issues_are_whole() -> None:
    forms = sorted((FOLDER / "ISSUE_TEMPLATE").glob("*.yml"))
    assert [path.stem for path in forms] == ["bug", "config", "feature", "question"]
    for path in forms:
        form = load(path)
        if path.stem == "config":
            assert form["blank_issues_enabled"] is False
            continue
        assert form["name"]
        assert form["description"]
        ids = [part["id"] for part in form["body"]]
        assert len(set(ids)) == len(ids)
        assert all(part["attributes"]["label"] for part in form["body"])
    assert "ksim-compile --check" in (FOLDER / "ISSUE_TEMPLATE" / "bug.yml").read_text()


def notes(text: str, version: str) -> str:
    spec = importlib.util.spec_from_file_location("notes", FOLDER / "notes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.notes(text, version)


@pytest.mark.parametrize(
    ("version", "section"),
    [
        ("0.2.0", "### Added\n\n- Two.\n\n### Fixed\n\n- A."),
        ("0.1.0", "- One."),
        ("0.1", ""),
        ("0.3.0", ""),
    ],
)
def test_the_notes_of_a_version_are_its_section(version: str, section: str) -> None:
    text = "# Changelog\n\nWords.\n\n## 0.3.0 (unreleased)\n\n## 0.2.0 (2026-01-02)\n\n"
    text += "### Added\n\n- Two.\n\n### Fixed\n\n- A.\n\n## 0.1.0\n\n- One.\n"
    assert notes(text, version) == section


def test_the_changelog_begins_with_the_version_in_work() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (first, *_) = re.findall(r"^## (\S+)", text, re.MULTILINE)
    assert notes(text, first)


def test_the_citation_is_of_this_project() -> None:
    citation = load(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["title"].startswith(PROJECT["name"])
    assert citation["license"] == PROJECT["license"]
    assert citation["authors"] == PROJECT["authors"]

"""What an author sees in an editor: yaml-language-server with the schema of the header line.

It runs where ``yaml-language-server`` is on the path (``npm install -g yaml-language-server``), and
nothing else is configured than what an editor has out of the box.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editor.language_server import LanguageServer

SERVER = shutil.which("yaml-language-server")
REPOSITORY = Path(__file__).parents[2]
TASKS = sorted((REPOSITORY / "tasks").glob("*.yaml"))
CARTPOLE = (REPOSITORY / "tasks" / "cartpole.yaml").read_text(encoding="utf-8")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(SERVER is None, reason="no yaml-language-server on the path"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    folder = tmp_path_factory.mktemp("workspace")
    shutil.copytree(REPOSITORY / "schemas", folder / "schemas")
    (folder / "tasks").mkdir()
    with LanguageServer([str(SERVER), "--stdio"], folder) as running:
        running.folder = folder  # type: ignore[attr-defined]
        yield running


def variant(server: LanguageServer, name: str, old: str = "", new: str = "") -> Path:
    """The cartpole task with a text replaced, in the server's workspace."""
    assert old in CARTPOLE
    path: Path = server.folder / "tasks" / f"{name}.yaml"  # type: ignore[attr-defined]
    path.write_text(CARTPOLE.replace(old, new, 1) if old else CARTPOLE, encoding="utf-8")
    return path


def place(path: Path, text: str, within: int = 0) -> tuple[int, int]:
    """Line and column, from 0, of a text in a file, and some characters on."""
    before = path.read_text(encoding="utf-8").split(text)[0]
    return before.count("\n"), len(before) - before.rfind("\n") - 1 + within


@pytest.mark.parametrize("path", TASKS, ids=lambda p: p.stem)
def test_shipped_tasks_have_no_diagnostics(path: Path, server: LanguageServer) -> None:
    assert server.open(path) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "at"),
    [
        ("section", "Reward:", "Rewards:", "Rewards"),
        ("kind", "kind: torque,", "kind: torqe,", "torqe"),
        ("field", "joints: slide, scale: 10 N", "joint: slide, scale: 10 N", "joint: slide"),
        ("type", "envs: 128", "envs: many", "many"),
        ("missing", "{kind: torque_penalty, scale: 1.0e-4}", "{scale: 1.0e-4}", "{scale: 1.0e-4}"),
        ("choice", "activation: tanh", "activation: tan", "tan}"),
        ("section_missing", "Action:\n  force:", "about2:\n  force:", ""),
        ("morphism", "PPO:\n", "morphisms:\n  watch: []\n\nPPO:\n", "watch"),
    ],
)
def test_a_mistake_has_a_diagnostic_in_its_line(
    name: str, old: str, new: str, at: str, server: LanguageServer
) -> None:
    path = variant(server, f"bad_{name}", old, new)
    found = server.open(path)
    assert found, "no diagnostic"
    if at:
        line, _ = place(path, new)
        line += new.split(at)[0].count("\n")
        assert line in {d["range"]["start"]["line"] for d in found}, found


def test_kinds_are_completed_and_explained(server: LanguageServer) -> None:
    path = variant(server, "complete_kind", "{kind: stay_alive}", "{kind: }")
    server.open(path)
    items = server.complete(path, *place(path, "{kind: }", len("{kind: ")))
    assert {"stay_alive", "torque_penalty", "feet_air_time"} <= set(items)
    assert "joint_position" not in items  # an observation
    documentation = items["stay_alive"]["documentation"]
    assert "episode" in str(documentation) or "tick" in str(documentation)


def test_fields_of_a_kind_are_completed(server: LanguageServer) -> None:
    path = variant(
        server,
        "complete_field",
        "  alive: {kind: stay_alive}\n",
        "  alive:\n    kind: stay_alive\n    \n",
    )
    server.open(path)
    line, _ = place(path, "    kind: stay_alive")
    items = server.complete(path, line + 1, 4)
    assert {"scale", "balance"} <= set(items)
    assert "error_scale" not in items  # of another kind
    assert "kind" not in items  # it is there


def test_sections_are_completed(server: LanguageServer) -> None:
    path = variant(server, "complete_section", "PPO:\n", "\nPPO:\n")
    server.open(path)
    line, _ = place(path, "PPO:")
    items = server.complete(path, line - 1, 0)
    assert {"Command", "Event", "Randomizer", "Curriculum", "morphisms"} <= set(items)


@pytest.mark.parametrize(
    ("text", "within", "said"),
    [
        ("Reward:", 1, "good and bad"),
        ("alive: {kind", 1, "balance"),
        ("joint_tracking, joints: pole", 1, "joint_tracking"),
        ("error_scale: 5 deg", 1, "Unit: `rad`"),
        ("rollout: 32", 1, "Control ticks per environment"),
        ("model:", 1, "MJCF"),
    ],
)
def test_hover_explains(text: str, within: int, said: str, server: LanguageServer) -> None:
    path = variant(server, "hover")
    server.open(path)
    assert said in server.hover(path, *place(path, text, within))

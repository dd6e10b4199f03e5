"""The house: arrows go one way, files stay short, the language needs no simulator."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import networkx
import pytest

ROOT = Path(__file__).parents[1]
LANGUAGE = ROOT / "ksim_schema"
COMPILER = ROOT / "compiler" / "ksim_compiler"
LINES = 400
"""A longer file is usually two ideas."""
HEAVY = ("jax", "jaxlib", "mujoco", "equinox", "optax", "ksim_compiler")

ALGORITHM = "ksim_compiler.learn.<algorithm>"
"""Stands for each room of an algorithm, of which none imports another."""
LAYERS = (
    ("ksim_schema.records",),
    ("ksim_schema.acset", "ksim_schema.diagnostics"),
    ("ksim_schema.source", "ksim_schema.units"),
    ("ksim_schema.compose", "ksim_schema.robot"),
    ("ksim_schema.vocabulary",),
    ("ksim_schema.custom",),
    ("ksim_schema.task",),
    ("ksim_schema.checks", "ksim_schema.graph", "ksim_schema.study"),
    ("ksim_schema.drawing", "ksim_schema.exchange", "ksim_schema.explain"),
    ("ksim_schema.diff",),
    ("ksim_schema.frontend",),
    ("ksim_compiler.robot",),
    ("ksim_compiler.motion",),
    ("ksim_compiler.plan",),
    ("ksim_compiler.checks",),
    ("ksim_compiler.passes",),
    ("ksim_compiler.pipeline",),
    ("ksim_compiler.artifact", "ksim_compiler.comparison"),
    ("ksim_compiler.engine", "ksim_compiler.lowering"),
    ("ksim_compiler.env",),
    ("ksim_compiler.learn.nets",),
    ("ksim_compiler.learn.learner",),
    (ALGORITHM,),
    ("ksim_compiler.learn.run",),
    ("ksim_compiler.deploy", "ksim_compiler.play"),
    ("ksim_compiler.report", "ksim_compiler.sweep"),
    ("ksim_compiler.editor",),
    ("ksim_compiler.api", "ksim_compiler.compare", "ksim_compiler.live"),
    ("ksim_compiler.adapters",),
    ("ksim_compiler.cli",),
    ("ksim_compiler.__main__",),
)
"""The rooms, from the ground up: a module imports of its own room and of those in lower layers."""


def diagram() -> str:
    """The layers as CONTRIBUTING shows them."""
    return "\n".join(", ".join(layer) for layer in reversed(LAYERS))


def imports(path: Path) -> set[str]:
    """Modules and names that a file imports, at its top or later, by their full names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def name_of(path: Path) -> str:
    """The name of a module by its file."""
    root = LANGUAGE if path.is_relative_to(LANGUAGE) else COMPILER
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join((root.name, *(parts[:-1] if parts[-1] == "__init__" else parts)))


def room_of(name: str) -> str | None:
    """The room of a module, or of a name in one; None outside of the rooms."""
    rooms = (room for layer in LAYERS for room in layer)
    algorithm = re.match(r"ksim_compiler\.learn\.\w+(?=\.)", f"{name}.")
    room = next((room for room in rooms if f"{name}.".startswith(f"{room}.")), None)
    return algorithm[0] if room is None and algorithm else room


def modules(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("path", modules(LANGUAGE), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_language_imports_no_simulator(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert roots.isdisjoint(HEAVY)


def test_every_module_has_a_room() -> None:
    packages = {"ksim_schema", "ksim_compiler", "ksim_compiler.learn"}
    names = {name_of(path) for path in modules(LANGUAGE) + modules(COMPILER)}
    assert {name for name in names if room_of(name) is None} == packages


def test_arrows_go_one_way() -> None:
    height = {name: level for level, names in enumerate(LAYERS) for name in names}

    def level(room: str) -> int:
        return height.get(room, height[ALGORITHM])

    wrong = []
    for path in modules(LANGUAGE) + modules(COMPILER):
        own = room_of(name_of(path))
        for name in sorted(imports(path)) if own else ():
            other = room_of(name)
            if own and other and other != own and level(other) >= level(own):
                wrong.append(f"{name_of(path)} imports {name}")
    assert wrong == []


def test_no_imports_go_round() -> None:
    paths = {name_of(path): path for path in modules(LANGUAGE) + modules(COMPILER)}
    graph = networkx.DiGraph()
    for name, path in paths.items():
        for target in imports(path):
            found = target if target in paths else target.rpartition(".")[0]
            if found in paths:
                graph.add_edge(name, found)
    assert graph.number_of_edges() > 500
    assert list(networkx.simple_cycles(graph)) == []


def test_the_layers_are_those_of_the_guide() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"```\n{diagram()}\n```" in guide, f"CONTRIBUTING.md must show:\n{diagram()}"


def test_files_are_short() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for folder in (LANGUAGE, COMPILER, ROOT / "examples")
        for path in modules(folder)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > LINES
    }
    assert long == {}


def loaded_by(code: str) -> set[str]:
    code += "\nimport sys\nprint('\\n'.join(m.split('.')[0] for m in sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(run.stdout.split())


def test_checking_a_task_in_the_language_loads_no_simulator() -> None:
    loaded = loaded_by(
        "from pathlib import Path\n"
        "from ksim_schema.frontend import check_file\n"
        "assert check_file(Path('tasks/walk.yaml')).task is not None"
    )
    assert loaded.isdisjoint(HEAVY)


def test_compiling_a_task_loads_no_jax() -> None:
    loaded = loaded_by(
        "from ksim_compiler.cli.compile import main\n"
        "assert main(['--check', '-q', 'tasks/walk.yaml']) == 0"
    )
    assert "mujoco" in loaded
    assert loaded.isdisjoint(("jax", "jaxlib", "equinox", "optax"))


def test_an_editor_is_served_without_jax_and_without_mujoco() -> None:
    loaded = loaded_by("from ksim_compiler.editor.features import make\nmake()")
    assert "pygls" in loaded
    assert loaded.isdisjoint(("jax", "jaxlib", "mujoco", "equinox", "optax"))


def test_how_to_draw_is_chosen_before_mujoco_is_imported() -> None:
    assert loaded_by("import ksim_compiler.cli.play").isdisjoint(("mujoco", "jax"))


def test_the_vocabulary_defers_no_annotations() -> None:
    """Pydantic compiles a deferred annotation from its text: a tenth of the time of a check."""
    deferred = "from __future__ import annotations"
    modules = [*(LANGUAGE / "vocabulary").rglob("*.py")]
    assert modules
    assert not [p.name for p in modules if deferred in p.read_text(encoding="utf-8").splitlines()]


def test_nothing_is_unpickled_and_no_unsafe_yaml_is_read() -> None:
    forbidden = ("pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib")
    for path in modules(LANGUAGE) + modules(COMPILER):
        roots = {name.split(".")[0] for name in imports(path)}
        assert roots.isdisjoint(forbidden), path
        text = path.read_text(encoding="utf-8")
        assert "allow_pickle=True" not in text
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) != ("yaml", "load"), path

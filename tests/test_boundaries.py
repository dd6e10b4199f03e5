"""The house: arrows go one way, files stay short, the language needs no simulator."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LANGUAGE = ROOT / "ksim_schema"
COMPILER = ROOT / "compiler" / "ksim_compiler"
LINES = 420
"""About 400: a longer file is usually two ideas."""
HEAVY = ("jax", "jaxlib", "mujoco", "equinox", "optax", "ksim_compiler")

LAYERS = (
    ("quiet", "transmission"),
    (
        "anatomy",
        "bases",
        "clock",
        "differences",
        "limits",
        "modelfiles",
        "modelrefs",
        "modelxml",
        "motions",
        "sane",
        "sealed",
        "surfaces",
        "terrain",
        "transition",
    ),
    ("robotfacts",),
    ("robot",),
    ("plan",),
    ("interface",),
    ("migration",),
    ("meaning",),
    ("verify",),
    ("passes",),
    ("pipeline",),
    ("artifact",),
    ("lowering", "engine"),
    ("tick",),
    ("env",),
    ("learn",),
    ("play", "deploy"),
    ("cli",),
)
"""From the ground up: a module may import those of lower layers and of its own."""


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def modules(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("path", modules(LANGUAGE), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_language_imports_no_simulator(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert roots.isdisjoint(HEAVY)


def test_arrows_go_one_way() -> None:
    height = {name: level for level, names in enumerate(LAYERS) for name in names}
    wrong = []
    for path in modules(COMPILER):
        own = path.relative_to(COMPILER).with_suffix("").parts[0]
        if own == "__init__":
            continue
        assert own in height, f"give {own} a place in LAYERS"
        for name in imports(path):
            parts = name.split(".")
            inside = parts[0] == "ksim_compiler" and len(parts) > 1 and parts[1] in height
            if inside and height[parts[1]] > height[own]:
                wrong.append(f"{path.relative_to(COMPILER)} imports {name}")
    assert wrong == []


def test_files_are_short() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for folder in (LANGUAGE, COMPILER)
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

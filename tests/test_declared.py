"""What the code asks of a part is declared: it is not looked up by a name that may not be there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted([*ROOT.glob("ksim_schema/**/*.py"), *ROOT.glob("compiler/**/*.py")])
LOOKUPS = {
    ("ksim_schema/acset/shipped.py", "CSafeLoader"): "PyYAML is built with or without libyaml",
    ("ksim_schema/source/accidents.py", "CSafeLoader"): "PyYAML is built with or without libyaml",
    ("ksim_schema/source/yaml_reader.py", "CSafeLoader"): "PyYAML is built with or without libyaml",
    ("ksim_schema/source/files.py", "O_DIRECTORY"): "Windows does not have it",
    ("compiler/ksim_compiler/engine/native.py", "sched_getaffinity"): "Linux alone has it",
    ("compiler/ksim_compiler/learn/run/manifest.py", "sched_getaffinity"): "Linux alone has it",
    ("compiler/ksim_compiler/cli/watch.py", "nice"): "Windows does not have it",
    ("compiler/ksim_compiler/cli/sweep.py", "sched_getaffinity"): "Linux alone has it",
    ("compiler/ksim_compiler/editor/features.py", "value"): "pygls tells a text or an enumeration",
    ("ksim_schema/task/validation.py", "min_length"): "limits of pydantic have it or not",
    ("compiler/ksim_compiler/lowering/custom.py", "shape"): "what a rule of a task's file gives",
}
"""Names that are looked up where they may not be, and why. None is of a part."""


def lookups(tree: ast.AST) -> list[tuple[str, int]]:
    """Attributes that a module asks for by a literal name, with what is taken where it is not."""
    found: list[tuple[str, int]] = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        arguments = {"getattr": 3, "hasattr": 2}.get(node.func.id)
        if arguments != len(node.args) or not isinstance(node.args[1], ast.Constant):
            continue
        name = str(node.args[1].value)
        if not name.startswith("__"):  # Python's own, of types and modules
            found.append((name, node.lineno))
    return found


@pytest.mark.parametrize("text", ["getattr(part, 'body', None)", "x = hasattr(part, 'names')"])
def test_a_guess_is_found(text: str) -> None:
    assert lookups(ast.parse(text))


def test_what_is_asked_of_a_part_is_declared() -> None:
    guesses = {
        (path.relative_to(ROOT).as_posix(), name): line
        for path in MODULES
        for name, line in lookups(ast.parse(path.read_text(encoding="utf-8")))
    }
    told = [f"{path}:{line}: {name!r}" for (path, name), line in guesses.items()]
    unexpected = [text for text, key in zip(told, guesses, strict=True) if key not in LOOKUPS]
    assert not unexpected, "declare it on the class, or check the type: " + ", ".join(unexpected)
    assert set(LOOKUPS) <= set(guesses), "not looked up any more"

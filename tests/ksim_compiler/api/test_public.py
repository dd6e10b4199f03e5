"""The names of ``import ksim_compiler as ksim``: which there are, what they load, what they say."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import ksim_compiler as ksim
from tests.support.api_page import GROUPS, SECTIONS

SOURCE = Path(ksim.__file__).read_text(encoding="utf-8")


def loaded_after(code: str) -> set[str]:
    code = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_import_loads_neither_jax_nor_mujoco_and_compiling_no_jax() -> None:
    loaded = loaded_after("import ksim_compiler\nassert 'make_env' in dir(ksim_compiler)")
    assert loaded.isdisjoint(("jax", "mujoco", "numpy", "pydantic"))
    loaded = loaded_after("import ksim_compiler as k\nk.diff(k.compile('cartpole'), 'cartpole')")
    assert loaded.isdisjoint(("jax", "equinox", "optax"))


def test_every_name_is_there_and_seen_by_type_checkers() -> None:
    seen = {
        alias.name
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
        if node.module and node.module.startswith("ksim_compiler.")
    }
    assert seen == set(ksim.__all__) == {name for names in GROUPS.values() for name in names}
    for name in ksim.__all__:
        assert getattr(ksim, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'env_of'"):
        _ = ksim.env_of  # type: ignore[attr-defined]


def documented(text: str) -> set[str]:
    """The names that a docstring tells of in its sections."""
    names: set[str] = set()
    section = ""
    for line in text.splitlines():
        word = line.strip().removesuffix(":")
        if line.strip().endswith(":") and word in SECTIONS and not line.startswith("    "):
            section = word
        elif section in ("Args", "Attributes") and line[:4] == "    " and line[4:5].strip():
            head = line.strip().partition(":")[0]
            names |= {name.strip() for name in head.split(",")}
    return names


@pytest.mark.parametrize("name", ksim.__all__)
def test_every_name_says_what_it_is(name: str) -> None:
    thing = getattr(ksim, name)
    told = inspect.getdoc(thing) or ""
    assert len(told) > 20
    assert not told.startswith(f"{name}("), "only what a dataclass says of itself"
    functions = [thing] if inspect.isfunction(thing) else []
    if inspect.isclass(thing) and not issubclass(thing, Exception):
        fields = {f for f in inspect.get_annotations(thing) if not f.startswith("_")}
        assert fields <= documented(told), f"{name}: {fields - documented(told)}"
        for member, value in vars(thing).items():
            if not member.startswith("_") and isinstance(value, property):
                assert value.__doc__, f"{name}.{member}"
            if not member.startswith("_") and inspect.isfunction(value):
                functions.append(value)
    for function in functions:
        text = inspect.getdoc(function) or ""
        arguments = set(inspect.signature(function).parameters) - {"self", "cls"}
        short = len(arguments) < 2 and "Args:" not in text
        assert text, f"{name}: {function}"
        assert short or arguments <= documented(text), f"{function}: {arguments - documented(text)}"

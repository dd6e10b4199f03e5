"""Component files: what they declare, to whom it is known, and what is wrong with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ksim_schema.custom.classes import declared_in
from ksim_schema.custom.files import Components, load, reader_of
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.frontend import check_file
from ksim_schema.source import parse
from ksim_schema.vocabulary import KINDS

GOOD = '''from ksim_schema.custom import Annotated, Gt, Length, Range, Reward, jnp


class KneeHeight(Reward):
    """Knees are up."""

    height: Annotated[Length, Gt(0)] = "50 cm"
    band: Range[Length] = (0.1, 0.2)

    def value(self, x):
        return jnp.clip(x.world["qpos"][0] - self.height, 0.0, 1.0)
'''


def declared(
    folder: Path, text: str, components: str = "[a.py]"
) -> tuple[Components, list[Diagnostic]]:
    (folder / "a.py").write_text(text)
    found = Sink()
    document = parse(f"ksim: 1\ntask: t\ncomponents: {components}\n", "tasks/t.yaml", found)
    assert document is not None, found
    return load(document, reader_of(folder), "tasks", found), list(found)


def test_a_class_becomes_a_kind_with_its_parameters(tmp_path: Path) -> None:
    components, found = declared(tmp_path, GOOD)
    assert found == []
    model = components.kinds["Reward"]["knee_height"]
    part = model.model_validate({"kind": "knee_height"})
    assert part.model_dump(mode="json") == {
        "scale": {"constant": 1.0, "linear": None, "quadratic": None, "square_root": None}
        | {"non_zero": None, "curriculum": None},
        "per_second": False,
        "when": None,
        "height": "0.5 m",
        "band": ["0.1 m", "0.2 m"],
        "kind": "knee_height",
    }
    assert model.__doc__ == "Knees are up."
    assert (model.declared_at.file, model.declared_at.line) == ("tasks/a.py", 4)  # type: ignore[attr-defined]
    assert components.files == {"a.py": GOOD.encode()}


def test_a_kind_may_be_named(tmp_path: Path) -> None:
    text = GOOD.replace("    height:", '    kind_name = "knees"\n    height:')
    components, found = declared(tmp_path, text)
    assert found == []
    assert "knees" in components.kinds["Reward"]


def test_kinds_are_known_to_their_task_alone(tmp_path: Path) -> None:
    before = {object: dict(kinds) for object, kinds in KINDS.items()}
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
    one, _ = declared(first, GOOD)
    two, _ = declared(second, GOOD.replace("50 cm", "70 cm").replace("KneeHeight", "Knee"))
    same, _ = declared(second, GOOD.replace("50 cm", "70 cm"))
    assert "knee" not in one.kinds["Reward"]
    assert "knee_height" not in two.kinds["Reward"]
    heights = [c.kinds["Reward"]["knee_height"].model_fields["height"].default for c in (one, same)]
    assert heights == [0.5, 0.7]
    assert before == KINDS
    assert not [name for name in sys.modules if name.startswith("ksim_component_")]


def test_reading_a_task_with_components_loads_no_simulator(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(GOOD)
    (tmp_path / "t.yaml").write_text(
        "ksim: 1\ntask: t\ncomponents: a.py\nReward: {up: {kind: knee_height, height: 1 s}}\n"
    )
    code = (
        "import sys; from pathlib import Path; from ksim_schema.frontend import check_file\n"
        f"found = check_file(Path({str(tmp_path / 't.yaml')!r})).diagnostics\n"
        "assert 'KS0109' in [d.code for d in found], found\n"
        "assert not {'jax', 'mujoco'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("change", "code", "line", "column", "words"),
    [
        (("def value(self, x):", "def value(self, x:"), "KS0702", 10, 14, "not valid Python"),
        (("jnp\n", "jnp\nimport no_such_thing\n"), "KS0703", 2, 1, "ModuleNotFoundError"),
        (("jnp\n", "jnp\nraise SystemExit(3)\n"), "KS0703", 2, 1, "SystemExit: 3"),
        (("jnp\n", "jnp\n\ndef f():\n    1 / 0\n\nf()\n"), "KS0703", 4, 5, "ZeroDivisionError"),
        (('"50 cm"', "Lenght"), "KS0703", 7, 40, "'Lenght' is not defined"),
        (("def value", "def worth"), "KS0704", 4, 7, "KneeHeight has no rule"),
        (("(self, x)", "(self)"), "KS0704", 10, 9, "value(self, x)"),
        (("Annotated[Length, Gt(0)]", "object()"), "KS0705", 7, 5, "parameter 'height'"),
        (("height: Annotated[Length, Gt(0)]", "height"), "KS0705", 7, 5, "'height' has no type"),
        (('"50 cm"', '"50 s"'), "KS0705", 7, 5, "expected a length"),
        (('"50 cm"', "-0.5"), "KS0705", 7, 5, "greater than 0"),
        (("(0.1, 0.2)", "(0.2, 0.1)"), "KS0705", 8, 5, "the lower end comes first"),
        (("band:", "scale:"), "KS0705", 8, 5, "every Reward has a field 'scale'"),
        (("KneeHeight", "StayAlive"), "KS0706", 4, 7, "'stay_alive' already (built-in)"),
        (("class KneeHeight", "class _KneeHeight"), "KS0707", 1, 1, "declares no component"),
    ],
)
def test_a_mistake_is_reported_where_it_is(
    change: tuple[str, str], code: str, line: int, column: int, words: str, tmp_path: Path
) -> None:
    assert GOOD.count(change[0]) >= 1
    components, found = declared(tmp_path, GOOD.replace(*change, 1))
    assert [(d.code, d.where.file) for d in found] == [(code, "tasks/a.py")]
    assert (found[0].where.line, found[0].where.column) == (line, column), found
    assert words in found[0].message
    assert set(components.kinds["Reward"]) == set(KINDS["Reward"])


@pytest.mark.parametrize(
    ("components", "code", "words"),
    [
        ("[b.py]", "KS0701", "there is no such file"),
        ("[../a.py]", "KS0701", "not a path in the task's folder"),
        ("[/etc/passwd.py]", "KS0701", "not a path in the task's folder"),
        ("[out/a.py]", "KS0701", "leads out of the task's folder"),
        ("[a.txt]", "KS0701", "is not a Python file"),
        ("[a.py, ./a.py]", "KS0701", "listed twice"),
        ("[folder.py]", "KS0701", "is a folder"),
        ("[latin.py]", "KS0701", "not UTF-8"),
        ("[3]", "KS0106", "not the number 3"),
        ("{a: b}", "KS0106", "not a mapping"),
    ],
)
def test_files_that_are_not_read(components: str, code: str, words: str, tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "out"
    for made in (folder, outside, folder / "folder.py"):
        made.mkdir()
    (outside / "a.py").write_text("raise SystemExit('this must not run')")
    (folder / "out").symlink_to(outside)
    (folder / "latin.py").write_bytes(b"'\xe9'")
    _, found = declared(folder, GOOD, components)
    assert [d.code for d in found] == [code]
    assert words in found[0].message
    assert found[0].where.file == "tasks/t.yaml"
    assert found[0].where.line == 3


def test_two_files_may_not_declare_the_same_kind(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("\n" + GOOD)
    _, found = declared(tmp_path, GOOD, "[a.py, b.py]")
    assert [(d.code, d.where.file, d.where.line) for d in found] == [("KS0706", "tasks/b.py", 5)]
    assert "in tasks/a.py" in found[0].message


def test_postponed_annotations_work(tmp_path: Path) -> None:
    _, found = declared(tmp_path, "from __future__ import annotations\n\n" + GOOD)
    assert found == []
    _, found = declared(
        tmp_path, "from __future__ import annotations\n" + GOOD.replace("Gt(0)", "Gtt(0)")
    )
    assert [(d.code, d.where.line) for d in found] == [("KS0705", 8)], found


def test_a_task_without_components_is_as_before() -> None:
    path = Path(__file__).parents[2] / "tasks" / "cartpole.yaml"
    task = check_file(path).task
    assert task is not None
    assert task.components.kinds is KINDS


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("weights: list[float] = [1.0]", "a list is written as tuple"),
        ("weights: dict[str, float] = {}", "a list is written as tuple"),
        ("fields: Length = '1 m'", "has 'fields' already"),
        ("GAIN = 3.0", "parameter 'GAIN' has no type"),
        ("GAIN: ClassVar = 3.0", None),
        ("weights: tuple[Number, ...] = (1.0, 2.0)", None),
    ],
)
def test_lists_and_constants_of_a_class(line: str, problem: str | None) -> None:
    text = "from ksim_schema.custom import ClassVar, Length, Number, Reward\n\n\n"
    text += f"class Own(Reward):\n    {line}\n\n    def value(self, x):\n        return x.time\n"
    found = Sink()
    made = declared_in("own.py", text, "own.py", found)
    assert len(made) == (problem is None)
    assert [problem in d.message for d in found if problem] == [True] * (problem is not None)

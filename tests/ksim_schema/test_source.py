"""Reading YAML: places, the core schema, and texts that are broken or meant to do harm."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from ksim_schema.diagnostics import Sink, Span
from ksim_schema.frontend import check_file
from ksim_schema.source import dotted, parse, read, yaml_reader


def codes(text: bytes | str) -> list[str]:
    problems = Sink()
    document = parse(text, "t.yaml", problems)
    assert document is not None or problems, "a refused text says why"
    return [problem.code for problem in problems]


def place(text: bytes | str) -> tuple[str, int, int]:
    problems = Sink()
    parse(text, "t.yaml", problems)
    (problem,) = problems
    return problem.code, problem.where.line, problem.where.column


def data_of(text: bytes | str) -> object:
    problems = Sink()
    document = parse(text, "t.yaml", problems)
    assert document is not None
    assert not problems
    return document.data


TEXT = """\
a: 1
b:
  c: [x, {d: two words}]
  e: 'quoted: text'
"""


def test_every_key_and_value_has_its_place() -> None:
    problems = Sink()
    document = parse(TEXT, "t.yaml", problems)
    assert document is not None
    assert not problems
    assert document.data == {"a": 1, "b": {"c": ("x", {"d": "two words"}), "e": "quoted: text"}}
    assert document.at(("a",)) == Span("t.yaml", 1, 4, 1, 5)
    assert document.at(("a",), key=True) == Span("t.yaml", 1, 1, 1, 2)
    assert document.at(("b", "c", 0)) == Span("t.yaml", 3, 7, 3, 8)
    assert document.at(("b", "c", 1, "d")) == Span("t.yaml", 3, 14, 3, 23)
    assert document.at(("b", "e")) == Span("t.yaml", 4, 6, 4, 20)
    assert document.at(("b", "e"), key=True) == Span("t.yaml", 4, 3, 4, 4)


def test_a_place_that_is_not_there_is_that_of_the_nearest_parent() -> None:
    document = parse(TEXT, "t.yaml", Sink())
    assert document is not None
    assert document.at(("b", "missing")) == document.at(("b",), key=True)
    assert document.at(("b", "e", 0)) == document.at(("b", "e"))  # one value for a list of one
    assert document.at(("z", "z")) == document.at(())


def test_a_block_ends_on_its_last_line() -> None:
    document = parse("a:\n  b: 1\n  c: 2\nd: 3\n", "t.yaml", Sink())
    assert document is not None
    assert document.at(("a",)).line == 2
    assert document.at(("a",)).end_line <= 4


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-3", -3),
        ("1e-5", 1e-5),
        ("1.0e+3", 1000.0),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2001-01-01", "2001-01-01"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("~", None),
        ("null", None),
        ("'1'", "1"),
        ('"null"', "null"),
        ("1e999", float("inf")),
        ("9" * 18, 10**18 - 1),
        ("\u0663", "\u0663"),  # an Arabic digit is not a number
    ],
)
def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    found = data_of(f"a: {text}\n")
    assert found == {"a": value}
    assert type(found["a"]) is type(value)  # type: ignore[index]


def test_a_whole_number_of_many_digits_is_no_int() -> None:
    """int() of a text takes quadratic time; Python itself refuses more than 4300 digits."""
    assert isinstance(data_of("a: " + "9" * 5000)["a"], float)  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", ("KS0002", 1, 5)),
        ("a: {joint[1-4]: 0.1 rad}\n", ("KS0002", 1, 10)),
        ("a: [b\nc: d\n", ("KS0002", 1, 4)),
        ("a:\n\tb: 1\n", ("KS0002", 2, 1)),
        ("a: 'b\n", ("KS0002", 1, 4)),
        ("a: b: c\n", ("KS0002", 1, 5)),
        ("a b\nc: d\n", ("KS0002", 1, 1)),
        ("a:\n  b\n    c\n  d: 1\n", ("KS0002", 2, 3)),
        ("a:\n  - {b: [c\n  - d: 1\n", ("KS0002", 2, 9)),
        ("a:\n  b: 1\n  c: 1\n  d: 1\n   e: 1\n  f: 1\n", ("KS0002", 5, 5)),
        ("a: @b\n", ("KS0002", 1, 4)),
        ("a: *b\n", ("KS0017", 1, 4)),
        ("a: 1\n---\nb: 2\n", ("KS0002", 2, 1)),
        ("a: 1\n...\n---\nb: 2\n", ("KS0002", 3, 1)),
        ("a: !!python/object:os.system x\n", ("KS0004", 1, 4)),
        ("a: !!python/object/apply:os.system [ls]\n", ("KS0004", 1, 4)),
        ("a: !include /etc/passwd\n", ("KS0004", 1, 4)),
        ("!!map {a: 1}\n", ("KS0004", 1, 1)),
        ("a: &x [*x]\n", ("KS0002", 1, 8)),
        ("a: &x {b: *x}\n", ("KS0002", 1, 11)),
        ("a: {b: 1, b: 2}\n", ("KS0003", 1, 11)),
        ("a:\n  b:\n    - {c: 1, c: 2}\n", ("KS0003", 3, 14)),
        ("a: 1\na: 2\n", ("KS0003", 2, 1)),
        ("<<: {a: 1}\n", ("KS0008", 1, 1)),
        ("? [a]\n: b\n", ("KS0009", 1, 3)),
        ("? {a: 1}\n: b\n", ("KS0009", 1, 3)),
        ("a: &x 1\n*x : 2\n", ("KS0009", 2, 1)),
        ("a: \x07\n", ("KS0006", 1, 4)),
        ("a: \x00\n", ("KS0006", 1, 4)),
        ("ä: ö\x1b\n", ("KS0006", 1, 5)),
        ('a: "\\0"\n', ("KS0006", 1, 4)),
        ('"\\0": 1\n', ("KS0006", 1, 1)),
        (b"a: \xff\n", ("KS0006", 1, 4)),
        (b"a: 1\nb: \xc3", ("KS0006", 2, 4)),
        ("a: 1".encode("utf-16"), ("KS0006", 1, 1)),
        ('a: "\\ud800"\n', ("KS0002", 1, 7)),
    ],
)
def test_a_broken_text_is_refused_at_its_place(
    text: bytes | str, expected: tuple[str, int, int]
) -> None:
    assert place(text) == expected


def test_the_value_of_the_first_of_two_equal_keys_counts_and_keeps_its_places() -> None:
    problems = Sink()
    document = parse("a: {x: 1}\na: {x: 2, x: 3}\nb: 4\n", "t.yaml", problems)
    assert document is not None
    assert document.data == {"a": {"x": 1}, "b": 4}
    assert document.at(("a", "x")).line == 1
    assert [(p.code, p.path) for p in problems] == [("KS0003", "a"), ("KS0003", "a.x")]


def test_an_alias_bomb_is_defused() -> None:
    lines = ["a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [
        f"{y}: &{y} [{', '.join(['*' + x] * 9)}]"
        for x, y in zip("abcdefgh", "bcdefghi", strict=False)
    ]
    assert codes("\n".join(lines)) == ["KS0005"]


def test_aliases_are_plain_values() -> None:
    assert data_of("a: &x {b: [1]}\nc: *x\n") == {"a": {"b": (1,)}, "c": {"b": (1,)}}
    document = parse("a: &x {b: [1]}\nc: *x\n", "t.yaml", Sink())
    assert document is not None
    assert document.at(("c", "b", 0)) == document.at(("c",), key=True)


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "- " * 100_000, "? " * 50_000])
def test_deep_nesting_stops_early(text: str) -> None:
    assert codes(text) in (["KS0005"], ["KS0009"])


def test_deep_blocks_stop_early() -> None:
    assert codes("".join(f"{' ' * i}a:\n" for i in range(500))) == ["KS0005"]


def test_too_many_values_stop_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "MAX_VALUES", 1000)
    assert codes("a: [" + "1, " * 997 + "1]") == []
    assert codes("a: [" + "1, " * 1001 + "1]") == ["KS0005"]


def test_a_text_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"a: 1\n" + b"#" * 20_000_000)
    problems = Sink()
    assert read(path, problems) is None
    (problem,) = problems
    assert problem.code == "KS0005"
    assert codes(b"a: 1\n" + b"#" * yaml_reader.MAX_BYTES) == ["KS0005"]


def test_long_scalars_are_values_like_others() -> None:
    assert data_of("a: " + "x" * 1_000_000) == {"a": "x" * 1_000_000}
    assert codes("x" * 1_000_000 + ": a")[0] == "KS0002"  # YAML's limit for a key


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~\n", "\ufeff"])
def test_nothing_is_null(text: str) -> None:
    problems = Sink()
    document = parse(text, "t.yaml", problems)
    assert document is not None
    assert document.data is None
    assert not problems


@pytest.mark.parametrize("breaks", ["\r\n", "\r", "\n"])
def test_line_breaks_of_all_systems_give_the_same_places(breaks: str) -> None:
    problems = Sink()
    document = parse(TEXT.replace("\n", breaks).encode(), "t.yaml", problems)
    assert document is not None
    assert not problems
    assert document.at(("b", "e")) == Span("t.yaml", 4, 6, 4, 20)


def test_a_byte_order_mark_is_no_character() -> None:
    problems = Sink()
    document = parse(("\ufeff" + TEXT).encode(), "t.yaml", problems)
    assert document is not None
    assert not problems
    assert document.at(("a",)) == Span("t.yaml", 1, 4, 1, 5)


def test_a_file_without_a_last_line_break() -> None:
    assert data_of("a: 1") == {"a": 1}
    assert place("a: [1") == ("KS0002", 1, 4)


def test_an_absent_file_a_folder_and_a_forbidden_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in (tmp_path / "absent.yaml", tmp_path, Path("nul\0.yaml")):
        assert [d.code for d in check_file(path).diagnostics] == ["KS0001"]

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    forbidden = tmp_path / "task.yaml"
    forbidden.write_text("ksim: 1")
    monkeypatch.setattr(Path, "open", refuse)
    (problem,) = check_file(forbidden, name="task.yaml").diagnostics
    assert (problem.code, problem.message) == (
        "KS0001",
        "cannot read task.yaml: permission denied",
    )


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    path = tmp_path / "pipe.yaml"
    os.mkfifo(path)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert [d.code for d in check_file(path).diagnostics] == ["KS0001"]


def test_the_reader_agrees_with_pyyaml_on_shipped_tasks() -> None:
    """What both understand is the same data (PyYAML reads YAML 1.1, where 1e-5 is a text)."""

    def plain(value: object) -> object:
        if isinstance(value, dict):
            return {key: plain(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(inner) for inner in value]
        return value

    for path in sorted((Path(__file__).parents[2] / "tasks").glob("*.yaml")):
        problems = Sink()
        document = read(path, problems)
        assert document is not None
        assert not problems
        assert plain(document.data) == plain(yaml.safe_load(path.read_text()))


def test_dotted_paths() -> None:
    assert dotted(("Observation", "feet", "geoms", 0)) == "Observation.feet.geoms[0]"
    assert dotted(()) == ""

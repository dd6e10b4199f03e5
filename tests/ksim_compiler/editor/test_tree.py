"""The tree of a text that is being typed: it says what the checker reads, and never fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ksim_compiler.editor.nodes import walk
from ksim_compiler.editor.places import place_at
from ksim_compiler.editor.text import Text
from ksim_compiler.editor.tree import read
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse

ROOT = Path(__file__).parents[3]
FILES = sorted(
    path
    for folder in ("tasks", "examples/tasks", "tests/invalid", "tests/kinds")
    for path in (ROOT / folder).rglob("*.yaml")
)
ANCHORS = "Reward.yaml"
"""Whose values carry anchors; the reader counts them as a part of the value."""


def same(text: str) -> None:
    """The tree has the paths and places that the reader gives."""
    sink = Sink()
    document = parse(text, "task", sink)
    if document is None or sink.failed or not isinstance(document.data, dict):
        return
    lines = Text(text, "utf-32")
    mine = {path: (entry, node) for path, entry, node in walk(read(text))}
    assert set(mine) == set(document.values) - {()}
    for path, (entry, node) in mine.items():
        if entry is not None:
            assert lines.stretch(document.keys[path]) == (entry.start, entry.end), path
        if node.kind != "nothing" and "&" not in text:
            assert lines.stretch(document.values[path]).start == node.start, path
        value, written = _at(document.data, path), text[node.start : node.end]
        if isinstance(value, str) and node.kind == "scalar" and "\n" not in written:
            assert node.text == value


def _at(data: object, path: tuple[str | int, ...]) -> object:
    for step in path:
        data = data[step]  # type: ignore[index]
    return data


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_of_what_is_yaml_it_says_what_the_reader_says(ends: str) -> None:
    assert len(FILES) > 200
    for path in FILES:
        text = path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
        same(text if ends == "\n" else text.replace("\n", ends))


def test_values_of_every_form_are_read() -> None:
    same("a: 'it''s'\n\"b c\": \"x\\ty\"\nc: >\n  folded\n  text\n")
    same("d:\n- 1\n-   e: 2\n    f: [3,\n     4]\n")
    same("g:\n  - - 5\n    - 6\n")
    same("a: {h: {i: j k, l: 'm, n'}, o: [p, {q: r}]}\ns: plain # comment\nt: u:v#w\n")


def test_what_is_open_ends_with_its_block() -> None:
    tree = read("Reward:\n  a: {kind: x, sc\n  b: {kind: 'y\n  c: [1, 2\nPPO:\n  envs: 3\n")
    reward = tree.get("Reward")
    assert reward is not None
    assert [entry.key for entry in reward.entries] == ["a", "b", "c"]
    assert [entry.key for entry in reward.entries[0].value.entries] == ["kind", "sc"]
    assert tree.get("PPO", "envs").text == "3"  # type: ignore[union-attr]


PIECES = st.sampled_from(
    (
        *("{", "}", "[", "]", ":", ": ", ", ", "\n", "\n  ", "\n    ", "- ", "'", '"', "#", " # "),
        *("|", ">", "&a ", "*a", "!t ", "kind", "Reward", "scale: 1", "\t", "\r\n", "😀", "é"),
        *("---", "%", "\ufeff", "\0"),
    )
)


@given(st.lists(PIECES, max_size=25).map("".join), st.integers(0, 100))
def test_nothing_that_is_typed_fails(text: str, at: int) -> None:
    tree = read(text)
    for _, entry, node in walk(tree):
        assert 0 <= node.start <= node.end <= len(text)
        assert entry is None or text[entry.start : entry.end].strip("'\"\ufeff") is not None
    place_at(tree, text, min(at, len(text)))


@pytest.mark.parametrize(
    ("text", "role", "path", "typed"),
    [
        ("|", "key", (), ""),
        ("Rew|", "key", (), "Rew"),
        ("Reward:\n  |", "new", ("Reward",), ""),
        ("Reward:\n  lin|", "key", ("Reward",), "lin"),
        ("Reward:\n  a:\n    kind: x\n    |", "key", ("Reward", "a"), ""),
        ("Reward:\n  a:\n    kind: x\n  |", "key", ("Reward",), ""),
        ("Reward:\n  a:\n    kind: x\n|", "key", (), ""),
        ("Reward:\n  a: {|", "key", ("Reward", "a"), ""),
        ("Reward:\n  a: {kind: |}", "value", ("Reward", "a", "kind"), ""),
        ("Reward:\n  a: {kind: x, sc|\n  b: {kind: y}", "key", ("Reward", "a"), "sc"),
        ("Reward:\n  a: {kind: x,\n    |}", "key", ("Reward", "a"), ""),
        ("P:\n  a:\n    read: [x, |]", "value", ("P", "a", "read", 1), ""),
        ("P:\n  a:\n    read: [x, y|, z]", "value", ("P", "a", "read", 1), "y"),
        ("P:\n  a:\n    read:\n      - |", "value", ("P", "a", "read", 0), ""),
        ("P:\n  a:\n    read:\n      - x\n      - y|", "value", ("P", "a", "read", 1), "y"),
        ("P:\n  a:\n    read:|", "value", ("P", "a", "read"), ""),
        ("P:\n  a: 1\n\n  |\n\nQ: 1", "key", ("P",), ""),
        ("é: 😀|", "value", ("é",), "😀"),
    ],
)
def test_the_place_of_a_cursor(
    text: str, role: str, path: tuple[str | int, ...], typed: str
) -> None:
    offset = text.index("|")
    text = text.replace("|", "")
    place = place_at(read(text), text, offset)
    assert place is not None
    assert (place.role, place.path, text[place.start : place.end]) == (role, path, typed)


@pytest.mark.parametrize(
    "text", ["# a|", "x: 1 # a|", "x: {a: 1} |", "P:\n  a:\n    k: x\n      |"]
)
def test_where_nothing_can_stand_there_is_no_place(text: str) -> None:
    offset = text.index("|")
    text = text.replace("|", "")
    assert place_at(read(text), text, offset) is None


@pytest.mark.parametrize(
    ("encoding", "codec", "size"),
    [("utf-8", "utf-8", 1), ("utf-16", "utf-16-le", 2), ("utf-32", "utf-32-le", 4)],
)
@given(st.text(st.sampled_from("a😀é\n\r\u2028 "), max_size=12))
def test_positions_and_offsets_are_inverse(encoding: str, codec: str, size: int, text: str) -> None:
    lines = Text(text, encoding)
    for offset in range(len(text) + 1):
        if offset == 0 or text[offset - 1 : offset + 1] != "\r\n":
            assert lines.offset(*lines.position(offset)) == offset
    last = text.replace("\r\n", "\n").replace("\r", "\n").rpartition("\n")[2]
    assert lines.position(len(text)).character == len(last.encode(codec)) // size

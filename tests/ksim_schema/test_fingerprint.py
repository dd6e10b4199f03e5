"""The fingerprint: no change of writing shows, each change of meaning does."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import example, given, settings

from ksim_schema.diagnostics import Sink, has_errors
from ksim_schema.graph.canonical import canonical_yaml, fingerprint_of
from ksim_schema.source import parse as parse_source
from ksim_schema.units import QuantityError, parse
from tests.support.tasks import (
    SHIPPED,
    at,
    checked,
    leaves,
    meaning,
    other,
    replaced,
    source,
    tasks,
)

NO_MEANING = {("about",), ("task",)}
UNIT = {" s": (1e3, "ms"), " m": (1e2, "cm"), " rad": (1e3, "mrad"), " m/s": (1e3, "mm/s")}


def is_free(path: tuple[str | int, ...]) -> bool:
    """Whether a value does not count: prose, and the path of the model."""
    return path in NO_MEANING or (path[0], path[-1]) == ("PhysicsState", "model")


def shuffled(value: Any, draw: st.DrawFn, path: tuple[str | int, ...] = ()) -> Any:
    """The same mappings in another order, and the same quantities in other units."""
    if isinstance(value, dict):
        keys = draw(st.permutations(list(value)))
        return {key: shuffled(value[key], draw, (*path, key)) for key in keys}
    if isinstance(value, list):
        return [shuffled(v, draw, path) for v in value]
    return rewritten(value) if draw(st.booleans()) else value


def rewritten(value: Any) -> Any:
    """A quantity in another unit, where that is the same float."""
    try:
        measured = parse(value) if isinstance(value, str) else None
    except QuantityError:
        return value
    unit = f" {measured.dimension}" if measured is not None else ""
    if unit not in UNIT or measured is None:
        return value
    factor, name = UNIT[unit]
    text = f"{float(measured) * factor!r} {name}"
    return text if parse(text) == measured else value


@settings(max_examples=40, deadline=None)
@given(tasks(), st.data())
def test_order_units_and_formatting_do_not_show(task: dict[str, Any], data: st.DataObject) -> None:
    written = shuffled({k: v for k, v in task.items() if k != "files"}, data.draw)
    style = data.draw(st.sampled_from((None, True, False)))
    text = yaml.safe_dump(written, sort_keys=False, default_flow_style=style, width=40)
    assert fingerprint_of(meaning(checked(text))) == fingerprint_of(task)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_each_value_of_the_canonical_form_counts(path: Path) -> None:
    task = meaning(checked(path.read_text(encoding="utf-8")))
    first = fingerprint_of(task)
    for leaf in leaves(task):
        if leaf[0] != "morphisms":
            changed = fingerprint_of(replaced(task, leaf, other(at(task, leaf))))
            assert (changed == first) == is_free(leaf), leaf


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_each_edge_of_the_canonical_form_counts(path: Path) -> None:
    task = meaning(checked(path.read_text(encoding="utf-8")))
    first = fingerprint_of(task)
    for hom, edges in task["morphisms"].items():
        for index in range(len(edges)):
            changed = copy.deepcopy(task)
            del changed["morphisms"][hom][index]
            assert fingerprint_of(changed) != first, (hom, index)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_each_number_that_an_author_changes_counts(path: Path) -> None:
    task = source(path)
    first = fingerprint_of(meaning(checked(canonical_yaml(task))))
    tried = 0
    for leaf in leaves(task):
        value = at(task, leaf)
        if isinstance(value, str) and other(value) == f"{value}x":
            continue
        for factor in (1.25, 0.9):
            result = checked(canonical_yaml(replaced(task, leaf, other(value, factor))))
            if not has_errors(result.diagnostics):
                assert fingerprint_of(meaning(result)) != first, leaf
                tried += 1
    assert tried > 30


def test_a_field_that_came_later_counts_where_it_is_another_than_before() -> None:
    """Tasks were compiled before resets had a `draw`, and drew uniformly."""
    path = next(path for path in SHIPPED if path.stem == "cartpole")
    task = path.read_text(encoding="utf-8")
    first = meaning(checked(task))
    assert first["Reset"]["pole"]["kind"] == "joint_position"
    assert "draw" not in first["Reset"]["pole"]

    def drawn(how: str) -> str:
        changed = task.replace("range: 4 deg}", f"range: 4 deg, draw: {how}}}")
        return fingerprint_of(meaning(checked(changed)))

    assert drawn("uniform") == fingerprint_of(first) != drawn("gaussian")


@given(st.text(max_size=12) | st.from_regex(r"[-+0-9a-fxo_.eE:]{1,8}", fullmatch=True))
@example("1e-5")
@example("on")
@example("no")
@example("1_000")
@example("0o7")
@example("0x1F")
@example("12:30:45")
@example("2001-01-01")
@example(".5")
@example("1.")
@example("-0")
@example("null")
@example("~")
@example("True")
@example("=")
@example("<<")
@example("-")
@example(": ")
@example(" a #b")
@example("\ufeff")
@example("\x85")
@example("a\u2028b")
@example("\U0001f600")
@example("a\tb\n\nc\n")
@example(".\x1f")
@example(".\r")
@example("C:\x1b")
@example(".\n.xml")
@example(".\u2028")
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text) or "\0" in text:
        return  # no YAML text can hold these
    problems = Sink()
    document = parse_source(canonical_yaml({"about": text, "l": [text]}), "t.yaml", problems)
    assert document is not None, list(problems)
    assert document.data == {"about": text, "l": (text,)}


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**17), 10**17))
def test_a_number_is_read_as_it_was_written(number: float) -> None:
    problems = Sink()
    document = parse_source(canonical_yaml({"n": number}), "t.yaml", problems)
    assert document is not None, list(problems)
    assert document.data == {"n": number}
    assert type(document.data["n"]) is type(number)


def test_minus_zero_is_zero() -> None:
    text = SHIPPED[-1].read_text(encoding="utf-8")
    assert "[0.0 m/s, 1.0 m/s]" in text
    task = meaning(checked(text))
    assert meaning(checked(text.replace("[0.0 m/s, 1.0", "[-0.0 m/s, 1.0"))) == task

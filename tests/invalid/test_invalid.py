"""Every diagnostic has a task that is refused with it, at the right place and with nothing else.

Each file is a whole small task with one mistake. Its first line says what must be reported:
``# expect: KS0204 9:33`` is the code, the line and the column; ``components/a.py:9:33`` is a place
in another file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from ksim_compiler.pipeline import compile_file
from ksim_schema.diagnostics import Diagnostic, render_text
from ksim_schema.diagnostics.catalogue import CATALOGUE

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("KS*.yaml"))
EXCEPTIONS = {
    "KS0001": "an absent file: tests/ksim_schema/test_source.py",
    "KS0208": "no declared component names an actuator of the model yet",
    "KS0214": "an installation without mujoco-menagerie: tests/ksim_compiler/test_modelrefs.py",
    "KS0216": "a download that fails: tests/ksim_compiler/test_modelrefs.py",
    "KS0217": "a download: tests/ksim_compiler/test_modelrefs.py",
    "KS0372": "a randomizer without a number: tests/ksim_compiler/test_drawn.py",
    "KS0464": "an engine that is asked for: tests/ksim_compiler/test_lacks.py",
    "KS0486": "an engine that is asked for: tests/ksim_compiler/test_lacks.py",
    "KS0490": "a second learner: tests/learners/test_second_learner.py",
    "KS0491": "a learner without critics: tests/learners/test_second_learner.py",
    "KS0610": "a number of devices that is asked for: tests/distributed/test_devices.py",
    "KS0611": "devices that are asked for: tests/learners/test_second_learner.py",
    "KS0708": "a compiled task: tests/ksim_compiler/test_components.py",
    "KS0709": "a rule that fails when it is lowered: tests/ksim_compiler/test_components.py",
}
"""Codes that no task file can show, with the reason and where they are tested instead."""


def expected(path: Path) -> tuple[str, str, int, int]:
    """Code, file, line and column."""
    first = path.read_bytes().split(b"\n", 1)[0].decode()
    match = re.fullmatch(r"# expect: (KS\d{4}) (?:(\S+):)?(\d+):(\d+)", first)
    assert match is not None, f"{path.name} does not start with '# expect: <code> <line>:<column>'"
    return match[1], match[2] or path.name, int(match[3]), int(match[4])


@cache
def found_in(path: Path) -> list[Diagnostic]:
    return compile_file(path, name=path.name).diagnostics


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_mistake_is_reported_where_it_is_and_nothing_else(path: Path) -> None:
    code, file, line, column = expected(path)
    found = found_in(path)
    assert [(d.code, d.where.line, d.where.column) for d in found] == [(code, line, column)]
    assert found[0].severity == CATALOGUE[code].severity
    assert found[0].where.file == file
    end = (found[0].where.end_line, found[0].where.end_column)
    assert end > (line, column)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_named_after_its_code(path: Path) -> None:
    assert path.stem.startswith(expected(path)[0] + "_")


def test_every_code_has_a_file() -> None:
    shown = {expected(path)[0] for path in FILES}
    archives = {code for code in CATALOGUE if code.startswith("KS05")}  # tests of ksim-compile
    acsets = {code for code in CATALOGUE if code.startswith("KS09")}  # tests of acset_import
    acsets |= {code for code in CATALOGUE if "KS0620" <= code <= "KS0639"}  # test_invalid_studies
    clips = {code for code in CATALOGUE if "KS0660" <= code <= "KS0681"}  # test_broken_clips
    clips |= {code for code in CATALOGUE if "KS0690" <= code <= "KS0694"}  # test_odd_clips
    clips |= {code for code in CATALOGUE if "KS0655" <= code <= "KS0659"}  # test_kinfer, _importing
    assert set(CATALOGUE) - shown - archives - acsets - clips == set(EXCEPTIONS)
    assert len(shown) >= 25


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_messages_are_in_the_words_of_the_author(path: Path) -> None:
    """No raw message of Pydantic, of the YAML parser or of Python comes through."""
    leaks = r"Input should|validation error|Field required|NoneType|<class|while parsing|Traceback"
    for diagnostic in found_in(path):
        text = diagnostic.message + diagnostic.help
        assert not re.search(leaks, text), text
        assert not re.search(r"\ba (angle|angular|acceleration|observation|action)\b", text), text
        assert "\n" not in text


RENDERED = (
    "KS0003_duplicate_key",
    "KS0102_unknown_kind",
    "KS0105_missing_nested_field",
    "KS0110_no_unit_of_a_period",
    "KS0204_unknown_geom",
    "KS0302_algebraic_loop",
    "KS0401_control_period",
    "KS0408_height",
)


@pytest.mark.parametrize("stem", RENDERED)
def test_the_report_as_it_is_printed(stem: str, golden: Callable[[str, str], None]) -> None:
    compiled = compile_file(HERE / f"{stem}.yaml", name=f"{stem}.yaml")
    golden(f"diagnostics/{stem}.txt", render_text(compiled.diagnostics, compiled.sources) + "\n")


def test_all_problems_of_a_task_are_reported_in_one_run(tmp_path: Path) -> None:
    """One mistake for each stage: text, structure, units, names, graph, robot."""
    text = (HERE / "KS0204_unknown_geom.yaml").read_text()
    for right, wrong in (
        ("scale: 0.5}", "scale: 0.5, scale: 1}"),
        ("kind: sensor, sensor: imu_gyro", "kind: sensor, sensor: imu_giro"),
        ("height: 40 cm", "height: 40"),
        ("after: 20 s", "aftr: 20 s"),
        ("robots/", f"{HERE}/robots/"),
        ("control: 50 Hz", "control: 23 ms"),
        ("read: [hips, gyro]", "read: [hips, gyro, hips]"),
        ("clean: [hips,", "clean: [hip,"),
    ):
        assert right in text
        text = text.replace(right, wrong, 1)
    path = tmp_path / "task.yaml"
    path.write_text(text)
    found = compile_file(path).diagnostics
    assert [d.code for d in found] == [
        "KS0401",
        "KS0207",
        "KS0204",
        "KS0308",
        "KS0201",
        "KS0003",
        "KS0110",
        "KS0104",
    ]
    assert [d.where for d in found] == sorted(d.where for d in found)

"""Reports for programs: escapes, places, severities, what fails."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

from ksim_schema.diagnostics import Diagnostic, Edit, Fix, Related, Span
from ksim_schema.diagnostics.codes.names import MODEL_DOWNLOADED, UNKNOWN_GEOM
from ksim_schema.diagnostics.codes.typed import UNUSED_PART
from ksim_schema.diagnostics.reports import FORMATS, Report, failed, to_github, to_junit, to_sarif

ERROR = Diagnostic(
    UNKNOWN_GEOM, "50% of:\nx", Span("a b,c/t.yaml", 3, 5, 3, 9), "Reward.x", help="did you mean y?"
)
WARNING = Diagnostic(UNUSED_PART, "nothing reads it", Span("u.yaml", 2, 1, 4, 3))
INFO = Diagnostic(MODEL_DOWNLOADED, "downloaded", Span("u.yaml", 1, 1, 1, 2))
REPORTS = (
    Report("a b,c/t.yaml", [ERROR], {"a b,c/t.yaml": "1\n2\nabc\x1b defg\n"}),
    Report("u.yaml", [INFO, WARNING], {}),
    Report("clean.yaml", []),
)


def unescaped(text: str) -> str:
    return re.sub("%(25|0D|0A|3A|2C)", lambda m: chr(int(m[1], 16)), text)


def test_github_reads_back_what_was_written() -> None:
    lines = to_github(REPORTS).splitlines()
    commands = [re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line) for line in lines]
    assert [m and m[1] for m in commands] == ["error", "notice", "warning"]
    assert commands[0] is not None
    read = dict(part.split("=", 1) for part in commands[0][2].split(","))
    assert {key: unescaped(value) for key, value in read.items()} == {
        "file": "a b,c/t.yaml",
        "line": "3",
        "col": "5",
        "endLine": "3",
        "endColumn": "9",
        "title": "KS0204 unknown geom",
    }
    assert unescaped(commands[0][3]) == "50% of:\nx\nhelp: did you mean y?"
    assert "endColumn" not in lines[2], "GitHub takes it within one line only"


def test_sarif() -> None:
    log = json.loads(to_sarif(REPORTS))
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    assert [rules[r["ruleIndex"]]["id"] for r in run["results"]] == ["KS0204", "KS0217", "KS0307"]
    assert [r["level"] for r in run["results"]] == ["error", "note", "warning"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%20b%2Cc/t.yaml"
    assert place["region"] == {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 9}


def test_sarif_has_the_repair_by_file_and_the_other_places() -> None:
    edits = (
        Edit(Span("a b.yaml", 3, 5, 3, 9), "hip"),
        Edit(Span("base.yaml", 1, 2, 1, 2), "x"),
        Edit(Span("a b.yaml", 4, 1, 4, 3), ""),
    )
    found = Diagnostic(
        UNKNOWN_GEOM,
        "unknown geom",
        Span("a b.yaml", 3, 5, 3, 9),
        fix=Fix("write 'hip'", edits),
        related=(Related(Span("base.yaml", 1, 2, 1, 3), "from here"),),
    )
    (result,) = json.loads(to_sarif([Report("a b.yaml", [found])]))["runs"][0]["results"]
    (fix,) = result["fixes"]
    assert fix["description"] == {"text": "write 'hip'"}
    assert fix["properties"] == {"certain": False}
    first, second = fix["artifactChanges"]
    assert first["artifactLocation"] == {"uri": "a%20b.yaml"}
    assert first["replacements"] == [
        {
            "deletedRegion": {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 9},
            "insertedContent": {"text": "hip"},
        },
        {
            "deletedRegion": {"startLine": 4, "startColumn": 1, "endLine": 4, "endColumn": 3},
            "insertedContent": {"text": ""},
        },
    ]
    assert second["artifactLocation"] == {"uri": "base.yaml"}
    assert len(second["replacements"]) == 1
    (other,) = result["relatedLocations"]
    assert other["message"] == {"text": "from here"}
    assert other["physicalLocation"]["artifactLocation"] == {"uri": "base.yaml"}


def test_junit_has_a_case_for_each_file() -> None:
    suite = ElementTree.fromstring(to_junit(REPORTS))[0]
    cases = {case.get("classname"): case for case in suite}
    assert (suite.get("tests"), suite.get("failures")) == ("3", "1")
    failure = cases["a b,c/t.yaml"].find("failure")
    assert failure is not None
    assert failure.get("type") == "KS0204"
    assert "t.yaml:3:5: error KS0204" in (failure.text or "")
    assert cases["u.yaml"].find("failure") is None
    assert "warning KS0307" in (cases["u.yaml"].findtext("system-out") or "")
    assert len(cases["clean.yaml"]) == 0


def test_strict_makes_warnings_errors_and_leaves_infos() -> None:
    assert not failed([WARNING, INFO], False)
    assert failed([WARNING], True)
    assert not failed([INFO], True)
    assert to_github(REPORTS, True).count("::error") == 2
    assert ElementTree.fromstring(to_junit(REPORTS, True))[0].get("failures") == "2"
    levels = [r["level"] for r in json.loads(to_sarif(REPORTS, True))["runs"][0]["results"]]
    assert levels == ["error", "note", "error"]


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_found(form: str) -> None:
    text = FORMATS[form]([Report("clean.yaml", [])], False)
    assert ("KS" in text) is False
    assert text.endswith("\n") or text == ""

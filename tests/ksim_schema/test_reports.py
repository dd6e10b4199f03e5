"""Reports for other programs, and comments that silence warnings."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ksim_compiler.cli.compile import main
from ksim_compiler.pipeline import compile_file
from ksim_schema.diagnostics import Diagnostic, Span
from ksim_schema.ignores import apply
from ksim_schema.reports import FORMATS

INVALID = Path(__file__).parents[1] / "invalid"
ODD = Diagnostic(
    "KS0102", "100% <bad>\nkind, 'x': y", Span("a,b:c.yaml", 3, 5, 3, 9), "Reward.x", "mend & go"
)
LONG = Diagnostic("KS0307", "unused", Span("b.yaml", 2, 1, 4, 3))


def test_github_escapes_what_would_end_the_command() -> None:
    first, second = FORMATS["github"]([], [ODD, LONG]).splitlines()
    assert first == (
        "::error file=a%2Cb%3Ac.yaml,line=3,endLine=3,col=5,endColumn=9,title=KS0102"
        "::100%25 <bad>%0Akind, 'x': y. mend & go"
    )
    assert second == "::warning file=b.yaml,line=2,endLine=4,title=KS0307::unused"


def test_sarif_names_each_rule_once_and_points_at_it() -> None:
    data = json.loads(FORMATS["sarif"]([], [ODD, LONG, ODD]))
    assert data["version"] == "2.1.0"
    (run,) = data["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["KS0102", "KS0307"]
    for result in run["results"]:
        rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 9}
    assert [result["level"] for result in run["results"]] == ["error", "warning", "error"]


def test_junit_has_a_test_for_each_task() -> None:
    suite = ET.fromstring(FORMATS["junit"](["good.yaml", "a,b:c.yaml"], [ODD]).split("\n", 1)[1])
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    good, bad = suite.findall("testcase")
    assert (good.get("name"), len(good)) == ("good.yaml", 0)
    (failure,) = bad
    assert failure.get("type") == "KS0102"
    assert "100% <bad>" in str(failure.text)


@pytest.mark.parametrize("form", FORMATS)
def test_the_command_prints_them(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = INVALID / "KS0102_unknown_kind.yaml"
    assert main(["--check", "--format", form, str(path)]) == 1
    printed = capsys.readouterr()
    assert "KS0102" in printed.out
    assert "stay_alife" in printed.out
    assert not printed.err


def test_a_comment_silences_a_warning_on_its_line(tmp_path: Path) -> None:
    warning = Diagnostic("KS0307", "unused", Span("a.yaml", 2, 3, 2, 5))
    error = Diagnostic("KS0102", "unknown", Span("a.yaml", 2, 3, 2, 5))
    text = "a:\n  b: 1  # ksim: ignore[KS0307, KS0408] because\n"
    kept, idle = apply([warning, error], {"a.yaml": text})
    assert kept == [error]
    (problem,) = idle
    assert (problem.code, problem.where.line) == ("KS0010", 2)
    assert "nothing on this line is KS0408" in problem.message
    for comment, words in (
        ("# ksim: ignore", "does not say"),
        ("# ksim: ignore[KS9999]", "no code"),
        ("# ksim: ignore[KS0102]", "cannot be ignored"),
    ):
        kept, idle = apply([error], {"a.yaml": f"a:\n  b: 1 {comment}\n"})
        assert kept == [error]
        assert words in idle[0].message


def test_a_shipped_warning_can_be_silenced(tmp_path: Path) -> None:
    (path,) = (p for p in INVALID.glob("KS0307*.yaml"))
    lines = path.read_text().splitlines()
    (found,) = compile_file(path).diagnostics
    lines[found.where.line - 1] += "  # ksim: ignore[KS0307]"
    quiet = tmp_path / "quiet.yaml"
    quiet.write_text("\n".join(lines).replace("robots/", f"{INVALID}/robots/") + "\n")
    assert compile_file(quiet).diagnostics == []

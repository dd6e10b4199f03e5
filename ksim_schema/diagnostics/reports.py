"""Reports of many files for programs: JSON, GitHub annotations, SARIF and JUnit.

The report for people is :func:`ksim_schema.diagnostics.render.render_text`.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from ksim_schema.diagnostics.code import Code, Severity
from ksim_schema.diagnostics.diagnostic import Diagnostic, Fix, Span
from ksim_schema.diagnostics.render import printable, render_json, render_text, summary
from ksim_schema.records import dataclass

TOOL = "ksim-compile"


@dataclass(frozen=True)
class Report:
    """What was found in one task file.

    Attributes:
        file: the file as the user named it.
        diagnostics: its problems, in order.
        sources: texts that they point into.
    """

    file: str
    diagnostics: Sequence[Diagnostic]
    sources: Mapping[str, str] = field(default_factory=lambda: {})


def weight(diagnostic: Diagnostic, strict: bool) -> Severity:
    """The severity that counts: with ``strict``, a warning is an error."""
    return "error" if strict and diagnostic.severity == "warning" else diagnostic.severity


def failed(diagnostics: Sequence[Diagnostic], strict: bool) -> bool:
    """Whether one of them is an error, or with ``strict`` a warning."""
    return any(weight(d, strict) == "error" for d in diagnostics)


def to_json(reports: Sequence[Report], strict: bool = False) -> str:
    """One object with all problems; see :meth:`Diagnostic.as_dict`."""
    return render_json(d for report in reports for d in report.diagnostics) + "\n"


_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def to_github(reports: Sequence[Report], strict: bool = False) -> str:
    """Workflow commands, which GitHub shows as annotations at the lines of a pull request.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    lines: list[str] = []
    for d in (d for report in reports for d in report.diagnostics):
        at = d.where
        place = {"file": at.file, "line": at.line, "col": at.column, "endLine": at.end_line}
        if at.end_line == at.line:  # GitHub takes an end column within one line only
            place["endColumn"] = at.end_column
        place["title"] = f"{d.code} {d.code.phrase}"
        properties = ",".join(f"{key}={_property(str(value))}" for key, value in place.items())
        message = d.message + (f"\nhelp: {d.help}" if d.help else "")
        lines.append(f"::{_COMMANDS[weight(d, strict)]} {properties}::{_data(message)}\n")
    return "".join(lines)


def _data(text: str) -> str:
    """A message as workflow commands escape it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def to_sarif(reports: Sequence[Report], strict: bool = False) -> str:
    """SARIF 2.1.0, which code-scanning services read.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    found = [d for report in reports for d in report.diagnostics]
    codes: list[Code] = sorted({d.code for d in found})
    rules = [
        {
            "id": code,
            "name": _camel(code.phrase),
            "shortDescription": {"text": code.phrase},
            "fullDescription": {"text": code.explanation},
            "defaultConfiguration": {"level": _LEVELS[code.severity]},
        }
        for code in codes
    ]
    results = [_result(d, codes.index(d.code), strict) for d in found]
    run: dict[str, Any] = {
        "tool": {"driver": {"name": TOOL, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(log, indent=2) + "\n"


def _camel(title: str) -> str:
    return "".join(word.capitalize() for word in title.replace("-", " ").split())


def _result(d: Diagnostic, rule: int, strict: bool) -> dict[str, Any]:
    location = _location(d.where)
    if d.path:
        location["logicalLocations"] = [{"fullyQualifiedName": d.path}]
    result: dict[str, Any] = {
        "ruleId": d.code,
        "ruleIndex": rule,
        "level": _LEVELS[weight(d, strict)],
        "message": {"text": d.message + (f"\nhelp: {d.help}" if d.help else "")},
        "locations": [location],
    }
    if d.related:
        result["relatedLocations"] = [
            {**_location(place.where), "message": {"text": place.message}} for place in d.related
        ]
    if d.fix is not None:
        result["fixes"] = [_fix(d.fix)]
    return result


def _location(at: Span) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(at.file)},
            "region": _region(at),
        }
    }


def _region(at: Span) -> dict[str, int]:
    return {
        "startLine": at.line,
        "startColumn": at.column,
        "endLine": max(at.line, at.end_line),
        "endColumn": at.end_column,
    }


def _fix(fix: Fix) -> dict[str, Any]:
    """A fix as SARIF has it: the replacements of each file. Whether it is certain is a property."""
    files = dict.fromkeys(edit.where.file for edit in fix.edits)
    return {
        "description": {"text": fix.title},
        "artifactChanges": [
            {
                "artifactLocation": {"uri": _uri(file)},
                "replacements": [
                    {
                        "deletedRegion": _region(edit.where),
                        "insertedContent": {"text": edit.replacement},
                    }
                    for edit in fix.edits
                    if edit.where.file == file
                ],
            }
            for file in files
        ],
        "properties": {"certain": fix.certain},
    }


def _uri(file: str) -> str:
    path = PurePath(file).as_posix()
    return ("file://" if path.startswith("/") else "") + quote(path)


def to_junit(reports: Sequence[Report], strict: bool = False) -> str:
    """JUnit's XML: a test case for each file, which fails when the command would."""
    suites = ElementTree.Element("testsuites")
    bad = sum(failed(report.diagnostics, strict) for report in reports)
    counts = {"tests": str(len(reports)), "failures": str(bad), "errors": "0"}
    head = {"name": TOOL, **counts, "skipped": "0", "time": "0"}
    suite = ElementTree.SubElement(suites, "testsuite", head)
    for report in reports:
        named = {"classname": _xml(report.file), "name": "check", "time": "0"}
        case = ElementTree.SubElement(suite, "testcase", named)
        if not report.diagnostics:
            continue
        text = _xml(render_text(report.diagnostics, report.sources))
        if failed(report.diagnostics, strict):
            first = next(d for d in report.diagnostics if weight(d, strict) == "error")
            message = _xml(f"{summary(report.diagnostics)}; first {first.code}: {first.message}")
            ElementTree.SubElement(case, "failure", message=message, type=first.code).text = text
        else:
            ElementTree.SubElement(case, "system-out").text = text
    ElementTree.indent(suites)
    declaration = '<?xml version="1.0" encoding="utf-8"?>\n'
    return declaration + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _xml(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold."""
    lines = (printable(line).encode("utf-8", "replace").decode() for line in text.split("\n"))
    return "\n".join(lines)


FORMATS: dict[str, Callable[[Sequence[Report], bool], str]] = {
    "json": to_json,
    "github": to_github,
    "sarif": to_sarif,
    "junit": to_junit,
}
"""Forms of a report for programs: the reports, and whether warnings count as errors -> text."""

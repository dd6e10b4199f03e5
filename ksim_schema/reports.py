"""Diagnostics for other programs: GitHub's annotations, SARIF, JUnit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from ksim_schema.catalogue import CATALOGUE
from ksim_schema.diagnostics import Diagnostic, printable, render_json

_GITHUB = {"error": "error", "warning": "warning", "info": "notice"}
_SARIF = {"error": "error", "warning": "warning", "info": "note"}
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def _sentence(d: Diagnostic) -> str:
    return f"{d.message}. {d.help}" if d.help else d.message


def github(files: Sequence[str], found: Sequence[Diagnostic]) -> str:
    """Workflow commands, which GitHub shows beside the lines of a pull request."""
    return "\n".join(_annotation(d) for d in found)


def _annotation(d: Diagnostic) -> str:
    at = d.where
    place = {
        "file": at.file,
        "line": at.line,
        "endLine": at.end_line,
        "col": at.column,
        "endColumn": at.end_column,
        "title": d.code,
    }
    if at.end_line != at.line:  # GitHub takes columns on one line only
        place = {key: value for key, value in place.items() if "ol" not in key}
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in place.items())
    return f"::{_GITHUB[d.severity]} {properties}::{_data(_sentence(d))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def sarif(files: Sequence[str], found: Sequence[Diagnostic]) -> str:
    """SARIF 2.1.0, for code scanning."""
    codes = sorted({d.code for d in found})
    rules = [
        {
            "id": code,
            "shortDescription": {"text": CATALOGUE[code].title},
            "fullDescription": {"text": CATALOGUE[code].explanation},
            "defaultConfiguration": {"level": _SARIF[CATALOGUE[code].severity]},
        }
        for code in codes
    ]
    results: list[dict[str, Any]] = [
        {
            "ruleId": d.code,
            "ruleIndex": codes.index(d.code),
            "level": _SARIF[d.severity],
            "message": {"text": _sentence(d)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": d.where.file.replace("\\", "/")},
                        "region": {
                            "startLine": d.where.line,
                            "startColumn": d.where.column,
                            "endLine": d.where.end_line,
                            "endColumn": d.where.end_column,
                        },
                    },
                    "logicalLocations": [{"fullyQualifiedName": d.path}] if d.path else [],
                }
            ],
        }
        for d in found
    ]
    tool = {"driver": {"name": "ksim-compile", "rules": rules}}
    run = {"tool": tool, "results": results, "columnKind": "unicodeCodePoints"}
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def junit(files: Sequence[str], found: Sequence[Diagnostic]) -> str:
    """JUnit's XML: each task is a test, and each of its problems a failure of it."""
    by_file: dict[str, list[Diagnostic]] = {file: [] for file in files}
    for d in found:
        by_file.setdefault(d.where.file, []).append(d)
    failed = sum(any(d.severity == "error" for d in own) for own in by_file.values())
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="ksim-compile" tests="{len(by_file)}" failures="{failed}" errors="0">',
    ]
    for file, own in by_file.items():
        lines.append(f'  <testcase classname="tasks" name={_attribute(file)}>')
        lines += list(_cases(own))
        lines.append("  </testcase>")
    return "\n".join([*lines, "</testsuite>"])


def _cases(found: Iterable[Diagnostic]) -> Iterable[str]:
    for d in found:
        text = f"{d.where.file}:{d.where.line}:{d.where.column}: {d.severity} {d.code}: "
        text += _sentence(d)
        if d.severity == "error":
            head = f"type={_attribute(d.code)} message={_attribute(d.message)}"
            yield f"    <failure {head}>{escape(printable(text))}</failure>"
        else:
            yield f"    <system-out>{escape(printable(text))}</system-out>"


def _attribute(text: str) -> str:
    return quoteattr(printable(text))


def as_json(files: Sequence[str], found: Sequence[Diagnostic]) -> str:
    """The project's own JSON."""
    return render_json(found)


FORMATS: dict[str, Callable[[Sequence[str], Sequence[Diagnostic]], str]] = {
    "json": as_json,
    "github": github,
    "sarif": sarif,
    "junit": junit,
}
"""Name -> the report on some task files."""

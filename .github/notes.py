"""Prints the section of CHANGELOG.md about one version, without its heading: ``notes.py 0.1.0``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"


def notes(text: str, version: str) -> str:
    """The section of a version, "" when there is none or nothing stands in it."""
    heading = rf"## \[?{re.escape(version)}\]?(?:\s[^\n]*)?\n"
    section = re.search(rf"^{heading}(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    return section[1].strip() if section else ""


if __name__ == "__main__":
    found = notes(CHANGELOG.read_text(encoding="utf-8"), sys.argv[1])
    if not found:
        sys.exit(f"CHANGELOG.md has no section on {sys.argv[1]}")
    print(found)

"""Links between pages lead somewhere, and the records of decisions are whole."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from docs.site import kinds
from tests.support.samples import inline

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
)
DOCS = ROOT / "docs"
KINDS = DOCS / "kinds"
RECORDS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))


@cache
def made() -> set[str]:
    """The pages that the site has besides those in docs/."""
    return set(kinds.pages())


def text_of(path: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.S | re.M)


def anchors(path: Path) -> set[str]:
    """The names by which a page's headings are linked to."""
    headings = re.findall(r"^#+ (.*)$", text_of(path), re.MULTILINE)
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(path)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        to = (path.parent / name).resolve() if name else path
        if to.is_relative_to(KINDS):  # made with the site
            broken += [target] if to.relative_to(DOCS).as_posix() not in made() else []
            continue
        if not to.exists() or (anchor and anchor not in anchors(to)):
            broken.append(target)
    assert broken == []


def test_records_are_numbered_and_listed() -> None:
    assert len(RECORDS) >= 7
    index = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^(\d+)\. \[(.*)\]\((.*)\)$", index, re.MULTILINE)
    for number, (path, entry) in enumerate(zip(RECORDS, listed, strict=True), start=1):
        title = path.read_text(encoding="utf-8").partition("\n")[0]
        assert path.name.startswith(f"{number:04d}-")
        assert entry == (str(number), title.partition(". ")[2], path.name)
        assert title.startswith(f"# {number}. ")


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_is_one_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 60


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_a_record_names_files_that_are_there(path: Path) -> None:
    named = [code for code in inline(path.relative_to(ROOT).as_posix()) if "/" in code]
    gone = [name for name in named if not (ROOT / name).exists()]
    assert gone == []

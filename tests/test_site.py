"""The documentation site: a page for each kind, and a build without a warning or a stranger."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from docs.site import kinds
from docs.site.pictures import HEIGHT, WIDTH, kernel, picture, pictured
from ksim_schema.diagnostics import Sink
from ksim_schema.explain.models import others, parameters
from ksim_schema.source import parse
from ksim_schema.vocabulary import KINDS, Model

ROOT = Path(__file__).parents[1]
MODELS = [model for of in KINDS.values() for model in of.values()] + [m for _, m in others()]
installed = all(importlib.util.find_spec(name) for name in ("mkdocs", "material", "pymdownx"))


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return kinds.pages()


def test_every_kind_has_a_page_with_all_that_it_takes(pages: dict[str, str]) -> None:
    shown = {
        f"{object}/{kind}": model for object, of in KINDS.items() for kind, model in of.items()
    }
    shown |= {f"{kinds.MORE}/{title}": model for title, model in others()}
    for place, model in shown.items():
        page = pages[f"kinds/{place}.md"]
        assert page.startswith(f"# {place.rpartition('/')[2]}\n")
        assert kinds.prose(model) in page
        for row in parameters(model):
            assert f"<code>{row.name}</code>" in page, (place, row.name)
    assert len(pages) == len(shown) + len(KINDS) + 2


def test_all_pages_are_in_the_navigation(pages: dict[str, str]) -> None:
    def listed(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        if isinstance(entry, dict):
            return [page for inside in entry.values() for page in listed(inside)]
        assert isinstance(entry, list)
        return [page for inside in entry for page in listed(inside)]

    found = listed(kinds.navigation())
    assert sorted(found) == sorted(pages)


def test_examples_are_what_the_kinds_take(pages: dict[str, str]) -> None:
    for object, of in KINDS.items():
        for kind, model in of.items():
            page = pages[f"kinds/{object}/{kind}.md"]
            example, *used = re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
            document = parse(example, "example", Sink())
            assert document is not None
            (part,) = document.data[object].values()
            assert model.model_validate(part)
            for text in used:
                (part,) = yaml.safe_load(text)[object].values()
                assert len(of) == 1 or part["kind"] == kind


def test_a_kernel_falls_to_1_over_e_at_its_scale() -> None:
    assert [kernel(0), kernel(1), kernel(-1)] == pytest.approx([1.0, 0.36788, 0.36788], abs=1e-5)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_pictures_are_within_their_frame(model: type[Model]) -> None:
    shown = picture(model)
    if "error_scale" in model.model_fields:
        assert shown
    for x, y in re.findall(r"([\d.-]+),([\d.-]+)", " ".join(re.findall(r'points="(.*?)"', shown))):
        assert 0 <= float(x) <= WIDTH
        assert 0 <= float(y) <= HEIGHT


def test_pictures_are_of_kinds_that_there_are() -> None:
    assert len(pictured()) >= 5


class Requests(HTMLParser):
    """What a page asks for when it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "video"):
            self.asked.append(given.get("src") or "")
        if tag == "link" and given.get("rel") != "canonical":
            self.asked.append(given.get("href") or "")


@pytest.mark.skipif(not installed, reason="mkdocs-material is not installed")
def test_the_site_is_built_without_a_warning_and_asks_nobody(tmp_path: Path) -> None:
    path = os.pathsep.join(str(folder) for folder in (ROOT, ROOT / "compiler"))
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    made = sorted(tmp_path.rglob("*.html"))
    assert len(made) > len(MODELS)
    for page in made:
        requests = Requests()
        requests.feed(page.read_text(encoding="utf-8"))
        assert [url for url in requests.asked if url.startswith(("http", "//"))] == [], page
    for sheet in tmp_path.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet

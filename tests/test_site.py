"""The documentation site: a page for each kind, and a build without a warning or a stranger."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from docs.site import kinds
from docs.site.ground import GROUNDS, TILES
from docs.site.pictures import kernel, picture, pictured
from docs.site.plots import HEIGHT, WIDTH
from ksim_schema.diagnostics import Sink
from ksim_schema.diagnostics.catalogue import CATALOGUE
from ksim_schema.explain.models import others, parameters
from ksim_schema.source import parse
from ksim_schema.vocabulary import KINDS, Model
from tests.support import browser
from tests.support.samples import PAGES

ROOT = Path(__file__).parents[1]
MODELS = [model for of in KINDS.values() for model in of.values()] + [m for _, m in others()]
SHOWN = ("index.html", "concepts.html", "own-robot.html", "kinds/Reward/feet_clock.html")
"""Pages that a browser looks at: text, tables, blocks, a drawing, a plot."""
RESULTS = """
return Array.from(document.querySelectorAll('.md-search-result__link'), a => a.href);
"""
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


@pytest.mark.parametrize(
    ("kind", "unit"),
    [
        ("base_height", "- Unit: m."),
        ("base_angular_velocity", "- Unit: rad/s."),
        ("body_velocity", "- Unit: m/s or rad/s."),
        ("joint_position", ""),
    ],
)
def test_units_are_said_where_they_are_the_same_for_all_robots(
    kind: str, unit: str, pages: dict[str, str]
) -> None:
    lines = pages[f"kinds/Observation/{kind}.md"].splitlines()
    assert [line for line in lines if line.startswith("- Unit")] == ([unit] if unit else [])


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
    known = {f"{object}.{kind}" for object, of in KINDS.items() for kind in of}
    assert pictured() <= known | {model.__name__ for model in MODELS}
    assert {*GROUNDS, *TILES} <= set(MODELS)


@pytest.mark.parametrize("page", PAGES)
def test_codes_on_the_pages_are_those_of_the_checker(page: str) -> None:
    named = set(re.findall(r"\bKS\d{4}\b", (ROOT / page).read_text(encoding="utf-8")))
    assert named <= set(CATALOGUE)


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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as it is built, without a warning."""
    if not installed:
        pytest.skip("mkdocs-material is not installed")
    folder = tmp_path_factory.mktemp("site")
    path = os.pathsep.join(str(folder) for folder in (ROOT, ROOT / "compiler"))
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder


def test_the_site_asks_nobody(site: Path) -> None:
    made = sorted(site.rglob("*.html"))
    assert len(made) > len(MODELS)
    for page in made:
        requests = Requests()
        requests.feed(page.read_text(encoding="utf-8"))
        assert [url for url in requests.asked if url.startswith(("http", "//"))] == [], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def test_codes_and_kinds_lead_to_their_pages(site: Path) -> None:
    page = (site / "troubleshooting.html").read_text(encoding="utf-8")
    assert 'href="errors.html#ks0448-servo-too-weak"' in page
    errors = (site / "errors.html").read_text(encoding="utf-8")
    assert 'id="ks0448-servo-too-weak"' in errors
    assert 'href="kinds/Reward/feet_clearance.html"' in (site / "rewards.html").read_text("utf-8")


@pytest.mark.parametrize("page", SHOWN)
def test_pages_are_readable_on_a_phone_and_a_desk(page: str, site: Path) -> None:
    with browser.chromium("--allow-file-access-from-files") as window:
        browser.readable(window, (site / page).as_uri())


def test_the_search_finds_a_kind_without_a_server(site: Path) -> None:
    with browser.chromium("--allow-file-access-from-files") as window:
        window.get((site / "index.html").as_uri() + "?q=feet_clock")
        deadline = time.monotonic() + 30
        found: list[str] = []
        while not found and time.monotonic() < deadline:
            time.sleep(0.2)
            found = window.execute_script(RESULTS)
        assert any("feet_clock" in link for link in found)
        assert browser.complaints(window) == []

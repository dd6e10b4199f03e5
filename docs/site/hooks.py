"""What mkdocs does besides: the pages of the kinds, and links that lead out of docs/."""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pymdownx.slugs import slugify

ROOT = Path(__file__).parents[2]
for folder in (ROOT / "compiler", ROOT):
    sys.path.insert(0, str(folder))

from docs.site import kinds  # noqa: E402
from ksim_compiler.cli.emit import picture  # noqa: E402
from ksim_compiler.pipeline import compile_file  # noqa: E402
from ksim_schema.diagnostics.catalogue import CATALOGUE  # noqa: E402

WHOLE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Pages at the top of the repository, and where the site has them."""
LANGUAGES = {"py": "python", "yaml": "yaml", "xml": "xml", "json": "json", "toml": "toml"}
_DRAWING = re.compile(r"<!-- drawing: (\S+) -->")
_WORD = re.compile(
    r"^```.*?^```$|^#.*?$|!?\[[^\]]*\]\([^)]*\)|(?P<word>`[^`\n]+`|\bKS\d{4}\b)", re.M | re.S
)
"""Blocks, headings and links, which stay as they are; and words that may become links."""
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages that are made into the navigation; name headings as GitHub does."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = slugify(case="lower")
    assert config.nav is not None
    config.nav = [_filled(entry) for entry in config.nav]
    return config


def _filled(entry: Any) -> Any:
    if entry == {"Kinds": f"{kinds.FOLDER}/index.md"}:
        return {"Kinds": kinds.navigation()}
    if isinstance(entry, dict) and "Project" in entry:
        shown = [{name: _page_of(name)} for name in files_shown()]
        return {"Project": [*entry["Project"], {"Files": shown}]}
    return entry


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of kinds, those at the top of the repository, and the files linked to."""
    made = kinds.pages()
    for name, place in WHOLE.items():
        made[place] = _moved((ROOT / name).read_text(encoding="utf-8"), "", place)
    for name in files_shown():
        made[_page_of(name)] = _shown(name)
    for place, text in made.items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links that leave docs/ to what the site has in their place."""
    if page.file.generated_by:
        return markdown
    if page.file.src_uri not in ("errors.md", "mistakes.md"):
        markdown = _linked(markdown, posixpath.dirname(page.file.src_uri) or ".")
    markdown = _DRAWING.sub(lambda found: _drawn(found[1]), markdown)
    return _moved(markdown, f"docs/{page.file.src_uri}", page.file.src_uri)


def _linked(text: str, here: str) -> str:
    """A page whose codes of diagnostics, and names of kinds in back quotes, lead to their pages."""
    pages = {f"`{kind}`": place for kind, place in kinds.unique().items()}
    for code, about in CATALOGUE.items():
        place = "errors.md#" + slugify(case="lower")(f"{about}: {about.phrase}", "-")
        pages |= {code: place, f"`{code}`": place}

    def put(found: re.Match[str]) -> str:
        place = pages.get(found["word"] or "")
        return f"[{found[0]}]({posixpath.relpath(place, here)})" if place else found[0]

    return _WORD.sub(put, text)


def _drawn(name: str) -> str:
    """The graph of a task as a picture within the page."""
    plan = compile_file(ROOT / name).plan
    if plan is None:
        raise PluginError(f"{name} does not compile")
    return f'<div class="drawing" tabindex="0">{picture(plan)}</div>'


def on_post_build(config: MkDocsConfig) -> None:
    """Let the search work where the pages are opened as files, without a server."""
    folder = Path(config.site_dir) / "search"
    index = (folder / "search_index.json").read_text(encoding="utf-8")
    (folder / "search_index.js").write_text(f"var __index = {index}", encoding="utf-8")


def files_shown() -> list[str]:
    """Files of the repository that the pages link to, besides pages."""
    found: set[str] = set()
    pages = [*(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in WHOLE)]
    for path in pages:
        here = path.relative_to(ROOT).as_posix()
        for target in _LINK.findall(path.read_text(encoding="utf-8")):
            name = _target(here, target[1])
            if name and not name.startswith("docs/") and name not in WHOLE and name != "README.md":
                found.add(name)
    return sorted(found)


def _target(page: str, link: str) -> str:
    """The file of the repository that a link of a page leads to; "" for none."""
    link = link.partition("#")[0]
    if not link or re.match(r"[a-z]+:", link):
        return ""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), link))


def _page_of(name: str) -> str:
    return f"files/{name}.md"


def _moved(text: str, page: str, place: str) -> str:
    """A page with its links as they are from its place on the site."""

    def put(found: re.Match[str]) -> str:
        name = _target(page, found[2])
        anchor = found[2].partition("#")[1] + found[2].partition("#")[2]
        if not name:
            return found[0]
        if name.startswith("docs/"):
            new = name.removeprefix("docs/")
        elif name == "README.md":
            new = "index.md"
        else:
            new = WHOLE.get(name) or _page_of(name)
        return (
            f"{found[1]}{posixpath.relpath(new, posixpath.dirname(place) or '.')}{anchor}{found[3]}"
        )

    return _LINK.sub(put, text)


def _shown(name: str) -> str:
    """A file of the repository as a page."""
    path = ROOT / name
    if not path.is_file():
        raise PluginError(f"a page links to {name}, which is not a file")
    text = path.read_text(encoding="utf-8")
    if name.endswith(".md"):
        return _moved(text, name, _page_of(name))
    language = LANGUAGES.get(path.suffix[1:], "text")
    return f"# {path.name}\n\n`{name}` of the repository.\n\n````{language}\n{text}\n````\n"

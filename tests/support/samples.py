"""The fenced blocks of README.md and docs/, as samples that tests run."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GENERATED = {"docs/api.md", "docs/errors.md", "docs/mistakes.md"}
"""Pages that are printed by the code; tests/test_pages.py holds them."""
PAGES = tuple(
    page
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md")))
    if (page := path.relative_to(ROOT).as_posix()) not in GENERATED
)
IN_ORDER = ("docs/concepts.md", "docs/own-robot.md", "docs/tutorial.md")
"""Pages whose consoles are typed one after another, with what they print; test_tutorial.py does."""
COMMANDS = (".", "$", "make", "pip", "python", "git", "mujoco-menagerie")
"""First words of command lines, besides ksim-* and what is in .venv/bin."""


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: where it stands, from the top of the repository.
        language: what the fence says, "" for nothing.
        text: what is between the fences.
    """

    page: str
    language: str
    text: str

    @property
    def first(self) -> str:
        """Its first line, by which it is known."""
        return self.text.partition("\n")[0].strip()

    @property
    def is_commands(self) -> bool:
        """Whether it holds command lines."""
        word = self.first.partition(" ")[0]
        return self.language in ("", "sh", "console") and (
            word in COMMANDS or word.startswith(("ksim-", ".venv/bin/"))
        )


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert text.count("```") == 2 * len(found), f"{page}: a fence that is indented or not closed"
    return [Block(page, language, content) for language, content in found]


def sample(page: str, first: str) -> str:
    """The text of the one block of a page that begins so and is no command lines."""
    (found,) = (b for b in blocks(page) if b.first.startswith(first) and not b.is_commands)
    return found.text


def tasks(folder: Path) -> Path:
    """A copy of the shipped tasks."""
    return Path(shutil.copytree(ROOT / "tasks", folder / "tasks"))


def inline(page: str) -> list[str]:
    """What a page says in back quotes outside of blocks."""
    text = (ROOT / page).read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", text)]

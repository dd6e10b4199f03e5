"""The commands as one: their names, what shells complete of them, their pages for ``man``."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from ksim_compiler.cli.common import UsageError, installed, version_of

PREFIX = "ksim-"


def modules() -> Mapping[str, str]:
    """The module of each command, by its name without ``ksim-``."""
    scripts = metadata.entry_points(group="console_scripts")
    ours = {s.name.removeprefix(PREFIX): s for s in scripts if s.name.startswith(PREFIX)}
    return {
        name: script.module
        for name, script in sorted(ours.items())
        if script.module.startswith("ksim_compiler.")
    }


def about(command: str) -> str:
    """What a command does, a sentence."""
    text = " ".join((importlib.import_module(modules()[command]).__doc__ or "").split())
    sentence = text.partition(": ")[2].partition(". ")[0].rstrip(".")
    return f"{sentence[:1].upper()}{sentence[1:]}."


def completion(shell: str) -> str:
    """What makes a shell complete the commands.

    Args:
        shell: bash, zsh or fish.

    Raises:
        UsageError: argcomplete is not installed.
    """
    if not installed("argcomplete"):
        raise UsageError("--completion needs: pip install 'ksim-schema[completion]'")
    from argcomplete.shell_integration import shellcode

    names = [PREFIX + name for name in modules()]
    code: str = shellcode(names, shell=shell)
    return code if code.endswith("\n") else f"{code}\n"


def write_pages(folder: Path) -> list[Path]:
    """Write a page for ``man`` of each command. Returns their paths.

    Args:
        folder: where to; it is made.

    Raises:
        UsageError: argparse-manpage is not installed.
    """
    if not installed("argparse_manpage"):
        raise UsageError("pages for man need: pip install argparse-manpage")
    from argparse_manpage.manpage import Manpage

    folder.mkdir(parents=True, exist_ok=True)
    pages: list[Path] = []
    for command, module in modules().items():
        parser: argparse.ArgumentParser = importlib.import_module(module).parser()
        page = Manpage(parser)
        page.description = about(command).rstrip(".")
        page.source = f"ksim-schema {version_of('ksim-schema') or ''}".rstrip()
        page.manual = "Robot-learning tasks as typed graphs"
        pages.append(folder / f"{PREFIX}{command}.1")
        pages[-1].write_text(str(page), encoding="utf-8")
    return pages

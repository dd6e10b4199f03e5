"""The lines of the page on editors, in the editors themselves, where they are installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.samples import ROOT, blocks

PAGE = "docs/editors.md"
FOUND = "31:38 KS0109"
VIM = """
vim.wait(60000, function() return #vim.diagnostic.get(0) > 0 end, 50)
for _, d in ipairs(vim.diagnostic.get(0)) do
  io.stderr:write(string.format('%d:%d %s\\n', d.lnum + 1, d.col + 1, d.code))
end
vim.cmd('qa!')
"""
EMACS = """
(require 'eglot)
(require 'flymake)
(setq eglot-sync-connect t eglot-connect-timeout 60)
(find-file "walk.yaml")
(unless (fboundp 'yaml-mode) (define-derived-mode yaml-mode prog-mode "YAML"))
(yaml-mode)
(call-interactively #'eglot)
(let ((tries 300))
  (while (and (> tries 0) (null (flymake-diagnostics)))
    (accept-process-output nil 0.2)
    (flymake-start)
    (setq tries (1- tries))))
(dolist (found (flymake-diagnostics))
  (goto-char (flymake-diagnostic-beg found))
  (message "%d:%d %s" (line-number-at-pos) (1+ (current-column))
           (replace-regexp-in-string "ksim \\\\[\\\\(KS[0-9]+\\\\)\\\\].*\\\\(\\n.*\\\\)*" "\\\\1"
                                     (flymake-diagnostic-text found))))
"""


needs_server = pytest.mark.skipif(
    not (Path(sys.executable).parent / "ksim-lsp").exists(), reason="the server is not installed"
)


def sample(first: str) -> str:
    (found,) = (b for b in blocks(PAGE) if b.first.startswith(first))
    return found.text


def answered(*command: str, text: str = "") -> str:
    """What a program says, or "" where it is not there or does not end well."""
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, input=text, timeout=60)
    return "" if done.returncode else done.stdout + done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with a task in which a length stands for a time."""
    shutil.copytree(ROOT / "tasks", tmp_path / "work", symlinks=True)
    path = tmp_path / "work" / "walk.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("period: 0.8 s", "period: 0.8 m", 1), encoding="utf-8")
    (tmp_path / "work" / ".git").mkdir()
    return tmp_path / "work"


def said(folder: Path, *command: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    home = {name: str(folder.parent) for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **home, "PATH": path},
        capture_output=True,
        text=True,
        timeout=180,
    )
    return done.stdout + done.stderr


@needs_server
def test_neovim_shows_what_the_server_finds(folder: Path) -> None:
    version = re.match(r"NVIM v0\.(\d+)", answered("nvim", "--version"))
    if not version or int(version[1]) < 11:
        pytest.skip("needs Neovim 0.11")
    (folder.parent / "init.lua").write_text(sample("vim.lsp.config"), encoding="utf-8")
    (folder.parent / "look.lua").write_text(VIM, encoding="utf-8")
    init, look = str(folder.parent / "init.lua"), f"luafile {folder.parent / 'look.lua'}"
    assert FOUND in said(folder, "nvim", "--headless", "-u", init, "walk.yaml", "-c", look)


@needs_server
def test_emacs_shows_what_the_server_finds(folder: Path) -> None:
    if not answered("emacs", "--batch", "-f", "package-initialize", "--eval", "(require 'eglot)"):
        pytest.skip("needs Emacs with eglot")
    script = folder.parent / "look.el"
    script.write_text(sample("(with-eval-after-load") + EMACS, encoding="utf-8")
    found = said(folder, "emacs", "--batch", "-f", "package-initialize", "-l", str(script))
    assert FOUND in found

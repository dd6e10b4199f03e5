"""The checking process: it is ended when it hangs, and another one takes its place."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ksim_compiler.editor.checker import Checker
from ksim_compiler.editor.findings import Found, Known

TASK = "ksim: 1\ntask: stuck\ncomponents: [stuck.py]\n"
PYTHON = {"hangs": "while True:\n    pass\n", "dies": "import os\nos._exit(3)\n"}
SAID = {"hangs": "the check was ended after 4 seconds", "dies": "has ended (exit status 3)"}


@pytest.mark.parametrize("how", list(PYTHON))
def test_a_python_file_that_never_returns_holds_up_one_check_alone(
    how: str, tmp_path: Path
) -> None:
    (tmp_path / "stuck.py").write_text(PYTHON[how], encoding="utf-8")
    path = tmp_path / "stuck.yaml"
    path.write_text(TASK, encoding="utf-8")

    async def talk() -> tuple[list[str], list[str]]:
        failed: list[str] = []
        told: list[str] = []
        done = asyncio.Event()

        def take(_: Path, answer: Found | Known) -> None:
            if isinstance(answer, Found):
                told.extend(str(d.code) for d in answer.diagnostics)
                done.set()

        def fail(_: Path, message: str, trace: str) -> None:
            failed.append(message + trace)
            done.set()

        checker = Checker(take, fail, longest=4.0)
        try:
            checker.ask(path, lambda: (TASK, {}, False))
            await asyncio.wait_for(done.wait(), 60)
            done.clear()
            checker.longest = 60.0
            other = TASK.replace("components: [stuck.py]", "PPO: {evns: 3}")
            checker.ask(path, lambda: (other, {}, False))
            await asyncio.wait_for(done.wait(), 60)
        finally:
            checker.close()
        return failed, told

    failed, told = asyncio.run(talk())
    assert len(failed) == 1
    assert SAID[how] in failed[0]
    assert "KS0104" in told

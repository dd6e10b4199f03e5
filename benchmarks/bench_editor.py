"""What typing costs: from a change of a task's text to what is wrong with it, in a real client.

``python benchmarks/bench_editor.py [TASK ...]`` starts ``ksim-lsp`` as an editor does and prints,
for each task, the first answer, which imports MuJoCo and compiles the robot; the median and the
95th percentile over changes of a value; the medians of completion and hover; and that of a change
as a share of what ``ksim-compile --check`` takes.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from lsprotocol import types as lsp

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from tests.support.editor import Editor  # noqa: E402

TASKS = ("tasks/walk.yaml", "tasks/walk_robust.yaml", "tasks/trot_rough.yaml")


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What typing costs in an editor.")
    parser.add_argument("tasks", nargs="*", type=Path, default=[ROOT / task for task in TASKS])
    parser.add_argument("-n", type=int, default=40, help="changes of each task")
    options = parser.parse_args(argv)
    titles = ("first", "median", "p95", "complete", "hover")
    head = " ".join(f"{title:>8}" for title in titles)
    print(f"{'task':20} {head} {'of --check':>11}")
    for path in options.tasks:
        print(row(path.resolve(), options.n), flush=True)
    return 0


def row(path: Path, count: int) -> str:
    """The numbers of one task."""
    text = path.read_text(encoding="utf-8")
    number = re.search(r"(?<=steps: )[0-9]+", text)
    command = [sys.executable, "-m", "ksim_compiler.cli.compile", "--check", "-q", str(path)]
    start = time.perf_counter()
    subprocess.run(command, check=False, capture_output=True)
    whole = time.perf_counter() - start
    changes: list[float] = []
    proposals: list[float] = []
    hovers: list[float] = []
    with Editor(path.parent) as editor:
        start = time.perf_counter()
        editor.open(path)
        first = time.perf_counter() - start
        for index in range(count):
            if number is not None:
                changed = text[: number.start()] + str(1_000_000 + index) + text[number.end() :]
            else:
                changed = f"{text}# {index}\n"
            start = time.perf_counter()
            editor.change(path, changed)
            changes.append(time.perf_counter() - start)
            line = changed.count("\n", 0, changed.index("kind: ")) if "kind: " in changed else 0
            column = changed.split("\n")[line].find("kind: ") + 7
            at = (lsp.TextDocumentIdentifier(path.as_uri()), lsp.Position(line, column))
            start = time.perf_counter()
            editor.do(editor.client.text_document_completion_async(lsp.CompletionParams(*at)))
            proposals.append(time.perf_counter() - start)
            start = time.perf_counter()
            editor.do(editor.client.text_document_hover_async(lsp.HoverParams(*at)))
            hovers.append(time.perf_counter() - start)
    median = statistics.median(changes)
    late = sorted(changes)[int(0.95 * (len(changes) - 1))]
    shown = [first, median, late, statistics.median(proposals), statistics.median(hovers)]
    numbers = [f"{1e3 * value:.0f} ms" for value in shown]
    cells = " ".join(f"{cell:>8}" for cell in numbers)
    return f"{path.stem:20} {cells} {median / whole:>11.3f}"


if __name__ == "__main__":
    sys.exit(main())

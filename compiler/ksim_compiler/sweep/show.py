"""What is shown of a study: a table on a terminal, lines elsewhere, a file of all trials."""

from __future__ import annotations

import csv
import io
import threading
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ksim_compiler.sweep import sampling
from ksim_compiler.sweep.book import Book, origin

EVERY = 1.0
"""Seconds between two looks at the storage."""
SHOWN = 20
"""Rows of the table: those under way, the best, and the last."""


@dataclass(frozen=True)
class Row:
    """A trial as it is shown.

    Attributes:
        trial: its number.
        state: waiting, training, stopped, done, pruned, refused or failed.
        value: what it is worth; while it is trained, what was reported last.
        steps: environment steps of all its trainings that were reported.
        seconds: that it took.
        texts: what was drawn, by path.
        results: seed -> the goal's number.
        why: what is wrong with it.
        folder: of the last of its runs.
    """

    trial: int
    state: str
    value: float | None
    steps: int | None
    seconds: float | None
    texts: dict[str, str]
    results: dict[str, float]
    why: str
    folder: str


_WORDS = {
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "training",
    TrialState.COMPLETE: "done",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "waiting",
}


def rows(book: Book) -> list[Row]:
    """The trials of a study, in order of their numbers."""
    return sorted((_row(book, trial) for trial in book.trials()), key=lambda row: row.trial)


def _row(book: Book, trial: FrozenTrial) -> Row:
    told = trial.user_attrs
    state = _WORDS[trial.state]
    state = "stopped" if state == "training" and told.get("left") else state
    state = "refused" if "refused" in told else "failed" if "failed" in told else state
    why = told.get("failed", "") or "; ".join(told.get("refused", ()))
    value, steps = trial.value, trial.last_step
    if value is None and steps is not None:
        value = trial.intermediate_values[steps]
    whole = len(trial.params) == len(book.ready.spaces)
    texts = sampling.texts(book.ready.spaces, trial.params) if whole else {}
    if state in ("waiting", "refused", "failed"):
        value = None
    results = {str(seed): float(v) for seed, v in told.get("results", {}).items()}
    return Row(
        trial=origin(trial),
        state=state,
        value=value,
        steps=steps,
        seconds=told.get("seconds"),
        texts=texts,
        results=results,
        why=why,
        folder=told.get("folder", ""),
    )


def counts(found: Sequence[Row]) -> str:
    """How many trials are in which state: ``12 done, 3 pruned, 2 training``."""
    many = Counter(row.state for row in found)
    order = ("done", "pruned", "failed", "refused", "training", "stopped", "waiting")
    return ", ".join(f"{many[state]} {state}" for state in order if many[state])


def table(book: Book, found: Sequence[Row], limit: int = SHOWN) -> Table:
    """The trials under way, the best and the last ones."""
    study = book.ready.study
    assert study is not None
    up, goal = study.goal.up, study.goal.name
    done = [row for row in found if row.state == "done" and row.value is not None]
    best = max(done, key=lambda row: (row.value or 0.0) * (1 if up else -1), default=None)
    shown = [row for row in found if row.state != "waiting"]
    if len(shown) > limit:
        ranked = sorted(done, key=lambda row: (row.value or 0.0) * (-1 if up else 1))
        kept = {row.trial for row in ranked[: limit // 4]}
        kept |= {row.trial for row in shown if row.state == "training"}
        for row in reversed(shown):
            if len(kept) >= limit:
                break
            kept.add(row.trial)
        shown = [row for row in shown if row.trial in kept]
    result = Table(box=None, padding=(0, 1), header_style="bold")
    result.add_column("trial", justify="right")
    result.add_column("")
    result.add_column(goal, justify="right")
    result.add_column("steps", justify="right")
    for path in study.search:
        result.add_column(short(path, list(study.search)), justify="right", overflow="fold")
    for row in shown:
        value = "" if row.value is None else f"{row.value:.5g}"
        steps = "" if row.steps is None or row.state == "done" else f"{row.steps:,}"
        cells = [row.texts.get(path, "") for path in study.search]
        style = {"done": "", "training": "cyan"}.get(row.state, "dim")
        style = "bold green" if best is not None and row.trial == best.trial else style
        result.add_row(str(row.trial), row.state, value, steps, *cells, style=style)
    return result


def short(path: str, paths: Sequence[str]) -> str:
    """A path without its section, where that is enough to tell it apart from the others."""
    ending = path.partition(".")[2]  # without its section
    alone = sum(other.partition(".")[2] == ending for other in paths) == 1
    return ending if ending and alone else path


def line(row: Row, goal: str) -> str:
    """A trial in a line, as it is told where there is no terminal."""
    values = ", ".join(f"{path}={text}" for path, text in row.texts.items())
    took = f" in {row.seconds:.1f} s" if row.seconds is not None else ""
    if row.state == "refused":
        took = f" in {(row.seconds or 0.0) * 1e3:.0f} ms"
    value = f" {goal} {row.value:.5g}" if row.state == "done" and row.value is not None else ""
    why = f": {row.why}" if row.why else ""
    return f"trial {row.trial:>3} {row.state}{value}{took}{why} ({values})"


def as_csv(book: Book) -> str:
    """Every trial, a line each."""
    study = book.ready.study
    assert study is not None
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    seeds = [str(seed) for seed in study.seeds]
    head = ["trial", "state", study.goal.name, "steps", "seconds"]
    writer.writerow([*head, *(f"seed {seed}" for seed in seeds), *study.search, "run", "problem"])
    for row in rows(book):
        numbers = [row.value, row.steps, row.seconds, *(row.results.get(seed) for seed in seeds)]
        cells = ["" if number is None else number for number in numbers]
        values = [row.texts.get(path, "") for path in study.search]
        writer.writerow([row.trial, row.state, *cells, *values, row.folder, row.why])
    return file.getvalue()


def summary(book: Book, task: str, command: str) -> list[str]:
    """The best trial, its settings ready to paste, and what to do next."""
    study, best = book.ready.study, book.best()
    assert study is not None
    found = rows(book)
    lines = [f"{study.study}: {counts(found)}"]
    if best is None:
        return [*lines, "no trial was trained to its end"]
    texts = sampling.texts(book.ready.spaces, best.params)
    seeds = f", {study.goal.over_seeds.replace('_', ' ')} of {len(study.seeds)} seeds"
    many = seeds if len(study.seeds) > 1 else ""
    lines.append(f"best: trial {origin(best)}, {study.goal.name} {best.value:.5g}{many}")
    lines += [f"  --set {quoted(setting)}" for setting in book.ready.settings(texts)]
    sets = " ".join(f"--set {quoted(setting)}" for setting in book.ready.settings(texts))
    lines += ["next:", f"  {command} {task} {sets}"]
    folder = best.user_attrs.get("folder")
    lines += [f"  ksim-play {quoted(folder)}"] if folder else []
    return [*lines, f"  ksim-compare {quoted(str(book.folder))}"]


def quoted(text: str) -> str:
    """A word of a command line."""
    import shlex

    return shlex.quote(text)


class Watcher:
    """Shows what happens to the trials of a study, until told to stop."""

    def __init__(self, book: Book, console: Console) -> None:
        self._book, self._console = book, console
        self._known: dict[int, str] = {}
        self._live: Live | None = None

    def look(self) -> None:
        """Show what has changed since the last look."""
        study = self._book.ready.study
        assert study is not None
        found = rows(self._book)
        if self._live is not None:
            shown = table(self._book, found)
            shown.caption = Text(f"{counts(found)}; Ctrl-C ends after this iteration")
            shown.caption_justify = "left"
            self._live.update(shown, refresh=True)
            return
        for row in found:
            before = self._known.get(row.trial, "waiting")
            if row.state != before and row.texts:
                self._console.print(line(row, study.goal.name), markup=False, soft_wrap=True)
            self._known[row.trial] = row.state if row.texts else before

    @contextmanager
    def watching(self) -> Generator[None]:
        """Look again and again while the block runs."""
        done = threading.Event()
        self._known = {row.trial: row.state for row in rows(self._book)}

        def watch() -> None:
            while not done.wait(EVERY):
                try:
                    self.look()
                except Exception:  # a storage that is away for a while; the next look tells
                    continue

        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(10.0)
            if self._live is not None:
                self._live.stop()
                self._live = None
                self._console.print(table(self._book, rows(self._book)))
            else:
                self.look()

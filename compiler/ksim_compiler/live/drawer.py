"""What a run's folder says and its charts: read and drawn as the run goes on.

It is done in a process of its own (:mod:`ksim_compiler.live.remote`), which can end when nobody
looks and cannot hold up the server. What is drawn costs so little that the training does not feel
it: after each drawing it rests SHARE times as long as that took of a processor.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ksim_compiler.learn.run.files import (
    EVALUATIONS,
    METRICS,
    MOTIONS,
    RUN_FILE,
    TASK,
    VELOCITIES,
    Row,
)
from ksim_compiler.learn.run.lock import held
from ksim_compiler.live.log import Log
from ksim_compiler.live.status import Status, status
from ksim_schema.source.files import reason

if TYPE_CHECKING:
    from ksim_compiler.plan import Plan
    from ksim_compiler.plan.logged import Chart

SHARE = 100
"""How many times as long as a drawing took the next one is not begun, while the run goes on."""
KNOWN = ("reward/", "termination/", "task/", "episode/", "metric/")
"""What names of logs begin with that are drawn whatever the learner is."""

Message = dict[str, Any]
"""``status``, ``task`` and ``trouble`` together; ``clear``; or ``part`` and its ``text``."""


class Drawer:
    """The folder of a run, as it is read and drawn.

    Args:
        folder: of the run.
        trust: whether the task's own Python files may be run.
    """

    def __init__(self, folder: Path, trust: bool = False) -> None:
        self._folder, self._trust = folder, trust
        self._metrics, self._evaluations = Log(folder / METRICS), Log(folder / EVALUATIONS)
        self._about: Mapping[str, Any] = {}
        self._stamps: dict[str, tuple[int, int] | None] = {}
        self._plan: Plan | None = None
        self._tried: object = None
        self._held: bool | None = None
        self._trouble = ""
        self._parts: dict[str, str] = {}
        self._due, self._pending = 0.0, False

    def step(self, force: bool = False) -> Iterator[Message]:
        """Look at the folder, and draw what has changed, if that is due.

        Args:
            force: draw it even if it is not.
        """
        self._pending = self._look() or self._pending
        now = self._status()
        task = str(self._about.get("task", ""))
        yield {"status": now.as_json(), "task": task, "trouble": self._trouble}
        if now.kind == "gone":
            return  # what was drawn last stays
        if self._about and self._tried != self._about.get("fingerprint", ""):
            yield from self._load()  # it was not read, or the folder holds another run by now
        if self._plan is None or not self._pending:
            return
        calm = now.kind not in ("runs", "starts", "ends")
        if force or calm or time.monotonic() >= self._due:
            begun = time.thread_time()
            yield from self._draw(self._plan)
            self._pending = False
            self._due = time.monotonic() + SHARE * (time.thread_time() - begun)

    def _status(self) -> Status:
        age = None
        with suppress(OSError):
            age = max(0.0, time.time() - (self._folder / METRICS).stat().st_mtime)
        return status(self._folder, self._about, self._metrics.rows, self._held, age)

    def _look(self) -> bool:
        """Read what has come; whether something is to be drawn anew."""
        if not self._folder.is_dir():
            return False
        changed = any([*map(self._changed, (VELOCITIES, MOTIONS, "video.mp4"))])
        if self._changed(RUN_FILE):
            self._about, changed = _json(self._folder / RUN_FILE), True
        came = False
        try:
            came = self._metrics.read()
            changed = self._evaluations.read() or changed
            self._trouble = self._remarks()
        except OSError as error:
            self._trouble = f"a log cannot be read: {reason(error)}"
        if not came or not self._held:  # who writes a row is there
            self._held = held(self._folder)
        return changed or came

    def _remarks(self) -> str:
        logs = {METRICS: self._metrics.damaged, EVALUATIONS: self._evaluations.damaged}
        return "; ".join(
            f"{count} damaged line{'s' if count > 1 else ''} of {name} left out"
            for name, count in logs.items()
            if count
        )

    def _changed(self, name: str) -> bool:
        try:
            found = (self._folder / name).stat()
            stamp = (found.st_mtime_ns, found.st_size)
        except OSError:
            stamp = None
        before = self._stamps.get(name)
        self._stamps[name] = stamp
        return stamp is not None and stamp != before

    def _load(self) -> Iterator[Message]:
        """Read the task. It takes a second or so of a processor, and no JAX."""
        from ksim_compiler import artifact

        self._tried = self._about.get("fingerprint", "")
        compiled = artifact.read(self._folder / TASK, trust=self._trust)
        self._plan = compiled.plan
        self._parts.clear()
        yield {"clear": True}
        if compiled.plan is None:
            errors = [d for d in compiled.diagnostics if d.severity == "error"]
            why = errors[0].message if errors else "it cannot be compiled"
            hint = f"; {errors[0].help}" if errors and errors[0].help else ""
            text = f"Nothing is drawn, for the task cannot be read: {why}{hint}"
            yield {"part": "head", "text": f'<p class="note">{escape(text)}</p>'}

    def _draw(self, plan: Plan) -> Iterator[Message]:
        from ksim_compiler.report.page import LASTING, parts

        charts = charts_of(self._about, self._metrics.rows)
        logs = self._metrics.rows, self._evaluations.rows
        for name, draw in parts(self._folder, plan, self._about, *logs, charts).items():
            if name in LASTING and name in self._parts:
                continue
            try:
                text = draw()
            except Exception as error:  # of a log that somebody else has written
                text = f'<p class="note">{escape(f"{name} cannot be drawn: {error!r}")}</p>'
            if self._parts.get(name) != text:
                self._parts[name] = text
                yield {"part": name, "text": text}


def charts_of(about: Mapping[str, Any], rows: list[Row]) -> list[Chart]:
    """The charts of a learner's own numbers, as ``run.json`` says.

    Of a run that was begun without, each number that it logs is drawn by itself.
    """
    from ksim_compiler.plan.logged import Chart

    told = about.get("charts")
    try:
        return [Chart(**drawn) for drawn in told] if told else _each(rows)
    except TypeError:  # written by another version
        return _each(rows)


def _each(rows: list[Row]) -> list[Chart]:
    from ksim_compiler.plan.logged import Chart

    names = dict.fromkeys(name for row in (*rows[:1], *rows[-1:]) for name in row)
    own = [n for n in names if "/" in n and not n.startswith(KNOWN)]
    return [Chart(name, {name: name}) for name in own]


def _json(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

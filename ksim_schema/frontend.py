"""From a file to a checked graph: what can be known of a task without its robot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ksim_schema.compose import apply_settings, sources
from ksim_schema.diagnostics import Diagnostic, in_order
from ksim_schema.graph import Graph, check
from ksim_schema.morphisms import desugar
from ksim_schema.source import Document, read
from ksim_schema.task import Task, load
from ksim_schema.wiring import wire


@dataclass(frozen=True)
class Checked:
    """A task file after all checks that need no robot.

    Attributes:
        task: the task, or None when the file could not be read as one.
        graph: its graph.
        diagnostics: what was found, in order.
        sources: texts that the diagnostics point into.
    """

    task: Task | None
    graph: Graph | None
    diagnostics: list[Diagnostic]
    sources: dict[str, str]


def check_file(path: Path, settings: Sequence[str] = (), name: str | None = None) -> Checked:
    """Read and check a task file; see :func:`check_document`."""
    document, found = read(path, name)
    if document is None:
        text = path.read_bytes()[:1_000_000].decode("utf-8", "replace") if path.is_file() else ""
        return Checked(None, None, in_order(found), {name or str(path): text})
    checked = check_document(document, path.parent, settings)
    return Checked(
        checked.task, checked.graph, in_order([*found, *checked.diagnostics]), checked.sources
    )


def check_document(document: Document, folder: Path, settings: Sequence[str] = ()) -> Checked:
    """Check a document as a task.

    Args:
        document: the source.
        folder: the folder that paths in it are relative to.
        settings: ``path=value`` texts that change it.
    """
    texts = sources(document, settings)
    document, found = apply_settings(document, settings)
    document, edges_found = desugar(document)
    found += edges_found
    task, problems = load(document, folder)
    found += problems
    if task is None:
        return Checked(None, None, in_order(found), texts)
    graph, problems = wire(task)
    found += problems
    found += check(task, graph)
    found += numbers(task)
    return Checked(task, graph, in_order(found), texts)


def numbers(task: Task) -> Iterator[Diagnostic]:
    """Checks of values against each other that need no robot."""
    ppo = task.ppo
    recurrent = any(
        getattr(part.network, "kind", "mlp") != "mlp"  # type: ignore[attr-defined]
        for object in ("Policy", "Critic")
        for part in task.of(object).values()
    )
    samples = ppo.envs if recurrent else ppo.envs * ppo.rollout
    if samples % ppo.minibatches:
        what = f"{ppo.envs} environments" if recurrent else f"{samples} samples of a rollout"
        message = f"{what} do not divide into {ppo.minibatches} minibatches"
        divisors = [n for n in range(1, 65) if samples % n == 0]
        best = min(divisors, key=lambda n: abs(n - ppo.minibatches))
        where = ("PPO", "minibatches")
        yield task.report("KS0402", message, *where, help=f"{best} minibatches would do")
    if not any(t.timeout for t in task.of("Termination").values()):  # type: ignore[attr-defined]
        message = "no time limit: an episode that never fails never ends"
        help = "add a Termination such as {kind: episode_length, after: 20 s}"
        yield task.report_key("KS0407", message, "Termination", help=help)
    for name, action in task.of("Action").items():
        for state in task.of("PhysicsState").values():
            late = (action.latency or (0.0, 0.0))[1]  # type: ignore[attr-defined]
            period = state.control  # type: ignore[attr-defined]
            if late > period * (1 + 1e-9):
                message = f"a latency of {late:g} s is longer than the control period of {period:g} s"
                yield task.report("KS0412", message, "Action", name, "latency")

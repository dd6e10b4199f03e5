"""What ``ksim-compile --emit`` and its tables print of a compiled task."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ksim_compiler.cli import common
from ksim_compiler.plan import Plan
from ksim_schema.acset import VALUE_TYPES
from ksim_schema.checks.ranges import table as table_of, text
from ksim_schema.diagnostics import Sink
from ksim_schema.drawing import drawing
from ksim_schema.drawing.svg import svg
from ksim_schema.exchange.acset_export import export_task, json_text, sch_task_drawing
from ksim_schema.graph import NEXT, Node
from ksim_schema.graph.canonical import canonical, canonical_yaml
from ksim_schema.graph.wiring import wire
from ksim_schema.source import Path_
from ksim_schema.source.flow import flow, scalar
from ksim_schema.vocabulary.objects import SECTIONS


def graph(plan: Plan) -> str:
    """The canonical form: defaults filled in, SI units, every edge explicit."""
    return canonical_yaml(canonical(plan.task, wire(plan.task, Sink())))


def acset(plan: Plan) -> str:
    """The task as an ACSet, in the JSON form of ACSets.jl; ``schema`` gives its schema."""
    return json_text(export_task(plan.task, wire(plan.task, Sink())).to_json())


def schema() -> str:
    """The schema of the ACSets that :func:`acset` gives, in the JSON form of ACSets.jl."""
    return json_text(sch_task_drawing().to_json(VALUE_TYPES))


def effective(plan: Plan) -> str:
    """The task as written, with all changes applied, and where each value comes from."""
    document = plan.task.document
    lines: list[tuple[str, str]] = []

    def add(data: dict[str, Any], path: Path_) -> None:
        for key, value in data.items():
            here = (*path, key)
            head = f"{'  ' * len(path)}{scalar(key)}:"
            if isinstance(value, dict) and value:
                lines.append((head, ""))
                add(value, here)
            else:
                at = document.at(here)
                lines.append((f"{head} {flow(value)}", f"{at.file}:{at.line}"))

    add(document.data, ())
    width = min(70, max(len(text) for text, where in lines if where))
    return "".join(
        f"{text:{width}}  # {where}\n" if where else f"{text}\n" for text, where in lines
    )


def ranges(plan: Plan) -> str:
    """What the task says of each physical quantity, with the line of each."""
    facts = plan.robot.facts
    return text(plan.task, table_of(plan.task, facts), facts)


def components(path: Path, colour: common.Colour) -> int:
    """Print the component files of a task or of a compiled task, and run nothing of them.

    Returns the exit status.
    """
    from ksim_schema.custom import files as own
    from ksim_schema.source import read

    sink = Sink()
    sources: dict[str, str] = {}
    files: Mapping[str, bytes] = {}
    if path.suffix == common.ARCHIVE:
        from ksim_compiler import artifact

        try:
            files = artifact.unpack(path).components
        except artifact.ArtifactError as error:
            sink.add([error.diagnostic(str(path))])
    else:
        document = read(path, sink)
        if document is not None and isinstance(document.data, dict) and own.KEY in document.data:
            sources[document.file] = document.text
            files = own.collect(document, own.reader_of(path.parent), sink)
    common.print_report(sink.in_order(), sources, colour)
    for name, data in files.items():
        text = data.decode("utf-8-sig", "backslashreplace")
        print(f"# {name}: {len(data):,} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")
        print("".join(c if c.isprintable() or c in "\n\t" else "?" for c in text))
    if not files and not sink:
        print(f"{path} has no component files")
    return common.ERRORS if sink else common.OK


def _shown_graph(plan: Plan) -> drawing.Picture:
    return drawing.picture(wire(plan.task, Sink()), plan.task.name, plan.task.about)


def dot(plan: Plan) -> str:
    """The graph for Graphviz."""
    return drawing.dot(_shown_graph(plan))


def mermaid(plan: Plan) -> str:
    """The graph as a Mermaid flowchart."""
    return drawing.mermaid(_shown_graph(plan))


def picture(plan: Plan) -> str:
    """The graph as SVG."""
    return svg(_shown_graph(plan))


def terrain(plan: Plan, path: Path) -> int:
    """Draw a task's terrain into a file. Returns the exit status.

    Raises:
        UsageError: there is nothing to draw, or no way to.
    """
    from ksim_compiler.report.formats import PlotError
    from ksim_compiler.report.relief import terrain_of, write_relief

    if terrain_of(plan.robot.facts) is None:
        raise common.UsageError(f"the ground of {plan.task.name!r} is flat: it has no terrain")
    try:
        write_relief(path, plan.robot.facts, plan.task.name)
    except (PlotError, OSError) as error:
        raise common.UsageError(f"cannot draw the terrain: {error}") from error
    print(f"wrote {path}")
    return common.OK


EMIT: dict[str, Callable[[Plan], str]] = {
    "graph": graph,
    "acset": acset,
    "plan": Plan.text,
    "ranges": ranges,
    "effective": effective,
    "dot": dot,
    "mermaid": mermaid,
    "svg": picture,
}
"""What can be printed of a compiled task."""


def table(plan: Plan, width: int) -> Iterator[tuple[str, bool]]:
    """The parts with kinds, shapes and what they read, then the order of a tick.

    Args:
        plan: a compiled task.
        width: columns of the terminal.

    Yields:
        A line, and whether it is a heading.
    """
    title, robot = plan.text().split("\n", 2)[:2]
    yield title.removeprefix("plan "), True
    yield f"  {robot}", False
    drives, sensors = len(plan.drives), len(plan.sensors)
    yield f"  added to the model: {drives} actuators, {sensors} sensors", False
    inputs, critic = ((c[-1].stop if c else 0) for c in (plan.policy_input, plan.critic_input))
    yield f"  policy {inputs} -> {plan.action_size}, critic {critic} -> 1", False
    shown = sorted(filter(_shown, plan.graph.nodes), key=lambda node: SECTIONS.index(node.object))
    rows = [_row(plan, node) for node in shown]
    columns = [max(len(row[i]) for row in (*rows, _TITLES)) for i in range(4)]
    for row in (_TITLES, *rows):
        part, kind, shape, sources = row
        start = f"  {part:{columns[0]}}  {kind:{columns[1]}}  {shape:>{columns[2]}}  "
        space = max(20, width - len(start))
        lines = textwrap.wrap(sources, space, break_long_words=False) or [""]
        yield f"{start}{lines[0]}".rstrip(), row is _TITLES
        yield from ((" " * len(start) + line, False) for line in lines[1:])
    yield "order of a tick", True
    order = ", ".join(str(node).replace(" ", "") for node in plan.order)
    yield from ((f"  {line}", False) for line in textwrap.wrap(order, max(20, width - 2)))


_TITLES = ("part", "kind", "shape", "reads")


def _shown(node: Node) -> bool:
    return node.object != "Trajectory" and not node.name.endswith(NEXT)


def _row(plan: Plan, node: Node) -> tuple[str, str, str, str]:
    incoming = plan.graph.into(node)
    if node.object == "PhysicsState":  # acted on in the row of the state that a tick makes
        incoming = plan.graph.into(Node(node.object, node.name + NEXT))
    sources = dict.fromkeys(_source(edge.src) for edge in incoming if edge.hom != "evolve")
    shape = "x".join(map(str, plan.shapes.get(node, ()))) or "-"
    return str(node), plan.graph.kinds.get(node, ""), shape, ", ".join(sources)


def _source(node: Node) -> str:
    """A part by its name; a recorded channel by that of the part that it records."""
    name = node.name.removesuffix(NEXT)
    return name.split(".", 1)[-1] if node.object == "Trajectory" else name

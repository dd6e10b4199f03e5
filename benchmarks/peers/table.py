"""What a comparison found, as Markdown: ratios first, then a row for each peer and seed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.peers.judge import Judgement

NEVER = math.inf
"""Seconds to a goal that was not reached."""


@dataclass(frozen=True)
class Row:
    """A training of a peer.

    Attributes:
        peer, seed: which.
        speed: environment steps a second while training; NaN where it is not known.
        first: seconds from the start of the process to its first checkpoint.
        steps, seconds: to the goal; NaN and NEVER where it was not reached.
        judgement: of the checkpoint that reached the goal, or else of the last one.
        note: what there is to say.
    """

    peer: str
    seed: int
    speed: float = math.nan
    first: float = math.nan
    steps: float = math.nan
    seconds: float = NEVER
    judgement: Judgement | None = None
    note: str = ""


BARE = {"mujoco": "bare mujoco.batch", "mjbatch": "bare mjbatch"}
"""Package -> how its bare physics is called."""


def ratios(rows: Sequence[Row], bare: Mapping[str, Sequence[float]], substeps: int) -> list[str]:
    """Lines of Markdown: each figure of ksim-schema over that of a peer, and of physics."""
    found: list[str] = []
    of = {peer: [row for row in rows if row.peer == peer] for peer in {r.peer for r in rows}}
    for peer in sorted(of.keys() - {"ksim"}):
        pairs = [
            (mine, theirs)
            for mine in of.get("ksim", [])
            for theirs in of[peer]
            if mine.seed == theirs.seed
        ]
        to_goal = [m.seconds / t.seconds for m, t in pairs if t.seconds < NEVER]
        faster = [m.speed / t.speed for m, t in pairs]
        found += _ratio(f"seconds to the goal, ksim / {peer}", to_goal)
        found += _ratio(f"environment steps/s, ksim / {peer}", faster)
    for package, speeds in sorted(bare.items()):
        peer = {"mujoco": "ksim", "mjbatch": "mjbatch"}[package]
        limit = statistics.median(speeds) if speeds else math.nan
        shares = [row.speed * substeps / limit for row in of.get(peer, [])]
        found += _ratio(f"training / {BARE[package]}, {peer}", shares)
    if all(bare.get(package) for package in BARE):
        pairs = zip(bare["mujoco"], bare["mjbatch"], strict=False)
        found += _ratio("bare physics, mujoco.batch / mjbatch", [m / t for m, t in pairs])
    return found and ["| ratio | median | each |", "|---|---|---|", *found]


def _ratio(name: str, values: Sequence[float]) -> list[str]:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return []
    each = ", ".join(_number(value, ".2f") for value in known)
    return [f"| {name} | {_number(statistics.median(known), '.2f')} | {each} |"]


def trainings(rows: Sequence[Row]) -> list[str]:
    """Lines of Markdown: the trainings."""
    if not rows:
        return []
    found = [
        "| peer | seed | steps/s | first checkpoint (s) | to the goal (s) | steps to it | falls"
        " | m/s off | rad/s off | |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        judged = row.judgement or Judgement(math.nan, math.nan, math.nan)
        cells = (
            row.peer,
            str(row.seed),
            _number(row.speed, ",.0f"),
            _number(row.first, ".1f"),
            _number(row.seconds, ".1f"),
            _number(row.steps, ",.0f"),
            _number(judged.falls, ".1%"),
            _number(judged.planar, ".3f"),
            _number(judged.turn, ".3f"),
            row.note.replace("|", "/"),
        )
        found.append(f"| {' | '.join(cells)} |")
    return found


def physics(bare: Mapping[str, Sequence[float]], notes: Mapping[str, str]) -> list[str]:
    """Lines of Markdown: bare physics."""
    rows = [
        f"| {BARE[p]} | {statistics.median(v):,.0f} | {', '.join(f'{x:,.0f}' for x in v)} |"
        for p, v in sorted(bare.items())
        if v
    ]
    rows += [f"| {BARE[package]} | - | {note} |" for package, note in sorted(notes.items())]
    return rows and ["| | physics steps/s | each |", "|---|---|---|", *rows]


def _number(value: float, form: str) -> str:
    if math.isnan(value):
        return "-"
    return "never" if math.isinf(value) else format(value, form)

"""``motions.json``: how each clip of a recorded motion is followed in a run's newest evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from ksim_compiler.env.motions import BEGINNINGS, Recorded
from ksim_compiler.learn.run.attempts import ByClip
from ksim_compiler.learn.run.evaluate import Evaluation
from ksim_compiler.learn.run.files import CLIP_UNITS, MOTIONS
from ksim_compiler.lowering.motion import Tally
from ksim_compiler.plan import Plan
from ksim_compiler.plan.clock import ticks
from ksim_schema.source.files import write_text
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.command.clips import Motion

POINTS = 100
"""Stretches that a clip's time is cut into, at most: none is shorter than a tick."""
SPREAD = 10, 90
"""Percentiles of the attempts between which an error's band lies."""
MOST = 40
"""Most failures whose times are written; of more, some at even distances."""

Counts = Mapping[str, tuple[Float[np.ndarray, " bins"], Float[np.ndarray, " bins"]]]
"""Command -> failures and ticks in each stretch, as :class:`~ksim_compiler.lowering.motion.Tally`
has them: the mean over the environments."""


def counts_of_state(state: Any) -> Counts:
    """What the environments of a training's whole state have counted; empty without motions."""
    counted: Mapping[str, Tally] = state.env.episode.memory.get(BEGINNINGS, {})
    return {name: (_mean(tally.failed), _mean(tally.spent)) for name, tally in counted.items()}


def counts_of_arrays(arrays: Mapping[str, np.ndarray]) -> Counts:
    """The same of a checkpoint's arrays by their path; empty where they are not there."""
    start = f"env.episode.memory.{BEGINNINGS}."
    names = {
        path.removeprefix(start).rpartition(".")[0] for path in arrays if path.startswith(start)
    }
    return {
        name: (_mean(arrays[f"{start}{name}.failed"]), _mean(arrays[f"{start}{name}.spent"]))
        for name in names
    }


def motions(plan: Plan, result: Evaluation, counts: Counts) -> list[dict[str, Any]]:
    """How each clip is followed, and where its episodes begin.

    Args:
        plan: the task.
        result: the evaluation.
        counts: where training has failed.

    Returns:
        For each clip ``command``, ``clip``, ``seconds``, ``attempts``, ``cut`` (those that the time
        limit ended), the figures, ``curve`` (:func:`curve`), ``failed_at`` in s, and ``starts``:
        stretches of the clip with the percentage of all episodes that begin in each, and that would
        if they began anywhere. Where nothing is drawn by failures there are none of these.
    """
    starts = _starts(plan, counts)
    found: list[dict[str, Any]] = []
    for own in result.clips:
        values = own.values()
        found.append(
            {
                "command": own.command,
                "clip": own.clip,
                "seconds": own.seconds,
                "attempts": len(own.attempts),
                "cut": len(own.attempts) - len(values["completed"]),
                **{n: _short(values[n].mean()) if values[n].size else None for n in CLIP_UNITS},
                "curve": curve(own),
                "failed_at": _failures(own),
                "starts": starts.get(own.name, []),
            }
        )
    return found


def write(folder: Path, steps: int, plan: Plan, result: Evaluation, counts: Counts) -> None:
    """Write those of an evaluation into a run's folder; nothing where there are none.

    Raises:
        OSError: it cannot be written.
    """
    found = motions(plan, result, counts)
    if found:
        about = {"steps": steps, "episodes": len(result.returns), "spread": SPREAD}
        write_text(folder / MOTIONS, json.dumps({**about, "of": found}) + "\n")


def curve(own: ByClip) -> dict[str, list[float]]:
    """The body error over a clip's time.

    Returns:
        ``seconds``, the middle of each stretch of the clip that an attempt was in; ``mean`` of the
        attempts' own means in it, m; ``low`` and ``high``, their percentiles SPREAD; ``attempts``,
        how many there were.
    """
    last = max(1, ticks(own.seconds, own.period))
    count = min(POINTS, last)
    means = np.full((len(own.attempts), count), np.nan)
    for row, attempt in enumerate(own.attempts):
        # the first frame that is to be reached is 1: an episode begins in the one before it
        at = np.clip((attempt.frames - 1) * count // last, 0, count - 1)
        held, sums = (np.bincount(at, w, count) for w in (None, attempt.bodies))
        means[row, held > 0] = sums[held > 0] / held[held > 0]
    there = ~np.isnan(means)
    seen = np.flatnonzero(there.any(axis=0))
    low, high = (
        [_short(np.percentile(means[there[:, i], i], share)) for i in seen] for share in SPREAD
    )
    return {
        "seconds": [_short((i + 0.5) * own.seconds / count) for i in seen],
        "mean": [_short(means[there[:, i], i].mean()) for i in seen],
        "low": low,
        "high": high,
        "attempts": [int(there[:, i].sum()) for i in seen],
    }


def _failures(own: ByClip) -> list[float]:
    """When attempts failed, in s of the clip."""
    ends = sorted(int(a.frames[-1]) for a in own.attempts if a.failed and a.frames.size)
    every = max(1, -(-len(ends) // MOST))
    return [_short(frame * own.period) for frame in ends[::every]]


def _starts(plan: Plan, counts: Counts) -> dict[str, list[dict[str, float]]]:
    """Command and clip -> its stretches, of commands that draw by failures."""
    commands = plan.parts(Command)
    recorded = Recorded(plan, commands)
    tallies = {name: Tally(*map(np.asarray, of)) for name, of in counts.items()}  # pyright: ignore[reportArgumentType]
    fresh = recorded.fresh()
    if not recorded or set(tallies) != set(fresh):
        return {}
    drawn, anywhere = recorded.odds(commands, tallies), recorded.odds(commands, fresh)
    found: dict[str, list[dict[str, float]]] = {}
    for name, library in recorded.libraries.items():
        part = commands[name]
        if not isinstance(part, Motion) or part.begin.draw != "where_it_fails":
            continue
        for row, clip in enumerate(library.bin_clip):
            found.setdefault(f"{name}.{library.clips[clip]}", []).append(
                {
                    "from": _short(library.bin_start[row] * plan.period),
                    "to": _short(library.bin_stop[row] * plan.period),
                    "begin": _short(100.0 * drawn[name][row]),
                    "anywhere": _short(100.0 * anywhere[name][row]),
                }
            )
    return found


def _mean(counts: Any) -> Float[np.ndarray, " bins"]:
    """The mean over all environments, of whatever shards."""
    counts = np.asarray(counts)
    return counts.reshape(-1, counts.shape[-1]).mean(axis=0)


def _short(value: Any) -> float:
    return float(f"{float(value):.5g}")

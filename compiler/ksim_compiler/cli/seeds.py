"""Several runs of one task, one a seed: one after another, of one compiled program.

They are not batched: with the native engine five times as many environments take about four times
as long, on two cores, so that a batch of five seeds would gain a fifth at the most.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ksim_compiler.cli.common import ERRORS, OK, UsageError

if TYPE_CHECKING:
    from ksim_compiler.learn.run.programs import Programs
    from ksim_compiler.pipeline import Compiled

Train = Callable[
    ["Compiled", Path, dict[str, Any], argparse.Namespace, Callable[[], None] | None], int
]
MOST = 1000


def wrong(options: argparse.Namespace) -> str:
    """What --seeds does not go with, or ""."""
    if options.seeds is None:
        return ""
    if options.seeds > MOST or (options.seed or 0) + options.seeds > 2**32:
        return f"--seeds is at most {MOST}"
    for name in ("resume", "probe"):
        if getattr(options, name):
            return f"--seeds begins new runs; leave out --{name}"
    return ""


def programs(options: argparse.Namespace, about: Mapping[str, Any]) -> Programs | None:
    """The compiled programs that a run shares with the others of this process, or of its study."""
    from ksim_compiler.learn.run.programs import Programs

    if about.get("shared"):  # begun by a study: as there, numbers are arguments
        return Programs(numbers=True)
    if options.seeds is None:
        return None
    if options.programs is None:
        options.programs = Programs()
    return options.programs


def each(
    compiled: Compiled, about: dict[str, Any], options: argparse.Namespace, train: Train
) -> int:
    """Train once for each seed, each in a folder of its own.

    Args:
        compiled: the task.
        about: how the first run is done.
        options: the command line.
        train: trains once, as :func:`ksim_compiler.cli.run._train`.

    Returns:
        The exit status: that of the first run that did not end well, which ends them all.
    """
    from ksim_compiler.learn.run import folder

    assert compiled.plan is not None
    first = int(about["seed"])
    name = f"{compiled.plan.task.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    done: list[Path] = []
    for seed in range(first, first + options.seeds):
        out = None if options.out is None else options.out / f"seed{seed}"
        default = Path("runs") / f"{name}-seed{seed}"
        print(f"\nseed {seed}, {seed - first + 1} of {options.seeds}", flush=True)
        try:
            with folder.new(out, default) as (place, begun):
                status = train(compiled, place, {**about, "seed": seed}, options, begun)
        except folder.Busy as error:
            print(f"ksim-run: {error}", file=sys.stderr)
            return ERRORS
        except folder.FolderError as error:
            raise UsageError(str(error)) from error
        if status != OK:
            left = options.seeds - (seed - first) - 1
            if left:
                print(f"{left} of {options.seeds} seeds were not begun: --seed {seed + 1}")
            return status
        done.append(place)
    _compare(done, first)
    return OK


def _compare(places: list[Path], first: int) -> None:
    """Print what the runs came to, and what is between them."""
    from ksim_compiler.learn.run.run import EVALUATIONS, rows

    found = [rows(place / EVALUATIONS)[-1] for place in places]
    names = [n for n in ("return", "length", "failed", "success") if n in found[0]]
    print("\n" + f"{'seed':<8}" + "".join(f"{name:>12}" for name in names) + "  run")
    for number, (row, place) in enumerate(zip(found, places, strict=True)):
        cells = "".join(_number(row.get(name)) for name in names)
        print(f"{first + number:<8}{cells}  {place}")
    for title, of in (("median", statistics.median), ("lowest", min), ("highest", max)):
        cells = ""
        for name in names:
            values = [row[name] for row in found if row.get(name) is not None]
            cells += _number(of(values) if values else math.nan)
        print(f"{title:<8}{cells}")


def _number(value: float | None) -> str:
    return f"{'-':>12}" if value is None or not math.isfinite(value) else f"{value:>12.5g}"

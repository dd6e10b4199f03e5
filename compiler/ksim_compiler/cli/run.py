"""``ksim-run``: train a task."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ksim_compiler.cli import common
from ksim_compiler.cli.common import ERRORS, OK, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from ksim_compiler.learn.runner import Trainer
    from ksim_compiler.pipeline import Compiled

PROGRAM = "ksim-run"
CHECKPOINT = "checkpoint.safetensors"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see ``--help``. Returns the exit status."""
    if argv is None:  # nothing is drawn here, and loading a window library takes time
        os.environ["MUJOCO_GL"] = "disable"
    options = parser().parse_args(argv)
    return common.main(PROGRAM, lambda: run(options))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM, description="Train a task, compiled or in YAML.", allow_abbrev=False
    )
    add = result.add_argument
    add("task", type=Path, metavar="TASK", help="a .ksim file or a task in YAML")
    add("--engine", choices=("auto", "mjx", "warp", "native"), default="auto")
    add(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="change a value, for example Reward.linvel.scale=3; may be repeated",
    )
    add("--seed", type=int, default=0, help="of all random numbers (default: 0)")
    add("--steps", type=_count, help="environment steps (default: PPO.steps of the task)")
    add("--out", type=Path, metavar="FOLDER", help="run folder (default: runs/<task>-<time>)")
    add("--threads", type=int, default=0, help="threads of the native engine (default: all cores)")
    add("--episodes", type=_count, default=32, help="episodes of the evaluation at the end")
    common.add_trust(result)
    add("--color", choices=common.COLOURS, default="auto", help="colours on a terminal")
    return result


def _count(text: str) -> int:
    value = int(float(text.replace("_", "")))
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status."""
    if not 0 <= options.seed < 2**32:
        raise UsageError("--seed must be a whole number from 0 to 2^32 - 1")
    compiled = common.load(options.task, options.settings, options.trust)
    common.print_report(compiled.diagnostics, compiled.sources, options.color)
    if compiled.plan is None:
        return ERRORS
    folder = _run_folder(options.out, compiled.plan.task.name)

    from rich.console import Console

    from ksim_compiler.cli.active import print_active
    from ksim_compiler.engine import EngineUnavailable
    from ksim_compiler.learn.runner import Trainer

    console = Console(no_color=options.color == "never", highlight=False)
    try:
        trainer = Trainer.build(compiled.plan, options.engine, options.threads)
    except (EngineUnavailable, NotImplementedError, ValueError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return ERRORS
    print_active(console, compiled.plan, trainer.env.engine.name)
    _write_head(folder, compiled, trainer, options)
    return _train(console, compiled, trainer, folder, options)


def _run_folder(out: Path | None, task: str) -> Path:
    folder = out or Path("runs") / f"{task}-{time.strftime('%Y%m%d-%H%M%S')}"
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} holds something already; name another folder with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or "error").lower()
        raise UsageError(f"cannot make the run folder {folder}: {reason}") from error
    return folder


def _write_head(
    folder: Path, compiled: Compiled, trainer: Trainer, options: argparse.Namespace
) -> None:
    """What the run is: the compiled task, its canonical form, and how it was started."""
    import jax

    from ksim_compiler import artifact
    from ksim_schema.canonical import canonical, canonical_yaml

    plan = compiled.plan
    assert plan is not None
    artifact.write(folder / "task.ksim", compiled)
    text = canonical_yaml(canonical(plan.task, plan.graph))
    (folder / "task.yaml").write_text(text, encoding="utf-8")
    about = {
        "task": plan.task.name,
        "fingerprint": compiled.fingerprint,
        "seed": options.seed,
        "engine": trainer.env.engine.name,
        "settings": options.settings,
        "versions": {**artifact.versions(), "jax": jax.__version__},
        "devices": [str(device) for device in jax.devices()],
        "cores": os.cpu_count(),
    }
    (folder / "run.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _train(
    console: Console,
    compiled: Compiled,
    trainer: Trainer,
    folder: Path,
    options: argparse.Namespace,
) -> int:
    from ksim_compiler.learn.checkpoint import CheckpointError, write
    from ksim_compiler.learn.log import Display, MetricsFile

    total = options.steps or trainer.ppo.steps
    metrics = MetricsFile(folder / "metrics.jsonl")
    begun = time.monotonic()
    with _stop_on_signal() as stopped:
        state = trainer.init(options.seed)
        with Display(console, total or 0) as display:
            state = trainer.train(state, total, (metrics, display), lambda: bool(stopped))
    metrics.close()
    steps = int(state.iteration) * trainer.steps_per_iteration
    header = {
        "task": trainer.plan.task.name,
        "fingerprint": compiled.fingerprint,
        "steps": str(steps),
    }
    try:
        write(folder / CHECKPOINT, state, header)
    except CheckpointError as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return ERRORS
    minutes = (time.monotonic() - begun) / 60
    how = f"stopped by {signal.Signals(stopped[0]).name}" if stopped else "done"
    console.print(f"{how}: {steps:,} steps in {minutes:.1f} min; wrote {folder}/", soft_wrap=True)
    if stopped:
        return common.INTERRUPTED
    summary = trainer.evaluate(state, options.episodes, options.seed).summary()
    text = json.dumps({"episodes": options.episodes, **summary}, indent=2)
    (folder / "evaluation.json").write_text(text + "\n", encoding="utf-8")
    longest = trainer.longest_episode()
    console.print(
        f"evaluation over {options.episodes} episodes: return {summary['return']:.4g}, "
        f"length {summary['length']:.1f} of {longest} ticks ({summary['length'] / longest:.0%}), "
        f"{summary['failed']:.0%} failed",
        soft_wrap=True,
    )
    return OK


@contextmanager
def _stop_on_signal() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM, so that training ends after the iteration under way.

    A second signal acts at once, as it would without this.
    """
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: object) -> None:
        received.append(number)
        for other, handler in before.items():
            signal.signal(other, handler)
        print("\nstopping after this iteration; once more to stop at once", file=sys.stderr)

    for number in before:
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())

"""``ksim-run``: train a task."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ksim_compiler.cli import common, devices, judged, live, programs, seeds, trained
from ksim_compiler.cli.common import ERRORS, OK, UsageError
from ksim_compiler.cli.drawn import draw
from ksim_compiler.cli.look import look
from ksim_compiler.cli.sent import sent
from ksim_compiler.cli.signals import stop_on_signal

if TYPE_CHECKING:
    from rich.console import Console

    from ksim_compiler.learn.learner import State
    from ksim_compiler.learn.run.trainer import Trainer
    from ksim_compiler.pipeline import Compiled

PROGRAM = "ksim-run"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see ``--help``. Returns the exit status."""
    if argv is None:
        programs.keep()
        common.without_collecting()
    with_peers = devices.in_processes(PROGRAM, run, sys.argv[1:] if argv is None else argv)
    return common.main_without_windows(PROGRAM, parser(), with_peers, argv)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM, description="Train a task, compiled or in YAML.", allow_abbrev=False
    )
    add, path = result.add_argument, common.path
    add(
        "task",
        type=common.task,
        metavar="TASK",
        nargs="?",
        help="a .ksim file, a task in YAML, the name of one that ships, or package:task",
    )
    add("--engine", choices=("auto", "mjx", "warp", "native"), help="(default: auto)")
    add(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="change a value, for example Reward.linvel.scale=3; may be repeated",
    )
    add("--seed", type=int, help="of all random numbers (default: 0)")
    add("--seeds", type=common.count, metavar="N", help="N runs, of --seed and those after it")
    add("--steps", type=common.count, help="environment steps (default: those of the task)")
    add("-o", "--out", type=path, metavar="FOLDER", help="run folder (default: runs/<task>-<time>)")
    add(
        "--threads",
        type=common.threads,
        default=0,
        help="threads of the native engine (default: all cores)",
    )
    devices.add(result)
    add("--resume", type=path, metavar="RUN", help="go on with a run that was stopped or killed")
    add(
        "--from",
        dest="warm",
        type=trained.place,
        metavar="RUN",
        help="begin with what another run or policy learned, also where the task changed since",
    )
    add("--episodes", type=common.count, help="episodes of an evaluation (default: 32)")
    add(
        "--evaluate-every",
        type=common.count,
        metavar="STEPS",
        help="environment steps between evaluations (default: a quarter of the training)",
    )
    add(
        "--checkpoint-every",
        type=common.count,
        metavar="STEPS",
        help="environment steps between checkpoints (default: a twentieth of the training)",
    )
    add("--keep", type=common.count, help="checkpoints to keep (default: 3)")
    add(
        "--on-nan",
        choices=("continue", "stop"),
        help="after an update that was thrown away because a number in it was not finite",
    )
    add(
        "--metrics",
        choices=("wandb",),
        help="send the metrics to Weights & Biases as well; nothing is sent without this",
    )
    live.add(result)
    add("--probe", action="store_true", help="look at inputs and rewards first; do not train")
    add("--video", action="store_true", help="draw the policy when it is trained")
    common.add_trust(result)
    common.add_colour(result)
    result.set_defaults(programs=None)  # those that the runs of --seeds share
    return result


OPTIONS = (
    *("seed", "engine", "steps", "episodes"),
    *("evaluate_every", "checkpoint_every", "keep", "on_nan"),
)
"""Options that a resumed run has from the run that it goes on with, unless they are given anew."""


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status."""
    if options.seed is not None and not 0 <= options.seed < 2**32:
        raise UsageError("--seed must be a whole number from 0 to 2^32 - 1")
    if options.probe and (options.resume or options.warm):
        flag = "resume" if options.resume else "from"
        raise UsageError(f"--probe looks at a task, before it is trained; leave out --{flag}")
    live.check(options)
    if options.warm is not None:
        trained.check(options.warm)
    if missing := seeds.wrong(options) or _missing(options):
        raise UsageError(missing)
    if options.resume is not None:
        return _resume(options)
    if options.task is None:
        raise UsageError("name a task, or a run with --resume")
    compiled = common.load(options.task, options.settings, options.trust)
    common.print_report(compiled.diagnostics, compiled.sources, options.color)
    if compiled.plan is None:
        return ERRORS
    if _refused(compiled, options.engine, options):
        return ERRORS
    if options.probe:
        return look(PROGRAM, compiled, options)
    steps = options.steps or compiled.plan.task.learner.steps
    chosen = {name: getattr(options, name) for name in OPTIONS}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    defaults = {
        "seed": 0,
        "engine": "auto",
        "steps": steps,
        "evaluate_every": (steps or 4_000_000) // 4,
        "checkpoint_every": (steps or 10_000_000) // 20,
    }
    from ksim_compiler.learn.run import folder
    from ksim_compiler.learn.run.origin import origin

    about = {**defaults, **chosen, "settings": options.settings, **origin(options.task)}

    if options.seeds is not None:
        return seeds.each(compiled, about, options, _train)
    name = f"{compiled.plan.task.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    if not devices.PEERS.first:
        return _train(compiled, options.out or Path("runs") / name, about, options, lambda: None)
    try:
        with folder.new(options.out, Path("runs") / name) as (place, begun):
            return _train(compiled, place, about, options, begun)
    except folder.Busy as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return ERRORS
    except folder.FolderError as error:
        raise UsageError(str(error)) from error


def _refused(compiled: Compiled, engine: str | None, options: argparse.Namespace) -> bool:
    """Print what an engine cannot simulate of a task, or is slow with; whether it cannot."""
    from ksim_compiler.engine import resolve_engine

    found = common.refused(compiled, resolve_engine(engine or "auto"))
    common.print_report(found, compiled.sources, options.color)
    return any(d.severity == "error" for d in found)


def _missing(options: argparse.Namespace) -> str:
    """What is not installed that an option needs at the end, or "": said before anything else."""
    if options.metrics is not None and not common.installed(options.metrics):
        return f"--metrics {options.metrics} needs: pip install {options.metrics}"
    if options.video and not (common.installed("imageio") and common.installed("imageio_ffmpeg")):
        return "videos need: pip install 'ksim-schema[video]'"
    return ""


def _resume(options: argparse.Namespace) -> int:
    """Go on with a run."""
    folder: Path = options.resume
    for name in ("out", "warm", "settings"):
        if getattr(options, name):
            flag = {"warm": "from", "settings": "set"}.get(name, name)
            raise UsageError(f"--resume goes on with the run as it was begun; leave out --{flag}")
    from ksim_compiler.learn.run import manifest

    try:
        about = manifest.read(folder)
    except manifest.ManifestError as error:
        raise UsageError(str(error)) from error
    changed = manifest.changed(about)
    if changed:
        print(f"{PROGRAM}: it may end with other bits: {changed}", file=sys.stderr)
    compiled = common.load(folder / "task.ksim", (), options.trust)
    if compiled.plan is None:
        common.print_report(compiled.diagnostics, compiled.sources, options.color)
        return ERRORS
    if options.task is not None:
        other = common.load(options.task, (), options.trust)
        if other.fingerprint != compiled.fingerprint:
            _explain(compiled, other, folder, options)
            what = f"{options.task} is not the task of {folder}"
            raise UsageError(f"{what}; begin a new run with what it learned: --from {folder}")
    given = {name: getattr(options, name) for name in OPTIONS}
    for name in ("seed", "engine"):
        if given[name] not in (None, about.get(name)):
            raise UsageError(f"the run has {name} {about.get(name)}; leave out --{name}")
    about |= {name: value for name, value in given.items() if value is not None}
    from ksim_compiler.learn.run.folder import Busy, lock

    if not devices.PEERS.first:
        return _train(compiled, folder, about, options, None)
    try:
        with lock(folder):
            manifest.goes_on(folder)
            return _train(compiled, folder, about, options, None)
    except Busy as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return ERRORS


def _explain(old: Compiled, new: Compiled, folder: Path, options: argparse.Namespace) -> None:
    """Print how a task differs from that of a run."""
    from ksim_compiler.comparison import compare
    from ksim_schema.diff.text import text

    common.print_report(new.diagnostics, new.sources, options.color)
    if new.plan is not None:
        shown = common.use_colour(options.color, sys.stdout)
        print(text([compare(old, new, str(folder), str(options.task))], colour=shown))


def _train(
    compiled: Compiled,
    folder: Path,
    about: dict[str, Any],
    options: argparse.Namespace,
    begin: Callable[[], None] | None,
) -> int:
    """Train; a new run tells ``begin`` when it can be resumed, and one that goes on has none."""
    from rich.console import Console

    quiet = not devices.PEERS.first
    console = Console(no_color=options.color == "never", highlight=False, quiet=quiet)

    def say(text: str) -> None:
        console.print(text, soft_wrap=True, markup=False)

    with ExitStack() as page:
        if not quiet:
            page.enter_context(live.served(folder, options, say))
        return _trained(compiled, folder, about, options, begin, console, say)


def _trained(
    compiled: Compiled,
    folder: Path,
    about: dict[str, Any],
    options: argparse.Namespace,
    begin: Callable[[], None] | None,
    console: Console,
    say: Callable[[str], None],
) -> int:
    from ksim_compiler.cli.active import print_active
    from ksim_compiler.engine import EngineUnavailable
    from ksim_compiler.learn.run import manifest
    from ksim_compiler.learn.run.checkpoint import CheckpointError
    from ksim_compiler.learn.run.judge import describe
    from ksim_compiler.learn.run.log import Display
    from ksim_compiler.learn.run.run import Options, Run
    from ksim_compiler.learn.run.trainer import Diverged, Trainer

    peers = devices.PEERS
    assert compiled.plan is not None
    asked = f"{compiled.fingerprint} {about['seed']} {Options.of(about)} {options.devices}"
    asked = f"{asked} {begin is None} {options.warm is None}"
    peers.agree(asked)
    how, on = Options.of(about), devices.chosen(options)
    if not devices.fit(compiled, on, options):
        return ERRORS
    try:
        shared, keep_in = seeds.programs(options, about), programs.traced()
        engine, threads = about["engine"], options.threads
        trainer = Trainer.build(compiled.plan, engine, threads, how.steps, shared, on, keep_in)
    except (EngineUnavailable, NotImplementedError, ValueError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return ERRORS
    peers.agree(asked)
    print_active(console, compiled.plan, trainer.env.engine.name)
    header = {"task": compiled.plan.task.name, "fingerprint": str(compiled.fingerprint)}
    run = Run(folder, trainer, how, header, say)
    started = time.monotonic()
    try:
        with stop_on_signal(peers.first) as stopped:
            state = run.prepare(begin is None, "from" in about)
            if begin is None:
                say(f"going on after {run.steps(state):,} steps")
            if options.warm is not None and peers.first:
                state = _warm(state, trainer, compiled, options, say)
                about["from"] = trained.shown(options.warm)
            done = run.steps(state)
            with (
                Display(console, how.steps or 0, done) as display,
                sent(options.metrics, folder, about, begin is None) as senders,
            ):
                if begin is not None and peers.first:
                    if options.warm is not None:
                        run.save(state)  # so that a resume needs no other run
                    manifest.write(folder, compiled, trainer.env.engine.name, about)
                    begin()
                peers.begun(folder)
                common.collecting()
                state = run.train(state, (display, *senders), lambda: bool(stopped))
    except (CheckpointError, Diverged, manifest.ManifestError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return ERRORS
    peers.together = True
    if not stopped and how.steps is not None and run.steps(state) < how.steps:
        stopped.append(signal.SIGTERM)  # another process was asked to stop
    steps, minutes = run.steps(state), (time.monotonic() - started) / 60
    what = f"stopped by {signal.Signals(stopped[0]).name}" if stopped else "done"
    say(f"{what}: {steps:,} steps in {minutes:.1f} min; wrote {folder}/")
    if stopped:
        say(f"go on with: {PROGRAM} --resume {folder}")
        return common.INTERRUPTED
    if not peers.first:
        return OK
    result = run.evaluate(state)
    say(describe(result, compiled.plan))
    for line in judged.clips(result):
        say(line)
    if options.video:
        draw(folder, compiled.plan, say)
    from ksim_compiler.report.page import write_report

    say(f"wrote {write_report(folder, compiled.plan)}")
    return OK


def _warm(
    state: State,
    trainer: Trainer,
    compiled: Compiled,
    options: argparse.Namespace,
    say: Callable[[str], None],
) -> State:
    """The state with what another run learned."""
    from ksim_compiler.comparison import compare
    from ksim_compiler.learn.run.warm_start import MigrationError, migrate

    run: Path = options.warm
    name, other = trained.shown(run), trained.load(run, (), PROGRAM, options.trust)
    if other.plan is None:
        common.print_report(other.diagnostics, other.sources, options.color)
        raise UsageError(f"the task of {name} cannot be read")
    compared = compare(other, compiled, name, "this task")
    way = compared.migration
    assert way is not None
    try:
        state = migrate(state, way, run, trainer.steps_per_iteration)
    except MigrationError as error:
        raise UsageError(str(error)) from error
    say(f"{name}: {compared.verdict or way.sentence()}")
    return state


if __name__ == "__main__":
    sys.exit(main())

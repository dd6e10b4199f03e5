"""``ksim-play``: look at a trained policy."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ksim_compiler.cli import common, episode, judged, outputs, programs, trained, untrained
from ksim_compiler.cli.common import ERRORS, OK, UsageError
from ksim_compiler.play.renderer import VIDEO
from ksim_compiler.report.formats import PLOT

if TYPE_CHECKING:
    from ksim_compiler.pipeline import Compiled
    from ksim_compiler.plan import Plan
    from ksim_compiler.play.record import Recording

PROGRAM = "ksim-play"
SHOWN, SHOWN_SIZE = 6.0, (320, 240)
"""Seconds and size of a video by --show, which is drawn in software as often as not."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see ``--help``. Returns the exit status."""
    if argv is None:
        common.in_utf8()
        common.without_collecting()
        programs.keep()
        os.environ["JAX_PLATFORMS"] = "cpu"  # one environment, whose engine shares JAX's memory
    options = common.parsed(parser(), argv)
    return common.main(PROGRAM, lambda: run(options))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Run a trained policy: numbers, a video, plots, events of one episode, or a "
        "judgement over many.",
        allow_abbrev=False,
    )
    add, output = result.add_argument, outputs.Output
    help = f"{trained.HELP}; with --zero or --random also a task"
    add("run", type=trained.place, metavar="RUN", help=help)
    alone = result.add_mutually_exclusive_group()
    for name, what in (("zero", "zero actions"), ("random", "random actions")):
        text = f"look at a task with {what} in place of a trained policy"
        alone.add_argument(f"--{name}", action="store_true", help=text)
    video = "draw the episode: .mp4 or .gif"
    add("-o", "--video", type=output(VIDEO), metavar="FILE", help=video)
    add(
        "--show",
        action="store_true",
        help="in a window, or where there is no display, as a video of some seconds (-o names it)",
    )
    add(
        "--plots",
        type=output(PLOT),
        metavar="FILE",
        help="plot what was read, done and got: .png, .svg, .pdf",
    )
    add(
        "--episodes",
        type=common.count,
        metavar="N",
        help="judge it over N episodes: return, failures, success, errors, metrics",
    )
    events = "write each transition as a line of JSON: .jsonl"
    add("--events", type=output(outputs.EVENTS), metavar="FILE", help=events)
    add("--verify", type=common.path, metavar="FILE", help="replay an event file and check it")
    rollout = "write the episode as an ACSet: .json"
    add("--rollout", type=output(outputs.JSON), metavar="FILE", help=rollout)
    add("--report", action="store_true", help="write the run's report.html anew")
    add("--dump", type=common.path, metavar="FILE", help="show what went non-finite in a training")
    add("--viewer", choices=("native", "web"), help="show it live, in a window or a browser")
    add("--seed", type=int, help="of all random numbers (default: 0)")
    add("--seconds", type=float, help="how long (default: one episode)")
    add(
        "--command",
        dest="fixed",
        action="append",
        default=[],
        metavar="NAME.ELEMENT=VALUE",
        help="hold a command at a value in SI units, for example velocity.forward=0.5",
    )
    add(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="change a value of the task, for example Reset.heading.range='0 deg'",
    )
    add("--size", type=_size, metavar="WxH", help="of a video, in pixels (default: 640x480)")
    add("--camera", help="a camera of the model (default: one that follows the robot)")
    common.add_trust(result)
    common.add_colour(result)
    return result


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    try:
        size = int(width), int(height)
    except ValueError:
        raise argparse.ArgumentTypeError("write for example 640x480") from None
    if not all(16 <= n <= 4096 and n % 2 == 0 for n in size):
        raise argparse.ArgumentTypeError("both are even numbers from 16 to 4096")
    return size


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status."""
    if options.seed is not None and not 0 <= options.seed < 2**32:
        raise UsageError("--seed must be a whole number from 0 to 2^32 - 1")
    if options.seconds is not None and not 0 < options.seconds <= 3600:
        raise UsageError("--seconds is more than 0 and at most 3600")
    _check_mode(options)
    if options.show:
        _choose_show(options)
    if options.zero or options.random:
        untrained.check(options)
    else:
        trained.check(options.run)
    for mode in ("report", "dump"):
        if getattr(options, mode) and options.run.is_file():
            raise UsageError(f"--{mode} is of a run, and {trained.shown(options.run)} is a policy")
    from ksim_compiler.play.renderer import VideoError, choose_renderer

    if options.video is not None:
        try:
            choose_renderer()
        except VideoError as error:
            print(f"{PROGRAM}: {error}", file=sys.stderr)
            if not options.show:
                return ERRORS
            options.video = None
    if options.video is None and options.viewer is None:
        os.environ["MUJOCO_GL"] = "disable"  # loading a window library takes time
    if options.verify is not None:
        return _told(lambda: _verify(options))
    return _told(lambda: _load_and_play(options))


_MODES = {
    **{"verify": (), "dump": ("video",), "report": (), "viewer": (), "episodes": ()},
    "show": ("video",),
}
"""What is done instead of playing an episode, and which files it writes of those in _FILES."""
_FILES = ("video", "plots", "events", "rollout")


def _check_mode(options: argparse.Namespace) -> None:
    """Refuse options of which one would do nothing.

    Raises:
        UsageError: two modes, or a file that a mode does not write.
    """
    modes = [mode for mode in _MODES if getattr(options, mode)]
    if len(modes) > 1:
        raise UsageError(f"--{modes[0]} and --{modes[1]} do not go together")
    for mode in modes:
        for file in _FILES:
            if getattr(options, file) and file not in _MODES[mode]:
                raise UsageError(f"--{mode} does not write --{file}; leave out one of them")


def _choose_show(options: argparse.Namespace) -> None:
    """Turn --show into a viewer, or into a video."""
    from ksim_compiler.play.renderer import viewer

    options.viewer = viewer()
    if options.viewer is not None:
        options.video = None
        return
    if options.video is None:
        options.video = Path(f"{options.run.resolve().stem}.mp4")
        outputs.check(options.video)
    options.size = options.size or SHOWN_SIZE
    options.seconds = options.seconds or SHOWN
    print(f"{PROGRAM}: there is no display here: {options.video} is drawn", file=sys.stderr)


def _load(settings: Sequence[str], options: argparse.Namespace) -> Compiled:
    if untrained.named(options):
        compiled = untrained.load(options, settings)
    else:
        compiled = trained.load(options.run, settings, PROGRAM, options.trust)
    common.print_report(compiled.diagnostics, compiled.sources, options.color)
    return compiled


def _load_and_play(options: argparse.Namespace) -> int:
    compiled = _load(options.settings, options)
    if compiled.plan is None:
        return ERRORS
    if options.run.is_file() and not untrained.named(options):
        trained.tell(options.run)
    return _play(compiled, options)


def _told(what: Callable[[], int]) -> int:
    """Do something; what goes wrong for the user's own reasons is a line and a status."""
    from ksim_compiler.engine import EngineUnavailable
    from ksim_compiler.learn.run.checkpoint import CheckpointError
    from ksim_compiler.play.commands import CommandError
    from ksim_compiler.play.renderer import VideoError
    from ksim_compiler.play.view import ViewerError
    from ksim_compiler.report.formats import PlotError
    from ksim_schema.exchange.replay import ReplayError

    try:
        return what()
    except (
        *(CheckpointError, EngineUnavailable, PlotError),
        *(VideoError, ViewerError, ReplayError),
    ) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return ERRORS
    except CommandError as error:
        raise UsageError(str(error)) from error


def _play(compiled: Compiled, options: argparse.Namespace) -> int:
    from ksim_compiler.learn.run.policy import load_policy

    plan, seed = compiled.plan, options.seed or 0
    assert plan is not None

    if options.video is not None:  # what cannot be drawn is said before anything is computed
        from ksim_compiler.play.video import encoder_of

        encoder_of(options.video)
    if options.plots is not None:
        from ksim_compiler.report.formats import check

        check(options.plots)
    if options.dump is not None:
        return _dump(plan, options)
    named = untrained.named(options)
    policy = untrained.policy(options, plan) if named else load_policy(options.run, plan)
    for problem in policy.passed_over:
        print(f"{PROGRAM}: passed over a checkpoint: {problem}", file=sys.stderr)
    if options.report:
        from ksim_compiler.report.following import complete
        from ksim_compiler.report.page import write_report

        complete(options.run, plan, policy)
        print(f"wrote {write_report(options.run, plan)}")
        return OK
    if options.episodes is not None:
        return judged.judge(plan, policy, options)
    fixed = held_by(options.fixed)
    if options.viewer is not None:
        from ksim_compiler.play.live import Live
        from ksim_compiler.play.viewer import watch

        live = Live(plan, policy, seed)
        for (name, label), value in fixed.items():
            live.hold(name, label, value)
        common.collecting()
        watch(live, options.viewer, options.seconds)
        return OK
    from ksim_compiler.play.record import record
    from ksim_schema.exchange.replay import Origin

    recording = record(plan, policy, seed, _ticks(plan, options.seconds), fixed)
    if options.seconds is None:
        recording = recording.first_episode()
    _describe(recording, named or f"policy after {policy.steps:,} steps")
    commands = {f"{name}.{label}": value for (name, label), value in fixed.items()}
    settings = tuple(options.settings)
    origin = Origin(plan.task.name, compiled.fingerprint, policy.steps, seed, commands, settings)
    episode.write(plan, recording, origin, options)
    return OK


def _ticks(plan: Plan, seconds: float | None) -> int:
    from ksim_compiler.plan.clock import ticks

    if seconds is not None:
        return max(1, ticks(seconds, plan.period))
    return plan.longest_episode or max(1, ticks(20.0, plan.period))


def held_by(texts: Sequence[str]) -> dict[tuple[str, str], float]:
    """Command and element -> value, of texts such as ``velocity.forward=0.5``.

    Raises:
        UsageError: one of them is not so.
    """
    fixed: dict[tuple[str, str], float] = {}
    for text in texts:
        place, equals, value = text.partition("=")
        name, dot, label = place.partition(".")
        try:
            fixed[name, label] = float(value)
            if not math.isfinite(fixed[name, label]):
                equals = ""
        except ValueError:
            equals = ""
        if not (equals and dot):
            raise UsageError(f"{text!r}: write for example --command velocity.forward=0.5")
    return fixed


def _describe(recording: Recording, what: str) -> None:
    ends = [name for name, rows in recording.terminations.items() if rows[-1]]
    how = f"ended by {', '.join(ends)}" if recording.done[-1] else "going on"
    total, seconds = float(recording.reward.sum()), recording.ticks * recording.period
    print(f"{what}: return {total:.4g} in {seconds:.2f} s, {how}")
    width = max(map(len, recording.terms), default=0)
    for name, values in recording.terms.items():
        print(f"  {name:<{width}}  {float(values.mean()):+.4f} a tick")
    width = max(map(len, recording.measures), default=0)
    for name, values in recording.measures.items():
        print(f"  {name:<{width}}  {float(values[-1]):.4g}")


def _verify(options: argparse.Namespace) -> int:
    """Replay an event file as its birth says that it was recorded, and compare."""
    from ksim_compiler.learn.run.policy import load_policy
    from ksim_compiler.play.events import events
    from ksim_compiler.play.record import record
    from ksim_schema.exchange.replay import Origin, check_chain, first_difference, read_events

    found = read_events(options.verify)
    problem = check_chain(found)
    if problem is not None:
        print(f"{options.verify}: {problem}")
        return ERRORS
    origin, count = Origin.of(found), len(found) - 1
    if options.seed not in (None, origin.seed):
        raise UsageError(f"{options.verify} was recorded with seed {origin.seed}; leave out --seed")
    compiled = _load(options.settings or origin.settings, options)
    plan = compiled.plan
    if plan is None:
        return ERRORS
    if origin.fingerprint != compiled.fingerprint:
        print(f"{options.verify}: it was recorded of another task, {origin.task}")
        return ERRORS
    commands = [f"{place}={value!r}" for place, value in origin.commands.items()]
    fixed = held_by(options.fixed or commands)
    policy = load_policy(options.run, plan, after=origin.steps)
    again = record(plan, policy, origin.seed, max(1, count), fixed).until(count)
    difference = first_difference(found, list(events(again)))
    if difference is not None:
        print(f"{options.verify}: {difference}")
        print("was it recorded of this run, and with these versions?")
        return ERRORS
    print(f"{options.verify}: {len(found)} events, all as replayed")
    return OK


def _dump(plan: Plan, options: argparse.Namespace) -> int:
    from ksim_compiler.learn.run import nonfinite

    try:
        finding = nonfinite.read(options.dump)
    except ValueError as error:
        raise UsageError(str(error)) from error
    print(f"after {finding.steps:,} steps: {finding}")
    if not len(finding.qpos):
        return OK
    if finding.qpos.shape[1] != plan.robot.facts.nq:
        raise UsageError(f"{options.dump} is of another robot")
    print(f"its environment's last {len(finding.qpos)} ticks; actions in the last one:")
    print("  " + " ".join(f"{value:.3g}" for value in finding.action[-1]))
    if options.video is not None:
        import numpy as np

        episode.film(plan, finding.qpos[np.isfinite(finding.qpos).all(axis=1)], options)
    return OK


if __name__ == "__main__":
    sys.exit(main())

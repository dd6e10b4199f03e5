"""``ksim-motion``: look at recorded motions, check them, change them, and make them."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ksim_compiler.cli import clips, common, outputs, trained
from ksim_compiler.cli.common import ERRORS, OK, UsageError
from ksim_compiler.play.renderer import VIDEO

if TYPE_CHECKING:
    from ksim_compiler.motion.clip import Clip
    from ksim_compiler.robot.model import Robot

PROGRAM = "ksim-motion"
ROBOT = "the robot: a task whose robot it is, a model file, or menagerie:NAME/ENTRY"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; see ``--help``. Returns the exit status."""
    options = common.parsed(parser(), argv)
    if argv is None and options.what not in ("play", "record"):
        common.without_windows()
    elif argv is None:
        common.in_utf8()
    return common.main(PROGRAM, lambda: run(options))


def parser() -> argparse.ArgumentParser:
    """The command line."""
    result = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Recorded motions: .npz and .csv files that a task's command of kind motion "
        "follows.",
        epilog="Exit status: 0 without errors, 1 with errors, 2 for a wrong command line. Frames "
        "are counted from 0.",
        allow_abbrev=False,
    )
    kinds = result.add_subparsers(dest="what", required=True, metavar="WHAT")
    info = _command(kinds, "info", "say what is in clips")
    check = _command(kinds, "check", "say what is wrong with clips, with the frames")
    for command in (info, check):
        _add_clips(command)
    check.add_argument("--strict", action="store_true", help="warnings count as errors")
    check.add_argument(
        "--format",
        choices=("text", "json", "github", "sarif", "junit"),
        default="text",
        help="form of the report: text on standard error, any other on standard output",
    )
    _convert(_command(kinds, "convert", "write a clip in another form, at another rate, mended"))
    make = _command(kinds, "make", "make a clip of a few poses with times, which a YAML file holds")
    make.add_argument("poses", type=common.path, metavar="FILE", help="the poses")
    _add_out(make)
    play = _command(kinds, "play", "draw a clip on its robot, as a video")
    play.add_argument("clip", type=common.path, metavar="CLIP", help="an .npz or a .csv")
    video = outputs.Output(VIDEO)
    play.add_argument("-o", "--out", type=video, metavar="FILE", help="an .mp4 or a .gif")
    record = _command(kinds, "record", "record a clip from a trained policy")
    record.add_argument("run", type=trained.place, metavar="RUN", help=trained.HELP)
    _add_out(record)
    record.add_argument("--seconds", type=float, default=6.0, help="how long (default: 6)")
    record.add_argument("--skip", type=float, default=1.0, help="what goes before it (default: 1)")
    record.add_argument("--seed", type=int, default=0, help="of all random numbers (default: 0)")
    record.add_argument(
        "--command",
        dest="fixed",
        action="append",
        default=[],
        metavar="NAME.ELEMENT=VALUE",
        help="hold a command at a value in SI units, for example velocity.forward=0.5",
    )
    common.add_trust(record)
    _add_asked(play)
    play.add_argument("--robot", type=common.given, required=True, metavar="ROBOT", help=ROBOT)
    play.add_argument("--camera", help="a camera of the model")
    play.add_argument("--size", default="640x480", metavar="WxH", help="of the picture, in pixels")
    return result


def _command(
    kinds: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
    name: str,
    about: str,
) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = kinds.add_parser(
        name, help=about, description=f"{about[0].upper()}{about[1:]}.", allow_abbrev=False
    )
    common.add_colour(made)
    return made


def _add_clips(command: argparse.ArgumentParser) -> None:
    command.add_argument("clips", nargs="+", type=common.path, metavar="CLIP", help=".npz or .csv")
    command.add_argument("--robot", type=common.given, required=True, metavar="ROBOT", help=ROBOT)
    _add_asked(command)


def _add_asked(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--fps", type=float, help="frames a second, instead of what the file says (a csv: 30)")
    add("--degrees", action="store_true", help="its hinges are in degrees")
    add("--quaternion", choices=("wxyz", "xyzw"), default="", help="the order of its quaternions")


def _add_out(command: argparse.ArgumentParser) -> None:
    help = "the clip to write: .npz or .csv"
    clip = outputs.Output(outputs.CLIP)
    command.add_argument("-o", "--out", type=clip, required=True, metavar="CLIP", help=help)


def _convert(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("clip", type=common.path, metavar="CLIP", help="an .npz or a .csv")
    _add_out(command)
    add("--robot", type=common.given, required=True, metavar="ROBOT", help=ROBOT)
    _add_asked(command)
    add("--rate", type=float, metavar="FPS", help="frames a second of the new clip")
    add("--from", dest="start", type=float, metavar="SECONDS", help="where to begin")
    add("--to", dest="stop", type=float, metavar="SECONDS", help="where to end")
    add("--ground", action="store_true", help="put its lowest point on the ground")
    add("--origin", action="store_true", help="begin above the origin, facing along x")
    add("--bodies", action="store_true", help="write the layout of whole-body tracking")


def run(options: argparse.Namespace) -> int:
    """Do what the options say. Returns the exit status."""
    match options.what:
        case "info" | "check":
            return _look(options)
        case "convert":
            return _change(options)
        case "make":
            return _make(options)
        case _:
            from ksim_compiler.cli import motion_show

            return motion_show.run(options)


def _look(options: argparse.Namespace) -> int:
    """Say what is in clips, or what is wrong with them."""
    from ksim_schema.diagnostics.reports import FORMATS, Report, failed

    robot, told = clips.robot_of(options.robot), clips.asked(options)
    checks = options.what == "check"
    form, strict = (options.format, options.strict) if checks else ("text", False)
    reports: list[Report] = []
    for path in options.clips:
        clip, faults = clips.read(path, robot, told)
        reports.append(Report(str(path), clips.diagnostics(path, faults), {}))
        if form != "text":
            continue
        if checks or clip is None:
            common.print_report(reports[-1].diagnostics, {}, options.color)
        if clip is not None:
            print(f"{path}: {_sentence(clip)}")
            if not checks:
                print(_details(clip, robot))
    if form != "text":
        print(FORMATS[form](reports, strict), end="")
    return ERRORS if any(failed(report.diagnostics, strict) for report in reports) else OK


def _sentence(clip: Clip) -> str:
    text = f"{clip.layout}, {clip.frames} frames at {clip.fps:g} a second, {clip.duration:.2f} s, "
    return text + f"{len(clip.names)} joints"


def _details(clip: Clip, robot: Robot) -> str:
    """What the base and each joint do."""
    lines: list[str] = []
    if clip.place is not None:
        low, high = clip.place.min(axis=0), clip.place.max(axis=0)
        spans = (f"{n} {a:.2f} to {b:.2f} m" for n, a, b in zip("xyz", low, high, strict=True))
        lines.append("  base: " + ", ".join(spans))
        if clip.flips:
            lines.append(f"  {len(clip.flips)} times its quaternion's signs turn round; mended")
    joints = {joint.name: joint for joint in robot.facts.motion_joints}
    width = max(map(len, clip.names), default=0)
    for column, name in enumerate(clip.names):
        unit, factor = ("deg", 180 / math.pi) if joints[name].type == "hinge" else ("cm", 100.0)
        low, high = clip.joints[:, column].min() * factor, clip.joints[:, column].max() * factor
        ends = joints[name].limits
        told = (
            "no limits" if ends is None else f"of {ends[0] * factor:.0f} to {ends[1] * factor:.0f}"
        )
        lines.append(f"  {name:<{width}}  {low:7.1f} to {high:6.1f} {unit}, {told}")
    return "\n".join(lines)


def _change(options: argparse.Namespace) -> int:
    from ksim_compiler.motion import edit

    if options.bodies:
        outputs.check(options.out, outputs.BODIES)
    robot = clips.robot_of(options.robot)
    clip, faults = clips.read(options.clip, robot, clips.asked(options))
    common.print_report(clips.diagnostics(options.clip, faults), {}, options.color)
    if clip is None:
        return ERRORS
    try:
        clip = edit.between(clip, options.start, options.stop)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if options.rate is not None:
        if not 5 <= options.rate <= 1000:
            raise UsageError("--rate is from 5 to 1000 frames a second")
        clip = edit.at_rate(clip, options.rate)
    if options.ground:
        clip = edit.on_ground(clip, robot.facts, robot.model)
    if options.origin:
        clip = edit.at_origin(clip)
    return clips.write(clip, options.out, robot, "bodies" if options.bodies else None)


def _make(options: argparse.Namespace) -> int:
    """Make a clip of poses; what is wrong with it is said as for any other."""
    from ksim_compiler.motion.keyframes import parse_keyframes
    from ksim_compiler.motion.pose import PoseError, made
    from ksim_compiler.motion.read import read_clip
    from ksim_compiler.motion.write import packed
    from ksim_schema.diagnostics import Diagnostic, Sink
    from ksim_schema.diagnostics.codes.motions import BAD_POSE
    from ksim_schema.source import dotted, read as read_yaml

    sink = Sink()
    document = read_yaml(options.poses, sink)
    poses = None if document is None else parse_keyframes(document, sink)
    sources = {} if document is None else {str(options.poses): document.text}
    if document is None or poses is None:
        common.print_report(sink.in_order(), sources, options.color)
        return ERRORS
    robot = clips.robot_of_poses(poses, options.poses.parent)
    try:
        clip = made(poses, options.out.stem, robot.facts, robot.model)
    except PoseError as error:
        where = document.at(error.path)
        problem = Diagnostic(BAD_POSE, str(error), where, dotted(error.path), error.help)
        common.print_report([problem], sources, options.color)
        return ERRORS
    data = packed(clip, "qpos", robot.facts, robot.model)
    again, faults = read_clip(data, options.out.name, robot.facts, robot.model)
    common.print_report(clips.diagnostics(options.out, faults), {}, options.color)
    return ERRORS if again is None else clips.write(clip, options.out, robot)


if __name__ == "__main__":
    sys.exit(main())

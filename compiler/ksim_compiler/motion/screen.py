"""What is wrong with a clip as a motion: limits, units, rotations, rates, jumps, feet."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import mujoco
import numpy as np
from jaxtyping import Bool, Float

from ksim_compiler.motion.bodies import NEAR, body_columns, turned_otherwise
from ksim_compiler.motion.clip import Array, Clip, Fault, moving_joints
from ksim_compiler.motion.ground import Lowest, lowest
from ksim_compiler.motion.kinematics import poses
from ksim_compiler.motion.raw import Raw
from ksim_compiler.motion.rotations import turned_between
from ksim_compiler.motion.worlds import misread
from ksim_schema.diagnostics.code import Code
from ksim_schema.diagnostics.codes import motions as codes
from ksim_schema.robot import RobotFacts

SLIGHTLY = {"hinge": math.radians(0.5), "slide": 0.001}
"""How far a joint may be beyond its limits without a word: contacts and servos give way so far."""
FAR = {"hinge": math.radians(20.0), "slide": 0.05}
MOST_TURNS = 8
"""Whole turns that an angle may be off and count as one that was unwound."""
FASTEST = {"hinge": 40.0, "slide": 10.0}
"""Faster than any joint of a robot, rad/s or m/s."""
FASTEST_BASE, FASTEST_TURN = 12.0, 40.0
ISOLATED = 8.0
"""How many times as far as its neighbours a step is that counts as a jump."""
STEP, STEP_BASE = 0.35, 0.1
"""Steps of one frame that are none, however still the frames around it are: rad (or 0.1 m)."""
NEAR_GROUND = 0.005
"""Height up to which a point counts as touching the ground, m."""
LANDING = 0.08
"""How long a foot may roll and slip after it lands and before it leaves, s."""
SLIDES = 0.1
"""How far a foot may slide in one contact, m."""
SUNKEN = 0.03
"""How deep a part may be in the ground, m: a soft contact gives way by some millimetres."""
ABOVE, AIRBORNE = 0.08, 1.2
"""Height that counts as above the ground, m, and the longest time in the air, s."""


def screened(clip: Clip, raw: Raw, robot: RobotFacts, model: mujoco.MjModel) -> list[Fault]:
    """The faults of a clip whose numbers are in their places."""
    points = lowest(clip, robot, model) if clip.place is not None else None
    measured = [] if points is None else list(misread(clip, points, robot, model))
    if measured:
        return measured
    turned = list(_order(clip))
    limits = list(_limits(clip, robot))
    degrees = any(fault.code is codes.CLIP_DEGREES for fault in limits)
    found = [*turned, *limits]
    if degrees:
        return found
    found += _jumps(clip, robot)
    found += _rates(clip, raw)
    if any(fault.code.severity == "error" for fault in found):
        return found
    found += _bodies(clip, raw, robot, model)
    if points is not None and not any(fault.code.severity == "error" for fault in found):
        ground = list(_ground(clip, points, robot))
        found += list(_order_by_ground(clip, ground, robot, model)) or ground
    return found


def _fault(clip: Clip, code: Code, message: str, frame: int, help: str = "") -> Fault:
    return Fault(code, message, frame, frame / clip.fps, help)


def _limits(clip: Clip, robot: RobotFacts) -> Iterator[Fault]:
    """Joints beyond their limits; all of them in degrees."""
    joints = moving_joints(robot)
    hinge = np.array([joint.type == "hinge" for joint in joints])
    low, high = np.array([j.limits or (-math.inf, math.inf) for j in joints]).reshape(-1, 2).T
    beyond = np.maximum(low - clip.joints, clip.joints - high)
    far = beyond > np.array([FAR[j.type] for j in joints])
    turns = np.abs(clip.joints[:, hinge])
    wound = far & _whole_turns(clip.joints, low, high) & hinge
    many = far[:, hinge].any(axis=0).sum() > 1 or (turns.size and turns.max() > 4 * math.pi)
    if (far & ~wound).any() or (turns.size and turns.max() > 4 * math.pi):
        scaled = np.where(hinge, np.radians(clip.joints), clip.joints)
        off = np.maximum(low - scaled, scaled - high)
        within = off.max() <= math.radians(5.0)
        frame = int(np.argmax(far.any(axis=1) | (np.abs(clip.joints) > 4 * math.pi).any(axis=1)))
        worst = int(np.argmax(np.where(far[frame], np.abs(clip.joints[frame]), 0.0)))
        if within and many and turns.max() > math.radians(360.0):
            message = (
                f"{clip.names[worst]!r} is at {clip.joints[frame, worst]:.4g} rad; in degrees "
            )
            message += "all joints would be within their limits"
            help = "clips are in radians; ksim-motion convert --degrees makes one of this"
            yield _fault(clip, codes.CLIP_DEGREES, message, frame, help)
            return
    over = beyond > np.array([SLIGHTLY[j.type] for j in joints])
    for index, joint in enumerate(joints):
        if not over[:, index].any():
            continue
        is_far = bool(far[:, index].any())
        frame = int(np.argmax(far[:, index] if is_far else over[:, index]))
        assert joint.limits is not None
        at, most = clip.joints[frame, index], beyond[:, index].max()
        unit, factor = ("deg", 180 / math.pi) if joint.type == "hinge" else ("cm", 100.0)
        ends = " to ".join(f"{end * factor:.4g}" for end in joint.limits)
        message = f"{joint.name!r} is at {at * factor:.4g} {unit}, and goes from {ends}; "
        message += f"in {int(over[:, index].sum())} frames, by up to {most * factor:.3g} {unit}"
        code = codes.CLIP_FAR_BEYOND_LIMITS if is_far else codes.CLIP_BEYOND_LIMITS
        help = ""
        if is_far and bool(wound[far[:, index], index].all()):
            help = (
                "it is within them a whole turn less or more: count its angle without whole turns"
            )
        yield _fault(clip, code, message, frame, help)


def _whole_turns(
    joints: Float[Array, "frames n"], low: Float[Array, " n"], high: Float[Array, " n"]
) -> Bool[Array, "frames n"]:
    """Angles that are within their limits but for whole turns."""
    least = np.where(np.isfinite(low), low, 0.0)
    turns = np.floor((joints - least) / math.tau + 1e-9)
    slack = math.radians(5.0)
    rest = joints - turns * math.tau
    near = (rest <= high + slack) | (rest - math.tau >= low - slack)
    return near & (np.abs(turns) >= 1) & (np.abs(turns) <= MOST_TURNS)


def _order(clip: Clip) -> Iterator[Fault]:
    """Quaternions whose scalar is at the other end: the robot lies where it should stand."""
    if clip.turn is None:
        return
    other, swapped = _swapped(clip)
    assert swapped.turn is not None
    as_read, instead = _upright(clip.turn), _upright(swapped.turn)
    stands, would = float(np.mean(as_read > 0.5)), float(np.mean(instead > 0.5))
    if would > 0.8 and stands < 0.5:
        frame = int(np.argmax(as_read <= 0.5))
        tilt = math.degrees(math.acos(float(np.clip(as_read[frame], -1, 1))))
        message = f"the base is tilted by {tilt:.0f} degrees; read as {other} it stands"
        yield _fault(clip, codes.CLIP_QUATERNION_ORDER, message, frame, _REORDER)


_REORDER = "ksim-motion convert --quaternion puts them into order"


def _swapped(clip: Clip) -> tuple[str, Clip]:
    """The order of quaternions that the layout does not have, and the clip read so."""
    assert clip.turn is not None
    last = clip.layout.startswith("csv")
    columns = [1, 2, 3, 0] if last else [3, 0, 1, 2]
    return "w, x, y, z" if last else "x, y, z, w", replace(clip, turn=clip.turn[:, columns])


def _order_by_ground(
    clip: Clip, found: list[Fault], robot: RobotFacts, model: mujoco.MjModel
) -> Iterator[Fault]:
    """Quaternions of the other order that leave the robot upright: its feet do not stand then.

    Half a turn about the vertical is between the two orders of one that is not turned.
    """
    if not found or clip.turn is None or float(np.mean(_upright(clip.turn) > 0.5)) < 0.5:
        return
    if float(np.mean(np.abs(clip.turn[:, 0]) < 0.3)) < 0.8:
        return  # read in the other order it is turned much
    other, swapped = _swapped(clip)
    points = lowest(swapped, robot, model)
    if points is not None and not list(_ground(swapped, points, robot)):
        frame = min(fault.frame or 0 for fault in found)
        message = "the feet slide, or are in the ground or above it; with the base's quaternion "
        message += f"read as {other} they stand"
        yield _fault(clip, codes.CLIP_QUATERNION_ORDER, message, frame, _REORDER)


def _upright(turn: Float[Array, "frames 4"]) -> Float[Array, " frames"]:
    """The cosine of the base's tilt."""
    return 1.0 - 2.0 * (turn[:, 1] ** 2 + turn[:, 2] ** 2)


def _jumps(clip: Clip, robot: RobotFacts) -> Iterator[Fault]:
    """Steps from one frame to the next that no robot makes, or that stand alone."""
    joints = moving_joints(robot)
    steps = np.abs(np.diff(clip.joints, axis=0))
    rates = np.array([FASTEST[j.type] for j in joints]) / clip.fps
    least = np.array([STEP if j.type == "hinge" else STEP_BASE for j in joints])
    bad = (steps > rates) | _alone(steps, least)
    if bad.any():
        frame = int(np.argmax(bad.any(axis=1)))
        joint = int(np.argmax(np.where(bad[frame], steps[frame], 0.0)))
        unit, factor = ("deg", 180 / math.pi) if joints[joint].type == "hinge" else ("cm", 100.0)
        message = f"{clip.names[joint]!r} jumps by {steps[frame, joint] * factor:.3g} {unit}"
        yield _fault(clip, codes.CLIP_JUMP, message + _others(bad), frame + 1)
    if clip.place is None or clip.turn is None:
        return
    ways = np.linalg.norm(np.diff(clip.place, axis=0), axis=1)[:, None]
    bad = (ways > FASTEST_BASE / clip.fps) | _alone(ways, np.array([STEP_BASE]))
    if bad.any():
        frame = int(np.argmax(bad[:, 0]))
        message = f"the base jumps by {ways[frame, 0] * 100:.3g} cm"
        yield _fault(clip, codes.CLIP_JUMP, message + _others(bad), frame + 1)
    angles = np.linalg.norm(turned_between(clip.turn[:-1], clip.turn[1:]), axis=1)[:, None]
    bad = (angles > FASTEST_TURN / clip.fps) | _alone(angles, np.array([STEP]))
    if bad.any():
        frame = int(np.argmax(bad[:, 0]))
        message = f"the base turns by {math.degrees(angles[frame, 0]):.3g} degrees at once"
        yield _fault(clip, codes.CLIP_JUMP, message + _others(bad), frame + 1)


def _alone(steps: Float[Array, "steps n"], least: Float[Array, " n"]) -> Bool[Array, "steps n"]:
    """Steps that are much longer than the ones before and after."""
    padded = np.concatenate([steps[:1] * 0, steps, steps[:1] * 0])
    beside = np.maximum(padded[:-2], padded[2:])
    return (steps > least) & (steps > ISOLATED * beside)


def _others(bad: Bool[Array, "steps n"]) -> str:
    more = int(bad.any(axis=1).sum()) - 1
    return f" ({more} more frames are so)" if more else ""


def _rates(clip: Clip, raw: Raw) -> Iterator[Fault]:
    """Velocities in the file against those of the positions."""
    if raw.rates is None or raw.rates.shape != clip.joints.shape or clip.frames < 3:
        return
    own = (clip.joints[2:] - clip.joints[:-2]) * (clip.fps / 2)
    told = raw.rates[1:-1]
    size = float(np.sqrt(np.mean(own**2)))
    if size < 0.02 and float(np.sqrt(np.mean(told**2))) < 0.02:
        return
    off = np.sqrt(np.mean((own - told) ** 2, axis=1))
    spread = np.sqrt(np.mean(own**2, axis=1))
    if float(np.sqrt(np.mean((own - told) ** 2))) < 0.25 * size:
        return
    ratio = float(np.sum(told * own) / max(np.sum(own * own), 1e-12))
    left = float(np.sqrt(np.mean((told - ratio * own) ** 2)))
    frame = int(np.argmax(off > 0.25 * np.maximum(spread, 0.1))) + 1
    if ratio > 0 and left < 0.25 * ratio * size:
        message = f"its velocities are {ratio:.3g} times those of its positions: they fit "
        message += f"{clip.fps * ratio:.4g} frames a second, and {clip.fps:g} are told"
        help = f"give it with --fps {clip.fps * ratio:.4g} or 'fps', if that is its rate"
    else:
        message, help = "its velocities are not those of its positions", ""
    yield _fault(clip, codes.CLIP_OTHER_RATE, message, frame, help)


def _bodies(clip: Clip, raw: Raw, robot: RobotFacts, model: mujoco.MjModel) -> Iterator[Fault]:
    """Places of named bodies in the file against those that the joints give."""
    told = body_columns(raw, robot)
    if told is None:
        return
    found = [(data.xpos[told.ids], data.xquat[told.ids]) for data in poses(model, clip.qpos(robot))]
    there, turned = (np.array(each) for each in zip(*found, strict=True))
    off = np.linalg.norm(there - told.places, axis=2)
    if off.mean() > NEAR:
        frame = int(np.argmax(off.mean(axis=1) > NEAR))
        body = robot.bodies[told.ids[int(np.argmax(off[frame]))]]
        message = f"{body!r} is {off[frame].max() * 100:.0f} cm from where the joints put it"
        yield _fault(clip, codes.CLIP_OTHER_ROBOT, message, frame)
    elif told.turns is not None and (worst := turned_otherwise(told.turns, turned)) is not None:
        body, frame = worst
        message = f"{robot.bodies[told.ids[body]]!r} is turned otherwise than the joints turn it: "
        message += "the orientations may be of other bodies, or in another order"
        yield _fault(clip, codes.CLIP_OTHER_ROBOT, message, frame)


def _ground(clip: Clip, points: Lowest, robot: RobotFacts) -> Iterator[Fault]:
    """Parts in the ground, a robot that hangs above it, feet that slide."""
    deep = -points.height
    if deep.max() > SUNKEN:
        frame = int(np.argmax((deep > SUNKEN).any(axis=1)))
        body = robot.bodies[int(points.bodies[int(np.argmax(deep[frame]))])]
        message = f"{body!r} is {deep[frame].max() * 100:.1f} cm in the ground; "
        count, worst = int((deep > SUNKEN).any(axis=1).sum()), deep.max() * 100
        message += f"{count} frames are so, by up to {worst:.1f} cm"
        help = "ksim-motion convert --ground puts the lowest point on the ground"
        yield _fault(clip, codes.CLIP_SUNKEN, message, frame, help)
    high = points.height.min(axis=1) > ABOVE
    start, length = _longest(high)
    if length and (length == clip.frames or length / clip.fps > AIRBORNE):
        least = points.height.min(axis=1)[start : start + length].min()
        message = f"nothing is nearer to the ground than {least * 100:.0f} cm, for "
        message += f"{length / clip.fps:.2f} s"
        help = "ksim-motion convert --ground puts the lowest point on the ground"
        yield _fault(clip, codes.CLIP_FLOATING, message, start, help)
    held = _settled(points.height < NEAR_GROUND, math.ceil(LANDING * clip.fps))
    worst_way, worst_at, worst_body = 0.0, 0, 0
    for column in range(points.slip.shape[1]):
        way, since = 0.0, 0
        for frame in range(clip.frames):
            if not held[frame, column]:
                way, since = 0.0, frame
                continue
            way += float(points.slip[frame, column])
            if way > worst_way:
                worst_way, worst_at, worst_body = way, since, column
    if worst_way > SLIDES:
        body = robot.bodies[int(points.bodies[worst_body])]
        message = f"{body!r} slides {worst_way * 100:.0f} cm along the ground from here on"
        yield _fault(clip, codes.CLIP_SLIDING, message, worst_at)


def _settled(touches: Bool[Array, "frames n"], margin: int) -> Bool[Array, "frames n"]:
    """Where a contact has lasted for some frames, and lasts for as many more."""
    held, count = touches.copy(), len(touches)
    for shift in range(1, margin + 1):
        held[shift:] &= touches[: count - shift]
        held[: count - shift] &= touches[shift:]
        held[: min(shift, count)] &= touches[:1]
    return held


def _longest(holds: Bool[Array, " frames"]) -> tuple[int, int]:
    """Start and length of the longest stretch in which something holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], holds.astype(int), [0]])))
    if not len(edges):
        return 0, 0
    lengths = edges[1::2] - edges[::2]
    best = int(np.argmax(lengths))
    return int(edges[::2][best]), int(lengths[best])

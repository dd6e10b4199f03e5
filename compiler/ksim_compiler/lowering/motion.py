"""Recorded motions: where a clip is, the frame that it tells, and where episodes begin in it.

A motion's place is a clip, a frame of it, and where the clip's world stands in the robot's. The
command keeps it, and every part that names the command reads the frame at that place.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context, name_key
from ksim_compiler.lowering.rules import lower
from ksim_compiler.motion.clip import moving_joints
from ksim_compiler.motion.library import Library
from ksim_schema.vocabulary.command.clips import Motion
from ksim_schema.vocabulary.reset_motion import ResetMotionStart, StartNoise

FORGETS = 1000.0
"""Ticks in which the count of failures falls to 1/e (BeyondMimic's ``adaptive_alpha`` of 0.001)."""
BLAMED = (1.0, 0.8, 0.64)
"""How much a failure counts for the stretch that it is in, and for the ones before it."""


class Place(NamedTuple):
    """Where a motion is.

    Attributes:
        clip: index of the clip.
        frame: of the clip, from 0; below that, so many before it, on the way from another one.
        shift: x and y, m, and the turn about the vertical, rad, of the clip's world.
        came: the clip before, or this one where none was; None where clips are not blended.
    """

    clip: Int[Array, ""]
    frame: Int[Array, ""]
    shift: Float[Array, "3"]
    came: Int[Array, ""] | None = None


class Seen(NamedTuple):
    """A motion at one moment: its clips, and where it is."""

    library: Library
    place: Place


class Frame(NamedTuple):
    """What a frame holds, in the robot's world: as :class:`Library` has it."""

    joints: Float[Array, " joints"]
    rates: Float[Array, " joints"]
    place: Float[Array, "bodies 3"]
    turn: Float[Array, "bodies 4"]
    linear: Float[Array, "bodies 3"]
    angular: Float[Array, "bodies 3"]


class Tally(NamedTuple):
    """What one environment counts in each stretch of the clips, and forgets by and by.

    Attributes:
        failed: episodes that failed there.
        spent: ticks that were spent there.
    """

    failed: Float[Array, " bins"]
    spent: Float[Array, " bins"]


def no_tally(library: Library) -> Tally:
    """The count before anything has happened."""
    return Tally(*jnp.zeros((2, len(library.bin_clip))))


def tallied(seen: Seen, tally: Tally, failure: Any) -> Tally:
    """The count after a tick that the motion was followed for."""
    here = jnp.arange(len(tally.failed)) == jnp.asarray(seen.library.bin_of)[_row(seen)]
    kept = 1.0 - 1.0 / FORGETS
    return Tally(tally.failed * kept + here * failure, tally.spent * kept + here)


def odds(c: Motion, library: Library, tally: Tally) -> Float[Array, " bins"]:
    """How likely an episode is to begin in each stretch.

    Args:
        c: the command.
        library: its clips.
        tally: the mean of the counts of all environments.
    """
    clip = jnp.asarray(library.bin_clip)
    length = jnp.asarray(library.bin_stop - library.bin_start)
    weights = _weights(c, library)[clip]
    anywhere = weights * length / (jnp.asarray(library.length)[clip] - 1)
    anywhere = anywhere / jnp.sum(anywhere)
    if c.begin.draw != "where_it_fails":
        return anywhere
    # a stretch that was hardly seen has little to say: as if a hundredth of a tick had gone well
    rate = tally.failed / (tally.spent + 0.01)
    blamed = jnp.zeros_like(rate)
    for ahead, share in enumerate(BLAMED):
        later = jnp.arange(len(clip)) + ahead
        at = jnp.minimum(later, len(clip) - 1)
        same = (later < len(clip)) & (clip[at] == clip)
        blamed = blamed + share * jnp.where(same, rate[at], 0.0)
    blamed = blamed * weights
    total = jnp.sum(blamed)
    fails = jnp.where(total > 0.0, blamed / jnp.maximum(total, 1e-20), anywhere)
    return (1.0 - c.begin.uniform) * fails + c.begin.uniform * anywhere


def begun(c: Motion, library: Library, key: Key[Array, ""], odds: Float[Array, " bins"]) -> Place:
    """Where a motion begins in an episode: the frame that the robot is put into."""
    if c.begin.draw == "start":
        clip = _drawn_clip(c, library, key)
        return Place(clip, jnp.int32(0), jnp.zeros(3), clip if library.blend else None)
    chosen = jax.random.choice(name_key(key, "bin"), len(odds), p=odds)
    low, high = (jnp.asarray(edge)[chosen] for edge in (library.bin_start, library.bin_stop))
    frame = jax.random.randint(name_key(key, "frame"), (), low, high)
    clip = jnp.asarray(library.bin_clip)[chosen].astype(jnp.int32)
    came = clip if library.blend else None
    return Place(clip, frame.astype(jnp.int32), jnp.zeros(3), came)


def _weights(c: Motion, library: Library) -> Float[Array, " clips"]:
    count = len(library.clips)
    given = c.clip_weights()
    weights: Any = jnp.stack([jnp.float32(w) for w in given]) if given else jnp.ones(count)
    return weights / jnp.sum(weights)


def _drawn_clip(c: Motion, library: Library, key: Key[Array, ""]) -> Int[Array, ""]:
    weights = _weights(c, library)
    return jax.random.choice(name_key(key, "clip"), len(library.clips), p=weights).astype(jnp.int32)


def _row(seen: Seen, frame: Any = None) -> Int[Array, "..."]:
    """The row of a frame, by default of the place's own; beyond the last one, the last one."""
    library, place = seen
    frame = place.frame if frame is None else frame
    last = jnp.asarray(library.length)[place.clip] - 1
    row = jnp.asarray(library.start)[place.clip] + jnp.minimum(frame, last)
    if place.came is None:
        return row
    way = jnp.asarray(library.between)[place.came, place.clip] + library.blend + frame
    return jnp.where(frame < 0, way, row)


def over(seen: Seen) -> Any:
    """Whether the frame is the last of its clip."""
    return seen.place.frame >= jnp.asarray(seen.library.length)[seen.place.clip] - 1


def frame_of(seen: Seen) -> Frame:
    """The frame at a place, in the robot's world; at rest where it is held after the last one."""
    library, place = seen
    row = _row(seen)
    held = place.frame > jnp.asarray(library.length)[place.clip] - 1
    moves = jnp.where(held, 0.0, 1.0)
    turn = geometry.about_vertical(place.shift[2])
    shift = jnp.append(place.shift[:2], 0.0)

    def at(rows: Any) -> Array:
        return jnp.asarray(rows, jnp.float32)[row]

    turned = jax.vmap(lambda vector: geometry.rotate(turn, vector))
    return Frame(
        at(library.joints),
        at(library.rates) * moves,
        turned(at(library.place)) + shift,
        jax.vmap(lambda quat: geometry.multiply(turn, quat))(at(library.turn)),
        turned(at(library.linear)) * moves,
        turned(at(library.angular)) * moves,
    )


def joints_ahead(
    seen: Seen, ahead: tuple[int, ...], what: str, columns: tuple[int, ...]
) -> Float[Array, "ahead joints"]:
    """Joints of frames that come, or their velocities.

    Args:
        seen: where it is.
        ahead: in how many ticks.
        what: positions or velocities.
        columns: which of the command's joints.
    """
    library, place = seen
    last = jnp.asarray(library.length)[place.clip] - 1
    frames = place.frame + jnp.array(ahead)
    if library.repeats:
        # what is blended lies before the first frame; else that is the last one again, and left out
        first = 1 - library.blend
        again = (frames - last - 1) % jnp.maximum(last + library.blend, 1) + first
        frames = jnp.where(frames > last, again, frames)
    rows = _row(seen, frames)
    table = library.joints if what == "positions" else library.rates
    found = jnp.asarray(table[:, list(columns)], jnp.float32)[rows]
    return found if what == "positions" else jnp.where((frames > last)[:, None], 0.0, found)


def onwards(c: Motion, library: Library, key: Key[Array, ""], place: Place) -> Place:
    """The place of the next tick."""
    here = Seen(library, place)
    if c.when_over == "hold":
        last = jnp.asarray(library.length)[place.clip] - 1
        return place._replace(frame=jnp.minimum(place.frame + 1, last + 1))
    # the first frame of what follows stands where this clip ends
    clip = place.clip if c.when_over == "repeat" else _drawn_clip(c, library, key)
    came = None if place.came is None else place.clip
    first = Place(clip, jnp.int32(-library.blend), jnp.zeros(3), came)
    ends, begins = (frame_of(seen) for seen in (here, Seen(library, first)))
    turn = geometry.heading(ends.turn[0]) - geometry.heading(begins.turn[0])
    start = geometry.turn_about_vertical(begins.place[0, :2], turn)
    shift = jnp.append(ends.place[0, :2] - start, turn) if library.floats else place.shift
    # the first frame of a blend, and of a clip that repeats, is the last one again
    again = library.blend > 0 or c.when_over == "repeat"
    after = Place(clip, jnp.int32(again - library.blend), shift, came)
    going = place._replace(frame=place.frame + 1)
    return jax.tree.map(lambda a, b: jnp.where(over(here), a, b), after, going)


def _begins(c: Motion, x: Context) -> Place:
    assert x.motion is not None
    return x.motion.place


@lower(Motion, initial=_begins)
def motion(c: Motion, x: Context, place: Place) -> tuple[Float[Array, " size"], Place]:
    assert x.motion is not None
    library = x.motion.library
    place = onwards(c, library, x.key, place)
    frame = frame_of(Seen(library, place))
    return jnp.concatenate([frame.joints, frame.rates]), place


@lower(ResetMotionStart)
def motion_start(c: ResetMotionStart, x: Context) -> tuple[Array, Array]:
    seen, noise = x.motions[c.command], c.noise
    row = _row(seen)
    own_qpos, own_qvel = (
        jnp.asarray(table, jnp.float32)[row] for table in (seen.library.qpos, seen.library.qvel)
    )
    robot, (qpos, qvel) = x.robot, (x.world["qpos"], x.world["qvel"])
    joints = moving_joints(robot)
    at = jnp.array([j.qpos for j in joints], jnp.int32)
    dofs = jnp.array([j.dof for j in joints], jnp.int32)
    units = jax.random.uniform(x.key, (2, len(joints)), minval=-1.0, maxval=1.0)
    limits = jnp.array([j.limits or (-jnp.inf, jnp.inf) for j in joints]).reshape(-1, 2)
    positions = jnp.clip(own_qpos[at] + noise.joints * units[0], limits[:, 0], limits[:, 1])
    qpos = qpos.at[at].set(positions)
    qvel = qvel.at[dofs].set(own_qvel[dofs] + noise.joint_speed * units[1])
    if robot.base is not None:
        start, dof = robot.base.qpos, robot.base.dof
        pose, speed = _shaken(
            noise, name_key(x.key, "base"), own_qpos[start : start + 7], own_qvel[dof : dof + 6]
        )
        qpos = qpos.at[start : start + 7].set(pose)
        qvel = qvel.at[dof : dof + 6].set(speed)
    return qpos, qvel


def _shaken(
    noise: StartNoise, key: Key[Array, ""], pose: Float[Array, "7"], speed: Float[Array, "6"]
) -> tuple[Float[Array, "7"], Float[Array, "6"]]:
    """Pose and velocities of the base with noise; it is put higher only, never into the ground."""
    units = jax.random.uniform(key, (12,), minval=-1.0, maxval=1.0)
    off = jnp.stack([noise.place, noise.place, noise.height]) * units[:3]
    place = pose[:3] + off.at[2].set(jnp.abs(off[2]))
    turn = geometry.from_euler(*(jnp.stack([noise.tilt, noise.tilt, noise.heading]) * units[3:6]))
    quat = geometry.multiply(turn, pose[3:])
    linear = geometry.rotate(turn, speed[:3]) + noise.speed * units[6:9]
    angular = speed[3:] + noise.spin * units[9:12]
    return jnp.concatenate([place, quat]), jnp.concatenate([linear, angular])

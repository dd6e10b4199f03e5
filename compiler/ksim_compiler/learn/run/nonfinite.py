"""What went wrong in an iteration with a number that is not finite.

The iteration is run again from the state before it, which is exact, and this time everything is
kept: so that a training that goes well pays nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeAlias
from zipfile import BadZipFile

import jax
import numpy as np
from jaxtyping import Array, Float, PyTree

from ksim_compiler.env.across import by_rows
from ksim_compiler.env.tick import NON_FINITE
from ksim_compiler.learn.learner import Algorithm, EnvState, Params, Replay, Spread, State
from ksim_compiler.learn.run.devices import ALIKE, Devices
from ksim_compiler.plan import Plan
from ksim_schema.source.files import replacing
from ksim_schema.vocabulary.actor_critic import Actor
from ksim_schema.vocabulary.state import Robot

FORMAT = "ksim-dump-1"


@dataclass(frozen=True)
class Finding:
    """Where the first number went bad, and the way there.

    Attributes:
        node: the part of the task's graph, such as ``Reward.height``.
        tick: control tick within the iteration, or None when the rollout was fine and the update
            went bad.
        env: the environment.
        steps: environment steps that were done before the iteration.
        kept: whether the iteration was kept: an episode that diverged and was ended spoils nothing.
        qpos, qvel, action: (ticks, size) of that environment from the start of the iteration (or
            the episode, if that began later) up to that tick: the state before each tick, and
            what the policy did in it.
    """

    node: str
    tick: int | None
    env: int
    steps: int
    kept: bool
    qpos: np.ndarray = field(repr=False)
    qvel: np.ndarray = field(repr=False)
    action: np.ndarray = field(repr=False)

    def __str__(self) -> str:
        if self.tick is None:
            what = f"the update made {self.node} non-finite after a finite rollout"
        else:
            what = f"{self.node} went non-finite in tick {self.tick} of environment {self.env}"
        return what + ("; the episode was ended" if self.kept else "; the update is thrown away")


class Left(NamedTuple):
    """What the ticks of an iteration leave to the next: fields of the environments' state."""

    policy_input: Float[Array, "envs policy"]
    critic_input: Float[Array, "envs critic"]
    controls: Float[Array, "envs drives"]
    memory: Mapping[str, Mapping[str, PyTree[Array]]]


Watched: TypeAlias = dict[str, Array]
"""``qpos`` and ``qvel`` before each tick."""
Trace: TypeAlias = Callable[[Params, State], tuple[Replay, Watched, Left]]
"""Parameters and state -> the ticks of an iteration, the states before them, and what they
leave to the next."""


def tracer(algorithm: Algorithm[State], devices: Devices) -> Trace:
    """What runs an iteration again, jitted; the result is whole."""

    def watch(before: EnvState) -> Watched:
        return {name: before.world[name] for name in ("qpos", "qvel")}

    def run(params: Params, state: State) -> tuple[Replay, Watched, Left]:
        ticks, watched, after = algorithm.replay(params, state, watch)
        episode = after.episode
        left = Left(after.policy_input, after.critic_input, episode.controls, episode.memory)
        return ticks, watched, left

    if devices.alone:
        return jax.jit(run)

    def trace(params: Params, state: State) -> tuple[Replay, Watched, Left]:
        assert isinstance(algorithm, Spread)
        given = ALIKE, algorithm.lies(state)
        replay, watched, left = devices.shapes(run, given, params, state)
        gives = by_rows(replay, axis=1), by_rows(watched, axis=1), by_rows(left)
        return devices.whole(devices.program(run, given, gives)(params, state))

    return trace


def find(trace: Trace, plan: Plan, params: Params, state: State, steps: int, kept: bool) -> Finding:
    """Run an iteration again and look for its first non-finite number.

    Args:
        trace: from :func:`tracer`.
        plan, params: of the training.
        state: the state before the iteration.
        steps: environment steps done before it.
        kept: whether the iteration is kept.
    """
    ticks, watched, left = jax.device_get(trace(params, state))
    action = ticks.action
    first: tuple[int, int, str] | None = None
    for node, bad in _bad(plan, ticks):
        if bad.any() and (first is None or int(np.argmax(bad.any(axis=1))) < first[0]):
            tick = int(np.argmax(bad.any(axis=1)))
            first = tick, int(np.argmax(bad[tick])), node
    if first is None:  # what the last tick leaves to the next iteration
        last = ((node, bad) for node, bad in _left(plan, left) if bad.any())
        first = next(((len(action) - 1, int(np.argmax(bad)), node) for node, bad in last), None)
    if first is None:
        (policy,) = plan.parts(Actor)
        none = np.zeros((0, 0), np.float32)
        return Finding(f"Policy.{policy}", None, 0, steps, kept, none, none, none)
    tick, index, node = first
    begun = np.flatnonzero(ticks.start[: tick + 1, index])
    rows = slice(int(begun[-1]) if begun.size else 0, tick + 1)
    return Finding(
        node,
        tick,
        index,
        steps,
        kept,
        watched["qpos"][rows, index],
        watched["qvel"][rows, index],
        np.asarray(action[rows, index]),
    )


def _bad(plan: Plan, ticks: Replay) -> Iterator[tuple[str, np.ndarray]]:
    """Each part and where, (ticks, envs), it was not finite; in the order of a tick."""

    def rows(values: np.ndarray) -> np.ndarray:
        whole = np.isfinite(values).reshape(*values.shape[:2], -1)
        return np.asarray(~whole.all(axis=-1))

    yield from _columns(plan, np.asarray(ticks.policy_input), np.asarray(ticks.critic_input), rows)
    acted = rows(np.asarray(ticks.action))
    yield from ((f"Policy.{name}", acted) for name in plan.parts(Actor))
    diverged = np.asarray(ticks.step.terminations[NON_FINITE]) & ~acted
    yield from ((f"PhysicsState.{name}", diverged) for name in plan.parts(Robot))
    for name, term in ticks.step.reward_terms.items():
        yield f"Reward.{name}", rows(np.asarray(term))


def _left(plan: Plan, left: Left) -> Iterator[tuple[str, np.ndarray]]:
    """Each part and where, (envs,), what it leaves to the next tick is not a number."""

    def rows(values: np.ndarray) -> np.ndarray:
        return np.asarray(~np.isfinite(values).all(axis=-1))

    yield from _columns(plan, np.asarray(left.policy_input), np.asarray(left.critic_input), rows)
    for object, parts in left.memory.items():
        for name, kept in parts.items():
            for leaf in jax.tree.leaves(kept):
                if np.issubdtype(leaf.dtype, np.inexact):
                    bad = np.isnan(leaf)
                    yield f"{object}.{name}", bad.reshape(len(bad), -1).any(axis=-1)
    driven = rows(np.asarray(left.controls))
    yield from ((f"Action.{name}", driven) for name in plan.actions())


def _columns(
    plan: Plan, policy: np.ndarray, critic: np.ndarray, rows: Callable[[np.ndarray], np.ndarray]
) -> Iterator[tuple[str, np.ndarray]]:
    """Each part that the networks read, and where it was not finite."""
    for columns, values in ((plan.policy_input, policy), (plan.critic_input, critic)):
        for column in columns:
            yield str(column.source), rows(values[..., column.start : column.stop])


def write(folder: Path, finding: Finding) -> Path:
    """Write a finding as ``<steps>.npz`` with a JSON text in it. Returns the file.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{finding.steps:012d}.npz"
    arrays = {name: getattr(finding, name) for name in ("qpos", "qvel", "action")}
    about = {k: v for k, v in asdict(finding).items() if k not in arrays}
    text = json.dumps({"format": FORMAT, "message": str(finding), **about})
    with replacing(path) as partial:
        np.savez(partial, about=np.frombuffer(text.encode(), np.uint8), **arrays)
    return path


def read(path: Path) -> Finding:
    """Read what :func:`write` wrote.

    Raises:
        ValueError: it is no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            about = json.loads(data["about"].tobytes())
            arrays = {name: data[name] for name in ("qpos", "qvel", "action")}
            if about.pop("format", None) != FORMAT:
                raise ValueError("another format")
            about.pop("message", None)
            return Finding(**about, **arrays)
    except OSError as error:
        what = (error.strerror or "it cannot be read").lower()
        raise ValueError(f"{path} is not a dump of a training: {what}") from error
    except (KeyError, ValueError, TypeError, AttributeError, EOFError, BadZipFile) as error:
        raise ValueError(f"{path} is not a dump of a training") from error

"""One environment's tick, unbatched: what the batch in :mod:`ksim_compiler.env` is mapped from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from ksim_compiler.env import measures, rewards
from ksim_compiler.env.drawn import Revealed
from ksim_compiler.env.episode import CutOff, Episode, Inputs, Judgement
from ksim_compiler.env.finite import finite as finite_numbers, sane
from ksim_compiler.env.motions import BEGINNINGS, Odds, Recorded
from ksim_compiler.lowering import (
    action as actions,
    command as commands,
    curriculum as curricula,
    event as events,
    metric as metrics,
    randomizer as randomizers,
    rules,
    sensing,
)
from ksim_compiler.lowering.binding import Parameters, bind, extract, spread
from ksim_compiler.lowering.context import Context, name_key
from ksim_compiler.lowering.scale import Levels, joined, level_of
from ksim_compiler.plan import Column, Plan
from ksim_schema.checks.reach import frames_of
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.objects import OBJECTS
from ksim_schema.vocabulary.reset import Reset

NON_FINITE = "non_finite"
"""The termination that every task has: a state that is no longer a number, or beyond 1e10."""
Parts = dict[str, dict[str, Any]]


class Tick:
    """The pieces of a tick of one environment.

    Attributes:
        parts: the declared parts in use, object -> name -> part.
        reward_names: the reward terms in the order in which they are summed; a reward with
            components has one for each, ``<reward>.<component>``.
        termination_names: the terminations, ``non_finite`` among them.
        measure_names: the metrics as they are called in logs, and ``success`` where one is of it.
    """

    def __init__(
        self, plan: Plan, model_defaults: Mapping[str, Array], follows: bool = False
    ) -> None:
        self.plan, self.robot, self._follows = plan, plan.robot.facts, follows
        # in an order that does not depend on the author's, as the task's fingerprint does not
        self.parts: Parts = {o.name: _ordered(plan.parts(o.name)) for o in OBJECTS if o.ruled}
        self.reward_names = rewards.names(self.parts["Reward"])
        self.termination_names = (*sorted(self.parts["Termination"]), NON_FINITE)
        self.measure_names = measures.names(self.parts["Metric"])
        self._timeouts = {name for name, p in self.parts["Termination"].items() if p.is_timeout}
        self._recorded = tuple(
            sorted(e.src.name for e in plan.graph.edges if e.hom == "record_observation")
        )
        ends = plan.longest_episode, plan.task.learner.episode
        self._limit = min(
            math.inf if ends[0] is None else ends[0] * plan.period, ends[1] or math.inf
        )
        levels = (e for e in plan.graph.edges if e.hom == "grade_reset")
        self._followed = {edge.tgt.name: edge.src.name for edge in levels}
        self._slices = self._action_slices()
        self._labels = {n: c.labels(self.robot) for n, c in self.parts["Command"].items()}
        self._frames = frames_of(plan.task, self.robot)
        self._model_defaults = dict(model_defaults)
        self.recorded = Recorded(plan, self.parts["Command"])
        self.revealed = Revealed(plan)

    def parameters(self) -> Parameters:
        """The task's numbers as runtime arguments, object -> name -> field."""
        return {
            object: {name: extract(part) for name, part in parts.items()}
            for object, parts in self.parts.items()
        }

    def bind(self, params: Parameters) -> Parts:
        """The parts with these numbers."""
        return {
            object: {
                name: spread(bind(part, params[object][name]), self.robot)
                for name, part in parts.items()
            }
            for object, parts in self.parts.items()
        }

    def act(
        self,
        parts: Parts,
        key: Key[Array, ""],
        episode: Episode,
        world: Mapping[str, Array],
        action: Float[Array, " actions"],
    ) -> tuple[Array, Array, dict[str, actions.Memory]]:
        """Controls of this tick and of each of its physics steps, and the memory of the actions."""
        x = self._context(key, episode, world, episode.age, action)
        now, physics, memory = [], [], {}
        for name, part in self.in_action_order(parts):
            place = self._slices[name]
            own = _for(x, "Action", name)
            own = replace(own, action=action[place], previous_action=episode.action[place])
            before = episode.memory["Action"][name]
            targets, each, memory[name] = actions.following(part, own, before)
            now.append(targets)
            physics.append(each)
        return jnp.concatenate(now), jnp.concatenate(physics, axis=1), memory

    def disturb(
        self, parts: Parts, key: Key[Array, ""], episode: Episode
    ) -> tuple[Array, Array, dict[str, events.Memory]]:
        """Push (nv,) and wrench (nbody, 6) of this tick, and the memory of the events."""
        x = self._context(key, episode, {}, episode.age, episode.action)
        push, wrench = jnp.zeros(self.robot.nv), jnp.zeros((len(self.robot.bodies), 6))
        memory = {}
        for name, part in parts["Event"].items():
            before = episode.memory["Event"][name]
            effect, memory[name] = events.following(part, _for(x, "Event", name), before)
            push, wrench = push + effect.push, wrench + effect.wrench
        return push, wrench, memory

    def _first_controls(
        self, parts: Parts, x: Context, key: Key[Array, ""]
    ) -> tuple[Float[Array, " drives"], dict[str, actions.Memory]]:
        """The controls at the start of an episode, and fresh memory of the actions."""
        x = replace(x, key=name_key(key, "begin"))
        targets, memory = [], {}
        for name, part in self.in_action_order(parts):
            first, memory[name] = actions.first(part, _for(x, "Action", name))
            targets.append(first)
        return jnp.concatenate(targets), memory

    def judge(
        self,
        parts: Parts,
        key: Key[Array, ""],
        episode: Episode,
        world: Mapping[str, Array],
        action: Float[Array, " actions"],
        cut: CutOff,
    ) -> tuple[Judgement, Episode]:
        """Terminations, rewards and the curriculum, from the record of the tick.

        All of them see the state after the action, the observations that they name measured of
        that state, the action, and the commands that the policy was told before it. What ends the
        episode is one thing for all: a failure, a time limit, or that the training cuts it off.
        """
        age = episode.age + 1
        x = self._context(key, episode, world, age, action)
        x = replace(x, observations=self._measured(parts, x, episode.memory["Observation"]))
        memory = dict(episode.memory)
        finite = sane(world) & finite_numbers(action)
        ends: dict[str, Any] = {NON_FINITE: ~finite}
        ended_memory: dict[str, Any] = {}
        for name, part in parts["Termination"].items():
            own = _for(x, "Termination", name)
            ends[name], ended_memory[name] = rules.apply(part, own, memory["Termination"][name])
        failure = _any(ends[name] for name in ends if name not in self._timeouts)
        whole = failure | cut.length | _any(ends[n] for n in ends if n in self._timeouts)
        timeout = (whole | cut.stagger) & ~failure
        x = replace(x, failure=failure, done=failure | timeout, whole=whole)
        terms, rewards_memory = rewards.following(
            parts["Reward"], lambda name: _for(x, "Reward", name), memory["Reward"], finite
        )
        told, metrics_memory = measures.following(
            parts["Metric"], lambda name: _for(x, "Metric", name), memory["Metric"], finite
        )
        levels: dict[str, Any] = {}
        levels_memory: dict[str, Any] = {}
        for name, part in parts["Curriculum"].items():
            old, before = level_of(episode.level, name), memory["Curriculum"][name]
            own = replace(_for(x, "Curriculum", name), level=old, limit=self._limit)
            moved = curricula.moved(part, own, before)
            # what it counts goes on over the ends of episodes, so nothing non-finite may enter it
            levels[name], levels_memory[name] = jax.tree.map(
                lambda new, old: jnp.where(jnp.isfinite(new), new, old), moved, (old, before)
            )
        level = joined(levels) if levels else episode.level
        if self.recorded:
            counted = self.recorded.counted(x.motions, memory[BEGINNINGS], failure)
            memory[BEGINNINGS] = counted
        memory |= {
            "Termination": ended_memory,
            "Reward": rewards_memory,
            "Metric": metrics_memory,
            "Curriculum": levels_memory,
        }
        motions = self.recorded.followed(x) if self._follows else {}
        judged = Judgement(terms, rewards.total(terms), ends, failure, timeout, told, motions)
        return judged, episode._replace(age=age, level=level, memory=memory)

    def _measured(
        self, parts: Parts, x: Context, memory: Mapping[str, sensing.Memory]
    ) -> dict[str, Float[Array, " size"]]:
        """What each recorded observation measures of the state of ``x``."""
        return {
            name: sensing.measured(
                parts["Observation"][name], _for(x, "Observation", name), memory[name]
            )
            for name in self._recorded
        }

    def follow(
        self,
        parts: Parts,
        key: Key[Array, ""],
        episode: Episode,
        world: Mapping[str, Array],
        action: Float[Array, " actions"],
    ) -> tuple[Episode, Inputs]:
        """The commands and observations of the next tick of the same episode.

        ``episode`` still has the action of the tick before; ``action`` is that of this tick.
        """
        x = self._context(key, episode, world, episode.age, action)
        told = {
            name: commands.following(
                part,
                replace(_for(x, "Command", name), motion=x.motions.get(name)),
                episode.memory["Command"][name],
            )
            for name, part in parts["Command"].items()
        }
        x = replace(x, commands={name: m.value for name, m in told.items()})
        x = replace(x, motions=self.recorded.at(told))
        readings, sensed = {}, {}
        for name, part in parts["Observation"].items():
            own = _for(x, "Observation", name)
            before = episode.memory["Observation"][name]
            readings[name], sensed[name] = sensing.following(part, own, before)
        memory = {**episode.memory, "Command": told, "Observation": sensed}
        return episode._replace(action=action, memory=memory), self._inputs(readings, x.commands)

    def begin(
        self,
        parts: Parts,
        key: Key[Array, ""],
        level: Levels,
        world: Mapping[str, Array],
        odds: Odds,
    ) -> tuple[Episode, Inputs]:
        """The memory and the first inputs of a new episode; ``odds`` as :meth:`start` has them."""
        own_key, key = key, name_key(key, "begin")
        zero = jnp.zeros(self.plan.action_size)
        x = Context(self.robot, world, jnp.float32(0.0), self.plan.period, level, key, zero, zero)
        x = replace(x, places=self._slices, labels=self._labels, frames=self._frames)
        x = replace(x, drawn=self.revealed.values(world))
        begun = self.recorded.begun(parts["Command"], own_key, odds)
        told = {
            n: commands.first(p, replace(_for(x, "Command", n), motion=begun.get(n)))
            for n, p in parts["Command"].items()
        }
        x = replace(x, commands={name: m.value for name, m in told.items()})
        x = replace(x, motions=self.recorded.at(told))
        readings, sensed = {}, {}
        for name, part in parts["Observation"].items():
            readings[name], sensed[name] = sensing.first(part, _for(x, "Observation", name))
        inputs = self._inputs(readings, x.commands)
        recorded = {name: readings[name].measured for name in self._recorded}
        x = replace(x, observations=recorded)
        memory: dict[str, dict[str, Any]] = {"Command": told, "Observation": sensed}
        for object, first in (
            ("Reward", rewards.first),
            ("Termination", rules.initial),
            ("Metric", metrics.first),
            ("Event", events.first),
            ("Curriculum", rules.initial),
        ):
            memory[object] = {n: first(p, _for(x, object, n)) for n, p in parts[object].items()}
        if self.recorded:
            memory[BEGINNINGS] = self.recorded.fresh()
        controls, memory["Action"] = self._first_controls(parts, x, own_key)
        return Episode(jnp.int32(0), level, zero, controls, memory), inputs

    def start(
        self,
        parts: Parts,
        key: Key[Array, ""],
        once: Key[Array, ""],
        level: Levels,
        column: Int[Array, ""],
        odds: Odds,
    ) -> tuple[Array, Array, Array, dict[str, Array]]:
        """The pose, the controls of a zero action and the model of a new episode.

        ``once`` is a key that stays the same throughout: what is drawn from it never changes.
        ``column`` is the environment's column of the terrain's grid. ``odds`` say for each recorded
        motion how likely an episode begins in each stretch of it.
        """
        own_key, key = key, name_key(key, "start")
        zero = jnp.zeros(self.plan.action_size)
        world: dict[str, Any] = {
            "qpos": jnp.array(self.robot.home, jnp.float32),
            "qvel": jnp.zeros(self.robot.nv),
        }
        x = Context(self.robot, world, jnp.float32(0.0), self.plan.period, level, key, zero)
        begun = self.recorded.begun(parts["Command"], own_key, odds)
        x = replace(x, column=column, motions=begun)
        lot = jax.random.uniform(name_key(key, "episodes"))
        for name, part in parts["Reset"].items():
            own, curriculum = _for(x, "Reset", name), self._followed.get(name)
            if curriculum is not None:
                own = replace(own, followed=level_of(level, curriculum))
            (qpos, qvel), _ = rules.apply(part, own, ())
            if part.episodes is not None:
                low, high = part.episodes
                acts = (low <= lot) & (lot < high)
                qpos = jnp.where(acts, qpos, x.world["qpos"])
                qvel = jnp.where(acts, qvel, x.world["qvel"])
            x = replace(x, world={"qpos": qpos, "qvel": qvel})
        pose, (controls, _) = x.world, self._first_controls(parts, x, own_key)
        x = replace(x, world=dict(self._model_defaults))
        for name, part in parts["Randomizer"].items():
            x = replace(x, key=key if part.draw == "episode" else name_key(once, "once"))
            x = replace(x, world=randomizers.drawn(part, _for(x, "Randomizer", name)))
        return pose["qpos"], pose["qvel"], controls, dict(x.world)

    def _inputs(
        self,
        readings: Mapping[str, sensing.Reading],
        told: Mapping[str, Float[Array, " size"]],
    ) -> Inputs:
        def gather(columns: tuple[Column, ...]) -> Array:
            return jnp.concatenate([piece(column) for column in columns] or [jnp.zeros(0)])

        def piece(column: Column) -> Array:
            if column.source.object == "Command":
                return told[column.source.name]
            reading = readings[column.source.name]
            return reading.noisy if column.noisy else reading.clean

        return Inputs(gather(self.plan.policy_input), gather(self.plan.critic_input))

    def _context(
        self,
        key: Key[Array, ""],
        episode: Episode,
        world: Mapping[str, Array],
        age: Int[Array, ""],
        action: Float[Array, " actions"],
    ) -> Context:
        return Context(
            robot=self.robot,
            world=world,
            time=age * self.plan.period,
            period=self.plan.period,
            level=episode.level,
            key=key,
            action=action,
            previous_action=episode.action,
            places=self._slices,
            commands={name: m.value for name, m in episode.memory["Command"].items()},
            labels=self._labels,
            frames=self._frames,
            drawn=self.revealed.values(world),
            motions=self.recorded.at(episode.memory["Command"]),
        )

    def in_action_order(self, parts: Parts) -> list[tuple[str, Action]]:
        return [(name, parts["Action"][name]) for name in self.plan.actions()]

    def _action_slices(self) -> dict[str, slice]:
        slices, start = {}, 0
        for name, part in self.in_action_order(self.parts):
            slices[name] = slice(start, start + part.size(self.robot))
            start = slices[name].stop
        return slices


def _ordered(parts: Mapping[str, Any]) -> dict[str, Any]:
    """By name; resets of the whole state before the others."""

    def place(item: tuple[str, Any]) -> tuple[bool, str]:
        name, part = item
        return not (isinstance(part, Reset) and part.whole), name

    return dict(sorted(parts.items(), key=place))


def _for(x: Context, object: str, name: str) -> Context:
    """The context with the random key of one part."""
    return replace(x, key=name_key(x.key, f"{object}.{name}"))


def _any(values: Iterable[Any]) -> Any:
    found = jnp.bool_(False)
    for value in values:
        found = found | value
    return found

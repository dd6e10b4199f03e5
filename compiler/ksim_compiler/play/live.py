"""A policy in one environment that runs while somebody watches."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ksim_compiler.env import Env, EnvState
from ksim_compiler.learn.run.compiling import quickly
from ksim_compiler.learn.run.policy import Policy
from ksim_compiler.lowering.context import name_key
from ksim_compiler.plan import Plan
from ksim_compiler.play.commands import Dial, dials, held
from ksim_compiler.play.ghost import References
from ksim_compiler.play.record import flat


class Live:
    """An environment that runs a tick at a time, with commands that can be changed.

    Args:
        plan: the task.
        policy: what acts.
        seed: of all random numbers.

    Attributes:
        dials: the elements of commands that can be held.
        held: those that are, and at what value.
        terms: reward term -> what it gave in the last tick; empty before the first.
    """

    def __init__(self, plan: Plan, policy: Policy, seed: int) -> None:
        self.plan, self.policy = plan, policy
        self.env = Env(plan.held(policy.level), "native", envs=1, threads=1)
        self.params: Any = self.env.params
        self.dials: tuple[Dial, ...] = tuple(dials(plan, self.params))
        self.held: dict[Dial, float] = {}
        self._references = References(plan)
        self._key = name_key(jax.random.key(seed), "play")
        self._init = jax.jit(self.env.init, compiler_options=quickly(0))
        self._step = jax.jit(self._tick, compiler_options=quickly(2))
        self._episodes = 0
        self.begin()

    def begin(self) -> None:
        """A new episode; the first is that of ``ksim-play`` with the same seed."""
        key = jax.random.fold_in(self._key, self._episodes) if self._episodes else self._key
        self.state: EnvState = self._init(self.params, key)
        self.carry: Any = self.policy.actor.network.initial_carry(1)
        self.start = jnp.zeros(1)
        self._episodes += 1
        self.terms: dict[str, float] = {}

    def tick(self) -> None:
        """One control tick."""
        self.state, self.carry, self.start, terms = self._step(
            self.params,
            (self.policy.actor, self.policy.normalizer),
            self.state,
            self.carry,
            self.start,
        )
        self.terms = {name: float(value[0]) for name, value in jax.device_get(terms).items()}

    @property
    def qpos(self) -> np.ndarray:
        """The pose now, (nq,)."""
        return np.asarray(self.state.world["qpos"][0])

    @property
    def qvel(self) -> np.ndarray:
        """The velocities now, (nv,)."""
        return np.asarray(self.state.world["qvel"][0])

    @property
    def reference(self) -> np.ndarray | None:
        """The pose that a recorded motion has now, (nq,); None in a task without one."""
        if not self._references:
            return None
        place = flat(self.state.places[self._references.command])
        return self._references.qpos(np.asarray(place, np.float64))

    @property
    def seconds(self) -> float:
        """Time since the episode began."""
        return int(self.state.episode.age[0]) * self.plan.period

    def target(self, dial: Dial) -> float:
        """What an element is on its way to."""
        return float(self.state.drawn(dial.command)[0, dial.index])

    def hold(self, name: str, label: str, value: float) -> None:
        """Hold an element of a command at a value from now on, in SI units.

        Raises:
            CommandError: there is no such command or element.
        """
        self.params = held(self.params, self.plan, name, label, value)
        (dial,) = (d for d in self.dials if (d.command, d.label) == (name, label))
        self.held[dial] = value
        self.state = self.state.redrawn(name, dial.index, value)

    def release(self) -> None:
        """Let the task draw its commands again, from the next draw on."""
        self.params = self.env.params
        self.held.clear()

    def _tick(
        self, params: Any, learned: Any, state: EnvState, carry: Any, start: Float[Array, "1"]
    ) -> tuple[EnvState, Any, Float[Array, "1"], dict[str, Float[Array, "1"]]]:
        actor, normalizer = learned
        action, carry = actor.mode(normalizer, state.policy_input, carry, start)
        state, step = self.env.step(params, state, action)
        return state, carry, step.done.astype(jnp.float32), dict(step.reward_terms)

"""The lowered task: a batch of environments with ``init`` and ``step``, pure and jittable.

One tick, in this order (the plan's schedule): the action becomes controls, events push, the
engine steps the physics, terminations and rewards read the record of the tick, the curriculum
moves, finished environments are reset, and the next tick's inputs are observed. Rewards,
terminations and the curriculum see the state after the action, the observations that they name
measured of that state, the action, and the commands that the policy was told before it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from ksim_compiler.engine import EngineSpec, State, make_engine
from ksim_compiler.engine.base import full_precision, where_masked
from ksim_compiler.env.across import ALONE, Across
from ksim_compiler.env.episode import CutOff, Episode, Inputs
from ksim_compiler.env.motions import BEGINNINGS, Odds
from ksim_compiler.env.step import Step
from ksim_compiler.env.tick import NON_FINITE, Parts, Tick
from ksim_compiler.lowering import command as commands
from ksim_compiler.lowering.binding import Parameters
from ksim_compiler.lowering.context import name_key
from ksim_compiler.lowering.curriculum import first_level
from ksim_compiler.lowering.custom import check_rules
from ksim_compiler.lowering.motion import Place, Tally
from ksim_compiler.lowering.scale import Levels, joined, level_of
from ksim_compiler.motion.library import Library
from ksim_compiler.plan import Plan
from ksim_schema.vocabulary.curriculum import TerrainLevel


class EnvState(NamedTuple):
    """A batch of environments between two ticks. Every array but key and tick leads with it."""

    physics: State
    world: dict[str, Array]
    episode: Episode
    inputs: Inputs
    key: Key[Array, ""]
    tick: Int[Array, ""]

    @property
    def places(self) -> dict[str, Place]:
        """Where each recorded motion is, as the policy is told (batched)."""
        told = self.episode.memory["Command"]
        return {name: m.state for name, m in told.items() if isinstance(m.state, Place)}

    @property
    def policy_input(self) -> Float[Array, "envs policy"]:
        """The policy's input: noisy observations and commands."""
        return self.inputs.policy

    @property
    def critic_input(self) -> Float[Array, "envs critic"]:
        """The critic's input."""
        return self.inputs.critic

    @property
    def commands(self) -> dict[str, Float[Array, "envs size"]]:
        """Command -> what the policy is told."""
        memories: dict[str, commands.Memory] = self.episode.memory["Command"]
        return {name: memory.value for name, memory in memories.items()}

    def drawn(self, command: str) -> Float[Array, "envs size"]:
        """The last draw of a command that is drawn, which it may still be on its way to."""
        draw: commands.Draw = self.episode.memory["Command"][command].state
        return draw.target

    def redrawn(self, command: str, index: int, value: float) -> EnvState:
        """The state in which an element of a command was drawn as ``value``, in SI units."""
        memory = self.episode.memory
        before: commands.Memory = memory["Command"][command]
        target = before.state.target.at[:, index].set(value)
        after = before._replace(state=before.state._replace(target=target))
        changed = {**memory, "Command": {**memory["Command"], command: after}}
        return self._replace(episode=self.episode._replace(memory=changed))


class Env:
    """A task as a batch of environments on an engine.

    Attributes:
        params: the task's numbers, the default for the ``params`` that ``init`` and ``step`` take.
        num_envs: batch size; of a batch that is cut into shards, the size of one.
        across: the shards.
        action_size: length of the policy's output.
        policy_size: length of the policy's input.
        critic_size: length of the critic's input; 0 without a critic.
        reward_names: the reward terms; those of a reward with components are
            ``<reward>.<component>``.
        termination_names: the terminations, ``non_finite`` among them.
        measure_names: the metrics of an episode, as they are called in logs.
        reflection: what inputs and actions turn into in a mirror, when the training uses it.
    """

    def __init__(
        self,
        plan: Plan,
        engine: str = "auto",
        envs: int | None = None,
        threads: int = 0,
        stagger: int = 0,
        longest: int = 0,
        across: Across = ALONE,
        beside: int = 1,
        follows: bool = False,
    ) -> None:
        """Lower a plan.

        Args:
            plan: a plan that all passes have seen.
            engine: auto, mjx, warp or native.
            envs: batch size; that of the task by default.
            threads: threads of a CPU engine, 0 for all cores.
            stagger: each environment is cut off once, as by a time limit, at a random one of this
                many first ticks. Otherwise all episodes that last to the limit begin together for
                ever, and a learner sees beginnings only then.
            longest: episodes are cut off after this many ticks; 0 for never.
            across: the shards that the batch is cut into: this is one of them, and ``init`` and
                ``step`` are to be mapped over all. Their number divides the batch.
            beside: how many of the shards this process steps.
            follows: whether steps tell how recorded motions are followed, as evaluations ask.

        Raises:
            EngineUnavailable: the engine cannot run here.
            ValueError: the engine cannot run this model.
            TaskError: the rule of a component of the task's own file fails.
        """
        check_rules(plan)
        self.plan, self.robot = plan, plan.robot.facts
        self.num_envs = (envs or plan.task.learner.envs) // across.shards
        self.across = across
        self._stagger, self._longest = stagger, longest
        self.action_size = plan.action_size
        self.policy_size = plan.policy_input[-1].stop
        self.critic_size = plan.critic_input[-1].stop if plan.critic_input else 0
        actuators = self.robot.actuators
        held = np.array([plan.robot.held.get(name, 0.0) for name in actuators])
        self.engine = make_engine(
            engine,
            EngineSpec(
                model=plan.robot.model,
                envs=self.num_envs,
                substeps=plan.substeps,
                fields=plan.fields,
                model_fields=plan.model_fields,
                threads=threads,
                beside=beside,
                act=plan.robot.act,
                told=held,
                settle=plan.settle_steps,
            ),
        )
        defaults = self.engine.spec.model_defaults()
        defaults = {name: jnp.asarray(value, jnp.float32) for name, value in defaults.items()}
        self._tick = Tick(plan, defaults, follows)
        self.params: Parameters = self._tick.parameters()
        self.reward_names = self._tick.reward_names
        self.termination_names = self._tick.termination_names
        self.measure_names = self._tick.measure_names
        self.reflection = plan.reflection
        self._drives = np.array([actuators.index(name) for name in plan.controls])
        self._held = held.astype(np.float32)

    @property
    def libraries(self) -> Mapping[str, Library]:
        """The clips of each command that is a recorded motion."""
        return self._tick.recorded.libraries

    @full_precision
    def init(self, params: Parameters, key: Key[Array, ""]) -> EnvState:
        """All environments at the start of an episode.

        Args:
            params: the task's numbers, as ``self.params``.
            key: the random key that all draws of these environments come from.
        """
        parts = self._tick.bind(params)
        tick = jnp.int32(0)
        keys = self._keys(key, tick)
        level = self._first_levels(parts, keys)
        odds = self._tick.recorded.odds(parts["Command"], self._tick.recorded.fresh())
        qpos, qvel, controls, model = self._start(parts, key, keys, level, odds)
        physics, world = self.engine.reset(qpos, qvel, model, self._of_all(controls))
        episode, inputs = jax.vmap(lambda k, d, w: self._tick.begin(parts, k, d, w, odds))(
            keys, level, self._tick.revealed.beside(world, physics.model)
        )
        return EnvState(physics, world, episode, inputs, key, tick)

    @full_precision
    def step(
        self, params: Parameters, state: EnvState, action: Float[Array, "envs actions"]
    ) -> tuple[EnvState, Step]:
        """One control tick of every environment, with automatic resets."""
        parts = self._tick.bind(params)
        tick = state.tick + 1
        keys = self._keys(state.key, tick)
        episode = state.episode
        controls, ctrl, acted = jax.vmap(lambda k, e, w, a: self._tick.act(parts, k, e, w, a))(
            keys, episode, state.world, action
        )
        push, wrench, disturbed = jax.vmap(lambda k, e: self._tick.disturb(parts, k, e))(
            keys, episode
        )
        events = self._tick.parts["Event"].values()
        physics, world = self.engine.step(
            state.physics,
            self._full_ctrl(ctrl),
            push if any(not event.pulls for event in events) else None,
            wrench if any(event.pulls for event in events) else None,
        )
        seen = self._tick.revealed.beside(world, physics.model)
        judged, following = jax.vmap(lambda k, e, w, a, c: self._tick.judge(parts, k, e, w, a, c))(
            keys, episode, seen, action, self._cut_off(state)
        )
        following.memory.update(Event=disturbed, Action=acted)
        following = following._replace(controls=controls)
        following, inputs = jax.vmap(lambda k, e, w, a: self._tick.follow(parts, k, e, w, a))(
            keys, following, seen, action
        )
        broken = judged.terminations[NON_FINITE][:, None]
        final_critic = jnp.where(broken, state.inputs.critic, inputs.critic)
        final_policy = jnp.where(broken, state.inputs.policy, inputs.policy)
        done = judged.failure | judged.timeout
        after = EnvState(physics, world, following, inputs, state.key, tick)
        odds = self._odds(parts, after)  # of all shards, whether or not an episode ends in this one
        after = jax.lax.cond(
            jnp.any(done), lambda s: self._restart(parts, keys, done, s, odds), lambda s: s, after
        )
        return after, Step(
            reward=judged.reward,
            reward_terms=judged.terms,
            failure=judged.failure,
            timeout=judged.timeout,
            terminations=judged.terminations,
            next_critic_input=final_critic,
            measures=judged.measures,
            motions=judged.motions,
            metrics=self._level_metrics(state.key, following.level),
            next_policy_input=final_policy,
        )

    def model_values(self, state: EnvState) -> dict[str, Array]:
        """Field of the model that is drawn at random -> (envs, *shape) its values now."""
        return dict(state.physics.model)

    def _start(
        self,
        parts: Parts,
        key: Key[Array, ""],
        keys: Key[Array, " envs"],
        level: Levels,
        odds: Odds,
    ) -> tuple[Array, Array, Array, dict[str, Array]]:
        """Poses, first controls and models of new episodes (batched)."""
        once = self._keys(key, jnp.int32(0))
        return jax.vmap(lambda k, o, d, c: self._tick.start(parts, k, o, d, c, odds))(
            keys, once, level, self.across.own(self._columns(key))
        )

    def _columns(self, key: Key[Array, ""]) -> Int[Array, " whole"]:
        """The column of the terrain's grid that each environment has throughout, in all shards."""
        count = len(self.robot.grid.kinds) if self.robot.grid else 1
        first = jax.random.randint(name_key(key, "column"), (), 0, count)
        return (first + jnp.arange(self.across.shards * self.num_envs)) % count

    def _restart(
        self,
        parts: Parts,
        keys: Key[Array, " envs"],
        done: Bool[Array, " envs"],
        state: EnvState,
        odds: Odds,
    ) -> EnvState:
        """New episodes for the environments that are done (batched)."""
        level = state.episode.level
        qpos, qvel, controls, model = self._start(parts, state.key, keys, level, odds)
        physics, world = self.engine.reset_where(
            done, state.physics, state.world, qpos, qvel, model, self._of_all(controls)
        )
        episode, inputs = jax.vmap(lambda k, d, w: self._tick.begin(parts, k, d, w, odds))(
            keys, level, self._tick.revealed.beside(world, physics.model)
        )
        # what a curriculum counts goes on from episode to episode, and where motions fail
        episode.memory["Curriculum"] = state.episode.memory["Curriculum"]
        if self._tick.recorded:
            episode.memory[BEGINNINGS] = state.episode.memory[BEGINNINGS]

        choose = functools.partial(where_masked, done)
        return state._replace(
            physics=physics,
            world=world,
            episode=jax.tree.map(choose, episode, state.episode),
            inputs=jax.tree.map(choose, inputs, state.inputs),
        )

    def _odds(self, parts: Parts, state: EnvState) -> Odds:
        """Where episodes of recorded motions begin, by what all environments have counted."""
        if not self._tick.recorded:
            return {}
        counted: dict[str, Tally] = state.episode.memory[BEGINNINGS]
        mean = self.across.mean(jax.tree.map(lambda count: jnp.mean(count, axis=0), counted))
        return self._tick.recorded.odds(parts["Command"], mean)

    def _cut_off(self, state: EnvState) -> CutOff:
        """Where the training ends an episode with the tick after this state (batched)."""
        length = stagger = jnp.zeros(self.num_envs, bool)
        if self._stagger:
            key, last = name_key(state.key, "stagger"), self._stagger + 1
            key = self.across.key(key, self.num_envs)
            stagger = jax.random.randint(key, (self.num_envs,), 1, last) == state.tick + 1
        if self._longest:
            length = state.episode.age + 1 >= self._longest
        return CutOff(length, stagger)

    def _keys(self, key: Key[Array, ""], tick: Int[Array, ""]) -> Key[Array, " envs"]:
        """A key for each environment at a tick, by its place in the whole batch, of any size."""
        tick_key = jax.random.fold_in(key, tick)
        return jax.vmap(lambda i: jax.random.fold_in(tick_key, i))(
            self.across.indices(self.num_envs)
        )

    def _full_ctrl(self, ctrl: Float[Array, "envs substeps drives"]) -> Array:
        """The controls of a tick, of each physics step where they may differ."""
        if not any(part.within_tick for part in self._tick.parts["Action"].values()):
            ctrl = ctrl[:, 0]
        return self._of_all(ctrl)

    def _of_all(self, ctrl: Float[Array, "... drives"]) -> Float[Array, "... nu"]:
        """The controls of all actuators; those that no action drives are held at home."""
        if np.array_equal(self._drives, np.arange(self.robot.nu)):
            return ctrl
        held = jnp.broadcast_to(self._held, (*ctrl.shape[:-1], self.robot.nu))
        return held.at[..., self._drives].set(ctrl)

    def _first_levels(self, parts: Parts, keys: Key[Array, " envs"]) -> Any:
        """The levels at the start of training (batched)."""

        def first(key: Key[Array, ""]) -> Any:
            curricula = parts["Curriculum"].items()
            keys = {name: name_key(key, f"Curriculum.{name}") for name, _ in curricula}
            return joined({n: first_level(c, keys[n], self.robot) for n, c in curricula})

        levels = jax.vmap(first)(keys)
        return jnp.zeros(self.num_envs) if levels is None else levels

    def _level_metrics(self, key: Key[Array, ""], level: Any) -> dict[str, Float[Array, " envs"]]:
        """The levels; of one that decides the tiles of a terrain, also that of each kind of ground.

        A kind's are scaled so that their mean over all environments is that of its own.
        """
        curricula, found = self._tick.parts["Curriculum"], dict[str, Array]()
        for name, part in curricula.items():
            title = f"level.{name}" if len(curricula) > 1 else "level"
            found[title] = own = level_of(level, name)
            if isinstance(part, TerrainLevel) and self.robot.grid is not None:
                kinds = self.robot.grid.kinds
                columns = self._columns(key)
                for kind in dict.fromkeys(kinds):
                    mine = jnp.array([k == kind for k in kinds])[columns]
                    found[f"{title}.{kind}"] = own * self.across.own(mine) / jnp.mean(mine)
        return found

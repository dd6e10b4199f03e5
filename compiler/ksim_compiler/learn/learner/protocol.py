"""What the run of a training, and whatever reads its checkpoints, know of a learner.

A learner is declared in ``ksim_schema.vocabulary.learner`` and computed in a room of this package
that is called as its section, in lower case. The room's ``__init__`` has two names: ``build``, of
the type of :func:`build`, and ``CHARTS``, what a run's report draws of the numbers it logs.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import (
    Any,
    NamedTuple,
    Protocol,
    TypeAlias,
    TypeVar,
    cast,
    runtime_checkable,
)

from jaxtyping import Array, Float, Int, Key, PyTree

from ksim_compiler.env.across import ALONE, Across
from ksim_compiler.env.step import Step
from ksim_compiler.learn.nets.actor_critic import Actor as ActorNetwork
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_compiler.lowering.scale import Levels
from ksim_compiler.plan import Reflection
from ksim_compiler.plan.logged import Chart as Chart
from ksim_schema.vocabulary.actor_critic import Actor, ValueCritic
from ksim_schema.vocabulary.learner import Learner

Params: TypeAlias = PyTree[Array]
"""Runtime parameters of the environment: an argument of the jitted step, never a constant."""
Metrics: TypeAlias = dict[str, Float[Array, ""]]
"""Numbers of one iteration by name, such as ``episode/return`` and ``loss/value``."""


@runtime_checkable
class Episode(Protocol):
    """What a batch of environments remembers from tick to tick, apart from its physics: a pytree
    with at least these fields.

    Attributes:
        level: the curriculum's; of several curricula, that of each, by name.
        controls: those of the actuators in the last tick.
        memory: object of the schema -> part -> a pytree, the part's own.
    """

    @property
    def level(self) -> Levels: ...
    @property
    def controls(self) -> Float[Array, "envs drives"]: ...
    @property
    def memory(self) -> Mapping[str, Mapping[str, PyTree[Array]]]: ...


@runtime_checkable
class EnvState(Protocol):
    """State of a batch of environments: a pytree with at least these fields.

    Attributes:
        policy_input: (envs, policy_size) what the policy reads, noisy, with the commands.
        critic_input: (envs, critic_size) what the critic reads.
        world: field of MuJoCo's MjData -> (envs, ...); ``qpos`` and ``qvel`` are among them.
        episode: what the environments remember apart from their physics.
    """

    @property
    def policy_input(self) -> Float[Array, "envs policy"]: ...
    @property
    def critic_input(self) -> Float[Array, "envs critic"]: ...
    @property
    def world(self) -> Mapping[str, Array]: ...
    @property
    def episode(self) -> Episode: ...


S = TypeVar("S", bound=EnvState)
"""The state of a certain kind of environments: they are given back no state but theirs."""
R = TypeVar("R")


@runtime_checkable
class Env(Protocol[S]):
    """A batch of environments; pure functions of arrays."""

    num_envs: int
    action_size: int
    policy_size: int
    critic_size: int
    reward_names: tuple[str, ...]
    termination_names: tuple[str, ...]
    measure_names: tuple[str, ...]
    reflection: Reflection | None

    def init(self, params: Params, key: Key[Array, ""]) -> S:
        """The state of a freshly reset batch."""
        ...

    def step(
        self, params: Params, state: S, action: Float[Array, "envs actions"]
    ) -> tuple[S, Step]:
        """One control tick. Environments whose episode ends come back reset."""
        ...


@runtime_checkable
class Networks(Protocol):
    """What is trained: a named tuple with the policy's network, and the critic's where it has one.

    Attributes:
        actor: what acts.
    """

    @property
    def actor(self) -> ActorNetwork: ...


@runtime_checkable
class State(Protocol):
    """Everything that one iteration passes to the next: a named tuple of pytrees of arrays.

    Saving it whole makes a resume exact. Its arrays are saved under their path in it, so that the
    names of these fields are what a policy is found by in a checkpoint. Where a learner has them,
    a warm start also moves ``networks.critic``, Adam's moments in ``optimizer``, and the statistics
    in ``critic_normalizer`` and ``value_normalizer``.

    Attributes:
        networks: what is trained; its actor is the policy, with
        policy_normalizer: the statistics of the policy's input, None when it is not normalized.
        env: state of the environments.
        key: base key of all random numbers of the training.
        iteration: number of iterations done.
        rollbacks: number of iterations that were thrown away because a number in them was not
            finite. It enters the random numbers, so that the next attempt is another one.
    """

    @property
    def networks(self) -> Networks: ...
    @property
    def policy_normalizer(self) -> Normalizer | None: ...
    @property
    def env(self) -> EnvState: ...
    @property
    def key(self) -> Key[Array, ""]: ...
    @property
    def iteration(self) -> Int[Array, ""]: ...
    @property
    def rollbacks(self) -> Int[Array, ""]: ...

    def _replace(self: R, **fields: Any) -> R: ...


T = TypeVar("T", bound=State)
"""The state of a certain learner."""
W = TypeVar("W")
"""What is watched of the environments before each tick: a pytree of arrays."""


class Replay(NamedTuple):
    """The rollout of an iteration, to find out what went wrong in it; all leads with (ticks, envs).

    Attributes:
        policy_input, critic_input: as the environments gave them.
        start: 1.0 where an episode begins with the tick.
        action: what was done.
        step: what came of it.
    """

    policy_input: Float[Array, "ticks envs policy"]
    critic_input: Float[Array, "ticks envs critic"]
    start: Float[Array, "ticks envs"]
    action: Float[Array, "ticks envs actions"]
    step: Step


@runtime_checkable
class Algorithm(Protocol[T]):
    """A learner on a batch of environments: pure functions of arrays, which can be jitted."""

    @property
    def numbers(self) -> Params:
        """Numbers of the learner that its functions take among the runtime parameters, under names
        that no object of the schema has. Trainings that differ in nothing else share a program."""
        ...

    def init(self, params: Params, key: Key[Array, ""]) -> T:
        """The state before the first iteration."""
        ...

    def collect(self, params: Params, state: T) -> Any:
        """Run the policy: ``rollout`` ticks of each environment.

        Returns:
            A pytree of arrays, for :meth:`learn`. The two halves of an iteration are compiled
            apart, and at the same time.
        """
        ...

    def learn(self, params: Params, state: T, collected: Any) -> tuple[T, Metrics]:
        """Learn of what was collected, which ends the iteration.

        Args:
            params, state: as for :meth:`collect`.
            collected: what :meth:`collect` returned.

        Returns:
            The state after, and numbers to log. Where ``guard/finite`` among them is 0, something
            in the state after is not a finite number, and the state before is the last good one.
        """
        ...

    def replay(
        self, params: Params, state: T, watch: Callable[[EnvState], W]
    ) -> tuple[Replay, W, EnvState]:
        """The rollout of the iteration after a state once more, exactly.

        Args:
            params, state: as for :meth:`collect`.
            watch: what to keep of the environments' state before each tick.

        Returns:
            The ticks; what was watched, which leads with (ticks, envs); the state of the
            environments after the last tick.
        """
        ...


@runtime_checkable
class Spread(Protocol[T]):
    """An algorithm that trains on several devices, each with its shard of the environments.

    Its functions are then those of one shard: what is reduced over environments goes through the
    :class:`~ksim_compiler.env.across.Across` that its room's ``build`` was given as ``across``.
    """

    def lies(self, state: T) -> T:
        """How the arrays of a state lie on the devices: a PartitionSpec for each, as
        :func:`~ksim_compiler.env.across.by_rows` and :func:`~ksim_compiler.env.across.alike` give
        them."""
        ...

    def collected_lies(self, collected: Any) -> Any:
        """The same of what :meth:`Algorithm.collect` returns."""
        ...


def build(
    env: Env[S],
    learner: Learner,
    actor: Actor,
    critic: ValueCritic | None,
    across: Across = ALONE,
) -> Algorithm[State]:
    """A learner's algorithm.

    Args:
        env: the environments.
        learner: its hyperparameters.
        actor, critic: the policy and the critic as declared; a critic is there when the learner
            trains one.
        across: the shards that the environments are cut into. Where there are several, the learner
            is one that says so: ``Learner.spreads``.
    """
    own = cast("Env[EnvState]", env)  # a learner gives it no state but those that it came from
    cut = {} if across.alone else {"across": across}
    return cast("Algorithm[State]", _room(learner).build(own, learner, actor, critic, **cut))


def charts(learner: Learner) -> tuple[Chart, ...]:
    """What a run's report draws of a learner's own numbers."""
    return cast("tuple[Chart, ...]", _room(learner).CHARTS)


def _room(learner: Learner) -> ModuleType:
    return importlib.import_module(f"ksim_compiler.learn.{learner.section.lower()}")

"""What a run learns, apart from its environments: what another run may begin with."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np

from ksim_compiler.learn.learner import Networks, State
from ksim_compiler.learn.nets.distributions import Head
from ksim_compiler.learn.nets.normalizer import Normalizer
from ksim_compiler.learn.run import checkpoint, policy_file
from ksim_compiler.learn.run.checkpoint import CheckpointError

STATISTICS = ("count", "mean", "variance")


@runtime_checkable
class Judged(Networks, Protocol):
    """Networks of a learner that has a critic."""

    @property
    def critic(self) -> Any: ...


class Learned(NamedTuple):
    """The fields of a learner's state that another run may begin with; None where it has none.

    Attributes:
        networks: the actor, and the critic where there is one.
        optimizer: Adam's moments.
        policy_normalizer, critic_normalizer, value_normalizer: statistics of inputs and returns.
    """

    networks: Any
    optimizer: Any
    policy_normalizer: Normalizer | None
    critic_normalizer: Normalizer | None
    value_normalizer: Normalizer | None

    @classmethod
    def of(cls, state: State) -> Learned:
        """What a state holds of it."""
        return cls(*(getattr(state, name, None) for name in cls._fields))


class Means(NamedTuple):
    """Of each column the mean over the environments of a checkpoint; None where not known.

    It tells what a network read in the end, also where no statistics are kept of its input.
    """

    policy: np.ndarray | None = None
    critic: np.ndarray | None = None


def read(run: Path, like: Learned, head: Head) -> tuple[Learned, Means]:
    """What a run had learned at its newest good checkpoint, and what its networks read then.

    Args:
        run: the run's folder, or a policy file, which holds no moments of Adam.
        like: of networks of the same kinds, whatever the sizes of their arrays.
        head: that of its policy's distribution, with any arrays.

    Raises:
        CheckpointError: there is none that can be read, or its networks differ.
    """
    newest = policy_file.learned(run)
    if newest is None:
        raise CheckpointError(f"{run} holds no checkpoint")
    arrays = newest.state
    normalizers = {
        name: Normalizer(*(jnp.asarray(arrays[f"{name}.{n}"]) for n in STATISTICS))
        if f"{name}.mean" in arrays
        else None
        for name in ("policy_normalizer", "critic_normalizer", "value_normalizer")
    }
    like = like._replace(**normalizers)
    if not any(name.startswith("optimizer.") for name in arrays):
        like = like._replace(optimizer=None)
    for name in checkpoint.arrays(like):
        if name not in arrays:
            raise CheckpointError(f"{newest.path} is of another task: it lacks {name}")
    there = checkpoint.with_arrays(like, arrays)
    actor = there.networks.actor
    head = Head(actor.head.raw_std, head.spec, head.actions)
    networks = there.networks._replace(actor=type(actor)(actor.network, head))
    inputs = (arrays.get(f"env.inputs.{name}") for name in Means._fields)
    means = Means(*(None if x is None else x.mean(axis=0, dtype=np.float64) for x in inputs))
    return there._replace(networks=networks), means

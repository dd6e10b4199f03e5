"""Brax's PPO on MuJoCo Playground's Go1; runs in the environment of the peer brax.

    python -m benchmarks.peers.brax_train --root GO1 --out FOLDER [--seed 0] [--steps 4000000]

The task is Go1JoystickFlatTerrain. The settings are Playground's own for it, but for three: the
simulation is MJX in JAX (`warp` needs a GPU), nothing is evaluated in between, and it ends after
fewer steps than the 200M of them.
"""
# pyright: reportMissingImports=false

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import stamps

TASK = "Go1JoystickFlatTerrain"


def link(root: Path) -> None:
    """Give Playground the Menagerie that is here, which it would clone otherwise."""
    from mujoco_playground._src import mjx_env

    place = Path(mjx_env.MENAGERIE_PATH)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)  # a link that leads nowhere
        place.symlink_to(root.parent.resolve(), target_is_directory=True)


def replicated(tree: Any, devices: Sequence[Any]) -> Any:
    """`jax.device_put_replicated`, which Brax 0.14 calls and JAX 0.10 no longer has."""
    import jax
    import jax.numpy as jnp

    return jax.tree.map(lambda leaf: jnp.stack([jnp.asarray(leaf)] * len(devices)), tree)


def arrays(params: Any) -> dict[str, np.ndarray]:
    """What acting takes, as `players.Plain` reads it."""
    normalizer, policy = params[0], params[1]["params"]
    found = {
        "mean": np.asarray(normalizer.mean["state"]),
        "scale": 1 / np.asarray(normalizer.std["state"]),
    }
    for place in range(len(policy)):
        layer: Mapping[str, Any] = policy[f"hidden_{place}"]
        found[f"weight{place}"] = np.asarray(layer["kernel"]).T
        found[f"bias{place}"] = np.asarray(layer["bias"])
    return found


def main() -> None:
    """Train, and leave checkpoints."""
    since = stamps.begun()
    parser = stamps.command_line(__doc__)
    parser.add_argument("--steps", type=int, default=4_000_000)
    parser.add_argument("--envs", type=int, default=8192)
    options = parser.parse_args()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    link(options.root)
    import jax
    from brax.training.agents.ppo import networks, train as ppo
    from mujoco_playground import registry, wrapper
    from mujoco_playground.config import locomotion_params

    if not hasattr(jax, "device_put_replicated"):
        setattr(jax, "device_put_replicated", replicated)  # noqa: B010
    env = registry.load(TASK, config_overrides={"impl": "jax"})
    settings = dict(locomotion_params.brax_ppo_config(TASK, "jax"))
    network = functools.partial(networks.make_ppo_networks, **settings.pop("network_factory"))
    share = options.envs / settings["num_envs"]
    settings["num_envs"] = options.envs
    settings["batch_size"] = max(1, round(settings["batch_size"] * share))
    update = settings["batch_size"] * settings["num_minibatches"] * settings["unroll_length"]
    updates = max(1, -(-options.steps // update))
    settings |= {"num_timesteps": updates * update, "num_resets_per_eval": 1}
    settings |= {"num_evals": updates + 1, "run_evals": False}

    def keep(steps: int, make_policy: Any, params: Any) -> None:
        if steps:
            stamp = stamps.write(options.out, int(steps), arrays(params), since)
            print(f"{steps:12,} steps  {stamp.seconds:8.1f} s", flush=True)

    ppo.train(
        environment=env,
        wrap_env_fn=wrapper.wrap_for_brax_training,
        network_factory=network,
        policy_params_fn=keep,
        seed=options.seed,
        **settings,
    )


if __name__ == "__main__":
    main()

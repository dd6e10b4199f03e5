"""Learners of others train the cartpole through the adapters: `make test-adapters` runs these.

Each needs a package that is large, and stays out of the project's own environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ksim_compiler as ksim
from tests.support.samples import blocks

pytestmark = [pytest.mark.adapters, pytest.mark.slow]
FALLEN = 45.0
"""Ticks that a pole stands which nobody balances, and more; a whole episode has 500."""
PAGE = "docs/python.md"


def sample(first: str) -> str:
    (found,) = (b for b in blocks(PAGE) if b.first.startswith(first) and b.language == "python")
    return found.text


def test_stable_baselines3_finds_nothing_wrong_and_learns() -> None:
    pytest.importorskip("stable_baselines3")
    from stable_baselines3.common.env_checker import check_env
    from stable_baselines3.common.evaluation import evaluate_policy

    from ksim_compiler.adapters.gymnasium import KsimEnv
    from ksim_compiler.adapters.stable_baselines3 import KsimVecEnv

    check_env(KsimEnv("cartpole"), warn=True, skip_render_check=True)
    made: dict[str, Any] = {}
    exec(sample("from stable_baselines3 import PPO"), made)
    judge = KsimVecEnv("cartpole", 16)
    judge.seed(1)
    _, lengths = evaluate_policy(made["model"], judge, 16, return_episode_rewards=True)
    print(f"Stable-Baselines3: a pole stands {np.mean(lengths):.0f} of 500 ticks")
    assert np.mean(lengths) > 3 * FALLEN, lengths


def test_stable_baselines3_is_told_how_an_episode_ends() -> None:
    pytest.importorskip("stable_baselines3")
    from ksim_compiler.adapters.stable_baselines3 import KsimVecEnv

    short = ksim.compile("cartpole", set={"Termination.time_limit.after": "60 ms"})
    env = KsimVecEnv(short, 2)
    env.reset()
    told = [env.step(np.zeros((2, 1), np.float32)) for _ in range(3)]
    assert [row[2].tolist() for row in told] == [[False] * 2, [False] * 2, [True] * 2]
    info = told[-1][3][1]
    assert info["TimeLimit.truncated"] is True
    assert info["terminal_observation"].shape == (4,)
    assert info["episode"]["l"] == 3
    assert info["episode"]["r"] == pytest.approx(sum(row[1][1] for row in told), rel=1e-5)


def test_brax_learns() -> None:
    pytest.importorskip("brax")
    made: dict[str, Any] = {}
    exec(sample("from brax.training.agents.ppo import train"), made)
    lengths = [row["eval/avg_episode_length"] for row in made["told"]]
    print("Brax: a pole stands", ", ".join(f"{n:.0f}" for n in lengths), "of 500 ticks")
    assert lengths[-1] > 3 * FALLEN
    assert lengths[-1] > 2 * lengths[0]


def test_rsl_rl_learns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rsl_rl")
    import torch

    from ksim_compiler.adapters.rsl_rl import KsimRslRlEnv

    monkeypatch.chdir(tmp_path)
    judge = KsimRslRlEnv("cartpole", 16, seed=1)
    made: dict[str, Any] = {}
    exec(sample("from rsl_rl.runners import OnPolicyRunner"), made)
    policy = made["runner"].get_inference_policy()
    seen, alive, length = judge.get_observations(), torch.ones(16, dtype=torch.bool), 0
    with torch.inference_mode():
        while alive.any() and length < 500:
            seen, _, done, _ = judge.step(policy(seen))
            alive &= ~done.bool()
            length += 1
    print(f"rsl_rl: the last of 16 poles falls after {length} of 500 ticks")
    assert length > 3 * FALLEN


def test_rsl_rl_may_set_how_far_episodes_are() -> None:
    pytest.importorskip("rsl_rl")
    import torch

    from ksim_compiler.adapters.rsl_rl import KsimRslRlEnv

    env = KsimRslRlEnv("cartpole", 2)
    assert env.max_episode_length == 500
    env.episode_length_buf = torch.tensor([0, 499])
    assert env.episode_length_buf.tolist() == [0, 499]
    seen, _, done, extras = env.step(torch.zeros(2, 1))
    assert done.tolist() == extras["time_outs"].tolist() == [False, True]
    assert env.episode_length_buf.tolist() == [1, 0]
    assert seen["policy"].shape == seen["critic"].shape == (2, 4)
    assert "/reward/alive" in extras["log"]

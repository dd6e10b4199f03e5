"""A training that follows motions goes on as if it had not been stopped: the counts of failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ksim_compiler.learn.run import checkpoint
from ksim_compiler.learn.run.trainer import Trainer
from tests.ksim_compiler.motion.test_episodes import TASK, compiled

LEARNER = """
PPO: {envs: 8, rollout: 8, minibatches: 2, epochs: 1, steps: 448}
"""


@pytest.mark.slow
def test_where_episodes_begin_goes_on_exactly_after_a_resume(tmp_path: Path) -> None:
    # a robot that knows nothing is lost within a few ticks, so that there is something to count
    task = TASK.replace("anchor_tilt: 40 deg", "anchor_tilt: 3 deg")
    assert task != TASK
    trainer, path = Trainer.build(compiled(task + LEARNER), "native"), tmp_path / "4.safetensors"

    def train(state: Any, iterations: int) -> Any:
        for _ in range(iterations):
            state, _ = trainer.step(trainer.params, state)
        return state

    stopped = train(trainer.init(3), 4)
    checkpoint.write(path, stopped, {})
    before = checkpoint.arrays(stopped)
    one = checkpoint.arrays(train(stopped, 3))
    other = checkpoint.arrays(train(checkpoint.read(path, trainer.like()), 3))
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(other[name], values, err_msg=name)
    # there was something to forget when it was stopped, and more was counted afterwards
    for what in ("failed", "spent"):
        name = f"env.episode.memory.Beginnings.track.{what}"
        assert before[name].any()
        assert np.any(one[name] > before[name])

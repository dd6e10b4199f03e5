"""Each of ksim's rewards gives ksim's numbers on a recorded rollout, tick by tick.

The data are not part of the repository: KSIM_GOLDEN names their folder.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from ksim_schema.vocabulary.reward import Reward
from tests.parity.from_ksim import MISTAKES
from tests.parity.harness import FOLDER, Golden

pytestmark = pytest.mark.skipif(
    not (FOLDER / "rewards.json").exists(), reason=f"no golden data in {FOLDER}"
)
NAMES = (
    tuple(json.loads((FOLDER / "rewards.json").read_text())["rewards"])
    if (FOLDER / "rewards.json").exists()
    else ()
)


@pytest.fixture(scope="module")
def golden() -> Golden:
    return Golden(FOLDER)


@pytest.mark.parametrize("name", NAMES)
def test_reward_gives_the_numbers_of_ksim(golden: Golden, name: str) -> None:
    if name == "OffAxisVelocityReward":
        pytest.skip(MISTAKES[name])
    values, expected = golden.values(name), golden.expected(name)
    assert set(values) == set(expected)
    for component, wanted in expected.items():
        # a sum may pass through zero, where float32 (and ksim's rotations, which divide a
        # quaternion by its length plus 1e-6) leaves no relative precision
        least = 1e-5 * max(np.abs(wanted).max(), 1e-2)
        np.testing.assert_allclose(
            values[component], wanted, rtol=1e-4, atol=least, err_msg=component
        )


@pytest.mark.parametrize("name", NAMES)
def test_the_sign_is_that_of_ksim(golden: Golden, name: str) -> None:
    part = golden.plan.parts(Reward)[name]
    assert isinstance(part, Reward)
    assert part.penalty == (golden.text["rewards"][name]["sign"] == "penalty")

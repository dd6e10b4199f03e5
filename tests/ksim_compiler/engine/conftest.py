"""The models, compiled once."""

from __future__ import annotations

import mujoco
import pytest

from tests.ksim_compiler.engine import bodies


@pytest.fixture(scope="session")
def walker() -> mujoco.MjModel:
    return bodies.walker()


@pytest.fixture(scope="session")
def humanoid() -> mujoco.MjModel:
    return bodies.humanoid()

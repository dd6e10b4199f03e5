"""Env: the tick of one environment, and a batch of environments."""

from ksim_compiler.env.across import (
    ALONE as ALONE,
    AXIS as AXIS,
    Across as Across,
)
from ksim_compiler.env.env import (
    Env as Env,
    EnvState as EnvState,
)

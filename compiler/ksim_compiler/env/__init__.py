"""Env: the tick of one environment, and a batch of environments."""

from ksim_compiler.env.env import (
    Env as Env,
    EnvState as EnvState,
)

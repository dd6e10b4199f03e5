"""Env: the tick of one environment, and a batch of environments."""

from ksim_compiler.env.env import Env, EnvState

__all__ = ["Env", "EnvState"]

"""PPO: proximal policy optimization."""

from ksim_compiler.learn.ppo.algorithm import (
    CHARTS as CHARTS,
    build as build,
)

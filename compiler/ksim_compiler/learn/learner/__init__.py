"""The learner: what a training asks of an algorithm, and what algorithms share."""

from ksim_compiler.learn.learner.draws import iteration_key as iteration_key
from ksim_compiler.learn.learner.episodes import (
    Episodes as Episodes,
    logged as logged,
)
from ksim_compiler.learn.learner.finite import (
    finite as finite,
    no_nan as no_nan,
)
from ksim_compiler.learn.learner.protocol import (
    Algorithm as Algorithm,
    Chart as Chart,
    Env as Env,
    EnvState as EnvState,
    Metrics as Metrics,
    Networks as Networks,
    Params as Params,
    Replay as Replay,
    S as S,
    Spread as Spread,
    State as State,
    W as W,
    build as build,
    charts as charts,
)
from ksim_compiler.lowering.context import name_key as name_key

"""Robot-learning tasks from Python: compile, simulate, train, judge.

    import ksim_compiler as ksim

    task = ksim.compile("cartpole", set={"Reward.effort.scale": 2e-4})
    run = ksim.train(task, steps=100_000)
    print(ksim.evaluate(run))

The names in ``__all__`` are what a program may rely on; every other module of the package is
private and may change. Importing this module loads neither JAX nor MuJoCo: what needs them does
when it is first named.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ksim_compiler.api.env import Environment, State, Step, make_env
    from ksim_compiler.api.policy import Evaluation, Policy, PolicyError, evaluate, load_policy
    from ksim_compiler.api.runs import Iteration, Run, RunError, load_run, resume, train
    from ksim_compiler.api.table import Table
    from ksim_compiler.api.task import CompileError, Difference, Task, compile, diff
    from ksim_compiler.engine import EngineUnavailable
    from ksim_compiler.learn.run.trainer import Diverged

__all__ = [
    "CompileError",
    "Difference",
    "Diverged",
    "EngineUnavailable",
    "Environment",
    "Evaluation",
    "Iteration",
    "Policy",
    "PolicyError",
    "Run",
    "RunError",
    "State",
    "Step",
    "Table",
    "Task",
    "compile",
    "diff",
    "evaluate",
    "load_policy",
    "load_run",
    "make_env",
    "resume",
    "train",
]

_MODULES = {
    "api.env": ("Environment", "State", "Step", "make_env"),
    "api.policy": ("Evaluation", "Policy", "PolicyError", "evaluate", "load_policy"),
    "api.runs": ("Iteration", "Run", "RunError", "load_run", "resume", "train"),
    "api.table": ("Table",),
    "api.task": ("CompileError", "Difference", "Task", "compile", "diff"),
    "engine": ("EngineUnavailable",),
    "learn.run.trainer": ("Diverged",),
}
"""Where the names are: a module is imported when one of its names is asked for."""


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

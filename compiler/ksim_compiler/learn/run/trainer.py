"""The training loop: two jitted halves of an iteration, repeated, with logs and a way to stop."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ksim_compiler.artifact import digest
from ksim_compiler.env import Env
from ksim_compiler.env.tick import NON_FINITE
from ksim_compiler.learn.learner import (
    Algorithm,
    Metrics,
    Params,
    Spread,
    State,
    build,
    name_key,
)
from ksim_compiler.learn.run import checkpoint
from ksim_compiler.learn.run.compiling import quickly
from ksim_compiler.learn.run.devices import ALIKE, ONE, ROWS, Devices
from ksim_compiler.learn.run.evaluate import Evaluation, evaluate
from ksim_compiler.learn.run.judge import judged, longest_episode
from ksim_compiler.learn.run.log import Logger
from ksim_compiler.learn.run.nonfinite import Finding, Trace, find, tracer
from ksim_compiler.learn.run.programs import Programs, Shared
from ksim_compiler.learn.run.traced import Program, Traced, file_of, is_ours
from ksim_compiler.learn.run.tracking import watch
from ksim_compiler.lowering.scale import level_of
from ksim_compiler.plan import Plan
from ksim_compiler.plan.clock import ticks
from ksim_schema.vocabulary.curriculum import Curriculum
from ksim_schema.vocabulary.learner import Learner

EVALUATION_ENVS = 32
"""Episodes of an evaluation by default."""


STOP = "guard/stop"
"""The metric that says whether a process was asked to stop."""

ROLLBACKS = 10
"""Iterations that may be thrown away one after another."""


class Diverged(Exception):
    """Training cannot go on; the message says what is not finite.

    Attributes:
        finding: the first number that went bad.
        state: the last good state.
    """

    def __init__(self, finding: Finding, attempts: int, state: State) -> None:
        tried = f" in {attempts} attempts" if attempts > 1 else ""
        super().__init__(f"training diverged{tried}: {finding}")
        self.finding, self.state = finding, state


@dataclass(frozen=True)
class Trainer:
    """A task ready to train on an engine.

    Attributes:
        plan: the compiled task.
        env: its environments.
        learner: its hyperparameters, with the steps of the run.
        algorithm: what computes it.
        params: runtime parameters of the environments.
        engine: the engine asked for, for the environments of evaluations.
        threads: of a CPU engine.
        programs: compiled programs that it shares with other trainings of this process.
        devices: what it runs on.
        kept: the file in which its programs are kept as they were traced.
    """

    plan: Plan
    env: Env
    learner: Learner
    algorithm: Algorithm[State]
    params: Params
    engine: str
    threads: int = 0
    programs: Programs | None = None
    devices: Devices = ONE
    kept: Path | None = None

    @classmethod
    def build(
        cls,
        plan: Plan,
        engine: str = "auto",
        threads: int = 0,
        steps: int | None = None,
        programs: Programs | None = None,
        devices: Devices = ONE,
        keep_in: Path | None = None,
    ) -> Trainer:
        """Lower a plan for training.

        Args:
            plan: a plan that all passes have seen.
            engine: auto, mjx, warp or native.
            threads: threads of a CPU engine, 0 for all cores.
            steps: environment steps of the whole run; those of the task by default.
            programs: compiled programs that several trainings of this process share.
            devices: what it runs on.
            keep_in: a folder that keeps what is traced, for the next trainer of the same.

        Raises:
            EngineUnavailable, ValueError: as :class:`~ksim_compiler.env.Env`.
        """
        learner = plan.task.learner
        learner = learner.model_copy(update={"steps": steps or learner.steps})
        cut = max(1, ticks(learner.episode, plan.period)) if learner.episode else 0
        stagger = min(cut or math.inf, longest_episode(plan)) if learner.stagger else 0
        across = devices.across
        env = Env(plan, engine, None, threads, int(stagger), cut, across, devices.here)
        critic = plan.task.critic if learner.critic else None
        algorithm = build(env, learner, plan.task.policy, critic, across)
        told = algorithm.numbers if programs is not None and programs.numbers else {}
        params = devices.everywhere({**env.params, **told})
        own = bool(plan.task.components.files) or not is_ours(algorithm)
        kept = None
        if keep_in is not None and devices.alone and programs is None and not own:
            spec, shapes = env.engine.spec.identity(), jax.tree.map(jnp.shape, params)
            made_from = (digest(plan), env.engine.name, spec, learner, int(stagger), cut, shapes)
            kept = file_of(keep_in, *made_from)
        return cls(plan, env, learner, algorithm, params, engine, threads, programs, devices, kept)

    @property
    def steps_per_iteration(self) -> int:
        """Environment steps between two updates."""
        return self.learner.envs * self.learner.rollout

    def prepare(self, begins: bool = True) -> None:
        """Compile at the same time what an iteration needs, and what makes a first state.

        Args:
            begins: whether there will be a first state, and not one that is read.
        """
        first, done = self._first(0), list[Future[Any]]()
        with ThreadPoolExecutor() as compilers:
            if self._traced is not None and self._traced.kept:
                done += [compilers.submit(compile) for compile in self._traced.load(begins)]
                self._shapes()  # which the state is made with; it is traced meanwhile
                for program in done:
                    program.result()
                return
            state = self._shapes()

            def begin(program: Any, *arguments: Any) -> Any:
                if isinstance(program, Shared | Program):
                    given, compile = program.trace(*arguments)
                else:
                    traced = program.trace(*arguments)
                    given, compile = traced.out_info, traced.lower().compile
                done.append(compilers.submit(compile))
                return given

            collected = begin(self._collect, self.params, state)
            begin(self._learn, self.params, state, collected, *self._asked(False))
            if begins:
                begin(self._init, self.params, first)
            if self._traced is not None:
                self._traced.keep()
            for program in done:
                program.result()

    def init(self, seed: int) -> State:
        """The state before the first iteration."""
        return self._init(self.params, self._first(seed))

    def like(self) -> State:
        """A whole state of the right structure, whose numbers mean nothing."""
        return checkpoint.zeros(self._shapes())

    def _shapes(self) -> State:
        """A whole state, as shapes."""
        init = self._init_alone if self.devices.alone else self._init
        return init.eval_shape(self.params, self._first(0))

    def whole(self, state: State) -> State:
        """The state as one device has it, to be saved or evaluated. All processes ask for it."""
        return self.devices.whole(state)

    def cut(self, state: State) -> State:
        """The opposite of :meth:`whole`; the state is that of the process that writes."""
        return state if self.devices.alone else self.devices.cut(state, self._lies[0])

    def step(self, params: Params, state: State, stop: bool = False) -> tuple[State, Metrics]:
        """One iteration. It leaves the state that is given to it as it is.

        Args:
            params, state: as for :meth:`Algorithm.collect`.
            stop: whether this process was asked to stop. Where there are several, the metric
                ``guard/stop`` says whether one of them was.
        """
        return self._learn(params, state, self._collect(params, state), *self._asked(stop))

    def _first(self, seed: int) -> Any:
        """What the first state comes from: a key, or its bits where several devices take them."""
        key = jax.random.key(seed)
        return key if self.devices.alone else np.asarray(jax.random.key_data(key))

    def _asked(self, stop: bool) -> tuple[jax.Array, ...]:
        """What the processes tell each other with an iteration."""
        return self.devices.told(stop) if self.devices.processes > 1 else ()

    @functools.cached_property
    def _lies(self) -> tuple[Any, Any]:
        """How a state, and what is collected, lie on the devices."""
        assert isinstance(self.algorithm, Spread), "a learner that does not spread has one device"
        state = self.devices.shapes(self._begin, ALIKE, self.params, self._first(0))
        collected = self.devices.shapes(self.algorithm.collect, ALIKE, self.params, state)
        return self.algorithm.lies(state), self.algorithm.collected_lies(collected)

    def _begin(self, params: Params, bits: jax.Array) -> State:
        return self.algorithm.init(params, jax.random.wrap_key_data(bits))

    def _ended(
        self, params: Params, state: State, collected: Any, stop: jax.Array
    ) -> tuple[State, Metrics]:
        """An iteration's end, in which processes tell each other whether they are to stop."""
        after, metrics = self.algorithm.learn(params, state, collected)
        asked = self.devices.across.any(stop[0])
        return after, {**metrics, STOP: asked.astype(jnp.float32)}

    @functools.cached_property
    def _traced(self) -> Traced | None:
        """The programs as they were traced, where they are kept."""
        if self.kept is None:
            return None
        functions = self._init_alone, self.algorithm.collect, self.algorithm.learn
        how = {"init": quickly(0), "learn": quickly(2)}
        return Traced(self.kept, *functions, self._shapes, how)

    @functools.cached_property
    def _init_alone(self) -> Any:
        """The jitted init of a training on one device, which is traced once."""
        once = quickly(0)  # most of its time would be that of LLVM
        return jax.jit(self.algorithm.init, compiler_options=once if self.kept is None else None)

    @functools.cached_property
    def _init(self) -> Any:
        if self._traced is not None:
            return self._traced.init
        if self.devices.alone:
            return self._shared(self._init_alone)
        given, gives = (ALIKE, ALIKE), self._lies[0]
        return self.devices.program(self._begin, given, gives, compiler_options=quickly(0))

    @functools.cached_property
    def _collect(self) -> Callable[[Params, State], Any]:
        if self._traced is not None:
            return self._traced.collect
        if self.devices.alone:
            return self._jitted(self.algorithm.collect)
        state, collected = self._lies
        return self.devices.program(self.algorithm.collect, (ALIKE, state), collected)

    @functools.cached_property
    def _learn(self) -> Callable[..., tuple[State, Metrics]]:
        if self._traced is not None:
            return self._traced.learn
        if self.devices.alone:
            return self._jitted(self.algorithm.learn, quickly(2))
        state, collected = self._lies
        function, given = self.algorithm.learn, (ALIKE, state, collected)
        if self.devices.processes > 1:
            function, given = self._ended, (*given, ROWS)
        return self.devices.program(function, given, (state, ALIKE), compiler_options=quickly(2))

    def _jitted(self, function: Callable[..., Any], options: Any = None) -> Any:
        return self._shared(jax.jit(function, compiler_options=options))

    def _shared(self, jitted: Any) -> Any:
        return jitted if self.programs is None else Shared(jitted, self.programs)

    def train(
        self,
        state: State,
        total_steps: int | None,
        loggers: Sequence[Logger] = (),
        stop: Callable[[], bool] = lambda: False,
        after: Callable[[State, int], None] = lambda state, steps: None,
        non_finite: Callable[[Finding], bool] = lambda finding: True,
    ) -> State:
        """Train until a number of environment steps is reached, or until told to stop.

        An iteration in which a number that is learned from is not finite is thrown away: the
        state before it stays, and the next attempt has other random numbers. A simulation that
        diverges ends its episode as a failure and spoils nothing; the first one is told of.

        Args:
            state: from :meth:`init`, or loaded.
            total_steps: environment steps in all, those before ``state`` counted; rounded up to
                whole iterations. None for no end.
            loggers: told of each iteration.
            stop: asked after each iteration. Where there are several processes they stop together,
                after the iteration with which one of them was asked.
            after: told the state and the environment steps after each iteration.
            non_finite: told what went bad in an iteration; returns whether to go on.

        Raises:
            Diverged: ROLLBACKS iterations one after another were thrown away, or
                ``non_finite`` said to stop; the state before them is its ``state``.
        """
        per_iteration = self.steps_per_iteration
        iterations = math.inf if total_steps is None else math.ceil(total_steps / per_iteration)
        done, begun = int(state.iteration), time.monotonic()
        attempts, reported, stopped = 0, False, False
        together = self.devices.processes > 1
        while done < iterations and not (stopped if together else stop()):
            new, metrics = self.step(self.params, state, together and stop())
            metrics = {name: float(value) for name, value in jax.device_get(metrics).items()}
            whole, stopped = bool(metrics.pop("guard/finite")), bool(metrics.pop(STOP, 0.0))
            diverged = metrics.get(f"termination/{NON_FINITE}", 0.0) > 0.0
            if not whole or (diverged and not reported):
                steps = done * per_iteration
                finding = find(self._trace, self.plan, self.params, state, steps, whole)
                reported = reported or whole
                attempts += not whole
                if not non_finite(finding) or attempts >= ROLLBACKS:
                    raise Diverged(finding, attempts, state)
            if not whole:
                state = state._replace(rollbacks=state.rollbacks + 1)  # pyright: ignore[reportPrivateUsage]
                continue
            state, attempts = new, 0
            done += 1
            for logger in loggers:
                logger.log(done * per_iteration, time.monotonic() - begun, metrics)
            after(state, done * per_iteration)
        return state

    @functools.cached_property
    def _trace(self) -> Trace:
        return tracer(self.algorithm, self.devices)

    def evaluate(self, state: State, episodes: int = EVALUATION_ENVS, seed: int = 0) -> Evaluation:
        """Run episodes with the mode of the policy, at the level that training has reached.

        The state is a whole one.
        """
        if episodes not in self._evaluations:
            held = self.plan.held(1.0)
            env = Env(held, self.engine, envs=episodes, threads=self.threads, follows=True)
            ticks = longest_episode(self.plan)
            run = functools.partial(evaluate, env, ticks=ticks, watch=watch(env))
            self._evaluations[episodes] = env, self._jitted(run, quickly(2))
        key = name_key(jax.random.key(seed), "evaluation")
        level = {name: {"level": value} for name, value in self.levels(state).items()}
        params = {**self.env.params, "Curriculum": level}
        env, run = self._evaluations[episodes]
        result = run(params, state.networks, state.policy_normalizer, key)
        return judged(env, jax.device_get(result))

    def levels(self, state: State) -> dict[str, jax.Array]:
        """The level of each curriculum in a whole state, the mean over the environments."""
        level = state.env.episode.level
        return {n: jnp.mean(level_of(level, n)) for n in self.plan.parts(Curriculum)}

    @functools.cached_property
    def _evaluations(self) -> dict[int, tuple[Env, Callable[..., Evaluation]]]:
        """Environments and jitted evaluations by their number of episodes, each compiled once."""
        return {}

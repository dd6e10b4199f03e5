"""Laws of the training's numbers against the networks, the episodes and the run."""

from __future__ import annotations

from collections.abc import Iterator

from ksim_schema.checks.proportions import beside, period, place, seconds, time_limit, written
from ksim_schema.checks.spans import brief
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import (
    IDLE_CUT,
    NO_MEMORY,
    ODD_DISCOUNT,
    ODD_LEARNING,
    SHORT_RUN,
)
from ksim_schema.task import Task
from ksim_schema.vocabulary.actor_critic import Actor, ValueCritic
from ksim_schema.vocabulary.learner.base import SHORT_SIGHTED

_NEAR = 0.06
"""A discount looks at least so far ahead, s: a robot answers to nothing that is over sooner."""
_FAR = 50.0
"""A discount may look so many times as far ahead as an episode lasts."""
_CUT = 10.0
"""Episodes of an evaluation may last so many times as long as those of the training."""


def learner(task: Task) -> Iterator[Diagnostic]:
    """What is odd about a task's training."""
    yield from _memory(task)
    yield from _discount(task)
    yield from _run(task)


def _memory(task: Task) -> Iterator[Diagnostic]:
    if task.learner.rollout > 1:
        return
    for object in ("Policy", "Critic"):
        for name, part in task.of(object).items():
            if not isinstance(part, Actor | ValueCritic) or not part.network.recurrent:
                continue
            message = f"the {part.network.kind_name} of {object}.{name} learns what to remember "
            message += "within a rollout, and a rollout of 1 tick has no past"
            help = "give at least some 16 ticks, or an mlp"
            at = place(task, task.learner.section, "rollout")
            problem = task.report(NO_MEMORY, message, *at, help=help)
            yield beside(problem, task, "the network with a memory", object, name, "network")
            return


def _discount(task: Task) -> Iterator[Diagnostic]:
    """A discount that looks far beyond the end of the episodes, or next to no time ahead."""
    tick, limit = period(task), time_limit(task)
    if tick is None or limit is None or brief(task):
        return  # of episodes that are far too short another law tells
    for path, value in task.learner.discounts.items():
        where = (task.learner.section, *path)
        where = where if written(task, *where) else where[:-1]
        if value == 1.0 or not written(task, *where):
            continue
        if value >= SHORT_SIGHTED and tick / (1.0 - value) < min(_NEAR, 0.1 * limit[0]):
            message = f"a discount of {value:.10g} looks {seconds(tick / (1.0 - value))} ahead, "
            message += f"{1.0 / (1.0 - value):.3g} control periods of {seconds(tick)}: what comes "
            message += "of an action is over later"
            help = f"{1.0 - min(tick, 0.5):.4g} looks {seconds(max(1.0, 2.0 * tick))} ahead"
            yield task.report(ODD_DISCOUNT, message, *where, help=help)
        elif tick / (1.0 - value) > _FAR * limit[0]:
            message = (
                f"a discount of {value:.10g} looks {seconds(tick / (1.0 - value))} ahead, and "
            )
            message += f"episodes last {seconds(limit[0])}"
            help = f"{1.0 - tick / limit[0]:.4g} looks ahead as far as an episode lasts"
            problem = task.report(ODD_DISCOUNT, message, *where, help=help)
            yield beside(problem, task, "ends the episodes", "Termination", limit[1], "after")


def _run(task: Task) -> Iterator[Diagnostic]:
    its = task.learner
    if its.steps is not None and its.steps < its.envs * its.rollout:
        message = f"the run has {its.steps:,} steps, and the first update comes after "
        message += f"{its.envs:,} environments x {its.rollout} ticks = {its.envs * its.rollout:,}"
        help = "'steps' counts the control ticks of all environments together"
        yield task.report(SHORT_RUN, message, its.section, "steps", help=help)
    yield from _samples(task)
    limit = time_limit(task)
    if its.episode is None or limit is None or brief(task):
        return
    if its.episode > limit[0]:
        message = f"this would cut episodes after {seconds(its.episode)}, and "
        message += f"{limit[1]!r} ends them after {seconds(limit[0])}"
        help = "take it out, or give less"
        problem = task.report(IDLE_CUT, message, its.section, "episode", help=help)
        yield beside(problem, task, "ends the episodes", "Termination", limit[1], "after")
    elif its.episode * _CUT < limit[0]:
        message = f"episodes of the training are cut after {seconds(its.episode)}, and those of "
        message += f"an evaluation last {seconds(limit[0])}: the policy is judged by what it has "
        message += "next to never been in"
        help = f"give at least a tenth, {seconds(limit[0] / _CUT)}, or shorten the task's episodes"
        problem = task.report(ODD_LEARNING, message, its.section, "episode", help=help)
        yield beside(problem, task, "ends the episodes", "Termination", limit[1], "after")


_SAMPLES = 16
"""Samples in a minibatch below which its gradient is noise."""
_SERIOUS = 50_000
"""Steps of a run that is to learn something."""
_LONG = 128
"""Ticks above which it is the rollout that is long, and not the episodes short."""
_EPISODES = 5.0
"""Episodes in a rollout of each environment."""


def _samples(task: Task) -> Iterator[Diagnostic]:
    """Minibatches of next to nothing, and rollouts of many episodes of many environments."""
    its = task.learner
    count, tick, limit = its.divided_into, period(task), time_limit(task)
    serious = (its.steps or 0) >= _SERIOUS
    if serious and count and its.envs * its.rollout < _SAMPLES * count:
        message = f"{its.envs} environments x {its.rollout} ticks in {count} minibatches are "
        message += f"{its.envs * its.rollout / count:.3g} samples in each"
        help = "some thousands of samples are usual"
        fields = [f for f in ("minibatches", "envs", "rollout") if written(task, its.section, f)]
        field = "envs" if its.envs == 1 and "envs" in fields else next(iter(fields), "")
        at = place(task, its.section, field)
        report = task.report if len(at) == 2 else task.report_key
        yield report(ODD_LEARNING, message, *at, help=help)
    if tick is None or limit is None or its.envs < 16 or its.rollout < _LONG:
        return
    if its.rollout * tick > _EPISODES * limit[0]:
        message = f"a rollout of {its.rollout:,} ticks is {seconds(its.rollout * tick)}, "
        message += f"{its.rollout * tick / limit[0]:.3g} episodes of each of {its.envs} "
        message += "environments between two updates"
        help = "16 to 64 ticks are usual of so many environments"
        at = place(task, its.section, "rollout")
        problem = task.report(ODD_LEARNING, message, *at, help=help)
        yield beside(problem, task, "ends the episodes", "Termination", limit[1], "after")

"""Laws of information: what rewards follow, the policy is told, and the critic sees.

What a network knows of a task are the commands that it is told, the observations that it reads,
and with a memory the time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from ksim_schema.checks.proportions import beside, place
from ksim_schema.checks.spans import odd_turn
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.laws import (
    HIDDEN_CLOCK,
    HIDDEN_COMMAND,
    IDLE_COMMAND,
    POORER_CRITIC,
    UNSEEN_ACTION,
)
from ksim_schema.source import Path_
from ksim_schema.source.plain import is_list
from ksim_schema.task import Task
from ksim_schema.vocabulary import Part, Wire, annotated_fields
from ksim_schema.vocabulary.actor_critic import Actor, ValueCritic
from ksim_schema.vocabulary.command import Command, Drawn, motion as m
from ksim_schema.vocabulary.command.vector import Vector
from ksim_schema.vocabulary.objects import TEACHERS
from ksim_schema.vocabulary.observation import Observation, signal as s
from ksim_schema.vocabulary.reward.actions import (
    ActionAcceleration,
    ActionJerk,
    ActionVelocity,
)
from ksim_schema.vocabulary.reward.feet import FeetClock, SinusoidalGait

_SAME = 1e-6
"""Periods that differ by less than this part are the same."""


class _Reader(NamedTuple):
    """A policy or a critic: what it reads."""

    object: str
    name: str
    observations: tuple[str, ...]
    commands: tuple[str, ...]
    remembers: bool
    tells: Path_
    """Where it says which commands it is told."""

    @property
    def who(self) -> str:
        return f"the {'policy' if self.object == 'Policy' else 'critic'} {self.name!r}"


def information(task: Task) -> Iterator[Diagnostic]:
    """What networks should know and do not, or know in vain."""
    if not task.complete:
        return
    readers = list(_readers(task))
    yield from _commands(task, readers)
    yield from _idle_commands(task, readers)
    yield from _clocks(task, readers)
    yield from _critics(task, readers)
    yield from _actions(task, readers)


def _readers(task: Task) -> Iterator[_Reader]:
    for name, actor in task.of(Actor).items():
        memory = actor.network.recurrent
        yield _Reader("Policy", name, actor.read, actor.obey, memory, ("Policy", name, "obey"))
    for name, critic in task.of(ValueCritic).items():
        judge, memory = critic.judge, critic.network.recurrent
        read = (*judge.clean, *judge.noisy)
        yield _Reader("Critic", name, read, judge.obey, memory, ("Critic", name, "judge", "obey"))


def _followed(task: Task) -> dict[str, tuple[str, str, str]]:
    """Command -> object, name and field of the first part that judges by it."""
    found: dict[str, tuple[str, str, str]] = {}
    for object in TEACHERS:
        for name, part in task.of(object).items():
            for command, field in _named_commands(part):
                found.setdefault(command, (object, name, field))
    return found


def _named_commands(part: Part) -> Iterator[tuple[str, str]]:
    """The commands that a part names, with the field that does."""
    for path, wire, value in annotated_fields(part, Wire):
        if wire.of == "Command" or wire.hom == "heed":
            for name in value if is_list(value) else (value,):
                if isinstance(name, str):
                    yield name, path[0]


def _known(task: Task, reader: _Reader) -> set[str]:
    """The commands that a network is told, or reads by an observation."""
    known = set(reader.commands)
    for name in reader.observations:
        part = task.of(Observation).get(name)
        known.update(command for command, _ in _named_commands(part)) if part else None
    return known


def _varies(part: Command) -> bool:
    """Whether a command is one of several values that the state does not tell."""
    return isinstance(part, m.JointPosition) or (isinstance(part, Drawn) and part.draws_vary)


def _commands(task: Task, readers: list[_Reader]) -> Iterator[Diagnostic]:
    """Commands that are followed and that a network is not told."""
    for command, by in _followed(task).items():
        part = task.of(Command).get(command)
        if part is None or not _varies(part):
            continue
        for reader in readers:
            if command in _known(task, reader):
                continue
            message = f"{reader.who} is not told the command {command!r}, which {by[0]}.{by[1]} "
            message += "follows"
            if reader.object == "Policy":
                message += ": it can only do the same for all its values"
            help = f"add 'obey: {command}'"
            if reader.commands:
                help = f"add it: obey: [{', '.join((*reader.commands, command))}]"
            at = place(task, *map(str, reader.tells))
            report = task.report if at[-1] == "obey" else task.report_key
            problem = report(HIDDEN_COMMAND, message, *at, help=help)
            yield beside(problem, task, f"follows {command!r}", *by)


def _idle_commands(task: Task, readers: list[_Reader]) -> Iterator[Diagnostic]:
    """Commands of motions and places that the policy is told and nothing depends on."""
    followed = _followed(task)
    for reader in readers:
        if reader.object != "Policy":
            continue
        for index, command in enumerate(reader.commands):
            part = task.of(Command).get(command)
            told = isinstance(part, Drawn | m.JointPosition) and not isinstance(part, Vector)
            if part is None or command in followed or not told or not _varies(part):
                continue
            message = f"no reward, termination or curriculum depends on the command {command!r}, "
            message += f"so {reader.who} learns nothing of it"
            help = "add a reward that follows it, or take it out"
            at = (*reader.tells, index)
            problem = task.report(IDLE_COMMAND, message, *at, help=help)
            yield beside(problem, task, "the command", "Command", command)


def _clocks(task: Task, readers: list[_Reader]) -> Iterator[Diagnostic]:
    """Rewards on a clock that a network without memory does not see."""
    for name, part in task.of("Reward").items():
        period, field, told = 0.0, "period", ""
        if isinstance(part, FeetClock):
            period = part.period or 0.0
        elif isinstance(part, SinusoidalGait):
            gait = task.of(Command).get(part.command)
            if not isinstance(gait, m.SinusoidalGait) or gait.still_below is not None:
                continue
            period, field, told = gait.period, "command", part.command
        told_of: set[tuple[str, str]] = set()
        for reader in readers if period else ():
            if reader.remembers or told in reader.commands:
                continue
            seen = list(_seen_clocks(task, reader))
            if any(_tells(clock, period) for _, clock in seen):
                continue
            at = ("Reward", name, field)
            key = "read" if reader.object == "Policy" else "judge"
            own = place(task, reader.object, reader.name, key)
            if seen:
                of, other = seen[0]
                if of in told_of or odd_turn(task, period):
                    continue  # one clock that several read
                told_of.add(of)
                message = f"the feet follow a clock of {period:.4g} s, and the one that "
                message += f"{reader.who} reads, {of[1]!r}, has a period of {other:.4g} s"
                problem = task.report(
                    HIDDEN_CLOCK, message, *of, "period", help="give both the same period"
                )
                yield beside(problem, task, "the clock of the feet", *at)
                continue
            message = f"{reader.who} does not see the clock that Reward.{name} follows, and "
            message += "has no memory to keep time"
            help = f"read an observation {{kind: phase_clock, period: {period:.4g} s}}"
            report = task.report if own[-1] == key else task.report_key
            yield beside(
                report(HIDDEN_CLOCK, message, *own, help=help),
                task,
                "the clock that is followed",
                *at,
            )


def _seen_clocks(task: Task, reader: _Reader) -> Iterator[tuple[tuple[str, str], float]]:
    """The clocks that a network reads, with their periods; infinite for the time itself."""
    for name in reader.observations:
        part = task.of(Observation).get(name)
        if isinstance(part, s.PhaseClock):
            yield ("Observation", name), part.period
        elif part is not None and (isinstance(part, s.EpisodeTime) or _unknown(part)):
            yield ("Observation", name), math.inf
    for name in _known(task, reader):
        part = task.of(Command).get(name)
        if isinstance(part, m.Phase):
            same = part.period[0] == part.period[1] and part.start[0] == part.start[1]
            yield ("Command", name), part.period[0] if same else math.inf
        elif isinstance(part, m.SinusoidalGait):
            yield ("Command", name), part.period
        elif part is not None and _unknown(part):
            yield ("Command", name), math.inf


def _unknown(part: Part) -> bool:
    """Whether a component is a task's own, which may tell anything."""
    return not type(part).__module__.startswith("ksim_schema.vocabulary")


def _tells(clock: float, period: float) -> bool:
    """Whether one clock tells the time of another: its period is a whole multiple."""
    turns = clock / period
    return math.isinf(turns) or (turns > 0.5 and abs(turns - round(turns)) < _SAME * turns)


_OF_THE_POLICY = (s.LastAction, s.CommandValue, s.PhaseClock, s.EpisodeTime)
"""What tells nothing of the robot."""


def _critics(task: Task, readers: list[_Reader]) -> Iterator[Diagnostic]:
    """Critics that see nothing of what the policy reads of the robot, and less in all."""
    actors = [reader for reader in readers if reader.object == "Policy"]
    for critic in (reader for reader in readers if reader.object == "Critic"):
        for actor in actors:
            states = [n for n in actor.observations if _is_state(task, n)]
            kinds = {_kind(task, name) for name in critic.observations}
            missing = [n for n in states if _kind(task, n) not in kinds]
            others = [n for n in critic.observations if n not in actor.observations]
            none = missing == states and len(critic.observations) < len(states)
            fewer = missing and not others and 2 * len(missing) > len(states)
            if critic.remembers or len(states) < 2 or not (none or fewer):
                continue
            message = f"{critic.who} sees {_listed(critic.observations)}, and nothing of "
            message += f"{_listed(missing)}, which {actor.who} reads"
            help = "a critic may see everything: add them to 'clean'"
            at = place(task, "Critic", critic.name, "judge", "clean")
            problem = task.report(POORER_CRITIC, message, *at, help=help)
            yield beside(problem, task, "what the policy reads", "Policy", actor.name, "read")


def _is_state(task: Task, name: str) -> bool:
    part = task.of(Observation).get(name)
    return part is not None and not isinstance(part, _OF_THE_POLICY)


def _kind(task: Task, name: str) -> str:
    part = task.of(Observation).get(name)
    return "" if part is None else part.kind_name if part.kind_name != "sensor" else name


def _listed(names: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return shown or "nothing"


def _actions(task: Task, readers: list[_Reader]) -> Iterator[Diagnostic]:
    """Rewards of the change of an action that the policy does not remember."""
    changes = (ActionVelocity, ActionAcceleration, ActionJerk)
    name = next((n for n, p in task.of("Reward").items() if isinstance(p, changes)), None)
    for reader in readers if name else ():
        parts = [task.of(Observation).get(n) for n in reader.observations]
        remembered = any(
            isinstance(p, s.LastAction) or p is None or _unknown(p) or "commanded" in p.kind_name
            for p in parts
        )
        if reader.object == "Policy" and not reader.remembers and not remembered:
            message = f"Reward.{name} is about the change of the action, and {reader.who} does not "
            message += "read the last one"
            help = "let it read an observation {kind: last_action}"
            at = place(task, "Policy", reader.name, "read")
            problem = task.report(UNSEEN_ACTION, message, *at, help=help)
            yield beside(problem, task, "about the change of the action", "Reward", str(name))

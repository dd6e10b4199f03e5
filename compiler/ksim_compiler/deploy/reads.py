"""What a robot's program reads for one input of the policy: names, frames and numbers, resolved.

A part says ``joints: hip_.*`` and leaves its body to the robot; a program without this package
needs the joints' names and the body's. Where an episode draws a number from a range, the contract
has the middle of it.
"""

from __future__ import annotations

from typing import Any

from ksim_compiler.motion.clip import moving_joints
from ksim_compiler.motion.library import Library, library
from ksim_compiler.plan import Plan
from ksim_compiler.plan.clock import ticks
from ksim_schema.graph import Node
from ksim_schema.robot import SensorRequest
from ksim_schema.vocabulary import Part
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.base import OfBody, OfJoints
from ksim_schema.vocabulary.command import Command, Drawn, motion as commands
from ksim_schema.vocabulary.command.clips import Motion
from ksim_schema.vocabulary.observation.base import Several
from ksim_schema.vocabulary.observation.feet import Contact
from ksim_schema.vocabulary.observation.goal import PoseError
from ksim_schema.vocabulary.observation.motion import MotionAnchorError, MotionJoints, MotionPhase
from ksim_schema.vocabulary.observation.signal import CommandValue, LastAction

HEEDING = (CommandValue, PoseError, MotionJoints, MotionAnchorError, MotionPhase)
"""Observations of a command."""
_PLAIN = (
    "frame",
    "form",
    "relative_to",
    "motion",
    "gravity",
    "sensor",
    "feet",
    "height",
    "offset",
    "stance",
    "still_below",
    "expression",
)
_DRAWN = ("period", "start", "lag")
"""Numbers, or ranges of which each episode draws one."""


def reads(plan: Plan, node: Node) -> dict[str, Any]:
    """What stands behind an observation or a command, as JSON data in SI units."""
    part, facts = plan.task.of(node.object)[node.name], plan.robot.facts
    found: dict[str, Any] = {}
    if isinstance(part, OfBody):
        found["body"] = part.body or facts.root
    fields = type(part).model_fields
    found |= {name: _plain(getattr(part, name)) for name in _PLAIN if name in fields}
    found |= {name: _middle(getattr(part, name)) for name in _DRAWN if name in fields}
    if isinstance(part, OfJoints):
        joints = facts.match_joints(part.joints)
        found |= {"joints": [j.name for j in joints], "home": [j.home[0] for j in joints]}
    if found.get("frame") in ("robot", "world") and "body" not in found:
        found["base"] = facts.root
    if isinstance(part, Several):
        found["names"] = list(part.names(facts))
    if asked := _asked(plan, part):
        found["sensors"] = [request.name for request in asked]
    if isinstance(part, Motion):
        found |= {"when_over": part.when_over, "anchor": part.anchored(facts)}
        found["clips"] = _clips(plan, node.name, part)
    if isinstance(part, MotionJoints):
        known = [joint.name for joint in moving_joints(facts)]
        found["columns"] = [known.index(j.name) for j in facts.match_joints(part.joints)]
        found["ahead_ticks"] = [ticks(time, plan.period) for time in part.ahead]
        found["what"] = part.what
    if isinstance(part, MotionAnchorError):
        found["part"] = part.of
    if isinstance(part, Contact):
        found["groups"] = [[s.name for s in group] for group in part.requests(facts)]
    if isinstance(part, LastAction):
        found["slices"] = _recalled(plan, part)
    if isinstance(part, PoseError):
        found["part"] = part.of
    if isinstance(part, HEEDING):
        found["command"] = part.command
        if Node("Command", part.command) not in {c.source for c in plan.policy_input}:
            found["of"] = _command(plan, Node("Command", part.command))
    if isinstance(part, Drawn):
        rates = part.rates()
        found |= {"rates": list(rates), "from_rest": bool(rates) and part.from_rest}
    if isinstance(part, commands.Phase):
        found["offsets"] = [float(offset) for offset in part.offsets]
    return found


def sensors(plan: Plan) -> list[dict[str, Any]]:
    """The sensors that the policy's inputs are read from and that are not the model's own."""
    requests = dict[Any, None]()
    nodes = [column.source for column in plan.policy_input]
    for node in nodes:
        part = plan.task.of(node.object)[node.name]
        if isinstance(part, HEEDING):
            heeded = plan.task.of(Command)[part.command]
            requests.update(dict.fromkeys(_asked(plan, heeded)))
        requests.update(dict.fromkeys(_asked(plan, part)))
    return [
        {
            "name": request.name,
            "type": request.type,
            "of": [request.objtype, request.objname],
            "relative_to": [request.reftype, request.refname] if request.reftype else None,
            "options": dict(request.options),
        }
        for request in requests
    ]


def _asked(plan: Plan, part: Part) -> tuple[SensorRequest, ...]:
    """The sensors that a program reads for a part: of a recorded motion those of its anchor."""
    if isinstance(part, Motion):
        return ()
    if isinstance(part, MotionAnchorError):
        motion = plan.task.of(Command)[part.command]
        assert isinstance(motion, Motion)
        anchor = motion.anchored(plan.robot.facts)
        return tuple(SensorRequest(k, "xbody", anchor) for k in ("framepos", "framequat"))
    return part.sensors(plan.robot.facts)


def _clips(plan: Plan, command: str, part: Motion) -> list[dict[str, Any]]:
    """The frames of a motion's clips at the control rate, as a program plays them."""
    robot = plan.robot
    clips = library(part, plan.clips[command], robot.facts, robot.model, plan.period, robot.mirror)
    found: list[dict[str, Any]] = []
    for index, name in enumerate(clips.clips):
        start, again = int(clips.start[index]), int(clips.between[index, index])
        rows = slice(start, start + int(clips.length[index]))
        found.append({"name": name} | _frames(clips, rows))
        if clips.repeats and clips.blend:  # what lies before the first frame, played again
            found[-1]["blend"] = _frames(clips, slice(again, again + clips.blend))
    return found


def _frames(clips: Library, rows: slice) -> dict[str, Any]:
    tables = {
        "positions": clips.joints[rows],
        "velocities": clips.rates[rows],
        "anchor_place": clips.place[rows, 0],
        "anchor_turn": clips.turn[rows, 0],
    }
    return {key: table.round(6).tolist() for key, table in tables.items()}


def _command(plan: Plan, node: Node) -> dict[str, Any]:
    part = plan.task.of(Command)[node.name]
    size = part.size(plan.robot.facts)
    return {
        "name": node.name,
        "object": node.object,
        "kind": part.kind_name,
        "size": size,
        "elements": list(part.labels(plan.robot.facts)),
        "reads": reads(plan, node),
    }


def _recalled(plan: Plan, part: LastAction) -> list[list[int]]:
    """The stretches of the policy's output that are read back."""
    places, start = dict[str, list[int]](), 0
    for name in plan.actions():
        action = plan.parts(Action)[name]
        places[name] = [start, start + action.size(plan.robot.facts)]
        start = places[name][1]
    return [places[name] for name in part.recall or places]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _middle(value: Any) -> Any:
    return (value[0] + value[1]) / 2 if isinstance(value, tuple) else value

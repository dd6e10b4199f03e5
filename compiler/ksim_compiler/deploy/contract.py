"""The contract of an exported policy: what a robot's program must give it and do with it."""

from __future__ import annotations

import math
from typing import Any

from ksim_compiler.artifact import versions
from ksim_compiler.deploy.targets import targets
from ksim_compiler.interface import elements, inputs
from ksim_compiler.learn.networks import LstmCell, Recurrent
from ksim_compiler.learn.normalizer import LIMIT
from ksim_compiler.learn.policy import Policy
from ksim_compiler.plan import Plan
from ksim_schema.canonical import values_of
from ksim_schema.vocabulary.observation import Observation

FORMAT = "ksim-contract-1"


def contract(plan: Plan, policy: Policy, fingerprint: str) -> dict[str, Any]:
    """The contract as JSON data, in SI units."""
    facts = plan.robot.facts
    return {
        "format": FORMAT,
        "task": plan.task.name,
        "about": plan.task.about,
        "fingerprint": fingerprint,
        "versions": versions(),
        "trained_steps": policy.steps,
        "control_period": plan.period,
        "physics_timestep": facts.timestep,
        "inputs": _inputs(plan),
        "memory": _memory(policy),
        "outputs": [{"name": "action", "size": plan.action_size, "use": "the next last_action"}]
        + [_output(plan, part) for part in targets(plan)],
        "joints": [
            {
                "name": joint.name,
                "type": joint.type,
                "limits": None if joint.limits is None else list(joint.limits),
                "home": joint.home[0],
            }
            for joint in facts.motion_joints
        ],
        "normalization": None
        if policy.normalizer is None
        else {"where": "in the graph", "clip": LIMIT},
        "start": "At the start of an episode every memory is zero, and so is the last action. "
        "Each control period: read the inputs, run the graph, set the targets, keep 'action' and "
        "each 'next.*' for the next period.",
    }


def _inputs(plan: Plan) -> list[dict[str, Any]]:
    found = []
    for column, segment in zip(plan.policy_input, inputs(plan, plan.policy_input), strict=True):
        part = plan.task.of(column.source.object)[column.source.name]
        entry: dict[str, Any] = {
            "name": column.source.name,
            "object": column.source.object,
            "kind": part.kind_name,
            "size": segment.size,
            "elements": elements(segment),
            "parameters": values_of(part),
            "definition": " ".join((type(part).__doc__ or "").split()),
        }
        if isinstance(part, Observation):
            units = plan.units.get(column.source, ())
            entry |= {
                "unit": [str(unit) or "1" for unit in units],
                "history": part.history,
                "delay": part.delay,
                "clip_in_graph": None if part.clip is None else [float(c) for c in part.clip],
                "scale_in_graph": part.scale,
            }
        found.append(entry)
    return found


def _memory(policy: Policy) -> list[dict[str, Any]]:
    network, found = policy.actor.network, list[dict[str, Any]]()
    if isinstance(network, Recurrent):
        for cell in network.cells:
            rooms = 2 if isinstance(cell, LstmCell) else 1
            size = cell.weight.shape[0]
            for _ in range(rooms):
                name = f"carry.{len(found)}"
                found.append({"input": name, "output": f"next.{name}", "size": size})
    return found


def _output(plan: Plan, part: Any) -> dict[str, Any]:
    joints = plan.robot.facts.match_joints(part.part.joints)
    drives = part.part.drives(plan.robot.facts)
    values = values_of(part.part)
    return {
        "name": part.name,
        "kind": part.part.kind_name,
        "size": len(part.offset),
        "joints": [joint.name for joint in joints],
        "unit": [str(unit) for unit in part.part.dimensions(plan.robot.facts)],
        "kp": [drive.kp for drive in drives],
        "kd": [drive.kd for drive in drives],
        "torque_limit": [None if math.isinf(d.limit) else d.limit for d in drives],
        "low_pass": part.part.low_pass,
        "parameters": values,
        "use": _USE[drives[0].kp is not None, bool(drives[0].kd)],
    }


_USE = {
    (True, True): "torque = kp * (target - position) - kd * velocity, within torque_limit",
    (True, False): "torque = kp * (target - position), within torque_limit",
    (False, True): "torque = kd * (target - velocity), within torque_limit",
    (False, False): "torque (or force) = target, within torque_limit",
}

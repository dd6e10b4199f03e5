"""The contract of an exported policy: what a robot's program must give it and do with it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from ksim_compiler.artifact import versions
from ksim_compiler.deploy.graph import memories
from ksim_compiler.deploy.reads import reads, sensors
from ksim_compiler.deploy.targets import Targets, targets
from ksim_compiler.learn.nets.normalizer import LIMIT
from ksim_compiler.learn.run.policy import Policy
from ksim_compiler.lowering.scale import scaled
from ksim_compiler.plan import Plan
from ksim_compiler.plan.clock import ticks
from ksim_compiler.plan.columns import elements, inputs
from ksim_compiler.robot.model import load, replaced
from ksim_compiler.robot.options import CONTACT, dynamics, options
from ksim_schema.graph.canonical import values_of
from ksim_schema.vocabulary.base import OfBody
from ksim_schema.vocabulary.observation import Observation

FORMAT = "ksim-contract-2"
"""Grows when a program that reads the contract has to change."""
ID, NAME = "ksim_policy", "ksim_contract"
"""Keys of the ONNX file's metadata: the policy's id, and the name of its contract."""


def contract_path(policy: Path) -> Path:
    """Where the contract of a policy stands: contract.json for policy.onnx, legs.contract.json for
    legs.onnx, so that each policy of a folder has its own."""
    return policy.with_name(
        "contract.json" if policy.stem == "policy" else f"{policy.stem}.contract.json"
    )


def bound(model: Any, terms: dict[str, Any], path: Path) -> tuple[bytes, str]:
    """The ONNX file and the contract's text, each of which says that it belongs to the other.

    The id is a hash of the graph and of the contract without it.

    Args:
        model: the ONNX model; it gets the metadata.
        terms: the contract.
        path: the ONNX file.
    """
    whole = model.SerializeToString() + json.dumps(terms, sort_keys=True).encode()
    identity = hashlib.sha256(whole).hexdigest()
    for key, value in ((ID, identity), (NAME, contract_path(path).name)):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    text = json.dumps(
        {"policy": {"file": path.name, "id": identity}} | terms, indent=2, allow_nan=False
    )
    return model.SerializeToString(), text + "\n"


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
        "options": options(plan.robot.part),
        "collide": _collide(plan),
        "joint_dynamics": dynamics(plan.robot.part, [joint.name for joint in facts.motion_joints]),
        "model": plan.robot.part.model,
        "terrain": values_of(plan.robot.part.terrain),
        "base": facts.root,
        "home": _home(plan),
        "actuators": _actuators(plan),
        "activations": plan.robot.act.tolist(),
        "sensors": sensors(plan),
        "inputs": _inputs(plan),
        "memory": _memory(policy),
        "outputs": [{"name": "action", "size": plan.action_size, "use": "the next last_action"}]
        + [_output(plan, part, policy.level) for part in targets(plan)],
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


def _ends(clips: tuple[tuple[float, float], ...] | None) -> list[Any] | None:
    """Limits as the contract has them: a pair, or where they differ, lists of both ends."""
    if clips is None:
        return None
    return [_same(tuple(map(float, ends))) for ends in zip(*clips, strict=True)]


def _finite(ends: Iterable[float]) -> list[float | None]:
    """Both limits of a target, None where it has none."""
    return [float(end) if math.isfinite(end) else None for end in ends]


def _same(values: tuple[float, ...]) -> Any:
    """One number where all are the same, else the list of them."""
    return values[0] if len(set(values)) == 1 else list(values)


def _inputs(plan: Plan) -> list[dict[str, Any]]:
    found, facts = [], plan.robot.facts
    for column, segment in zip(plan.policy_input, inputs(plan, plan.policy_input), strict=True):
        part = plan.task.of(column.source.object)[column.source.name]
        entry: dict[str, Any] = {
            "name": column.source.name,
            "object": column.source.object,
            "kind": part.kind_name,
            "size": segment.size,
            "elements": elements(segment),
            "parameters": values_of(part),
            "reads": reads(plan, column.source),
            "definition": " ".join((type(part).__doc__ or "").split()),
        }
        if isinstance(part, OfBody):
            entry["parameters"]["body"] = part.body or plan.robot.facts.root
        if isinstance(part, Observation):
            units = plan.units.get(column.source, ())
            entry |= {
                "unit": [str(unit) or "1" for unit in units],
                "history": part.history,
                "delay": part.delay,
                "delay_ticks": ticks(part.delay, plan.period),
                "clip_in_graph": _ends(part.clips(facts, plan.measured(column.source.name))),
                "scale_in_graph": _same(part.scales(facts, plan.measured(column.source.name))),
            }
        found.append(entry)
    return found


def _memory(policy: Policy) -> list[dict[str, Any]]:
    memory = memories(policy).items()
    return [{"input": name, "output": f"next.{name}", "size": size} for name, size in memory]


def _collide(plan: Plan) -> dict[str, Any] | None:
    """The geoms of moving bodies that touch things, and how, where the task says so."""
    part = plan.robot.part.collide
    if part is None:
        return None
    geoms = list(plan.robot.facts.match("geom", part.geoms))
    return {"geoms": geoms, **{field: getattr(part, field) for field in CONTACT}}


def _home(plan: Plan) -> dict[str, Any]:
    """The pose at the start of an episode without resets, base and all."""
    facts, base = plan.robot.facts, plan.robot.facts.base
    return {
        "keyframe": plan.robot.part.home.keyframe,
        "qpos": list(facts.home),
        "base": None
        if base is None
        else {
            "body": base.body,
            "joint": base.name,
            "position": list(base.home[:3]),
            "orientation": list(base.home[3:]),
        },
    }


def _actuators(plan: Plan) -> list[dict[str, Any]]:
    """What becomes of each actuator of the model itself, in the order of its file."""
    original = load(plan.robot.part, plan.robot.files)
    gone = replaced(original, (drive.joint for drive in plan.drives))
    found = list[dict[str, Any]]()
    for name in original.facts.actuators:
        if name in gone:
            found.append({"name": name, "use": "removed", "successor": gone[name] or None})
        else:
            use = "told" if name in plan.controls else "held"
            found.append({"name": name, "use": use, "control": original.held[name]})
    return found


def _output(plan: Plan, part: Targets, level: float | Mapping[str, float] = 0.0) -> dict[str, Any]:
    action, facts = part.part, plan.robot.facts
    drives = action.drives(facts)
    latency = None
    if action.latency is not None:
        share = scaled(action.faults, jax.tree.map(jnp.float32, level))
        latency = [float(end * share) for end in action.latency]
    return {
        "name": part.name,
        "kind": action.kind_name,
        "size": len(part.offset),
        "joints": [drive.joint for drive in drives],
        "actuators": list(action.actuators_of(facts)),
        "unit": [str(unit) for unit in action.dimensions(facts)],
        "gain": [drive.gain for drive in drives],
        "kp": [drive.kp for drive in drives],
        "kd": [drive.kd for drive in drives],
        "torque_limit": [None if math.isinf(d.limit) else d.limit for d in drives],
        "stall": [drive.stall for drive in drives],
        "no_load_speed": [drive.no_load_speed for drive in drives],
        "initial": part.initial.tolist(),
        "added_to": part.about,
        "limits": None if part.limits is None else [_finite(ends) for ends in part.limits.T],
        "low_pass": action.low_pass,
        "latency": latency,
        "update": action.update,
        "parameters": values_of(action),
        "use": _USE[drives[0].kp is not None, bool(drives[0].kd)] if drives else _OWN,
    }


_OWN = "the controls of these actuators of the robot's own model"
_USE = {
    (True, True): "torque = kp * (target - position) - kd * velocity, within torque_limit",
    (True, False): "torque = kp * (target - position), within torque_limit",
    (False, True): "torque = kd * (target - velocity), within torque_limit",
    (False, False): "torque (or force) = target, within torque_limit",
}

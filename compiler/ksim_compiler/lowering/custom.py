"""Rules of a task's own files, checked before anything is compiled: they run, with right shapes.

Each rule is traced with abstract values, for which no engine is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from operator import attrgetter
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from ksim_compiler.lowering import rules
from ksim_compiler.lowering.binding import bind, extract, spread
from ksim_compiler.lowering.context import Context
from ksim_compiler.plan import Plan
from ksim_schema.custom.api import Custom
from ksim_schema.custom.files import blame, custom_parts
from ksim_schema.diagnostics import Diagnostic, TaskError
from ksim_schema.diagnostics.codes.custom import FAILING_COMPONENT
from ksim_schema.graph import Node
from ksim_schema.vocabulary.command import Command
from ksim_schema.vocabulary.objects import JUDGES


def check_rules(plan: Plan) -> None:
    """Trace the rule of each component of the task's own files.

    Raises:
        TaskError: a rule raises an exception, or gives a value of the wrong shape or type.
    """
    parts = {object: plan.parts(object) for object in plan.task.parts}
    diagnostics = [
        problem
        for object, name, part in custom_parts(parts)
        for problem in _problems(plan, object, name, part)
    ]
    if diagnostics:
        raise TaskError(diagnostics, plan.task.components.sources)


def _problems(plan: Plan, object: str, name: str, part: Custom) -> Iterator[Diagnostic]:
    who = f"{object}.{name}"

    def trace(parameters: Any, world: Any, key: Any) -> Any:
        bound = spread(bind(part, parameters), plan.robot.facts)
        x = _context(plan, object, world, key)
        if object == "Action":  # it sees its own numbers alone
            own = x.action[: part.size(x.robot)]  # type: ignore[attr-defined]
            x = replace(x, action=own, previous_action=own)
        memory = rules.initial(bound, x)
        value, after = rules.apply(bound, x, memory)
        return value, memory, after

    try:
        made = jax.eval_shape(trace, extract(part), _world(plan, object), jax.random.key(0))
    except Exception as error:
        problem = blame(error, plan.task.components.sources, who, _help(plan, object, error))
        if problem is None:  # it gave what JAX cannot take: a text, an object, a wrong pair
            lines = str(error).strip().splitlines() or [type(error).__name__]
            message = f"{who} gives what is not a value: {lines[0][:300]}"
            problem = Diagnostic(FAILING_COMPONENT, message, part.rule_at)
        yield problem
        return
    value, memory, after = made
    for text in (_wrong_value(plan, object, name, part, value), _wrong_memory(memory, after)):
        if text:
            yield Diagnostic(FAILING_COMPONENT, f"{who} {text}", part.rule_at)


def _help(plan: Plan, object: str, error: Exception) -> str:
    """What to do about a field of MjData that the task does not read, or that is read amiss."""
    field = error.args[0] if isinstance(error, KeyError) and error.args else None
    if isinstance(error, AttributeError) and isinstance(error.obj, dict):
        field = error.name
    if not isinstance(field, str) or not hasattr(mujoco.MjData, field):
        return ""
    seen = _world(plan, object)
    if field in seen:
        return f"write x.world[{field!r}]"
    if object in ("Reset", "Event", "Action", "Randomizer"):
        who = f"a {object}" if object in ("Reset", "Randomizer") else f"an {object}"
        return f"{who} sees {', '.join(seen) or 'no fields'} in x.world"
    return f"declare it in the class, fields = ({field!r},), and read x.world[{field!r}]"


def _world(plan: Plan, object: str) -> dict[str, Any]:
    """The fields of MjData that the rules of an object see, as abstract values."""
    if object == "Event":
        return {}
    if object == "Randomizer":
        model = plan.robot.model
        shapes = {name: np.shape(attrgetter(name)(model)) for name in plan.model_fields}
        return {n: jax.ShapeDtypeStruct(shape, jnp.float32) for n, shape in shapes.items()}
    data: Any = mujoco.MjData(plan.robot.model)
    fields = ("qpos", "qvel") if object in ("Reset", "Action") else plan.fields
    return {
        name: jax.ShapeDtypeStruct(jnp.shape(getattr(data, name)), jnp.float32) for name in fields
    }


def _context(plan: Plan, object: str, world: Any, key: Any) -> Context:
    """What the rules of an object see, where they see least."""
    facts = plan.robot.facts
    action = jnp.zeros(plan.action_size)
    told = object == "Observation" or object in JUDGES
    commands: Any = plan.parts(Command) if told else {}
    recorded = {edge.src for edge in plan.graph.edges if edge.hom == "record_observation"}
    judged = object in JUDGES
    observations = {n.name: jnp.zeros(plan.measured(n.name)) for n in recorded if judged}
    ended = jnp.bool_(False) if judged and object != "Termination" else None
    return Context(
        robot=facts,
        world=world,
        time=jnp.float32(0.0),
        period=plan.period,
        level=jnp.float32(0.0),
        key=key,
        action=action,
        previous_action=action,
        commands={name: jnp.zeros(c.size(facts)) for name, c in commands.items()},
        observations=observations,
        labels={name: c.labels(facts) for name, c in commands.items() if judged},
        failure=ended,
        done=ended,
        whole=ended,
    )


def _wrong_value(plan: Plan, object: str, name: str, part: Custom, value: Any) -> str:
    """What is wrong with the shape of a value; "" for nothing."""
    facts = plan.robot.facts
    match object:
        case "Observation":
            size = prod(part.shape(facts))  # type: ignore[attr-defined]
            got = sum(prod(leaf.shape) for leaf in jax.tree.leaves(value))
            return "" if got == size else f"gives {got} numbers, and declares {size}"
        case "Command":
            size = plan.shapes[Node("Command", name)]
            return _not(value, size, "its declared elements")
        case "Reset":
            if not isinstance(value, tuple) or len(value) != 2:
                return "gives no (qpos, qvel)"
            return _not(value[0], (facts.nq,), "qpos") or _not(value[1], (facts.nv,), "qvel")
        case "Event" if part.pulls:  # type: ignore[attr-defined]
            if not isinstance(value, tuple) or len(value) != 2:
                return "gives no (wrench, duration)"
            wrench = _not(value[0], (len(facts.bodies), 6), "the wrench on each body")
            return wrench or _not(value[1], (), "the duration")
        case "Event":
            return _not(value, (facts.nv,), "the change of qvel")
        case "Termination":
            wrong = _not(value, (), "a truth value")
            return wrong or ("" if value.dtype == bool else "gives a number and no truth value")
        case "Action":
            joints = facts.match_joints(part.joints)  # type: ignore[attr-defined]
            return _not(value, (len(joints),), "a target for each of its joints")
        case "Randomizer":
            return _wrong_fields(plan, part, value)
        case "Curriculum":
            return _not(value, (), "a level")
        case "Metric":
            return _not(value, (), "a metric")
        case _:
            names: tuple[str, ...] = part.components  # type: ignore[attr-defined]
            if not names:
                return _not(value, (), "a reward")
            if not isinstance(value, dict) or set(value) != set(names):
                return f"gives no mapping of its components {', '.join(names)}"
            return next(filter(None, (_not(v, (), f"{k!r}") for k, v in value.items())), "")


def _wrong_fields(plan: Plan, part: Custom, value: Any) -> str:
    """What is wrong with the fields of the model that a randomizer gives."""
    own: tuple[str, ...] = part.changes  # type: ignore[attr-defined]
    if not isinstance(value, dict) or not set(value) <= set(own):
        return f"gives no mapping of the fields that it changes: {', '.join(own)}"
    shapes = {name: field.shape for name, field in _world(plan, "Randomizer").items()}
    wrong = (_not(new, shapes[name], name) for name, new in value.items())
    return next(filter(None, wrong), "")


def _not(value: Any, shape: tuple[int, ...], what: str) -> str:
    got = getattr(value, "shape", None)
    if got == shape:
        return ""
    shown = " x ".join(map(str, shape)) if shape else "one number"
    given = "no array" if got is None else f"the shape ({', '.join(map(str, got))})"
    return f"gives {given}, and {what} has {shown}"


def _wrong_memory(before: Any, after: Any) -> str:
    """The memory keeps its shape from tick to tick."""

    def form(memory: Any) -> Any:
        return jax.tree.structure(memory), [(m.shape, m.dtype) for m in jax.tree.leaves(memory)]

    same = form(before) == form(after)
    return "" if same else "gives a memory of another shape or type than 'initial' does"

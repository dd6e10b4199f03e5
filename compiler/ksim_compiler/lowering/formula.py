"""The rules of formulas: their trees, folded with jax.numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ksim_compiler.lowering import geometry
from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.ground import height
from ksim_compiler.lowering.pose import told_pose
from ksim_compiler.lowering.rules import lower
from ksim_schema.robot import SensorRequest
from ksim_schema.units.formula import evaluate
from ksim_schema.units.formula_arrays import operations
from ksim_schema.units.formula_tree import REMEMBERING, Expression, terms
from ksim_schema.vocabulary.formula import Formulated, Source, Surroundings
from ksim_schema.vocabulary.metric import Formula as MeasuredFormula
from ksim_schema.vocabulary.observation.formula import Formula as ObservedFormula
from ksim_schema.vocabulary.reward.formula import Formula
from ksim_schema.vocabulary.termination import Formula as EndingFormula

FUNCTIONS = operations(jnp) | {"angle": geometry.angle_between}
"""What each operation of a formula computes."""


Past = tuple[Float[Array, "..."], ...]
"""What a formula remembers from tick to tick: of ``previous`` what its term was at the end of the
tick before, of ``ever`` whether its condition has held."""


def begun(c: Formulated, x: Context) -> Past:
    """What a formula remembers at the start of an episode."""
    known, tree = _read(c, x)
    start = {term: jnp.zeros(term.length or ()) for term in _remembering(tree)}
    return tuple(
        start[term] if term.op == "ever" else _evaluate(term.arguments[0], known, x, start)
        for term in start
    )


@lower(Formula, initial=begun)
def formula(c: Formula, x: Context, memory: Past) -> tuple[Float[Array, ""], Past]:
    return value_of(c, x, memory)


@lower(ObservedFormula)
def observed(c: ObservedFormula, x: Context) -> Float[Array, " size"]:
    return jnp.ravel(value_of(c, x, ())[0])


@lower(EndingFormula, initial=begun)
def ending(c: EndingFormula, x: Context, memory: Past) -> tuple[Bool[Array, ""], Past]:
    value, memory = value_of(c, x, memory)
    return value > 0.0, memory


@lower(MeasuredFormula, initial=begun)
def measured(c: MeasuredFormula, x: Context, memory: Past) -> tuple[Float[Array, ""], Past]:
    return value_of(c, x, memory)


def value_of(c: Formulated, x: Context, past: Past) -> tuple[Float[Array, "..."], Past]:
    """The value of a formula in an environment, and what its next value remembers."""
    known, tree = _read(c, x)
    remembered = dict(zip(_remembering(tree), past, strict=True))
    kept = (term if term.op == "ever" else term.arguments[0] for term in remembered)
    present = tuple(_evaluate(term, known, x, remembered) for term in kept)
    return _evaluate(tree, known, x, remembered), present


def _read(c: Formulated, x: Context) -> tuple[dict[str, Source], Expression]:
    around = Surroundings(x.labels, x.action.shape[0], frames=x.frames)
    return c.sources(x.robot, around), c.read(x.robot, around)


def _remembering(tree: Expression) -> list[Expression]:
    """The terms of a formula that depend on ticks before, each once."""
    return list(dict.fromkeys(term for term in terms(tree) if term.op in REMEMBERING))


def _evaluate(
    tree: Expression,
    known: Mapping[str, Source],
    x: Context,
    remembered: Mapping[Expression, Float[Array, "..."]],
) -> Float[Array, "..."]:
    def previous(term: Expression) -> Float[Array, "..."]:
        return remembered[Expression("previous", (term,), length=term.length)]

    def ever(term: Expression) -> Float[Array, "..."]:
        past = remembered[Expression("ever", (term,), length=term.length)]
        return jnp.maximum(past, _evaluate(term, known, x, remembered))

    functions = FUNCTIONS | {"previous": previous, "ever": ever}
    value = evaluate(tree, lambda name: _value(known[name], x), functions)
    return jnp.asarray(value, jnp.float32)


def _value(source: Source, x: Context) -> Any:
    match source.kind:
        case "several":
            return jnp.concatenate([jnp.atleast_1d(_value(part, x)) for part in source.parts])
        case "constraint":
            whole = x.world["qfrc_constraint"][jnp.array([j.dof for j in source.joints])]
        case "target":
            servos = [x.robot.actuators.index(x.robot.servo_on(j)) for j in source.joints]
            whole = x.world["ctrl"][jnp.array(servos)]
        case "constant":
            whole = jnp.array(source.values)
        case "time":
            return x.time
        case "action":
            return x.action
        case "previous":
            return x.previous_action
        case "base":
            return _base(source.what, x)
        case "position":
            whole = x.joint_positions(source.joints)
        case "velocity":
            whole = x.joint_velocities(source.joints)
        case "acceleration":
            whole = x.joint_accelerations(source.joints)
        case "torque":
            whole = x.joint_torques(source.joints)
        case "command":
            whole = x.commands[source.what]
        case "pose":
            place, turn = told_pose(x, source.what)
            whole = turn if source.turn else place
            assert whole is not None
        case "height":
            return height(x, x.sensor(source.sensors[0]))
        case "sensor":
            whole = x.sensor(source.sensors[0])
        case "touch":
            found = jnp.stack([x.sensor(sensor)[0] for sensor in source.sensors])
            return jnp.where(jnp.any(found > 0.0), 1.0, 0.0)
        case "force":
            forces = jnp.stack([x.sensor(sensor) for sensor in source.sensors])
            return jnp.max(jnp.linalg.norm(forces, axis=-1))
        case "external":
            whole = _external(source, x)
    if source.element is not None:
        return whole[source.element]
    return whole if source.quantity.length else whole[0]


def _external(source: Source, x: Context) -> Float[Array, " elements"]:
    """Forces from outside on bodies, or torques about the centre of mass of their robot."""
    rows = x.world["cfrc_ext"][jnp.array([x.robot.body_id(name) for name in source.bodies])]
    return jnp.ravel(rows[:, 3:] if source.what == "force" else rows[:, :3])


def _base(what: str, x: Context) -> Any:
    def sensor(kind: str) -> Any:
        return x.sensor(SensorRequest(kind, "xbody", x.robot.root))

    if what == "height":
        return height(x, sensor("framepos"))
    if what == "turn":
        return sensor("frameangvel")[2]
    quat = sensor("framequat")
    if what == "tilt":
        return jnp.arccos(jnp.clip(geometry.up(quat)[2], -1.0, 1.0))
    velocity = sensor("framelinvel")
    if what == "up":
        return velocity[2]
    planar = geometry.turn_about_vertical(velocity[:2], -geometry.heading(quat))
    return planar[("forward", "left").index(what)]

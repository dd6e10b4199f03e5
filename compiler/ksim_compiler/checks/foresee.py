"""Foresee: what will go wrong when the task runs, found by one look at the compiled robot."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import mujoco
import numpy as np

from ksim_compiler.checks.asked import asked
from ksim_compiler.checks.damped import ringing
from ksim_compiler.checks.doubtful import doubtful
from ksim_compiler.checks.draws import command_rest, settled_home
from ksim_compiler.checks.durations import durations, outlasting
from ksim_compiler.checks.ground import falls, masks_meet
from ksim_compiler.checks.homes import home_within_limits
from ksim_compiler.checks.inert import inert
from ksim_compiler.checks.reach import laws
from ksim_compiler.checks.simulated import left_out, simulated
from ksim_compiler.checks.stance import stance
from ksim_compiler.checks.still import never, pushed
from ksim_compiler.checks.ways import ways
from ksim_compiler.checks.whereabouts import Whereabouts
from ksim_compiler.checks.world import weak, world
from ksim_compiler.plan import Plan
from ksim_schema.checks.formulas import formula_laws
from ksim_schema.checks.proportions import at_field
from ksim_schema.checks.spread import sluggish
from ksim_schema.checks.totals import totals
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.diagnostics.codes.laws import SLOW_SERVO, UNKNOWN_POSE
from ksim_schema.diagnostics.codes.names import BROKEN_MODEL
from ksim_schema.diagnostics.codes.physics import ODD_LIMITS
from ksim_schema.diagnostics.codes.values import (
    BAD_KEYFRAME,
    ENDED_AT_HOME,
    IMPOSSIBLE_CONTACT,
    MORE_THAN_MEMORY,
    UNSTABLE_SERVO,
)
from ksim_schema.graph import Node
from ksim_schema.robot import RobotFacts
from ksim_schema.vocabulary import Named, Part, annotated_fields, termination as v
from ksim_schema.vocabulary.action import Action
from ksim_schema.vocabulary.networks import Network
from ksim_schema.vocabulary.objects import READERS
from ksim_schema.vocabulary.reset import Reset, ResetKeyframe
from ksim_schema.vocabulary.reward import Reward

SLACK = 1e-9
"""How far the home pose may lie beyond a limit, in rad or m: the rounding of a model file."""


def foresee(plan: Plan, sink: Sink) -> Plan:
    """Warn of unstable servos, contacts that cannot be, a home that ends episodes, and memory."""
    data = home(plan)
    sink.add(_incomputable(plan, data))
    sink.add(_broken_poses(plan))
    if sink.failed:
        return plan
    odd, unstable = [*world(plan, data)], [*_servos(plan, data)]
    swapped = {name for name, action in plan.parts(Action).items() if sluggish(action)}
    if not any(problem.code == ODD_LIMITS for problem in odd):  # else it is due to that
        sink.add(home_within_limits(plan))
    sink.add([*unstable, *odd])
    if not odd and not unstable:
        sink.add(ringing(plan, {servo.joint: servo.inertia for servo in servos(plan, data)}))
    sink.add(() if odd or unstable or swapped else weak(plan))
    sink.add(simulated(plan))
    sink.add(never(plan))
    sink.add(pushed(plan))
    sink.add(_contacts(plan))
    sink.add(_ended_at_home(plan, data))
    sink.add(falls(plan, data))
    sink.add(durations(plan))
    sink.add(outlasting(plan))
    sink.add(inert(plan))
    sink.add(doubtful(plan))
    where = Whereabouts(plan, data)
    sink.add(formula_laws(plan.task, plan.robot.facts, where))
    sink.add(totals(plan.task, plan.robot.facts))
    sink.add(stance(plan, data))
    sink.add(ways(plan, data))
    sink.add(asked(plan, data, where))
    patterns = {d.path for d in sink}  # what is wrong with a pattern says which joints it misses
    broken = [d for d in laws(plan, data) if d.code != SLOW_SERVO or not unstable]
    sink.add(d for d in broken if d.code != UNKNOWN_POSE or d.path not in patterns)
    sink.add(_memory(plan))
    return plan


def home(plan: Plan) -> Any:
    """The robot at rest in its home pose, with all that MuJoCo derives from it."""
    model = plan.robot.model
    data: Any = mujoco.MjData(model)
    data.qpos[:] = plan.robot.facts.home
    command_rest(plan, data)
    data.act[:] = plan.robot.act
    mujoco.mj_forward(model, data)
    return data


def _incomputable(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """A model whose numbers are finite, and not what follows from them in the home pose.

    MuJoCo's own measure of a simulation that has diverged (mjMAXVAL) is the one here.
    """
    model = plan.robot.model
    mass = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, mass)
    problem = _bad_inertia(mass)
    for what, values in (("positions", data.qpos), ("accelerations", data.qacc)):
        if not problem and not (np.abs(values) < mujoco.mjMAXVAL).all():
            problem = f"the {what} of the joints are not finite, or above {mujoco.mjMAXVAL:g},"
    if problem:
        message = f"{problem} in the home pose: each episode would end at once"
        state = plan.task.robot
        help = "look for masses, armatures, gravity or places that are far too large or too small"
        yield plan.task.report(BROKEN_MODEL, message, "PhysicsState", state, "model", help=help)


def _bad_inertia(mass: np.ndarray) -> str:
    """What is wrong with an inertia matrix; "" where nothing is."""
    if not mass.size:
        return ""
    if not np.isfinite(mass).all():
        return "the inertia of the joints is not finite"
    sizes = np.linalg.eigvalsh(mass)
    if sizes[0] < -1e-9 * np.abs(sizes).max():
        return "the inertia of a joint is below 0"
    try:
        np.linalg.inv(mass)
    except np.linalg.LinAlgError:
        return "joints have no inertia, or several move a body in the same way (singular inertia),"
    return ""


def _broken_poses(plan: Plan) -> Iterator[Diagnostic]:
    """Keyframes to begin episodes in that are not poses."""
    for name, part in plan.parts(Reset).items():
        if not isinstance(part, ResetKeyframe):
            continue
        for index, key in enumerate(part.keyframes):
            if key in plan.robot.broken:
                message = f"keyframe {key!r} of the model is not a pose: {plan.robot.broken[key]}"
                place = ("Reset", name, "keyframes", index)
                help = "mend the keyframe in the model"
                yield plan.task.report(BAD_KEYFRAME, message, *place, help=help)


def damps_implicitly(model: mujoco.MjModel) -> bool:
    """Whether the model's integrator treats the damping of servos implicitly."""
    kinds = mujoco.mjtIntegrator
    return model.opt.integrator in (kinds.mjINT_IMPLICIT, kinds.mjINT_IMPLICITFAST)


class Servo(NamedTuple):
    """A servo on one joint, discretized.

    Attributes:
        joint: the joint.
        growth: the spectral radius of a step of the joint alone; above 1 it diverges.
        inertia: kg*m^2 (or kg) at the joint.
    """

    joint: str
    growth: float
    inertia: float


def servos(plan: Plan, data: Any) -> Iterator[Servo]:
    """How the servos behave at the timestep, each joint alone, in the home pose.

    The joint obeys ``I q'' = -kp q - (kd + d) q'`` with the inertia ``I`` that is felt at the joint
    while all others move freely, ``1 / (M^-1)_ii``: the lightest that it can be. MuJoCo's
    semi-implicit Euler step with the timestep h is ``v' = v + h a, q' = q + h v'``, where the
    integrators treat damping so: ``Euler`` the joint's own d implicitly, the servo's kd explicitly;
    ``implicit`` and ``implicitfast`` both implicitly; RK4 none (it is stabler than what is
    computed here, up to about 2.7 times the timestep).
    """
    model, h = plan.robot.model, plan.robot.facts.timestep
    mass = np.zeros((model.nv, model.nv))
    mujoco.mj_fullM(model, data, mass)
    felt = 1.0 / np.diag(np.linalg.inv(mass))
    implicit = damps_implicitly(model)
    joints = {joint.name: joint for joint in plan.robot.facts.motion_joints}
    for drive in plan.drives:
        dof = joints[drive.joint].dof
        inertia, own = float(felt[dof]), float(np.ravel(model.dof_damping[dof])[0])
        rate = growth(inertia, drive.kp or 0.0, drive.kd, own, h, implicit)
        yield Servo(drive.joint, rate, inertia)


def growth(inertia: float, kp: float, kd: float, own: float, h: float, implicit: bool) -> float:
    """Spectral radius of a timestep h of a servo on a joint with a damping of its own.

    See :func:`servos`; the servo's damping kd is treated implicitly where ``implicit`` says so.
    """
    explicit, damped = (0.0, kd + own) if implicit else (kd, own)
    weight = inertia + h * damped
    # v' = ((I - h explicit) v - h kp q) / (I + h damped);  q' = q + h v'
    a, b = (inertia - h * explicit) / weight, h * kp / weight
    step = np.array([[1.0 - h * b, h * a], [-b, a]])
    return float(np.abs(np.linalg.eigvals(step)).max())


def _servos(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Servos that blow up at the physics timestep."""
    unstable = {s.joint: s for s in servos(plan, data) if s.growth > 1.0 + 1e-6}
    for name, action in plan.parts(Action).items():
        drives = {d.joint: d for d in action.drives(plan.robot.facts)}
        worst = max((unstable[j] for j in drives if j in unstable), key=_growth, default=None)
        if worst is None:
            continue
        drive, h = drives[worst.joint], plan.robot.facts.timestep
        gains = f"kd {drive.kd:g}" if drive.kp is None else f"kp {drive.kp:g}, kd {drive.kd:g}"
        message = (
            f"the servo of joint {worst.joint!r} is unstable: at a timestep of {h * 1e3:g} ms "
        )
        hinge = plan.robot.facts.match_joints((re.escape(worst.joint),))[0].type == "hinge"
        felt = f"an inertia of {worst.inertia:.3g} kg*m^2" if hinge else f"{worst.inertia:.3g} kg"
        message += f"{gains} are too much for {felt} at the joint"
        help = "lower the gains or the timestep, or give the joint armature; with the integrator "
        help += "implicitfast the model takes more damping"
        help += "; are kp and kd swapped?" if sluggish(action) else ""
        yield at_field(plan.task, UNSTABLE_SERVO, message, "Action", name, "gains", help=help)


def _growth(servo: Servo) -> float:
    return servo.growth


def _contacts(plan: Plan) -> Iterator[Diagnostic]:
    """Contacts that are asked for, of geoms that never collide."""
    model, facts = plan.robot.model, plan.robot.facts
    pairs = {frozenset(p) for p in zip(model.pair_geom1, model.pair_geom2, strict=True)}
    for object in READERS:
        for name, part in plan.parts(object).items():
            requests = [s for reading in part.readings() for s in reading.sensors(facts)]
            asked = [
                r for r in requests if r.type == "contact" and r.objtype == r.reftype == "geom"
            ]
            meets: dict[str, list[bool]] = {}
            for request in asked:
                first, second = facts.geom_id(request.objname), facts.geom_id(request.refname)
                met = masks_meet(model, first, second) or frozenset((first, second)) in pairs
                meets.setdefault(request.objname, []).append(met)
            never = [geom for geom, met in meets.items() if not any(met)]
            bodies = {facts.body_of(geom) for geom, met in meets.items() if any(met)}
            text = str(plan.task.document.data[object][name])
            # of a body that is named, one geom that may touch is enough
            never = [g for g in never if g in text or facts.body_of(g) not in bodies]
            if never:
                others = dict.fromkeys(r.refname for r in asked if r.objname == never[0])
                shown = " or ".join(map(repr, list(others)[:3]))
                who, place = f"geom {never[0]!r}", _naming(plan, part, (object, name), never[0])
                alone = len(never) == len(meets) > 1 and len(others) == 1
                if alone and _touches(model, never, facts):
                    who = "none of these geoms"
                    place = _naming(plan, part, (object, name), next(iter(others)))
                cause = "their contype and conaffinity have no bit in common, or they are of "
                cause += "one body or of neighbours"
                help = "change the masks in the model, or add a <pair> of the two"
                if unnamed := left_out(plan, (never[0], *others)):
                    collide = f"PhysicsState.{plan.task.robot}.collide"
                    cause = f"{collide} does not name {unnamed!r}"
                    help = f"name it there: {collide} is of the geoms that touch things"
                message = f"{who} {'ever' if who[0] == 'n' else 'never'} touches {shown}: {cause}"
                yield plan.task.report(IMPOSSIBLE_CONTACT, message, *place, help=help)


def _touches(model: Any, geoms: list[str], facts: RobotFacts) -> bool:
    """Whether geoms can touch anything at all, so that it is the other one that is wrong."""
    rows = [facts.geom_id(geom) for geom in geoms]
    return any(masks_meet(model, row, other) for row in rows for other in range(model.ngeom))


def _naming(plan: Plan, part: Part, at: tuple[str, str], geom: str) -> tuple[str | int, ...]:
    """The place at which a part names a geom, or the part."""
    for path, _, value in annotated_fields(part, Named):
        key = type(part).model_fields[path[0]].alias or path[0]
        if isinstance(value, tuple) and geom in value:
            return (*at, key, value.index(geom))
        if value == geom:
            return (*at, key)
    return at


def _ended_at_home(plan: Plan, data: Any) -> Iterator[Diagnostic]:
    """Terminations that are true of the home pose, in which episodes begin."""
    waited = ", after it has settled" if plan.settle_steps else ""
    data = settled_home(plan, data)
    for name, part in plan.parts(v.Termination).items():
        problem = _true_at_home(plan, part, data)
        if problem is not None:
            what, field = problem
            message = f"this ends an episode in the home pose already{waited}: {what}"
            help = "change the limit, or the home pose"
            yield plan.task.report(ENDED_AT_HOME, message, "Termination", name, field, help=help)


def _true_at_home(plan: Plan, part: Part, data: Any) -> tuple[str, str] | None:
    """What is wrong with the home pose for a termination, and the field that says so."""
    facts = plan.robot.facts
    match part:
        case v.MinHeight() | v.BadHeight():
            body = part.body or facts.root
            height = float(data.xpos[facts.body_id(body)][2])
            low, high = (part.height, np.inf) if isinstance(part, v.MinHeight) else part.range
            if not low <= height <= high:
                field = "height" if isinstance(part, v.MinHeight) else "range"
                return f"{body!r} is at {height:.3g} m", field
        case v.NotUpright():
            body = part.body or facts.root
            up = min(max(float(data.xmat[facts.body_id(body)][8]), -1.0), 1.0)
            if up < np.cos(part.max_tilt):
                return f"{body!r} is tilted by {np.degrees(np.arccos(up)):.3g} deg", "max_tilt"
        case v.FarFromOrigin():
            body = part.body or facts.root
            away = float(math.hypot(*data.xpos[facts.body_id(body)][:2]))
            if away > part.distance:
                return f"{body!r} is {away:.3g} m from the origin", "distance"
        case v.JointOutside():
            for joint in facts.match_joints(part.joints):
                if not part.range[0] - SLACK <= joint.home[0] <= part.range[1] + SLACK:
                    at = f"{joint.home[0]:.3g} {joint.dimension}"
                    return f"joint {joint.name!r} is at {at}", "range"
        case v.IllegalContact():
            touching = {
                frozenset((int(c.geom1), int(c.geom2))) for c in data.contact if c.dist <= 0
            }
            field = "geoms" if part.geoms else "bodies"
            for geom in part.touching(facts):
                own = facts.geom_id(geom)
                pairs = [pair for pair in touching if own in pair]
                met = [facts.geoms[i] for pair in pairs for i in pair - {own}]
                if part.partner in met or (met and part.partner is None):
                    what = f"geom {geom!r}" if part.geoms else f"body {facts.body_of(geom)!r}"
                    return f"{what} touches {part.partner or met[0]!r}", field
        case _:
            pass
    return None


def _memory(plan: Plan) -> Iterator[Diagnostic]:
    """What a rollout and the networks take, against the memory of this machine."""
    learner = plan.task.learner
    columns = sum(c[-1].stop for c in (plan.policy_input, plan.critic_input) if c)
    columns += 4 * plan.action_size + len(plan.parts(Reward)) + 4
    rollout = 4 * learner.envs * learner.rollout * columns
    sizes = _networks(plan)
    widest = max((net.units(*ends) for net, *ends in sizes), default=0)
    networks = 4 * learner.copies * sum(net.parameters(*ends) for net, *ends in sizes)
    activations = 2 * 4 * learner.samples_at_once * widest
    states = 4 * learner.envs * (plan.robot.model.nq + 3 * plan.robot.model.nv) * 8
    there = machine_memory()
    for needed, what, place in (
        (networks, "the networks need", ()),
        (rollout + states + activations, "a rollout needs", ("envs", "rollout")),
    ):
        if there and needed > 0.9 * there:
            message = f"{what} at least {needed / 1e9:.3g} GB of memory, and this machine has "
            message += f"{there / 1e9:.3g} GB"
            given: Any = plan.task.document.data.get(learner.section) or {}
            written = [field for field in place if field in given]
            largest = max(written, key=lambda f: float(getattr(learner, f)), default="")
            at: tuple[str, ...] = (learner.section, *([largest] if largest else ()))
            if not place:
                at = (*next(iter(plan.task.networks())), "network")
            help = "fewer environments, shorter rollouts or smaller networks take less"
            yield plan.task.report(MORE_THAN_MEMORY, message, *at, help=help)
            break


def _networks(plan: Plan) -> list[tuple[Network, int, int]]:
    """Each network with the lengths of its input and output."""
    columns = {"Policy": plan.policy_input, "Critic": plan.critic_input}
    return [
        (
            network,
            columns[object][-1].stop if columns[object] else 0,
            prod(plan.shapes.get(Node(object, name), ())),
        )
        for (object, name), network in plan.task.networks().items()
    ]


def machine_memory() -> int:
    """Bytes of main memory; 0 where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0

"""One model through the commands and against the oracle; each step gives a number or a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import mujoco
import numpy as np

from ksim_compiler.artifact import read, write
from ksim_compiler.cli.compile import main as ksim_compile
from ksim_compiler.env import Env
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_schema.diagnostics import has_errors
from tests.zoo.models import SCALAR, Model
from tests.zoo.oracle import Oracle, Servo

TICKS, SUBSTEPS = 20, 4
SCALE = 0.25
"""rad or m; a power of two, so that targets have no rounding of their own."""


class Refused(Exception):
    """The task drives a joint and not another that the same actuator of the model moves."""

    def __init__(self, messages: list[str], actuators: list[str]) -> None:
        named = [actuator for actuator in actuators if any(repr(actuator) in m for m in messages)]
        assert named == actuators, f"{actuators} are torn, and the compiler says: {messages}"
        super().__init__(f"{len(actuators)} torn")


def begun(model: Model, folder: Path) -> Compiled:
    """The task that --init writes, compiled; it checks clean and its archive reads back."""
    assert ksim_compile(["--init", str(folder / "begun"), "--robot", str(model.path)]) == 0
    compiled = compile_file(folder / "begun.yaml")
    assert compiled.plan is not None, [str(d) for d in compiled.diagnostics]
    assert not has_errors(compiled.diagnostics)
    assert not [str(d) for d in compiled.diagnostics if d.path.startswith("Termination")]
    write(folder / "begun.ksim", compiled)
    assert read(folder / "begun.ksim").fingerprint == compiled.fingerprint
    return compiled


def steps(compiled: Compiled) -> None:
    """20 ticks of no action on native: nothing diverges."""
    assert compiled.plan is not None
    env = Env(compiled.plan, "native", envs=2, threads=1)
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    step = jax.jit(env.step)
    for _ in range(TICKS):
        state, outcome = step(env.params, state, jnp.zeros((2, env.action_size)))
        assert not bool(outcome.terminations["non_finite"].any())
    assert np.isfinite(np.asarray(state.policy_input)).all()


def servos(loaded: mujoco.MjModel) -> dict[str, Servo]:
    """A servo for each named hinge and slide, soft enough for its inertia and the timestep."""
    data = mujoco.MjData(loaded)
    mujoco.mj_forward(loaded, data)
    mass = np.zeros((loaded.nv, loaded.nv))
    mujoco.mj_fullM(loaded, data, mass)
    rate = 0.1 / loaded.opt.timestep
    found = {}
    for i in range(loaded.njnt):
        name = loaded.joint(i).name
        if loaded.jnt_type[i] in SCALAR and name:
            inertia = 10.0 ** np.floor(np.log10(mass[loaded.jnt_dofadr[i], loaded.jnt_dofadr[i]]))
            kp, kd = float(inertia * rate**2), float(inertia * rate)
            found[name] = Servo(kp, kd, 0.5 * kp * SCALE)
    return found


def task(model: Model, loaded: mujoco.MjModel, driven: dict[str, Servo], home: str | None) -> str:
    """A task with one action for each kind of joint and size of servo."""
    groups: dict[tuple[bool, Servo], list[str]] = {}
    for name, servo in driven.items():
        slide = loaded.jnt_type[loaded.joint(name).id] == mujoco.mjtJoint.mjJNT_SLIDE
        groups.setdefault((bool(slide), servo), []).append(name)
    lines = ["ksim: 1", "task: zoo", "PhysicsState:", "  robot:", f"    model: {model.path}"]
    lines.append(f"    control: {SUBSTEPS * loaded.opt.timestep * 1e3!r} ms")
    if home is not None:
        lines.append(f"    home: {{keyframe: '{home}'}}")
    lines.append("Observation:")
    readings = []
    for number, joints in enumerate(groups.values()):
        lines.append(f"  q{number}: {{kind: joint_position, joints: {_exactly(joints)}}}")
        readings.append(f"q{number}")
    lines.append("Action:")
    for number, ((slide, servo), joints) in enumerate(groups.items()):
        force, length = ("N", "m") if slide else ("N*m", "rad")
        stiffness, damping = f"{force}/{length}", f"{force}*s/{length}"
        lines += [
            f"  a{number}:",
            "    kind: position_target",
            f"    joints: {_exactly(joints)}",
            "    around: home",
            f"    scale: {SCALE} {length}",
            f"    torque_limit: {servo.limit!r} {force}",
            f"    gains: {{kp: {servo.kp!r} {stiffness}, kd: {servo.kd!r} {damping}}}",
        ]
    acts = ", ".join(f"a{number}" for number in range(len(groups)))
    network = "network: {kind: mlp, hidden: [8]}"
    lines += [
        f"Policy: {{actor: {{act: [{acts}], read: [{', '.join(readings)}], {network}}}}}",
        f"Critic: {{critic: {{judge: {{clean: [{readings[0]}]}}, {network}}}}}",
        "Reward: {alive: {kind: stay_alive, scale: 1}}",
        "Termination: {time_limit: {kind: episode_length, after: 1000 s}}",
        "PPO: {envs: 1, rollout: 8, minibatches: 1}",
    ]
    return "\n".join(lines) + "\n"


def _exactly(names: list[str]) -> str:
    return "[" + ", ".join("'" + re.escape(name).replace("'", "''") + "'" for name in names) + "]"


def compared(model: Model, folder: Path, engine: str = "native", every: int = 1) -> float:
    """The largest difference of qpos and qvel to the oracle, relative where they are above 1.

    Args:
        model: the robot.
        folder: where to write the task.
        engine: the engine to hold against the oracle.
        every: drive each so-manieth joint only; the model's own actuators hold the others.
    """
    loaded = model.load()
    driven = dict(list(servos(loaded).items())[::every])
    keys = [loaded.key(i).name for i in range(loaded.nkey)]
    home = "home" if "home" in keys else next((name for name in keys if name), None)
    path = folder / "zoo.yaml"
    path.write_text(task(model, loaded, driven, home), encoding="utf-8")
    compiled = compile_file(path)
    oracle = Oracle(model.path, driven, home)
    if oracle.torn:
        raise Refused([d.message for d in compiled.diagnostics if d.code == "KS0450"], oracle.torn)
    assert compiled.plan is not None, [f"{d.code} {d.message}" for d in compiled.diagnostics]
    env = Env(compiled.plan, engine, envs=1, threads=1)
    start = np.array([oracle.home[loaded.joint(name).qposadr[0]] for name in driven], np.float32)
    turns = [np.float32(np.round(8 * np.sin(0.7 * tick)) / 8) for tick in range(TICKS)]
    wanted = list(oracle.run([start + np.float32(SCALE) * turn for turn in turns], SUBSTEPS))
    assert oracle.law < 1e-9, f"the servo's law is off by {oracle.law:.1e}"
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    step, worst = jax.jit(env.step), 0.0
    for turn, right in zip(turns, wanted, strict=True):
        state, _ = step(env.params, state, jnp.full((1, env.action_size), turn))
        row = env.engine.rows(state.physics)[0][1 : 1 + len(right)]  # time leads it
        worst = max(worst, float((np.abs(row - right) / np.maximum(1.0, np.abs(right))).max()))
    return worst

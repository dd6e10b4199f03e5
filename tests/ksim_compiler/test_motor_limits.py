"""Limits of motors: those that are said are those that MuJoCo applies, in both directions."""

from __future__ import annotations

from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.pipeline import Compiled, compile_document
from ksim_compiler.robot.limits import reach
from ksim_compiler.robot.model import ModelFiles, load
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse
from ksim_schema.vocabulary.state import Robot as RobotPart

PART = RobotPart.model_validate({"model": "m.xml", "control": "20 ms", "home": {"keyframe": "up"}})
TASK = """
ksim: 1
task: t
PhysicsState: {r: {model: m.xml, control: 50 Hz}}
Observation: {q: {kind: joint_position}}
Action: {a: {kind: position_target, joints: hip, scale: 1 rad, LIMIT
             gains: {kp: 1000 N*m/rad, kd: 5 N*m*s/rad}}}
Policy: {actor: {read: [q], network: {kind: mlp, hidden: [8]}}}
Critic: {critic: {judge: {clean: [q]}, network: {kind: mlp, hidden: [8]}}}
Reward: {effort: {kind: torque_penalty, scale: 0.1}}
Termination: {time: {kind: episode_length, after: 50 s}}
PPO: {envs: 2, rollout: 8, minibatches: 1}
"""


def model(head: str = "", hip: str = "", actuators: str = "", tendon: str = "") -> ModelFiles:
    text = f"""<mujoco>{head}<worldbody><body name="b"><joint name="hip" axis="0 1 0" {hip}/>
    <geom type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass="1"/></body></worldbody>
    <tendon><fixed name="t" {tendon}><joint joint="hip" coef="-3"/></fixed></tendon>
    <sensor><jointpos name="angle" joint="hip"/></sensor>
    <actuator>{actuators}</actuator></mujoco>"""
    return ModelFiles("m.xml", {"m.xml": text.encode()})


def task(files: ModelFiles, limit: str = "", reads: str = "kind: joint_position") -> Compiled:
    text = TASK.replace("LIMIT", limit).replace("kind: joint_position", reads)
    problems = Sink()
    document = parse(text, "t.yaml", problems)
    assert document is not None, problems
    return compile_document(document, files)


def extremes(compiled: mujoco.MjModel, seconds: float = 0.0) -> tuple[float, float]:
    """The lowest and highest torque of MuJoCo on the first joint, held still, at extreme controls.

    Args:
        compiled: the model.
        seconds: how long activations have time to move.
    """
    data: Any = mujoco.MjData(compiled)
    found: list[float] = []
    for ctrl in product((-1e6, 0.0, 1e6), repeat=compiled.nu):
        mujoco.mj_resetData(compiled, data)
        data.ctrl[:] = ctrl
        for _ in range(1 + round(seconds / compiled.opt.timestep)):
            data.qpos[:], data.qvel[:] = 0.0, 0.0
            mujoco.mj_step(compiled, data)
        found.append(float(data.qfrc_actuator[0]))
    return min(found), max(found)


RANGES = {
    "a joint's": ({"hip": 'actuatorfrcrange="-5 3"', "actuators": '<motor joint="hip"/>'}, 3),
    "a control's": ({"actuators": '<motor joint="hip" ctrlrange="-2 7" gear="2"/>'}, 4),
    "turned by a gear": ({"actuators": '<motor joint="hip" ctrlrange="-2 7" gear="-1"/>'}, 2),
    "turned by a gain": (
        {"actuators": '<general joint="hip" ctrlrange="-2 7" gainprm="-2"/>'},
        4,
    ),
    "a force's": ({"actuators": '<position joint="hip" kp="900" forcerange="-9 5"/>'}, 5),
    "pulls one way": ({"actuators": '<motor joint="hip" ctrlrange="0 6"/>'}, 6),
    "antagonists": (
        {
            "actuators": '<motor joint="hip" ctrlrange="0 6"/>'
            '<motor joint="hip" ctrlrange="0 6" gear="-1"/>'
        },
        6,
    ),
    "a tendon's own": (
        {
            "tendon": 'actuatorfrcrange="-2 2"',
            "actuators": '<motor tendon="t" ctrlrange="-9 9"/><motor tendon="t" ctrlrange="-4 4"/>',
        },
        6,
    ),
    "an activation's": (
        {
            "actuators": '<general joint="hip" dyntype="integrator" ctrlrange="-1 1"'
            ' actrange="-4 4" gainprm="2"/>'
        },
        8,
    ),
    "joint and motors cross": (
        {"hip": 'actuatorfrcrange="-5 3"', "actuators": '<motor joint="hip" ctrlrange="-2 9"/>'},
        2,
    ),
    "a group that is off": (
        {
            "head": '<option actuatorgroupdisable="2"/>',
            "actuators": '<motor joint="hip" ctrlrange="-3 3"/>'
            '<motor joint="hip" ctrlrange="-8 8" group="2"/>',
        },
        3,
    ),
    "another default group": (
        {
            "head": '<option actuatorgroupdisable="0"/>',
            "actuators": '<motor joint="hip" ctrlrange="-3 3" group="1"/>',
        },
        3,
    ),
}


@pytest.mark.parametrize(("parts", "limit"), RANGES.values(), ids=RANGES)
def test_the_limit_that_is_said_acts_in_both_directions(parts: dict[str, str], limit: int) -> None:
    files = model(**parts)
    own = load(
        PART.model_copy(update={"home": PART.home.model_copy(update={"keyframe": None})}), files
    )
    seconds = 5.0 if own.model.na else 0.0
    low, high = extremes(own.model, seconds)
    assert tuple(reach(own.model, 0)) == pytest.approx((low, high))
    compiled = task(files)
    assert compiled.plan is not None, compiled.diagnostics
    plan = compiled.plan
    assert extremes(plan.robot.model) == pytest.approx((-limit, limit))
    assert plan.drives[0].limit == pytest.approx(limit)
    assert plan.robot.facts.torque_limits == pytest.approx({"hip": limit})
    assert [d.code for d in compiled.diagnostics] == ["KS0454"] * (abs(low + high) > 1e-9)


@pytest.mark.parametrize(("asked", "limit"), [(2.0, 2.0), (4.0, 3.0), (50.0, 3.0)])
def test_a_limit_of_the_task_acts_within_the_narrower_side(asked: float, limit: float) -> None:
    compiled = task(model(hip='actuatorfrcrange="-5 3"'), f"torque_limit: {asked} N*m,")
    assert compiled.plan is not None, compiled.diagnostics
    assert extremes(compiled.plan.robot.model) == pytest.approx((-limit, limit))
    assert compiled.plan.drives[0].limit == limit
    assert [d.code for d in compiled.diagnostics] == ["KS0453"] * (asked > limit)


HEADS = {
    "no autolimits": '<compiler autolimits="false"/>',
    "controls are not clamped": '<option><flag clampctrl="disable"/></option>',
    "the group of most is off": '<option actuatorgroupdisable="0 1 2"/>',
    "numbers of the user": '<size nuser_actuator="3" nuser_sensor="2" nuser_jnt="1"/>',
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_no_option_of_the_model_changes_what_an_action_adds(head: str) -> None:
    compiled = task(model(head), "torque_limit: 7 N*m,")
    assert compiled.plan is not None, compiled.diagnostics
    assert extremes(compiled.plan.robot.model) == pytest.approx((-7.0, 7.0))


@pytest.mark.parametrize(
    ("flag", "reads", "code"),
    [
        ("actuation", "kind: joint_position", ["KS0219"]),
        ("sensor", "kind: joint_position", []),
        ("sensor", "kind: sensor, sensor: angle", ["KS0219"]),
    ],
)
def test_what_the_model_switches_off_is_said_where_it_is_needed(
    flag: str, reads: str, code: list[str]
) -> None:
    files = model(f'<option><flag {flag}="disable"/></option>')
    found = task(files, "torque_limit: 7 N*m,", reads).diagnostics
    assert [d.code for d in found if d.code == "KS0219"] == code


def test_a_disabled_actuator_gives_no_force_or_is_refused() -> None:
    text = model('<option actuatorgroupdisable="1" gravity="0 0 0"/>').content["m.xml"].decode()
    text = text.replace(
        "</body></worldbody>",
        '</body><body pos="9 0 0"><joint name="wheel"/><geom size=".1"/></body></worldbody>',
    )
    own = '<position name="own" joint="wheel" group="1" kp="9" ctrlrange="1 2"/>'
    text = text.replace("<actuator>", f"<actuator>{own}")
    compiled = task(ModelFiles("m.xml", {"m.xml": text.encode()}), "torque_limit: 7 N*m,")
    assert compiled.plan is not None, compiled.diagnostics
    env = Env(compiled.plan, "native", threads=1)
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    state, _ = jax.jit(env.step)(env.params, state, jnp.ones((2, 1)))
    assert abs(float(state.world["qpos"][0, 0])) > 1e-3
    assert abs(float(state.world["qpos"][0, 1])) < 1e-6
    with pytest.raises(NotImplementedError, match="the disabled group of actuator 'own'"):
        Env(compiled.plan, "mjx")


def test_mocap_bodies_begin_where_the_home_keyframe_has_them() -> None:
    text = """<mujoco><worldbody><body name="aim" mocap="true" pos="1 0 0" euler="0 0 30"/>
    <body><joint name="hip"/><geom size=".1"/></body></worldbody>
    <keyframe><key name="up" mpos="3 2 1" mquat="0 1 0 0"/></keyframe></mujoco>"""
    loaded = load(PART, ModelFiles("m.xml", {"m.xml": text.encode()}))
    data: Any = mujoco.MjData(loaded.model)
    np.testing.assert_allclose(data.mocap_pos, [[3, 2, 1]])
    np.testing.assert_allclose(data.mocap_quat, [[0, 1, 0, 0]])

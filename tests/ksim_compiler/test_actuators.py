"""What is put into a model, what is taken out, and what the model's own actuators do: by MuJoCo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.pipeline import Compiled, compile_document, compile_file
from ksim_compiler.robot.limits import effort, torque_limits
from ksim_compiler.robot.model import ModelFiles, equip, load
from ksim_schema.diagnostics import Sink
from ksim_schema.robot import Drive, SensorRequest
from ksim_schema.source import parse
from ksim_schema.vocabulary.state import Robot as RobotPart

PART = RobotPart.model_validate({"model": "m.xml", "control": "20 ms"})
BODY = """
<worldbody>
  <geom name="floor" type="plane" size="5 5 .1"/>
  <body name="b" pos="0 0 1">
    <joint name="hip" axis="0 1 0" {hip}/>
    <geom name="thigh" type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass="1"/>
    <site name="tip" pos="0 0 -.3"/>
    <body name="c" pos="0 0 -.3">
      <joint name="knee" axis="0 1 0"/>
      <geom name="shin" type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass=".5"/>
      <site name="toe" pos="0 0 -.3"/>
    </body>
  </body>
</worldbody>
"""


def model(*, default: str = "", hip: str = "", rest: str = "") -> ModelFiles:
    text = f'<mujoco><compiler angle="radian"/><option timestep="0.005" gravity="0 0 0"/>{default}'
    return ModelFiles("m.xml", {"m.xml": f"{text}{BODY.format(hip=hip)}{rest}</mujoco>".encode()})


DEFAULTS = {
    "motor": '<motor gear="50" ctrlrange="-.4 .4"/>',
    "motor with limits": '<motor ctrllimited="true" ctrlrange="-1 1" forcerange="-1 1"/>',
    "position": '<position kp="7" kv="3" ctrlrange="-1 1" forcerange="-2 2"/>',
    "velocity": '<velocity kv="9"/>',
    "no range": '<general ctrllimited="true"/>',
    "filter": '<general dyntype="filter" dynprm="0.1" gainprm="5" biastype="affine" biasprm="1"/>',
    "integrator": '<intvelocity kp="5" actrange="-1 1"/>',
    "muscle": "<muscle/>",
    "cylinder": '<cylinder timeconst="1" area="2"/>',
    "damper": '<damper kv="3" ctrlrange="0 1"/>',
    "adhesion": '<adhesion gain="3" ctrlrange="0 1"/>',
    "group": '<general group="3" actearly="true"/>',
}
DRIVES = (
    Drive("hip", 20.0, 30.0, 2.0),
    Drive("knee", 15.0, None, 1.0, stall=10.0, no_load_speed=5.0),
)
SENSORS = (SensorRequest("framelinvel", "xbody", "c"), SensorRequest("framepos", "site", "toe"))


def fields(compiled: mujoco.MjModel, prefix: str, index: int) -> dict[str, list[float]]:
    """All numbers of one actuator or sensor."""
    count = {"actuator_": compiled.nu, "sensor_": compiled.nsensor}[prefix]
    values = {n: getattr(compiled, n) for n in dir(compiled) if n.startswith(prefix)}
    return {
        name: np.asarray(value[index]).ravel().tolist()
        for name, value in values.items()
        if isinstance(value, np.ndarray) and len(value) == count
    }


@pytest.mark.parametrize("default", DEFAULTS.values(), ids=DEFAULTS)
def test_no_default_of_the_model_reaches_what_is_added(default: str) -> None:
    joint = '<joint damping="3"/><geom friction="3 3 3" margin=".1" condim="1"/>'
    hostile = load(PART, model(default=f"<default>{default}{joint}</default>"))
    added, plain = (equip(r, SENSORS, DRIVES).model for r in (hostile, load(PART, model())))
    assert added.nu == plain.nu == 3
    for prefix, count in (("actuator_", plain.nu), ("sensor_", plain.nsensor)):
        for i in range(count):
            right = fields(plain, prefix, i)
            assert right
            assert fields(added, prefix, i) == right
    assert added.na == 0


TASK = """
ksim: 1
task: t
PhysicsState: {r: {model: m.xml, control: 50 Hz, home: {home}}}
Observation: {q: {kind: joint_position}}
Action: {a: {kind: position_target, joints: {joints}, scale: 1 rad, torque_limit: 20 N*m,
             gains: {kp: 10 N*m/rad, kd: 0.5 N*m*s/rad}}}
Policy: {actor: {read: [q], network: {kind: mlp, hidden: [8]}}}
Critic: {critic: {judge: {clean: [q]}, network: {kind: mlp, hidden: [8]}}}
Reward: {effort: {kind: torque_penalty, scale: 0.1}}
Termination: {time: {kind: episode_length, after: 50 s}}
PPO: {envs: 2, rollout: 8, minibatches: 1}
"""


def task(files: ModelFiles, joints: str = "hip", home: str = "{}") -> Compiled:
    text = TASK.replace("{joints}", joints).replace("home: {home}", f"home: {home}")
    problems = Sink()
    document = parse(text, "t.yaml", problems)
    assert document is not None, problems
    return compile_document(document, files)


def after(compiled: Compiled, engine: str, ticks: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Positions before and after ticks of no action."""
    assert compiled.plan is not None, compiled.diagnostics
    env = Env(compiled.plan, engine, threads=1)
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    before, step = np.asarray(state.world["qpos"][0]), jax.jit(env.step)
    for _ in range(ticks):
        state, _ = step(env.params, state, jnp.zeros((2, env.action_size)))
    return before, np.asarray(state.world["qpos"][0])


SERVO = '<position name="own" joint="knee" kp="20" kv="2" {}/>'
KEY = '<keyframe><key name="home" qpos="0.2 0.6" {}/></keyframe>'
HELD = {
    "a keyframe's control": (SERVO.format(""), KEY.format('ctrl="0.6"'), 0.6),
    "a servo of a keyframe without controls": (SERVO.format(""), KEY.format(""), 0.6),
    "a control outside of its range": (SERVO.format('ctrlrange="-.5 .5"'), KEY.format(""), 0.5),
    "a gear": (
        SERVO.format('gear="3"').replace("20", "2").replace('2" kv="2', '2" kv=".1'),
        KEY.format(""),
        1.8,
    ),
    "an activation": (
        '<general name="own" joint="knee" dyntype="filter" dynprm=".5" gainprm="20"'
        ' biastype="affine" biasprm="0 -20 -2"/>',
        KEY.format('ctrl="0.6" act="0.6"'),
        0.6,
    ),
    "an activation that the keyframe does not give": (
        '<intvelocity name="own" joint="knee" kp="20" kv="2" actrange="-3 3"/>',
        KEY.format(""),
        0.0,
    ),
    "a motor": ('<motor name="own" joint="knee"/>', KEY.format(""), 0.0),
    "a bias": (
        '<general name="own" joint="knee" gainprm="2" biastype="affine" biasprm="1 -20 -2"/>',
        KEY.format(""),
        5.5,
    ),
}


@pytest.mark.parametrize(
    ("case", "engine"),
    [
        *(pytest.param(case, "native", id=f"{name}-native") for name, case in HELD.items()),
        # one on MJX stays among the quick ones
        pytest.param(HELD["a gear"], "mjx", id="a gear-mjx"),
        *(
            pytest.param(case, "mjx", id=f"{name}-mjx", marks=pytest.mark.slow)
            for name, case in HELD.items()
            if name != "a gear"
        ),
    ],
)
def test_an_actuator_that_no_action_drives_holds_the_home_pose(
    case: tuple[str, str, float], engine: str
) -> None:
    actuator, key, control = case
    compiled = task(model(rest=f"<actuator>{actuator}</actuator>{key}"), home="{keyframe: home}")
    assert [d.code for d in compiled.diagnostics] == ["KS0452"]
    assert compiled.plan is not None
    assert compiled.plan.robot.held == pytest.approx({"own": control})
    before, now = after(compiled, engine, 50 if engine == "native" else 5)
    expected = [0.2, 0.6]
    if control == 0.5:  # the control's range keeps it from the home pose
        assert 0.45 < now[1] < 0.6
        return
    np.testing.assert_allclose(before, expected, atol=1e-6)
    np.testing.assert_allclose(now, expected, atol=1e-4)


TRANSMISSIONS = {
    "joint": '<position name="own" joint="hip" kp="10"/>',
    "jointinparent": '<position name="own" jointinparent="hip" kp="10"/>',
    "tendon": '<position name="own" tendon="t" kp="10"/>',
    "spatial tendon": '<position name="own" tendon="s" kp="10"/>',
    "two sites": '<general name="own" site="tip" refsite="root" gear="1 0 0 0 0 0" gainprm="3"/>',
    "slider and crank": '<motor name="own" cranksite="tip" slidersite="root" cranklength="1"/>',
}
TENDONS = """<tendon><fixed name="t"><joint joint="hip" coef="1"/></fixed>
<spatial name="s"><site site="root"/><site site="tip"/></spatial></tendon>"""


@pytest.mark.parametrize("actuator", TRANSMISSIONS.values(), ids=TRANSMISSIONS)
def test_an_actuator_on_a_driven_joint_goes_whatever_its_transmission(actuator: str) -> None:
    rest = f"{TENDONS}<actuator>{actuator}</actuator>"
    files = model(rest=rest)
    text = files.content["m.xml"].replace(b"<worldbody>", b'<worldbody><site name="root"/>')
    compiled = task(ModelFiles("m.xml", {"m.xml": text}))
    assert compiled.plan is not None, compiled.diagnostics
    assert compiled.plan.robot.facts.actuators == ("ksim/hip",)


def test_a_thruster_is_a_force_of_the_world_and_stays() -> None:
    rest = '<actuator><motor name="jet" site="toe" gear="0 0 1 0 0 0"/></actuator>'
    compiled = task(model(rest=rest))
    assert compiled.plan is not None
    assert dict(compiled.plan.robot.held) == {"jet": 0.0}


def test_a_tendon_whose_other_joint_follows_the_driven_one_goes() -> None:
    rest = """<tendon><fixed name="both"><joint joint="hip" coef=".5"/>
    <joint joint="knee" coef=".5"/></fixed></tendon>{}<actuator>
    <position name="own" tendon="both" kp="10"/></actuator>"""
    follows = '<equality><joint joint1="knee" joint2="hip"/></equality>'
    compiled = task(model(rest=rest.format(follows)))
    assert compiled.plan is not None, compiled.diagnostics
    assert compiled.plan.robot.facts.actuators == ("ksim/hip",)
    assert [d.code for d in task(model(rest=rest.format(""))).diagnostics] == ["KS0450"]


RANGES = {
    "the joint's": ('actuatorfrcrange="-5 5"', '<motor joint="hip"/>', 5.0),
    "the actuator's": ("", '<motor joint="hip" forcerange="-4 4" gear="2"/>', 8.0),
    "the control's": ("", '<motor joint="hip" ctrlrange="-3 3" gear="2"/>', 6.0),
    "a negative gain": ("", '<general joint="hip" gainprm="-2" ctrlrange="-3 3"/>', 6.0),
    "a negative gear": ("", '<motor joint="hip" gear="-2" ctrlrange="-3 3"/>', 6.0),
    "the smallest": (
        'actuatorfrcrange="-9 9"',
        '<motor joint="hip" ctrlrange="-3 3" forcerange="-2 2" gear="2"/>',
        4.0,
    ),
    "two together": (
        "",
        '<motor joint="hip" ctrlrange="-3 3"/><motor jointinparent="hip" ctrlrange="-2 2"/>',
        5.0,
    ),
    "a tendon's": ("", '<position kp="900" tendon="t" forcerange="-7 7"/>', 7.0),
}


def strongest(compiled: mujoco.MjModel, joint: int) -> float:
    """The largest torque that MuJoCo applies to a joint under extreme controls."""
    data: Any = mujoco.MjData(compiled)
    signs = np.array(np.meshgrid(*[[-1e6, 1e6]] * compiled.nu)).reshape(compiled.nu, -1).T
    most = 0.0
    for ctrl in signs:
        data.ctrl[:] = ctrl
        mujoco.mj_forward(compiled, data)
        most = max(most, abs(float(data.qfrc_actuator[compiled.jnt_dofadr[joint]])))
    return most


@pytest.mark.parametrize("case", RANGES.values(), ids=RANGES)
def test_limits_are_what_mujoco_applies(case: tuple[str, str, float]) -> None:
    hip, actuators, limit = case
    robot = load(PART, model(hip=hip, rest=f"{TENDONS_OF_HIP}<actuator>{actuators}</actuator>"))
    assert strongest(robot.model, 0) == pytest.approx(limit)
    assert effort(robot.model, 0) == pytest.approx(limit)
    assert torque_limits(robot.model, robot.facts.joints) == pytest.approx({"hip": limit})


TENDONS_OF_HIP = '<tendon><fixed name="t"><joint joint="hip" coef="-1"/></fixed></tendon>'


@pytest.mark.parametrize("asked", [2.0, 50.0])
@pytest.mark.parametrize("hip", ["", 'actuatorfrcrange="-5 5"'])
def test_a_limit_of_the_task_is_said_as_it_acts(hip: str, asked: float) -> None:
    files = model(hip=hip, rest='<actuator><motor joint="hip" ctrlrange="-3 3"/></actuator>')
    text = TASK.replace("{joints}", "hip").replace("home: {home}", "home: {}")
    document = parse(text.replace("20 N*m", f"{asked} N*m"), "t.yaml", Sink())
    assert document is not None
    compiled = compile_document(document, files)
    assert compiled.plan is not None, compiled.diagnostics
    acts = strongest(compiled.plan.robot.model, 0)
    assert compiled.plan.drives[0].limit == pytest.approx(acts)
    assert compiled.plan.robot.facts.torque_limits == pytest.approx({"hip": acts})
    assert [d.code for d in compiled.diagnostics] == ["KS0453"] * (asked > acts)


ROBOTS = sorted((Path(__file__).parents[2] / "tasks").glob("*.yaml"))


@pytest.mark.parametrize("path", ROBOTS, ids=lambda p: p.stem)
def test_the_limits_of_the_shipped_tasks_are_those_that_act(path: Path) -> None:
    compiled = compile_file(path)
    assert compiled.plan is not None
    _plan_agrees(compiled)


def _plan_agrees(compiled: Compiled) -> None:
    plan = compiled.plan
    assert plan is not None
    facts, loaded = plan.robot.facts, plan.robot.model
    data: Any = mujoco.MjData(loaded)
    for sign in (-1.0, 1.0):
        for drive in plan.drives:
            data.ctrl[facts.actuators.index(drive.name)] = sign * 1e9
        mujoco.mj_forward(loaded, data)
        for drive in plan.drives:
            joint = next(j for j in facts.joints if j.name == drive.joint)
            assert abs(data.qfrc_actuator[joint.dof]) == pytest.approx(drive.limit)
            assert facts.torque_limits[drive.joint] == pytest.approx(drive.limit)


@pytest.mark.parametrize(
    "entry",
    ["unitree_go1/scene", "unitree_g1/scene", "franka_emika_panda/scene"],
)
def test_the_limits_of_public_robots_are_those_that_act(entry: str) -> None:
    root = os.environ.get("MENAGERIE_ROOT")
    if not root:
        pytest.skip("MENAGERIE_ROOT is not set")
    text = TASK.replace("{joints}", "'.*'").replace("torque_limit: 20 N*m,", "")
    text = text.replace("home: {home}", "home: {}").replace("m.xml", f"{root}/{entry}.xml")
    if "panda" in entry:
        text = text.replace("'.*'", "'joint[1-7]'")
    folder = Path(root)
    document = parse(text, "t.yaml", Sink())
    assert document is not None
    from ksim_compiler.robot.files import read_files

    compiled = compile_document(document, read_files(folder / f"{entry}.xml"))
    assert compiled.plan is not None, compiled.diagnostics
    _plan_agrees(compiled)


TENDON = '<tendon><fixed name="t"><joint joint="hip" coef="2"/></fixed></tendon>'


@pytest.mark.parametrize(
    ("tendon", "where"), [("", 'joint="hip"'), ("", 'jointinparent="hip"'), (TENDON, 'tendon="t"')]
)
def test_the_rotor_of_a_motor_that_goes_stays_on_the_robot(tendon: str, where: str) -> None:
    """Inertia matrix and passive forces are those of the model with its own motor."""
    motor = f'<motor {where} gear="-3" armature=".1" damping=".5 .2"/>'
    robot = load(PART, model(rest=f"{tendon}<actuator>{motor}</actuator>"))
    driven = equip(robot, (), (Drive("hip", 5.0),))
    assert driven.facts.actuators == ("ksim/hip",)
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for loaded in (robot.model, driven.model):
        data: Any = mujoco.MjData(loaded)
        data.qpos[:], data.qvel[:] = (0.1, 0.2), (-0.7, 0.3)
        mujoco.mj_forward(loaded, data)
        mass = np.zeros((2, 2))
        mujoco.mj_fullM(loaded, data, mass)
        found.append((mass, data.qfrc_passive.copy()))
    assert found[0][0][0, 0] > 0.9
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-12)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-12)

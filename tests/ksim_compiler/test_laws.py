"""Laws of a task against its robot: the shipped tasks with one number changed."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest

from ksim_compiler.checks.reach import ball
from ksim_compiler.pipeline import compile_document
from ksim_compiler.robot.locate import locate
from ksim_compiler.robot.model import ModelFiles, read_files
from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.source import parse

TASKS = Path(__file__).parents[2] / "tasks"


def found(task: str, *changes: tuple[str, str]) -> list[Diagnostic]:
    """What is said of a shipped task with some of its text replaced."""
    text = (TASKS / f"{task}.yaml").read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    sink = Sink()
    document = parse(text, f"{task}.yaml", sink)
    assert document is not None, list(sink)
    model = next(iter(document.data["PhysicsState"].values()))["model"]
    files = read_files(locate(model, TASKS).path)
    return compile_document(document, files).diagnostics


JOINT = "  upright: {kind: flat_body, scale: 0.5}\n"
CARTPOLE = "  upright: {kind: joint_tracking, joints: pole, error_scale: 5 deg}"
FALLEN = "height: 0.75 m}"
TIPPED = "tipped: {kind: not_upright, body: torso, max_tilt: 60 deg}"
CASES: list[tuple[str, str, str, list[str]]] = [
    # 1 m/s for the 4 s for which a command lasts at least: 4 m
    ("walk", TIPPED, "away: {kind: far_from_origin, distance: 3 m}", []),
    ("walk", TIPPED, "away: {kind: far_from_origin, distance: 2 m}", ["KS0330"]),
    # the torso is 1.04 m high at home
    ("walk", FALLEN, "height: 0.75 mm}", ["KS0313"]),
    # 1 / (2 pi f) = 1.6 s and 0.16 s, of episodes of 20 s
    ("trot", "gains: {kp: 40", "low_pass: 0.1 Hz\n    gains: {kp: 40", ["KS0473"]),
    ("trot", "gains: {kp: 40", "low_pass: 1 Hz\n    gains: {kp: 40", []),
    # the knees are from -149 to -34 deg
    ("trot", "around: home\n", "around: zero\n", ["KS0391"]),
    ("trot", "around: home\n", "around: middle\n", []),
    # 0.03 kg*m^2 at the hip: 1 / (2 sqrt(0.03 kp)) is 0.1 with a kp of 830 N*m/rad
    ("trot", "kp: 40 N*m/rad", "kp: 500 N*m/rad", []),
    ("trot", "kp: 40 N*m/rad", "kp: 40 N*m/deg", ["KS0392"]),
    # one cause, one message
    ("walk", "after: 20 s", "after: 20 ms", ["KS0473"]),
    ("trot", "    period: 0.5 s\n", "    period: 500 s\n", ["KS0473"]),
    ("walk", "    height: 10 cm\n", "    height: 10 m\n", ["KS0333"]),
    # commands go up to 1 m/s; a termination at 1 m/s leaves all of them, one at 0.9 m/s does not
    ("walk", "  time_limit", "  fast: {kind: bad_velocity, max_speed: 1 m/s}\n  time_limit", []),
    (
        "walk",
        "  time_limit",
        "  fast: {kind: bad_velocity, max_speed: 0.9 m/s}\n  time_limit",
        ["KS0330"],
    ),
    # episodes end below 0.75 m
    ("walk", JOINT, JOINT + "  tall: {kind: base_height, height: 0.8 m}\n", []),
    ("walk", JOINT, JOINT + "  low: {kind: base_height, height: 0.7 m}\n", ["KS0333"]),
    (
        "walk",
        JOINT,
        JOINT + "  sky: {kind: base_height, height: 5 m, error_scale: 4 m}\n",
        ["KS0333"],
    ),
    # the kernel of the one leads into that of the other
    ("walk", "error_scale: 0.2 m/s", "error_scale: 0.02 m/s", []),
    (
        "walk",
        "  linvel: {kind: track_linear_velocity, command: velocity, error_scale: 0.5 m/s, "
        "scale: 0.8}\n",
        "",
        [],
    ),
    ("trot", "error_scale: 8 cm", "error_scale: 5 mm", ["KS0334"]),
    ("trot", "error_scale: 8 cm", "error_scale: 8 m", ["KS0335"]),
    ("cartpole", "error_scale: 5 deg", "error_scale: 0.1 deg", ["KS0334"]),
    ("cartpole", "error_scale: 5 deg", "error_scale: 5 rad", ["KS0335"]),
    ("cartpole", "error_scale: 5 deg", "target: 20 deg, error_scale: 5 deg", ["KS0333"]),
    ("cartpole", "error_scale: 0.5 m}", "target: 9 m, error_scale: 1 mm}", ["KS0333"]),
    (
        "trot",
        "  bounce:",
        "  hits: {kind: undesired_contacts, geoms: foot_.*, threshold: 1 kN}\n  bounce:",
        [],
    ),
    (
        "trot",
        "  bounce:",
        "  hits: {kind: undesired_contacts, geoms: foot_.*, threshold: 1.0e6 N}\n  bounce:",
        ["KS0320"],
    ),
    ("trot", "    scale: 0.4 rad", "    clip: [-0.1, 0.1]\n    scale: 0.4 rad", ["KS0478"]),
    ("trot", "    scale: 0.4 rad", "    scale: 4 rad", []),
    ("trot", "    scale: 0.4 rad", "    scale: 9 rad", ["KS0478"]),
    ("trot", "    scale: 0.4 rad", "    scale: 0.4 deg", ["KS0478"]),
    ("trot", "    scale: 0.4 rad", "    update: 20 ms\n    scale: 0.4 rad", []),
    ("trot", "    scale: 0.4 rad", "    update: 40 ms\n    scale: 0.4 rad", ["KS0474"]),
    ("trot", "    scale: 0.4 rad", "    max_speed: 1.2 deg/s\n    scale: 0.4 rad", []),  # 19.1 s
    ("trot", "    scale: 0.4 rad", "    max_speed: 1.1 deg/s\n    scale: 0.4 rad", ["KS0473"]),
    ("trot", "    scale: 0.4 rad", "    drop: 1\n    scale: 0.4 rad", ["KS0321"]),
    # the knees of the quadruped bend to one side, from -149 to -34 deg
    (
        "trot",
        "  bounce:",
        "  legs: {kind: joint_deviation, around: zero, joints: knee.*}\n  bounce:",
        ["KS0333"],
    ),
    (
        "trot",
        "  bounce:",
        "  legs: {kind: joint_deviation, around: home, joints: knee.*}\n  bounce:",
        [],
    ),
    # motors of 150 N*m and less: at a tenth, with 1e-5, 0.02 of 5 that can be gained
    (
        "walk",
        "torque: {kind: torque_penalty, scale: 1.0e-5}",
        "torque: {kind: torque_penalty, scale: 1.0e-3}",
        [],
    ),
    (
        "walk",
        "torque: {kind: torque_penalty, scale: 1.0e-5}",
        "torque: {kind: torque_penalty, scale: 0.1}",
        ["KS0338"],
    ),
    # 20 joints with a standard deviation of 0.5: 2 * 0.25 * 20 = 10 for a weight of 1
    (
        "walk",
        "smooth: {kind: action_velocity, scale: 0.02}",
        "smooth: {kind: action_velocity, scale: 4}",
        [],
    ),
    (
        "walk",
        "smooth: {kind: action_velocity, scale: 0.02}",
        "smooth: {kind: action_velocity, scale: 8}",
        ["KS0338"],
    ),
    # the pole has no limits in the model, the rail has
    (
        "reach",
        "  time_limit",
        "  bent: {kind: joint_outside, joints: .*, range: [-9 rad, 9 rad]}\n  time_limit",
        ["KS0313"],
    ),
    (
        "reach",
        "  time_limit",
        "  bent: {kind: joint_outside, joints: .*, range: [-1 rad, 1 rad]}\n  time_limit",
        ["KS0432"],
    ),
    (
        "walk",
        "  time_limit",
        "  sunk: {kind: min_height, height: -1 m}\n  time_limit",
        ["KS0313", "KS0332"],
    ),
    (
        "walk",
        "  time_limit",
        "  later: {kind: episode_length, after: 30 s}\n  time_limit",
        ["KS0332"],
    ),
    ("reach", "x: [0.3 m, 0.6 m]", "x: [3 m, 6 m]", ["KS0331"]),
    ("reach", "z: [0.25 m, 0.8 m]", "z: [-0.5 m, 0.8 m]", ["KS0331"]),
    ("walk", "timestep: 5 ms", "timestep: 20 ms", ["KS0472"]),
    (
        "walk",
        "PPO:",
        "Event:\n  push: {kind: force_push, force: 8000 N, duration: 0.1 s, every: "
        "[1 s, 2 s]}\nPPO:",
        ["KS0349"],
    ),
    (
        "walk",
        "PPO:",
        "Event:\n  push: {kind: force_push, force: 200 N, duration: 0.1 s, every: "
        "[1 s, 2 s]}\nPPO:",
        [],
    ),
]


@pytest.mark.parametrize(("task", "old", "new", "codes"), CASES)
def test_what_is_said(task: str, old: str, new: str, codes: list[str]) -> None:
    assert sorted(d.code for d in found(task, (old, new)) if d.code != "KS0430") == codes


def test_no_pose_is_outside_of_the_ball() -> None:
    model = mujoco.MjModel.from_xml_path(str(TASKS / "robots/arm/scene.xml"))
    data = mujoco.MjData(model)
    site = model.site("tip").id
    mujoco.mj_forward(model, data)
    around = ball(model, data, int(model.site_bodyid[site]), data.site_xpos[site])
    assert around is not None
    rng, farthest = np.random.default_rng(0), 0.0
    for _ in range(2000):
        data.qpos[:] = rng.uniform(-np.pi, np.pi, model.nq)
        mujoco.mj_kinematics(model, data)
        farthest = max(farthest, float(np.linalg.norm(data.site_xpos[site] - around.centre)))
    assert 0.8 * around.radius < farthest <= around.radius + 1e-9


CART = """<mujoco><default><geom contype="0"/></default><worldbody>
  <geom name="rail" type="capsule" size=".02 1" euler="0 90 0"/>
  <body><joint name="slider" type="slide" axis="1 0 0" range="-1 1"/><geom size=".1" {cart}/>
    <body><joint name="hinge" axis="0 1 0"/>
      <geom type="capsule" fromto="0 0 0 0 0 .6" size=".05"/></body></body>
  <body pos="0 0 .15"><joint name="flap" axis="0 1 0"/><geom size=".1" {flap}/></body>
  </worldbody></mujoco>"""
CART_TASK = """
ksim: 1
task: t
PhysicsState: {r: {model: m.xml, control: 20 ms, timestep: 20 ms}}
Observation: {q: {kind: joint_position}}
Action: {a: {kind: torque, joints: slider, scale: 1 N, torque_limit: 9 N}}
Policy: {actor: {read: [q], network: {kind: mlp, hidden: [8]}}}
Critic: {critic: {judge: {clean: [q]}, network: {kind: mlp, hidden: [8]}}}
Reward: {smooth: {kind: action_velocity, scale: 0.1}}
Termination: {time: {kind: episode_length, after: 50 s}}
PPO: {envs: 2, rollout: 8, minibatches: 1}
"""


@pytest.mark.parametrize(
    ("cart", "flap", "touches"),
    [
        ("", "", False),
        ('contype="1"', 'contype="1"', True),
        ('contype="2" conaffinity="4"', 'contype="8" conaffinity="1"', False),
        ('contype="2" conaffinity="4"', 'contype="4" conaffinity="8"', True),
    ],
)
def test_contacts_that_cannot_be_are_not_softened(cart: str, flap: str, touches: bool) -> None:
    text = CART.format(cart=cart, flap=flap)
    model = mujoco.MjModel.from_xml_string(text)
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    assert (data.ncon > 0) == touches
    document = parse(CART_TASK, "t.yaml", Sink())
    assert document is not None
    said = compile_document(document, ModelFiles("m.xml", {"m.xml": text.encode()})).diagnostics
    assert ("KS0472" in [d.code for d in said]) == touches


@pytest.mark.parametrize(
    ("floor", "euler", "never"),
    [(0.0, "0 0 0", False), (0.3, "0 0 0", True), (0.3, "9 0 0", False)],
)
def test_walls_are_no_ground_that_bodies_stay_above(floor: float, euler: str, never: bool) -> None:
    """A body ends below 0.2 m, between walls whose planes have their origin at 0.7 m."""
    text = f"""<mujoco><worldbody>
    <geom name="floor" type="plane" size="9 9 1" pos="0 0 {floor}" euler="{euler}"/>
    <geom name="wall" type="plane" size="9 9 1" pos="8 0 .7" euler="0 -90 0"/>
    <body name="trunk" pos="0 0 .5"><freejoint/><geom size=".1" mass="1"/>
      <body pos=".2 0 0"><joint name="slider" type="slide" axis="1 0 0" range="-1 1"/>
        <geom size=".1" mass="1"/></body></body></worldbody></mujoco>"""
    end = "{fall: {kind: min_height, height: 0.2 m}, time:"
    task = CART_TASK.replace("{time:", end).replace(", timestep: 20 ms", "")
    document = parse(task, "t.yaml", Sink())
    assert document is not None
    said = compile_document(document, ModelFiles("m.xml", {"m.xml": text.encode()})).diagnostics
    assert not [d for d in said if d.severity == "error"]
    assert ("KS0313" in [d.code for d in said]) == never

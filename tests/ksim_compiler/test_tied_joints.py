"""Joints that equalities tie together: driving one gives the pair what the model's motors gave it.

What MuJoCo applies to the joints of a pair counts by virtual work: the force on each, times how far
it moves for a unit of the driven one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
import pytest

from ksim_compiler.cli.compile import main
from ksim_compiler.pipeline import Compiled, compile_document, compile_file
from ksim_compiler.robot.limits import torque_limits
from ksim_compiler.robot.model import ModelFiles
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse

TASK = """
ksim: 1
task: t
PhysicsState: {r: {model: m.xml, control: 50 Hz}}
Observation: {q: {kind: joint_position}}
Action: {a: {kind: torque, joints: DRIVEN, scale: 20 N, LIMIT}}
Policy: {actor: {read: [q], network: {kind: mlp, hidden: [8]}}}
Critic: {critic: {judge: {clean: [q]}, network: {kind: mlp, hidden: [8]}}}
Reward: {effort: {kind: torque_penalty, scale: 0.1}}
Termination: {time: {kind: episode_length, after: 50 s}}
PPO: {envs: 2, rollout: 8, minibatches: 1}
"""
HALVES = '<joint joint="a" coef=".5"/><joint joint="b" coef=".5"/>'
PULL = '<motor tendon="t" ctrlrange="-100 100"/>'


@dataclass(frozen=True)
class Hand:
    """Three sliding fingers on springs, and what ties and moves them.

    Attributes:
        tied: how far each of a, b, c moves for a unit of the driven joints, by the equalities.
        expected: the largest force of the model's own motors on what is driven, N.
    """

    ties: str
    actuators: str
    driven: str
    tied: tuple[float, float, float]
    expected: float
    tendon: str = HALVES
    joints: tuple[str, str, str] = ("", "", "")
    limit: str = ""
    option: str = ""

    @property
    def files(self) -> ModelFiles:
        fingers = "".join(
            f'<body pos="{i} 0 0"><joint name="{name}" type="slide" axis="0 1 0" stiffness="5e4"'
            f' damping="900" {more}/><geom size=".1" mass=".2"/></body>'
            for i, (name, more) in enumerate(zip("abc", self.joints, strict=True))
        )
        text = f"""<mujoco><option gravity="0 0 0" timestep="0.0005">{self.option}</option>
        <worldbody>{fingers}</worldbody>
        <tendon><fixed name="t">{self.tendon}</fixed></tendon>
        <equality>{self.ties}</equality><actuator>{self.actuators}</actuator></mujoco>"""
        return ModelFiles("m.xml", {"m.xml": text.encode()})


def tie(one: str, other: str, slope: float = 1.0, rest: str = "") -> str:
    return f'<joint joint1="{one}" joint2="{other}" polycoef="0 {slope} 0 0 0" {rest}/>'


def compiled(hand: Hand) -> Compiled:
    text = TASK.replace("DRIVEN", hand.driven).replace("LIMIT", hand.limit)
    problems = Sink()
    document = parse(text, "t.yaml", problems)
    assert document is not None, problems
    return compile_document(document, hand.files)


def settled(model: mujoco.MjModel, full: float) -> tuple[np.ndarray, np.ndarray]:
    """The motors' forces on a, b, c, and where their springs hold them, all controls full."""
    data: Any = mujoco.MjData(model)
    data.ctrl[:] = full
    for _ in range(2000):
        mujoco.mj_step(model, data)
    assert np.abs(data.qvel).max() < 1e-6
    return data.qfrc_actuator.copy(), data.qpos.copy()


MOTOR_B = '<motor joint="b" ctrlrange="-30 30"/>'
HANDS = {
    "one tendon over two": Hand(tie("a", "b"), PULL, "a", (1, 1, 0), 100),
    "the follower is driven": Hand(tie("a", "b"), PULL, "b", (1, 1, 0), 100),
    "the other order": Hand(tie("b", "a"), PULL, "a", (1, 1, 0), 100),
    "a slope": Hand(tie("b", "a", 3), PULL, "a", (1, 3, 0), 50 + 3 * 50),
    "the inverse of a slope": Hand(tie("a", "b", 4), PULL, "a", (1, 0.25, 0), 50 + 0.25 * 50),
    "the other way": Hand(tie("b", "a", -1), PULL, "a", (1, -1, 0), 100, HALVES.replace(
        'joint="b" coef=".5"', 'joint="b" coef="-.5"')),
    "two followers": Hand(tie("b", "a") + tie("c", "a", -2), PULL, "a", (1, 1, -2), 160,
        HALVES + '<joint joint="c" coef="-.3"/>'),
    "a chain": Hand(tie("b", "a", 2) + tie("c", "b", 2), PULL, "a", (1, 2, 4), 50 + 100 + 400,
        HALVES + '<joint joint="c" coef="1"/>'),
    "a ring": Hand(tie("b", "a") + tie("c", "b") + tie("a", "c"), PULL, "a", (1, 1, 1), 130,
        HALVES + '<joint joint="c" coef=".3"/>'),
    "a motor of the follower's own": Hand(tie("b", "a", 2), MOTOR_B, "a", (1, 2, 0), 60),
    "a motor each": Hand(tie("b", "a", 2), '<motor joint="a" ctrlrange="-7 7"/>' + MOTOR_B, "a",
        (1, 2, 0), 67),
    "both driven": Hand(tie("b", "a"), PULL, "[a, b]", (1, 1, 0), 100),
    "two of three driven": Hand(tie("b", "a") + tie("c", "b"), PULL, "[a, c]", (1, 1, 1), 130,
        HALVES + '<joint joint="c" coef=".3"/>'),
    "what joints take": Hand(tie("b", "a"), PULL, "a", (1, 1, 0), 20 + 5,
        joints=('actuatorfrcrange="-20 20"', 'actuatorfrcrange="-5 5"', "")),
    "asked for less": Hand(tie("b", "a"), PULL, "a", (1, 1, 0), 70, limit="torque_limit: 70 N"),
}  # fmt: skip


@pytest.mark.parametrize("hand", HANDS.values(), ids=HANDS)
def test_a_pair_gets_the_force_of_the_models_own_motors(hand: Hand) -> None:
    own = mujoco.MjModel.from_xml_string(hand.files.content["m.xml"].decode())
    tied = np.array(hand.tied)
    found = compiled(hand)
    assert found.plan is not None, [str(d) for d in found.diagnostics]
    assert not [d for d in found.diagnostics if d.severity == "warning"]
    plan = found.plan
    limits = {drive.joint: drive.limit for drive in plan.drives}
    driven = [name in hand.driven for name in "abc"]
    for sign in (1.0, -1.0):
        forces, places = settled(plan.robot.model, sign * 1e6)
        assert tied @ forces == pytest.approx(sign * hand.expected)
        assert forces[np.invert(driven)] == pytest.approx(0.0)
        np.testing.assert_allclose(np.abs(forces[driven]), list(limits.values()))
        if hand.limit:
            continue
        before, there = settled(own, sign * 1e6)
        assert tied @ forces == pytest.approx(tied @ before)
        # a tie only passes forces on: the springs together hold what the motors give
        assert tied @ places == pytest.approx(tied @ there, rel=1e-3)
    assert dict(plan.robot.facts.torque_limits) == pytest.approx(limits)
    assert torque_limits(plan.robot.model, plan.robot.facts.joints) == pytest.approx(limits)


@pytest.mark.parametrize(
    ("ties", "option"),
    [(tie("a", "b", rest='active="false"'), ""), (tie("a", "b"), '<flag equality="disable"/>')],
    ids=["inactive", "switched off"],
)
def test_an_equality_that_is_off_ties_nothing(ties: str, option: str) -> None:
    hand = Hand(ties, PULL, "a", (1, 0, 0), 50, option=option)
    assert [d.code for d in compiled(hand).diagnostics if d.severity == "error"] == ["KS0450"]
    alone = Hand(ties, MOTOR_B, "a", (1, 0, 0), 9, limit="torque_limit: 9 N", option=option)
    plan = compiled(alone).plan
    assert plan is not None
    assert [drive.limit for drive in plan.drives] == [9.0]
    assert len(plan.robot.held) == 1


@pytest.mark.parametrize("active", [True, False])
def test_one_of_two_sides_hangs_limp_unless_an_equality_holds_it(active: bool) -> None:
    text = f"""<mujoco><worldbody>
    <body><joint name="left_hip" axis="0 1 0"/><geom size=".1" mass="1"/></body>
    <body pos="1 0 0"><joint name="right_hip" axis="0 1 0"/><geom size=".1" mass="1"/></body>
    </worldbody><equality>{tie("left_hip", "right_hip", rest=f'active="{str(active).lower()}"')}
    </equality></mujoco>"""
    task = TASK.replace("DRIVEN", "left_hip").replace("LIMIT", "torque_limit: 9 N*m")
    document = parse(task.replace("scale: 20 N,", "scale: 2 N*m,"), "t.yaml", Sink())
    assert document is not None
    found = compile_document(document, ModelFiles("m.xml", {"m.xml": text.encode()})).diagnostics
    assert ("KS0449" in [d.code for d in found]) == (not active)


def test_a_tendon_does_not_act_where_its_coefficient_is_0() -> None:
    """As the tendons of dm_control's point mass, of which the other joint has none of the force."""
    one = '<joint joint="a" coef="2"/><joint joint="b" coef="0"/>'
    plan = compiled(Hand("", PULL, "a", (1, 0, 0), 200, one)).plan
    assert plan is not None
    assert [drive.limit for drive in plan.drives] == [200.0]
    assert settled(plan.robot.model, 1e6)[0] == pytest.approx([200.0, 0.0, 0.0])
    other = compiled(Hand("", PULL, "b", (0, 1, 0), 0, one, limit="torque_limit: 9 N")).plan
    assert other is not None
    assert list(other.robot.held) == ["t"]  # called as what it acts on


def test_an_actuator_of_a_follower_and_of_another_is_torn() -> None:
    over = '<joint joint="b" coef="1"/><joint joint="c" coef="1"/>'
    found = compiled(Hand(tie("b", "a"), PULL, "a", (1, 1, 0), 0, over, limit="torque_limit: 9 N"))
    problems = [d for d in found.diagnostics if d.severity == "error"]
    assert [d.code for d in problems] == ["KS0450"]
    assert "'b', driven here or tied to what is, and on joint 'c'" in problems[0].message


def test_mimic_joints_of_a_urdf(tmp_path: Path) -> None:
    """A joint of a URDF that mimics has no motor, whatever its effort; a tendon gives it one."""
    inertial = """<inertial><mass value="1"/><inertia ixx=".1" iyy=".1" izz=".1" ixy="0" ixz="0"
      iyz="0"/></inertial>"""
    links = "".join(f'<link name="{name}">{inertial}</link>' for name in ("palm", "one", "other"))
    joint = """<joint name="{name}" type="prismatic"><parent link="palm"/><child link="{child}"/>
      <axis xyz="0 1 0"/><limit lower="-1" upper="1" effort="20" velocity="1"/>{more}</joint>"""
    joints = joint.format(name="a", child="one", more="") + joint.format(
        name="b", child="other", more='<mimic joint="a" multiplier="-2" offset="0"/>'
    )
    hand = tmp_path / "hand.urdf"
    hand.write_text(f'<robot name="hand">{links}{joints}</robot>', encoding="utf-8")
    text = TASK.replace("DRIVEN", "a").replace(", LIMIT", "")
    (tmp_path / "t.yaml").write_text(text.replace("m.xml", "hand.urdf"), encoding="utf-8")
    plan = compile_file(tmp_path / "t.yaml").plan
    assert plan is not None
    assert [drive.limit for drive in plan.drives] == [20.0]

    (tmp_path / "m.xml").write_text(
        """<mujoco><asset><model name="hand" file="hand.urdf"/></asset>
        <worldbody><frame><attach model="hand" prefix="h_"/></frame></worldbody>
        <tendon><fixed name="t"><joint joint="h_a" coef=".1"/><joint joint="h_b" coef="-.1"/>
        </fixed></tendon><actuator><motor tendon="t" ctrlrange="-100 100"/></actuator></mujoco>""",
        encoding="utf-8",
    )
    (tmp_path / "t.yaml").write_text(text.replace("joints: a", "joints: h_a"), encoding="utf-8")
    found = compile_file(tmp_path / "t.yaml")
    assert found.plan is not None, [str(d) for d in found.diagnostics]
    own = mujoco.MjModel.from_xml_path(str(tmp_path / "m.xml"))
    data: Any = mujoco.MjData(own)
    data.ctrl[:] = 100.0
    mujoco.mj_forward(own, data)
    pair = data.qfrc_actuator @ [1.0, -2.0]
    assert pair == pytest.approx(10 + 2 * 10)
    data = mujoco.MjData(found.plan.robot.model)
    data.ctrl[:] = 1e6
    mujoco.mj_forward(found.plan.robot.model, data)
    assert data.qfrc_actuator == pytest.approx([pair, 0.0])
    assert [drive.limit for drive in found.plan.drives] == pytest.approx([pair])


def test_a_new_task_has_the_gains_and_the_limit_of_the_pair(tmp_path: Path) -> None:
    servo = '<position tendon="t" kp="400" forcerange="-60 60"/>'
    hand = Hand(tie("b", "a", 3), servo, "a", (1, 3, 0), 120)
    text = hand.files.content["m.xml"].decode().replace('stiffness="5e4" damping="900"', "")
    (tmp_path / "m.xml").write_text(text, encoding="utf-8")
    assert main(["--init", str(tmp_path / "new"), "--robot", str(tmp_path / "m.xml")]) == 0
    plan = compile_file(tmp_path / "new.yaml").plan
    assert plan is not None
    drive = plan.drives[0]
    assert drive.joint == "a"
    assert drive.limit == pytest.approx(0.5 * 60 + 3 * 0.5 * 60)
    # the tendon stretches by 0.5 + 3 * 0.5 for a unit of a
    assert drive.kp == pytest.approx(400 * 2.0**2)

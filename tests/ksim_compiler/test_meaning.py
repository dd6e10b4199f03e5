"""Edits of a model and their tiers: what a policy's inputs and outputs mean, or only results."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ksim_compiler.cli.diff import main
from ksim_compiler.comparison import compare
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan.meaning import meanings
from ksim_compiler.robot import model as robot

MODEL = """<mujoco><compiler autolimits="true" angle="radian"/><option timestep="0.005"/>
<worldbody><geom name="floor" type="plane" size="5 5 .1"/>
<body name="torso" pos="0 0 1"><freejoint name="root"/>
  <geom name="chest" type="box" size=".1 .1 .2" mass="3"/>
  <geom name="belly" type="box" size=".1 .1 .1" pos="0 0 -.3" mass="1"/>
  <site name="imu" pos="0 0 .1"/><site name="free_site" pos="0 .1 .1"/>
  <body name="plate" pos="0 0 .2"><geom name="plate" size=".02" mass=".1"/>
    <site name="imu2"/></body>
  <body name="thigh" pos="0 .1 -.2">
    <joint name="hip" axis="0 1 0" range="-1 1" actuatorfrcrange="-9 9" damping=".1"/>
    <geom name="thigh" type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass="1"/>
    <body name="shin" pos="0 0 -.3">
      <joint name="knee" axis="0 1 0" range="-2 0" actuatorfrcrange="-9 9"/>
      <geom name="shin" type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass="1"/>
      <site name="foot" pos="0 0 -.3"/>
    </body></body>
  <body name="tail" pos="-.1 0 0">
    <joint name="tail" type="slide" axis="1 0 0" range="-.2 .2" actuatorfrcrange="-9 9"/>
    <geom name="tail" size=".03" mass=".2"/></body>
  <body name="door" pos=".1 0 0"><joint name="unused" axis="0 0 1"/>
    <geom name="door" size=".03" mass=".2"/></body>
</body></worldbody>
<actuator><motor name="hip" joint="hip" gear="1"/>
<motor name="knee" joint="knee" gear="1"/></actuator>
<sensor><gyro name="gyro" site="imu"/><accelerometer name="acc" site="imu2"/>
<framequat name="quat" objtype="xbody" objname="torso"/><gyro name="spare" site="free_site"/>
<jointpos name="encoder" joint="knee"/><actuatorfrc name="current" actuator="hip"/></sensor>
<keyframe><key name="stand" qpos="0 0 1 1 0 0 0 0.1 -0.2 0 0"/>
<key name="fall" qpos="0 0 1 1 0 0 0 0.5 -0.2 0 0"/></keyframe></mujoco>"""
TASK = """ksim: 1
task: t
PhysicsState: {r: {model: m.xml, control: 50 Hz, home: {keyframe: stand}}}
Observation:
  q: {kind: joint_position, joints: [hip, knee], relative_to: home}
  v: {kind: joint_velocity, joints: [hip, knee, tail]}
  gyro: {kind: sensor, sensor: gyro}
  acc: {kind: sensor, sensor: acc}
  quat: {kind: sensor, sensor: quat}
  encoder: {kind: sensor, sensor: encoder}
  current: {kind: sensor, sensor: current}
  gravity: {kind: projected_gravity}
  feet: {kind: feet_position, sites: foot}
  last: {kind: last_action}
  spare: {kind: sensor, sensor: spare}
  door: {kind: joint_position, joints: unused}
Action:
  legs: {kind: torque, joints: [hip, knee], scale: 5 N*m}
Policy:
  actor:
    read: [q, v, gyro, acc, quat, encoder, current, gravity, feet, last]
    network: {kind: mlp, hidden: [8]}
Critic: {critic: {judge: {clean: [q, spare, door]}, network: {kind: mlp, hidden: [8]}}}
Reward: {e: {kind: torque_penalty, scale: 0.1}}
Termination: {time: {kind: episode_length, after: 1 s}}
PPO: {envs: 2, rollout: 8, minibatches: 2}
"""
HIP = '<joint name="hip" axis="0 1 0" range="-1 1"'
KNEE = '<joint name="knee" axis="0 1 0"'
TAIL = '<joint name="tail" type="slide" axis="1 0 0"'
THIGH = '<body name="thigh" pos="0 .1 -.2">'
SHIN = '<body name="shin" pos="0 0 -.3">'
EDITS: dict[str, tuple[list[tuple[str, str]], str]] = {
    # text -> text, and words of the sentence that tells it
    "axis flipped": (
        [(HIP, HIP.replace("0 1 0", "0 -1 0"))],
        r"Observation.q \[0:1\], Observation.v \[2:3\], .*Action.legs \[0:1\]: "
        "joint 'hip' turns the other way",
    ),
    "axis turned": (
        [(HIP, HIP.replace("0 1 0", "1 0 0"))],
        r"the axis of joint 'hip' was \(0 1 0\) and is \(1 0 0\)",
    ),
    "slide flipped": (
        [(TAIL, TAIL.replace("1 0 0", "-1 0 0"))],
        r"Observation.v \[4:5\]: joint 'tail' moves the other way",
    ),
    "axis turned by the body": (
        [(THIGH, THIGH.replace(">", ' euler="0 0 1.5707963">'))],
        "the axis of joint 'hip'",
    ),
    "anchor": (
        [(HIP, HIP.replace("axis", 'pos="0 0 .05" axis'))],
        "joint 'hip' turns about another point",
    ),
    "zero by the body": (
        [(THIGH, THIGH.replace(">", ' euler="0 .2 0">'))],
        "the zero of joint 'hip' is 0.2 rad from where it was",
    ),
    "zero by ref": (
        [(KNEE, KNEE.replace("axis", 'ref=".3" axis'))],
        "the zero of joint 'knee' is 0.3 rad",
    ),
    "zero of a slide": (
        [('<body name="tail" pos="-.1 0 0">', '<body name="tail" pos="-.15 0 0">')],
        "the zero of joint 'tail' is 0.05 m",
    ),
    "zero of a slide by ref": (
        [(TAIL, TAIL.replace("axis", 'ref=".02" axis'))],
        "the zero of joint 'tail' is 0.02 m",
    ),
    "type": (
        [(TAIL, '<joint name="tail" axis="1 0 0"')],
        "joint 'tail' was a slide and is a hinge",
    ),
    "order of joints": (
        [
            ('joint name="hip"', 'joint name="x"'),
            ('joint name="knee"', 'joint name="hip"'),
            ('joint name="x"', 'joint name="knee"'),
        ],
        "",
    ),
    "gear": (
        [('joint="knee" gear="1"', 'joint="knee" gear="-1"')],
        "the gear of the motor on joint 'knee' has another sign",
    ),
    "site turned": (
        [('<site name="imu" pos', '<site name="imu" euler="0 0 3.14159265" pos')],
        r"Observation.gyro \[\d+:\d+\]: sensor 'gyro' is on site 'imu', and .*turned by 180 deg",
    ),
    "site moved": ([('name="imu" pos="0 0 .1"', 'name="imu" pos="0 0 .2"')], "0.1 m from where"),
    "site moved with its plate": (
        [('<body name="plate" pos="0 0 .2">', '<body name="plate" pos="0 0 .2" euler="1 0 0">')],
        "sensor 'acc' is on site 'imu2', and .*turned by 57.3 deg",
    ),
    "site of a foot": (
        [('name="foot" pos="0 0 -.3"', 'name="foot" pos="0 .1 -.3"')],
        "site 'foot'",
    ),
    "sensor elsewhere": (
        [('<gyro name="gyro" site="imu"/>', '<gyro name="gyro" site="free_site"/>')],
        "sensor 'gyro' is on site 'free_site', not on site 'imu'|not site 'imu'",
    ),
    "sensor of another type": (
        [('<gyro name="gyro"', '<velocimeter name="gyro"')],
        "sensor 'gyro' was a gyro and is a velocimeter",
    ),
    "sensor relative to another": (
        [('objname="torso"/>', 'objname="torso" reftype="xbody" refname="shin"/>')],
        "sensor 'quat' is relative to body 'shin', not the world",
    ),
    "sensor of another joint": (
        [('name="encoder" joint="knee"', 'name="encoder" joint="hip"')],
        "sensor 'encoder' is on joint 'hip'",
    ),
    "cutoff": ([('<gyro name="gyro"', '<gyro name="gyro" cutoff="1"')], "another cutoff"),
    "gear of a current sensor": (
        [('<motor name="hip" joint="hip" gear="1"/>', '<motor name="hip" joint="hip" gear="-1"/>')],
        "joint 'hip'",
    ),
    "frame of the base turned on it": (
        [
            ('<geom name="chest"', '<geom name="chest" euler="0 0 1.5707963"'),
            ('<geom name="belly"', '<geom name="belly" euler="0 0 1.5707963"'),
            (
                '<body name="plate" pos="0 0 .2">',
                '<body name="plate" pos="0 0 .2" euler="0 0 1.5707963">',
            ),
            (THIGH, '<body name="thigh" pos="-.1 0 -.2" euler="0 0 1.5707963">'),
            (
                '<body name="tail" pos="-.1 0 0">',
                '<body name="tail" pos="0 -.1 0" euler="0 0 1.5707963">',
            ),
            (
                '<body name="door" pos=".1 0 0">',
                '<body name="door" pos="0 .1 0" euler="0 0 1.5707963">',
            ),
        ],
        r"Observation.gravity \[\d+:\d+\].*: the frame of body 'torso' is another: turned by 90",
    ),
    "base is another body": (
        [
            ('<body name="torso" pos="0 0 1">', '<body name="pelvis" pos="0 0 1">'),
            ('objname="torso"', 'objname="pelvis"'),
        ],
        "body 'pelvis', not about body 'torso'",
    ),
    "home": (
        [("1 0 0 0 0.1 -0.2", "1 0 0 0 0.3 -0.2")],
        "the home position of joint 'hip' was 0.1",
    ),
}
TRAINING: dict[str, list[tuple[str, str]]] = {
    "mass": [('mass="3"', 'mass="4"')],
    "damping": [('damping=".1"', 'damping=".2"')],
    "strength": [('axis="0 1 0" range="-1 1" actuatorfrcrange="-9 9"',) * 2, ('-9 9"', '-8 8"')],
    "range of a joint": [('range="-1 1"', 'range="-1.1 1"')],
    "length of a link": [(SHIN, SHIN.replace("-.3", "-.31"))],
    "width of a hip": [(THIGH, THIGH.replace(".1 -.2", ".12 -.2"))],
    "one geom moved": [
        (
            'name="belly" type="box" size=".1 .1 .1" pos="0 0 -.3"',
            'name="belly" type="box" size=".1 .1 .1" pos="0 0 -.31"',
        )
    ],
    "a joint that the policy does not know": [
        ('name="unused" axis="0 0 1"', 'name="unused" axis="0 0 -1"')
    ],
    "a site of the critic alone": [
        ('name="free_site" pos="0 .1 .1"', 'name="free_site" pos="0 .1 .3"')
    ],
    "another keyframe": [("1 0 0 0 0.5 -0.2", "1 0 0 0 0.6 -0.2")],
    "where the base starts": [
        ('<body name="torso" pos="0 0 1">', '<body name="torso" pos="0 0 2">')
    ],
    "anchor along the axis": [(HIP, HIP.replace("axis", 'pos="0 .05 0" axis'))],
    "a geom more": [("</body></worldbody>", '<geom name="more" size=".01"/></body></worldbody>')],
    "length of an axis": [(HIP, HIP.replace("0 1 0", "0 2 0")), ('mass="3"', 'mass="3.1"')],
    "zero and body turned against each other": [
        (KNEE, KNEE.replace("axis", 'ref=".3" axis')),
        (SHIN, SHIN.replace(">", ' euler="0 .3 0">')),
    ],
}


def tier_of(tmp_path: Path, pairs: list[tuple[str, str]]) -> tuple[str | None, str]:
    text = MODEL
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    for folder, model in (("old", MODEL), ("new", text)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "m.xml").write_text(model, encoding="utf-8")
        (tmp_path / folder / "t.yaml").write_text(TASK, encoding="utf-8")
    old, new = (compile_file(tmp_path / folder / "t.yaml") for folder in ("old", "new"))
    for compiled in (old, new):
        assert compiled.plan is not None, compiled.diagnostics
    found = compare(old, new, "old", "new")
    (change,) = (c for c in found.diff.changes if c.subject == "file")
    assert old.plan is not None
    assert new.plan is not None
    models = [robot.load(p.robot.part, p.robot.files) for p in (old.plan, new.plan)]
    told = meanings(old.plan, new.plan, (models[0], models[1]), {})
    sentences = [str(sentence) for sentence in told.sentences]
    if sentences:
        assert change.why.startswith(sentences[0])
    return found.tier, "\n".join(sentences)


@pytest.mark.parametrize("edit", EDITS)
def test_edits_of_what_columns_mean(edit: str, tmp_path: Path) -> None:
    pairs, sentence = EDITS[edit]
    tier, why = tier_of(tmp_path, pairs)
    assert tier == "policy-io"
    assert re.search(sentence, why), why


@pytest.mark.parametrize(
    ("edit", "carried"),
    [("axis flipped", True), ("home", True), ("zero by ref", False), ("site turned", False)],
)
def test_what_a_warm_start_does_not_carry_is_said(edit: str, carried: bool, tmp_path: Path) -> None:
    tier_of(tmp_path, EDITS[edit][0])
    old, new = (compile_file(tmp_path / folder / "t.yaml") for folder in ("old", "new"))
    found = compare(old, new, "old", "new")
    way = found.migration
    assert way is not None
    assert (not way.not_carried) == carried
    if edit == "axis flipped":  # q, v, the motor's sensor and the last action; the knee stays
        assert [i for i, f in enumerate(way.policy.factor) if f == -1.0] == [0, 2, 16, 23]
        assert way.actions.factor == (-1.0, 1.0)
        assert way.critic.factor[:2] == (-1.0, 1.0)
        assert "not carried" not in found.verdict
    for sentence in way.not_carried[:3]:
        assert sentence in found.verdict


@pytest.mark.parametrize("edit", TRAINING)
def test_edits_of_results_alone(edit: str, tmp_path: Path) -> None:
    tier, why = tier_of(tmp_path, TRAINING[edit])
    assert tier == "training", why


@pytest.mark.parametrize(("edit", "status"), [("axis flipped", 1), ("", 0)])
def test_the_exit_status(
    edit: str, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tier_of(tmp_path, EDITS[edit][0] if edit else TRAINING["mass"])
    sides = str(tmp_path / "old" / "t.yaml"), str(tmp_path / "new" / "t.yaml")
    assert main([*sides, "--fail-on", "policy-io"]) == status
    out = capsys.readouterr().out
    assert ("fits as it is" in out) == (not edit)
    assert ("what its inputs or outputs mean has changed" in out) == bool(edit)

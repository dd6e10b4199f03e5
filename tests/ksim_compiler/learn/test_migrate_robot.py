"""Warm starts of a robot whose parts, joints and units have changed: the same physical targets.

What a number stands for is computed here from the words of the task, by arithmetic of its own.
"""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import Phase, given, settings

from ksim_compiler.comparison import compare
from ksim_compiler.learn.run.learned import Learned, Means
from ksim_compiler.learn.run.warm_start import moved
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_schema.diff.columns import Migration
from tests.ksim_compiler.learn.test_migrate_units import NETWORKS, QUICK, state, trained

JOINTS = ("a", "b", "c", "d")
HOME = {"a": 0.1, "b": -0.2, "c": 0.3, "d": 0.05}
LIMITS = {"a": (-1.0, 1.5), "b": (-2.0, 0.5), "c": (-0.4, 1.0), "d": (-0.2, 0.3)}
KINDS = ("position_target", "position_velocity_target", "velocity_target", "torque")
UNITS = {  # slides and hinges need units of their own
    "position_target": ("rad", "m"),
    "position_velocity_target": ("rad", "m"),
    "velocity_target": ("rad/s", "m/s"),
    "torque": ("N*m", "N"),
}
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Act:
    """An action, by the words of a task."""

    name: str
    kind: str
    joints: tuple[str, ...]
    scale: float | None = 0.5
    around: str = "home"
    squash: bool = False
    clip: float | None = None

    def text(self) -> str:
        slide = self.joints == ("d",)
        unit = UNITS[self.kind][slide]
        words = [f"kind: {self.kind}", f"joints: [{', '.join(self.joints)}]"]
        words += [] if self.scale is None else [f"scale: {self.scale} {unit}"]
        if self.kind.startswith("position"):
            gains = "{kp: 20 N/m, kd: 1 N*s/m}" if slide else "{kp: 20 N*m/rad, kd: 1 N*m*s/rad}"
            words += [f"around: {self.around}", f"gains: {gains}"]
        if self.kind == "position_velocity_target":
            words += [f"velocity_scale: 2 {'m/s' if slide else 'rad/s'}"]
        if self.kind == "velocity_target":
            words += [f"gain: 1 {'N*s/m' if slide else 'N*m*s/rad'}"]
        words += ["squash: tanh"] if self.squash else []
        words += [f"clip: [-{self.clip}, {self.clip}]"] if self.clip else []
        return f"  {self.name}: {{{', '.join(words)}}}\n"

    def numbers(self, robot: Robot) -> list[tuple[Key, float, float]]:
        """Of each number its joint and turn, what zero sets and what one more adds."""
        found = []
        joints = [j for j in robot.order if j in self.joints]
        for joint in joints:
            low, high = robot.limits(joint)
            zero = {"home": robot.home[joint], "zero": 0.0, "middle": (low + high) / 2}
            base = zero[self.around] if self.kind.startswith("position") else 0.0
            unit = (high - low) / 2 if self.scale is None else self.scale
            found.append(((joint, 0), base, unit))
        if self.kind == "position_velocity_target":
            found += [((joint, 1), 0.0, 2.0) for joint in joints]
        return found


@dataclass(frozen=True)
class Robot:
    """The robot: order of its joints, which of them turn the other way, and its home pose."""

    order: tuple[str, ...] = JOINTS
    flipped: tuple[str, ...] = ()
    mirrored_home: bool = True

    def sign(self, joint: str) -> float:
        return -1.0 if joint in self.flipped else 1.0

    def limits(self, joint: str) -> tuple[float, float]:
        low, high = sorted(self.sign(joint) * end for end in LIMITS[joint])
        return low, high

    @property
    def home(self) -> dict[str, float]:
        return {j: (self.sign(j) if self.mirrored_home else 1.0) * HOME[j] for j in JOINTS}

    def xml(self) -> str:
        bodies = "".join(
            f'<body pos="{JOINTS.index(j)} 0 1"><joint name="{j}" axis="0 {self.sign(j):g} 0" '
            f'type="{"slide" if j == "d" else "hinge"}" actuatorfrcrange="-9 9" '
            f'range="{self.limits(j)[0]} {self.limits(j)[1]}"/>'
            '<geom size=".05" pos=".1 0 0" mass="1"/></body>'
            for j in self.order
        )
        pose = " ".join(f"{self.home[j]}" for j in self.order)
        sensors = '<jointpos name="encoder" joint="b"/>'
        return (
            '<mujoco><compiler autolimits="true" angle="radian"/><option timestep="0.005"/>'
            f"<worldbody>{bodies}</worldbody><sensor>{sensors}</sensor>"
            f'<keyframe><key name="home" qpos="{pose}"/></keyframe></mujoco>'
        )


@dataclass(frozen=True)
class Task:
    """A task, by its words."""

    robot: Robot
    acts: tuple[Act, ...]
    read: tuple[str, ...]
    joints: tuple[str, ...] = JOINTS
    relative: str = "zero"
    scale: float = 1.0
    network: str = NETWORKS[0]
    distribution: str = "{kind: gaussian}"
    normalized: bool = True
    more: str = ""

    @property
    def servos(self) -> list[str]:
        """The joints with a position target, in the model's order."""
        driven = [a.joints for a in self.acts if a.kind.startswith("position")]
        return [j for j in self.robot.order if any(j in joints for joints in driven)]

    @property
    def reads(self) -> list[str]:
        return [name for name in self.read if name != "sent" or self.servos]

    def compiled(self) -> Compiled:
        folder = Path(tempfile.mkdtemp())
        (folder / "m.xml").write_text(self.robot.xml())
        joints, names = f"[{', '.join(self.joints)}]", [a.name for a in self.acts]
        relative, reads = f"relative_to: {self.relative}", ", ".join(self.reads)
        servos = ", ".join(self.servos)
        sent = f"  sent: {{kind: commanded_joint_position, joints: [{servos}], {relative}}}\n"
        plain = f"normalize_observations: {str(self.normalized).lower()}{self.more}"
        (folder / "t.yaml").write_text(f"""ksim: 1
task: t
PhysicsState: {{r: {{model: m.xml, control: 50 Hz, home: {{keyframe: home}}}}}}
Observation:
  q: {{kind: joint_position, joints: {joints}, {relative}, scale: {self.scale}, history: 2}}
  v: {{kind: joint_velocity, joints: {joints}, scale: {self.scale}}}
{sent if servos else ""}  last: {{kind: last_action, scale: {self.scale}}}
  clock: {{kind: phase_clock, period: 1 s}}
  encoder: {{kind: sensor, sensor: encoder, scale: {self.scale}}}
Action:
{"".join(a.text() for a in self.acts)}Policy:
  actor:
    act: [{", ".join(names)}]
    read: [{reads}]
    network: {self.network}
    distribution: {self.distribution}
Critic: {{critic: {{judge: {{clean: [{reads}]}}, network: {self.network}}}}}
Reward: {{e: {{kind: torque_penalty, scale: 0.1}}}}
Termination: {{time: {{kind: episode_length, after: 1 s}}}}
PPO: {{envs: 2, rollout: 8, minibatches: 2, {plain}}}
""")
        found = compile_file(folder / "t.yaml")
        assert found.plan is not None, found.diagnostics
        return found

    def columns(self) -> list[tuple[Key, float, float]]:
        """Of each input what it is, and its value as ``scale * it + offset``."""
        robot, found = self.robot, list[tuple[Key, float, float]]()
        joints = [j for j in robot.order if j in self.joints]
        home = robot.home if self.relative == "home" else dict.fromkeys(JOINTS, 0.0)
        for name in self.reads:
            s = self.scale
            if name == "q":
                found += [
                    (("q", age, j), s * robot.sign(j), -s * home[j])
                    for age in (1, 0)
                    for j in joints
                ]
            elif name == "v":
                found += [(("v", j), s * robot.sign(j), 0.0) for j in joints]
            elif name == "sent":
                found += [(("sent", j), robot.sign(j), -home[j]) for j in self.servos]
            elif name == "encoder":
                found.append((("encoder",), s * robot.sign("b"), 0.0))
            elif name == "clock":
                found += [(("clock", n), 1.0, 0.0) for n in range(2)]
            for act in self.acts if name == "last" else ():
                for (joint, turn), zero, unit in act.numbers(robot):
                    key = ("last", act.kind, joint, turn)
                    found.append((key, s * robot.sign(joint) / unit, -s * zero / unit))
        return found

    def act(self, output: np.ndarray) -> dict[Key, float]:
        """What the policy's output sets, in the sense of the joints that are not flipped."""
        found, rest = dict[Key, float](), list(output)
        for act in self.acts:
            for (joint, turn), zero, unit in act.numbers(self.robot):
                value = rest.pop(0)
                value = math.tanh(value) if act.squash else value
                value = value if act.clip is None else min(max(value, -act.clip), act.clip)
                sign = self.robot.sign(joint)
                found[act.name, act.kind, joint, turn] = sign * (zero + unit * value)
        assert not rest
        return found


def run(task: Task, policy: Learned, ticks: list[np.ndarray]) -> list[tuple[dict[Key, float], Any]]:
    """What it sets and how it judges, tick by tick."""
    actor, critic = policy.networks
    carries, found = [n.network.initial_carry() for n in (actor, critic)], []
    for x in ticks:
        x = jnp.asarray(x, jnp.float32)
        a = x if policy.policy_normalizer is None else policy.policy_normalizer(x)
        b = x if policy.critic_normalizer is None else policy.critic_normalizer(x)
        distribution, carries[0] = actor(a, carries[0])
        value, carries[1] = critic(b, carries[1])
        found.append((task.act(np.asarray(distribution.mode(), float)), float(value)))
    return found


def check(old: Task, new: Task, seed: int = 0) -> Migration:
    """That the moved policy sets and judges as the old one did, what is dropped at its mean."""
    before, after = old.compiled(), new.compiled()
    way = compare(before, after, "old", "new").migration
    assert way is not None
    was, rng = trained(before, seed), np.random.default_rng(seed)
    columns, now = old.columns(), new.columns()
    mean = rng.normal(0.0, 0.3, len(columns))
    policy = Learned.of(moved(state(after), way, was, 64, Means(mean, mean)))
    kept = {key for key, *_ in now}
    dropped = np.array([key not in kept for key, *_ in columns])
    worlds = [{key: rng.normal(0.0, 0.3) for key, *_ in (*columns, *now)} for _ in range(3)]
    seen = [[np.array([w[k] * s + o for k, s, o in c]) for w in worlds] for c in (columns, now)]
    judged = [x.copy() for x in seen[0]]
    for x, statistics in ((seen[0], was.policy_normalizer), (judged, was.critic_normalizer)):
        middle = mean if statistics is None else np.asarray(statistics.mean)
        for row in x:
            row[dropped] = middle[dropped]
    acted, values, found = run(old, was, seen[0]), run(old, was, judged), run(new, policy, seen[1])
    told = " ".join(way.inexact)
    if "Observation.last" in told:  # what tanh squashes, recalled in other units
        assert any(a.squash for a in new.acts)
        return way
    for (targets, _), (_, value), (others, judgement) in zip(acted, values, found, strict=True):
        assert judgement == pytest.approx(value, rel=1e-3, abs=1e-3)
        for key in targets.keys() & others.keys():
            if f"Action.{key[0]} " not in told and f"Action.{key[0]}," not in told:
                assert others[key] == pytest.approx(targets[key], rel=2e-3, abs=2e-3), key
    return way


OBSERVED = ("q", "v", "sent", "last", "clock", "encoder")
LEGS = Act("legs", "position_target", ("a", "b"))
ARM = Act("arm", "velocity_target", ("c",))
TAIL = Act("tail", "torque", ("d",))
BOTH = Act("both", "position_velocity_target", ("c",), 0.4)


@st.composite
def pairs(draw: st.DrawFn, network: str) -> tuple[Task, Task]:
    """A task, and one in which much has changed."""
    distribution = draw(st.sampled_from(("{kind: gaussian}", "{kind: mixture, components: 2}")))
    squash, clip = draw(st.sampled_from(((False, None), (True, None), (False, 0.6))))
    legs = replace(LEGS, squash=squash, clip=clip)
    acts = [legs, draw(st.sampled_from((ARM, BOTH))), TAIL]
    read = draw(st.lists(st.sampled_from(OBSERVED), unique=True, min_size=2))
    old = Task(
        Robot(), tuple(acts), tuple(read), network=network, distribution=distribution,
        normalized=draw(st.booleans()),
    )  # fmt: skip
    after = [a for a in draw(st.permutations(acts)) if draw(st.integers(0, 3))] or acts
    scale = draw(st.sampled_from((0.5, 0.25, None)))
    around = draw(st.sampled_from(("home", "zero", "middle")))
    changed = {
        "legs": replace(legs, scale=scale, around=around, joints=draw(st.permutations("ab"))),
        "arm": replace(ARM, scale=draw(st.sampled_from((0.5, 3.0)))),
        "both": replace(BOTH, scale=0.8, around=around),
        "tail": replace(TAIL, clip=draw(st.sampled_from((None, 0.5)))),
    }
    reads = [n for n in draw(st.permutations(OBSERVED)) if n in read or draw(st.booleans())]
    reads = [n for n in reads if draw(st.integers(0, 3))] or read
    robot = Robot(
        tuple(draw(st.permutations(JOINTS))),
        tuple(draw(st.lists(st.sampled_from(JOINTS), unique=True))),
        draw(st.booleans()),
    )
    new = replace(
        old, robot=robot, acts=tuple(changed[a.name] for a in after), read=tuple(reads),
        relative=draw(st.sampled_from(("zero", "home"))), scale=draw(st.sampled_from((1.0, -2.0))),
        joints=tuple(draw(st.sampled_from((JOINTS, ("c", "a"))))),
    )  # fmt: skip
    return old, new


@settings(max_examples=4, deadline=None, phases=(Phase.generate,))
@given(data=st.data())
@pytest.mark.parametrize("network", QUICK)
def test_the_same_targets_of_another_robot(network: str, data: st.DataObject) -> None:
    old, new = data.draw(pairs(network))
    check(old, new, data.draw(st.integers(0, 99)))


def test_what_is_inexact_is_said_and_nothing_else() -> None:
    old = Task(Robot(), (LEGS, TAIL), ("q", "v", "last"))
    assert check(old, old).sentence().startswith("a checkpoint fits as it is")
    flipped = replace(old, robot=Robot(flipped=("a", "d")))
    way = check(old, flipped)
    assert way.inexact == way.not_carried == ()
    assert "2 actions with the other sign" in way.sentence()
    for before, after, words in (
        (replace(LEGS, clip=0.6), replace(LEGS, clip=0.6, scale=1.0), "Action.legs limits"),
        (LEGS, replace(LEGS, squash=True), "Action.legs, Observation.last squash"),
        (
            replace(LEGS, squash=True),
            replace(LEGS, squash=True, scale=1.0),
            "legs, Observation.last squash",
        ),
    ):
        way = check(replace(old, acts=(before, TAIL)), replace(old, acts=(after, TAIL)))
        assert words in way.sentence()


def test_an_action_of_another_kind_is_recalled_anew() -> None:
    """Its last output was a torque and is a position."""
    old = Task(Robot(), (Act("legs", "torque", ("a", "b")), TAIL), ("q", "last"))
    way = check(old, replace(old, acts=(LEGS, TAIL)))
    assert way.actions.born == (0, 1)
    assert way.policy.born == (8, 9)


@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_dropped_counts_as_its_mean(network: str, normalized: bool) -> None:
    read = ("q", "v", "last", "encoder")
    old = Task(Robot(), (LEGS, TAIL), read, network=network, normalized=normalized)
    for gone in read:
        check(old, replace(old, read=tuple(n for n in read if n != gone)), 3)


def test_the_returns_of_another_task_are_soon_known() -> None:
    old = Task(Robot(), (LEGS, TAIL), ("q", "v"))
    new = replace(old, more=", gamma: 0.5")
    before, after = old.compiled(), new.compiled()
    for compiled, count in ((before, 9e9), (after, 640)):
        way = compare(before, compiled, "old", "new").migration
        assert way is not None
        found = moved(state(compiled), way, trained(before, 0), 64).value_normalizer
        assert found is not None
        assert float(found.count) == pytest.approx(count)

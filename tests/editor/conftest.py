"""A workspace with the shipped walk and a small robot of its own, open in a client."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.editor import Editor

REPOSITORY = Path(__file__).parents[2]
HOP = """\
ksim: 1
task: hop
about: A small robot stands up. 😀

PhysicsState:
  biped: {model: robots/biped.xml, control: 50 Hz, home: {keyframe: home}}

Command:
  speed: {kind: planar_velocity, forward: [0 m/s, 0.5 m/s], resample: [4 s, 5 s]}

Observation:
  joints: {kind: joint_position}
  gyro: {kind: sensor, sensor: imu_gyro}

Action:
  legs: {kind: position_target, joints: hip_.*, gains: {kp: 60 N*m/rad, kd: 3 N*m*s/rad}}

Policy:
  actor: {act: legs, read: [joints, gyro], obey: speed}

Critic:
  critic: {judge: {clean: [joints, gyro], obey: speed}}

Reward:
  moving: {kind: track_linear_velocity, command: speed, error_scale: 0.3 m/s}
  upright: {kind: flat_body}
  high:
    kind: formula
    expression: tolerance(base.height, 0.7, inf, 0.3) * (command.speed.forward > 0.1*m/s)

Termination:
  fallen: {kind: min_height, height: 0.4 m}
  time_limit: {kind: episode_length, after: 10 s}
"""
FAR = """\
ksim: 1
task: hop_far
extends: hop.yaml
remove: [Reward.upright]
set:
  Reward.moving.error_scale: 0.5 m/s
  Reward.high.expression: base.height / (1*m)

Reward:
  down: {kind: crouched, body: trunk, height: 60 cm}
components: [crouch.py]
"""
CROUCH = '''\
"""A component of the task's own."""

from ksim_schema.custom import BodyName, Length, Reward, jnp, position_of


class Crouched(Reward):
    """1 at the height ``height``, falling to 0 a metre above or below it."""

    body: BodyName
    height: Length = "80 cm"

    def sensors(self, robot):
        return (position_of(self.body),)

    def value(self, x):
        height = x.sensor(position_of(self.body))[2]
        return jnp.clip(1.0 - jnp.abs(height - self.height), 0.0, 1.0)
'''


def workspace(folder: Path) -> Path:
    """A folder with the tasks."""
    (folder / "robots").mkdir(parents=True)
    shutil.copy(REPOSITORY / "tests/invalid/robots/biped.xml", folder / "robots")
    shutil.copytree(REPOSITORY / "tasks/robots/humanoid", folder / "robots/humanoid")
    shutil.copy(REPOSITORY / "tasks/walk.yaml", folder)
    (folder / "hop.yaml").write_text(HOP, encoding="utf-8")
    (folder / "hop_far.yaml").write_text(FAR, encoding="utf-8")
    (folder / "crouch.py").write_text(CROUCH, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace(tmp_path_factory.mktemp("tasks of 😀") / "w")


@pytest.fixture(scope="session")
def running(folder: Path) -> Iterator[Editor]:
    with Editor(folder) as editor:
        yield editor


@pytest.fixture
def editor(running: Editor) -> Iterator[Editor]:
    """The client, in which all files are closed after the test."""
    yield running
    running.close_all()

"""A small robot and a task for it, of which tests of broken models break one thing."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from ksim_compiler.pipeline import compile_file
from ksim_schema.diagnostics import Diagnostic

MODEL = """<mujoco model="post">
  <compiler angle="radian"/>
  <option timestep="0.005"/>
  <asset><material name="grey"/></asset>
  <worldbody>
    <geom name="floor" type="plane" size="0 0 1"/>
    <body name="trunk" pos="0 0 1">
      <freejoint name="base"/>
      <geom name="trunk" type="box" size="0.1 0.1 0.1" mass="5"/>
      <body name="leg" pos="0 0 -0.1">
        <joint name="hip" type="hinge" axis="0 1 0" range="-1 1" actuatorfrcrange="-50 50"/>
        <geom name="leg" type="capsule" fromto="0 0 -0.1 0 0 -0.5" size="0.03" mass="1"/>
      </body>
    </body>
  </worldbody>
  <keyframe>
    <key name="home" qpos="0 0 0.75 1 0 0 0 0.1"/>
    <key name="low" qpos="0 0 0.6 1 0 0 0 0.2"/>
  </keyframe>
</mujoco>
"""
TASK = """ksim: 1
task: stand
PhysicsState:
  post:
    model: model.xml
    control: 50 Hz
    home: {keyframe: home}
    # more
Observation:
  q: {kind: joint_position}
Action:
  push: {kind: torque, joints: .*, scale: 10 N*m}
Policy:
  actor: {read: [q], network: {kind: mlp, hidden: [8]}}
Critic:
  critic: {judge: {clean: [q]}, network: {kind: mlp, hidden: [8]}}
Reward:
  effort: {kind: torque_penalty, scale: 0.5}
Termination:
  time_limit: {kind: episode_length, after: 20 s}
"""
MODEL_LINE, HOME_LINE, MORE_LINE = 5, 7, 8


def png(width: int, height: int, chunks: bytes | None = None) -> bytes:
    """A grey PNG of 8 bits; with other chunks than its own after the header, if they are given."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    if chunks is None:
        rows = b"".join(b"\0" + bytes(range(width)) for _ in range(height))
        chunks = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + chunks


def write(folder: Path, model: str | bytes, task: str = TASK) -> Path:
    content = model if isinstance(model, bytes) else model.encode()
    (folder / "model.xml").write_bytes(content)
    (folder / "task.yaml").write_text(task, encoding="utf-8")
    return folder / "task.yaml"


def only_error(task: Path, capfd: pytest.CaptureFixture[str]) -> Diagnostic:
    """The one error of a task, of which MuJoCo itself has printed nothing."""
    found = [d for d in compile_file(task).diagnostics if d.severity == "error"]
    assert len(found) == 1, [(d.code, d.message) for d in found]
    assert "".join(capfd.readouterr()) == ""
    assert found[0].message
    return found[0]

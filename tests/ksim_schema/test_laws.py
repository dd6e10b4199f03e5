"""Laws of what parts say together: each fires beyond a bound that is worked by hand, not before."""

from __future__ import annotations

from pathlib import Path

import pytest

from ksim_schema.diagnostics import Diagnostic, Sink
from ksim_schema.frontend import check_document
from ksim_schema.source import parse

TASK = """\
ksim: 1
task: hop
PhysicsState:
  biped: {model: robots/biped.xml, control: 50 Hz, home: {keyframe: home}}
Command:
  speed: {kind: planar_velocity, forward: [0 m/s, 1 m/s], resample: [4 s, 8 s]}
Observation:
  hips: {kind: joint_position, joints: hip_.*, noise: {uniform: 2 deg}}
  gyro: {kind: sensor, sensor: imu_gyro}
  last: {kind: last_action}
  clock: {kind: phase_clock, period: 0.8 s}
  speed: {kind: command, command: speed}
Action:
  targets:
    kind: position_target
    joints: hip_.*
    scale: 0.5 rad
    gains: {kp: 50 N*m/rad, kd: 2 N*m*s/rad}
Policy:
  actor: {read: [hips, gyro, last, clock], obey: speed}
Critic:
  critic: {judge: {clean: [hips, gyro, last, clock, speed]}}
Reward:
  alive: {kind: stay_alive, scale: 0.5}
  forward: {kind: track_linear_velocity, command: speed, error_scale: 0.5 m/s}
  steps: {kind: feet_clock, sites: [a, b], period: 0.8 s, height: 8 cm, error_scale: 5 cm}
  fall: {kind: termination, scale: {linear: {from: 0, to: 1}}}
Termination:
  fallen: {kind: min_height, height: 40 cm}
  time_limit: {kind: episode_length, after: 20 s}
Curriculum:
  harder: {kind: linear, ticks: 500}
PPO: {envs: 256, rollout: 24, minibatches: 4, steps: 256000}
"""


def found(*changes: tuple[str, str]) -> list[Diagnostic]:
    """What is said of the task with some of its text replaced."""
    text = TASK
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    problems = Sink()
    document = parse(text, "task.yaml", problems)
    assert document is not None, problems
    return check_document(document, Path()).diagnostics


CURRICULUM = "harder: {kind: linear, ticks: 500}"
EVENT = "Curriculum:"
CASES: list[tuple[str, str, list[str]]] = [
    (TASK[:7], TASK[:7], []),
    # 256,000 steps of 256 environments are 1,000 ticks of each
    ("ticks: 500", "ticks: 500, after: 500", []),
    ("ticks: 500", "ticks: 500, after: 600", ["KS0346"]),
    ("ticks: 500", "ticks: 24", []),
    ("ticks: 500", "ticks: 23", ["KS0346"]),
    ("ticks: 500", "ticks: 500, min_level: 1", ["KS0346"]),
    # at 50 Hz an episode of 19 s has 950 ticks, so one step fits in the run
    (
        CURRICULUM,
        "harder: {kind: episode_length, raise_above: 19 s, lower_below: 9 s, levels: 1}",
        [],
    ),
    (CURRICULUM, "harder: {kind: episode_length, raise_above: 19 s, lower_below: 9 s}", ["KS0346"]),
    (CURRICULUM, "harder: {kind: episode_length, raise_above: 20 s, lower_below: 9 s}", ["KS0346"]),
    (
        CURRICULUM,
        "harder: {kind: episode_length, raise_above: 9 s, lower_below: 9 s, levels: 1}",
        [],
    ),
    (
        CURRICULUM,
        "harder: {kind: distance_from_origin, raise_above: 1 m, lower_below: 2 m}",
        ["KS0345"],
    ),
    (CURRICULUM, "harder: {kind: step_when_saturated, raise_below: 0.1, lower_above: 0.1}", []),
    (
        CURRICULUM,
        "harder: {kind: step_when_saturated, raise_below: 0, lower_above: 0.1}",
        ["KS0346"],
    ),
    ("{from: 0, to: 1}", "{from: 2, to: 2}", ["KS0347"]),
    # information
    (", obey: speed", "", ["KS0341"]),
    (", speed]", "]", ["KS0307", "KS0341"]),
    ("clock], obey: speed", "clock, speed]", []),
    ("forward: [0 m/s, 1 m/s]", "forward: [1 m/s, 1 m/s]", ["KS0322"]),
    ("last, clock], obey", "last], obey", ["KS0343"]),
    ("clock, speed]", "speed]", ["KS0343"]),
    ("phase_clock, period: 0.8 s", "phase_clock, period: 1.6 s", []),
    ("phase_clock, period: 0.8 s", "phase_clock, period: 1 s", ["KS0343"]),
    ("phase_clock, period: 0.8 s", "phase_clock, period: 0.4 s", ["KS0343"]),
    ("phase_clock, period: 0.8 s", "episode_time", []),
    ("obey: speed}", "obey: speed, network: {kind: gru}}", []),
    # rewards
    ("  fall:", "  flat: {kind: flat_body, plane: [0, 0.6, 0.8]}\n  fall:", []),
    ("  fall:", "  flat: {kind: flat_body, plane: [0, 0.6, -0.8]}\n  fall:", ["KS0336"]),
    ("  fall:", "  more: {kind: stay_alive}\n  fall:", ["KS0340"]),
    ("  fall:", "  more: {kind: stay_alive, success: 2}\n  fall:", []),
    ("alive: {kind: stay_alive,", "alive: {kind: stay_alive, success: -0.1,", ["KS0337"]),
    # training
    ("steps: 256000", "steps: 6144", ["KS0346"]),
    ("steps: 256000", "steps: 6143", ["KS0346", "KS0477"]),
    ("steps: 256000", "steps: 256000, gamma: 0.7", []),
    ("steps: 256000", "steps: 256000, gamma: 0.66", ["KS0475"]),
    ("steps: 256000", "steps: 256000, gamma: 0.49", ["KS0475"]),
    ("steps: 256000", "steps: 256000, gamma: 0.9999", []),
    ("steps: 256000", "steps: 256000, gamma: 0.99999", ["KS0475"]),
    ("steps: 256000", "steps: 256000, gamma: {start: 0.9, end: 1}", ["KS0475"]),
    ("steps: 256000", "steps: 256000, episode: 20 s", []),
    ("steps: 256000", "steps: 256000, episode: 21 s", ["KS0480"]),
    ("steps: 256000", "steps: 256000, episode: 1.9 s", ["KS0473", "KS0478"]),
    ("steps: 256000", "steps: 256000, episode: 2 s", ["KS0473"]),
    ("steps: 256000", "steps: 256000, clip: 1", ["KS0478"]),
    ("steps: 256000", "steps: 256000, learning_rate: 0.04", []),
    ("steps: 256000", "steps: 256000, learning_rate: {start: 0.001, adaptive_kl: 1}", ["KS0478"]),
    # time: at 50 Hz a tick is 20 ms, and a filter of f Hz passes on dt / (dt + 1 / (2 pi f))
    ("resample: [4 s, 8 s]", "resample: [20 s, 40 s]", []),
    ("resample: [4 s, 8 s]", "resample: [21 s, 40 s]", ["KS0473"]),
    ("resample: [4 s, 8 s]", "resample: [20 ms, 80 ms]", ["KS0474"]),
    ("resample: [4 s, 8 s]", "resample: [4 s, 8 s], acceleration: 0.025 m/s^2", []),
    ("resample: [4 s, 8 s]", "resample: [4 s, 8 s], acceleration: 0.024 m/s^2", ["KS0473"]),
    ("error_scale: 0.5 m/s}", "error_scale: 0.5 m/s, average: 20 ms}", []),
    ("error_scale: 0.5 m/s}", "error_scale: 0.5 m/s, average: 19 ms}", ["KS0474"]),
    ("error_scale: 0.5 m/s}", "error_scale: 0.5 m/s, average: 21 s}", ["KS0473"]),
    ("    scale: 0.5 rad", "    low_pass: 25 Hz\n    scale: 0.5 rad", []),  # 0.76
    ("    scale: 0.5 rad", "    low_pass: 200 Hz\n    scale: 0.5 rad", ["KS0474"]),  # 0.96
    ("    scale: 0.5 rad", "    low_pass: 0.2 Hz\n    scale: 0.5 rad", []),  # 0.8 s
    ("    scale: 0.5 rad", "    low_pass: 0.01 Hz\n    scale: 0.5 rad", ["KS0473"]),  # 15.9 s
    ("after: 20 s", "after: 0.4 s", ["KS0473"]),  # 20 ticks, in a rollout of 24
    ("  fall: {kind: termination, ", "  fall: {kind: termination, per_second: true, ", ["KS0339"]),
    # at 1 m/s for 20 s
    (CURRICULUM, "harder: {kind: distance_from_origin, raise_above: 40 m, lower_below: 2 m}", []),
    (
        CURRICULUM,
        "harder: {kind: distance_from_origin, raise_above: 41 m, lower_below: 2 m}",
        ["KS0346"],
    ),
    (CURRICULUM, "harder: {kind: constant, level: 0}", ["KS0347"]),
    # 256,000 steps of 20 ms are 5,120 s, so that an event is due 512 times
    (
        EVENT,
        "Event:\n  push: {kind: jump, speed: 1 m/s, every: [8 s, 12 s], probability: 0.02}\n"
        "Curriculum:",
        [],
    ),
    (
        EVENT,
        "Event:\n  push: {kind: jump, speed: 1 m/s, every: [8 s, 12 s], probability: 0.019}\n"
        "Curriculum:",
        ["KS0348"],
    ),
    # events
    (
        EVENT,
        "Event:\n  spin: {kind: angular_push, rate: 20 rad/s, every: [4 s, 8 s]}\nCurriculum:",
        [],
    ),
    (
        EVENT,
        "Event:\n  spin: {kind: angular_push, rate: 40 rad/s, every: [4 s, 8 s], scale: 0.5}\n"
        "Curriculum:",
        [],
    ),
    (
        EVENT,
        "Event:\n  spin: {kind: angular_push, rate: 21 rad/s, every: [4 s, 8 s]}\nCurriculum:",
        ["KS0349"],
    ),
    ("[4 s, 8 s]}", "[4 s, 8 s], turn: [-60 rad/s, 60 rad/s]}", ["KS0349"]),
]


@pytest.mark.parametrize(("old", "new", "codes"), CASES)
def test_what_is_said(old: str, new: str, codes: list[str]) -> None:
    assert sorted(d.code for d in found((old, new))) == codes


def test_both_places_are_named() -> None:
    (hidden,) = found((", obey: speed", ""))
    assert "'speed'" in hidden.message
    assert hidden.where.line == 20
    assert [place.where.line for place in hidden.related] == [25]
    (cut,) = found(("steps: 256000", "steps: 256000, episode: 21 s"))
    assert "21 s" in cut.message
    assert "20 s" in cut.message
    assert [place.where.line for place in cut.related] == [30]


def test_a_part_that_is_wrong_itself_is_among_those_that_a_name_may_mean() -> None:
    told = {
        d.code: d
        for d in found(("obey: speed", "obey: sped"), ("  speed: {kind: ", "  speed: {kind: x"))
    }
    assert told["KS0201"].help.startswith("did you mean 'speed'?")

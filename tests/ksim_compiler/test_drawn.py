"""Observations of what randomizers drew, and of how long feet are in the air."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from ksim_compiler.env import Env
from ksim_compiler.plan import Plan
from ksim_schema.vocabulary import KINDS
from ksim_schema.vocabulary.randomizer import FloorFriction, Randomizer
from tests.ksim_compiler.lowering.rewarding import diagnosed

RANDOMIZERS: dict[str, dict[str, Any]] = {
    "floor": {"kind": "floor_friction", "range": [0.5, 1.2]},
    "dry": {"kind": "static_friction", "joints": "knee_.*", "factor": [0.5, 2]},
    "rotor": {"kind": "armature", "joints": "knee_.*", "factor": [0.5, 2]},
    "oil": {"kind": "joint_damping", "joints": "knee_.*", "factor": [0.5, 2]},
    "mass": {"kind": "body_mass", "body": "torso", "factor": [0.8, 1.2]},
    "centre": {"kind": "centre_of_mass", "body": "torso", "range": "2 cm"},
    "inertia": {"kind": "inertia", "body": "pelvis", "factor": [0.8, 1.2]},
    "imu": {"kind": "imu_alignment", "site": "imu", "tilt": "3 deg"},
    "size": {"kind": "collision_geometry", "geoms": "foot_left", "factor": [0.8, 1.2]},
    "servos": {"kind": "servo_gains", "joints": "knee_.*", "kp": [0.8, 1.2], "kd": [0.8, 1.2]},
    "head": {
        "kind": "geom_friction",
        "geoms": "head",
        "sliding": [0.5, 1],
        "rolling": ["0 m", "1 cm"],
    },
    "down": {"kind": "gravity", "vertical": "0.5 m/s^2"},
    "zero": {"kind": "joint_zero", "joints": "knee_.*", "range": "2 deg"},
}


def plan_of(more: dict[str, Any]) -> Plan:
    plan, found, text = diagnosed("alive: {kind: stay_alive}", more=yaml.safe_dump(more))
    assert plan is not None, text
    assert not [d for d in found if d.severity == "error"], text
    return plan


def critic(names: list[str]) -> dict[str, Any]:
    return {"critic": {"judge": {"clean": ["joints", *names]}}}


@pytest.mark.slow
def test_a_critic_reads_what_was_drawn() -> None:
    strength = {"kind": "motor_strength", "joints": "knee_.*", "factor": [0.8, 1.2]}
    for drawn in (RANDOMIZERS, {"strength": strength}):
        seen = {f"of_{name}": {"kind": "drawn", "of": name} for name in drawn}
        more = {"Randomizer": drawn, "Observation": seen, "Critic": critic(list(seen))}
        more["Termination"] = {"limit": {"kind": "episode_length", "after": "60 ms"}}
        plan = plan_of(more)
        env = Env(plan, "native", envs=3, threads=1)
        state = env.init(env.params, jax.random.key(0))
        step = jax.jit(env.step)
        knees = [plan.robot.model.joint(f"knee_{side}") for side in ("left", "right")]
        dofs, qpos = ([int(getattr(j, f)[0]) for j in knees] for f in ("dofadr", "qposadr"))
        model = plan.robot.model
        on_knees = [
            next(i for i in range(model.nu) if model.actuator_trnid[i, 0] == j.id) for j in knees
        ]
        places = {
            "floor": ("geom_friction", np.s_[model.geom("floor").id, :1]),
            "dry": ("dof_frictionloss", np.s_[dofs]),
            "rotor": ("dof_armature", np.s_[dofs]),
            "oil": ("dof_damping", np.s_[dofs]),
            "mass": ("body_mass", np.s_[[model.body("torso").id]]),
            "centre": ("body_ipos", np.s_[model.body("torso").id]),
            "inertia": ("body_inertia", np.s_[model.body("pelvis").id]),
            "imu": ("site_quat", np.s_[model.site("imu").id]),
            "size": ("geom_size", np.s_[model.geom("foot_left").id]),
            "servos": ("actuator_biasprm", np.s_[on_knees, 1:3]),
            "head": ("geom_friction", np.s_[model.geom("head").id, [0, 2]]),
            "down": ("opt.gravity", np.s_[:]),
            "zero": ("qpos0", np.s_[qpos]),
            "strength": ("actuator_gainprm", np.s_[on_knees, :1]),
        }
        columns = {c.source.name: slice(c.start, c.stop) for c in plan.critic_input}
        before: dict[str, np.ndarray] = {}
        for _ in range(4):  # an episode of three ticks, and the beginning of the next
            values = env.model_values(state)
            for name in drawn:
                field, place = places[name]
                wanted = np.stack([np.ravel(row[place]) for row in np.asarray(values[field])])
                got = np.asarray(state.critic_input[:, columns[f"of_{name}"]])
                np.testing.assert_allclose(got, wanted, rtol=1e-6, err_msg=name)
                if name != "dry":  # the model has none, and a factor of nothing is nothing
                    assert len({tuple(row) for row in got}) == 3, name
                before.setdefault(name, got)
            state, _ = step(env.params, state, jnp.zeros((3, env.action_size)))
        for name, first in before.items():
            now = np.asarray(state.critic_input[:, columns[f"of_{name}"]])
            assert name == "dry" or not np.array_equal(first, now), name


def test_every_randomizer_says_what_it_draws() -> None:
    tested = {part["kind"] for part in RANDOMIZERS.values()} | {"motor_strength"}
    silent = {k for k, kind in KINDS["Randomizer"].items() if kind.drawn is Randomizer.drawn}
    assert tested | silent == set(KINDS["Randomizer"])


def test_a_draw_that_stands_nowhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FloorFriction, "drawn", Randomizer.drawn)
    more = {
        "Randomizer": {"floor": RANDOMIZERS["floor"]},
        "Observation": {"seen": {"kind": "drawn", "of": "floor"}},
        "Critic": critic(["seen"]),
    }
    _, found, _ = diagnosed("alive: {kind: stay_alive}", more=yaml.safe_dump(more))
    assert [(str(d.code), d.path) for d in found if d.severity == "error"] == [
        ("KS0372", "Observation.seen.of")
    ]


def test_the_time_of_feet_in_the_air() -> None:
    geoms = ["foot_left", "foot_right"]
    seen = {
        "air": {"kind": "air_time", "geoms": geoms},
        "touch": {"kind": "feet_contact", "geoms": geoms},
    }
    more: dict[str, Any] = {"Observation": seen, "Critic": critic(list(seen))}
    more["Reset"] = {"up": {"kind": "height", "range": ["0 cm", "5 cm"]}}
    plan = plan_of(more)
    env = Env(plan, "native", envs=4, threads=1)
    columns = {c.source.name: slice(c.start, c.stop) for c in plan.critic_input}
    state = env.init(env.params, jax.random.key(1))
    step, rng = jax.jit(env.step), np.random.default_rng(0)
    time, lifted = np.zeros((4, 2)), 0
    assert not np.asarray(state.critic_input[:, columns["air"]]).any()
    for _ in range(60):
        action = jnp.asarray(rng.normal(0, 1.5, (4, env.action_size)), jnp.float32)
        state, _ = step(env.params, state, action)
        touch = np.asarray(state.critic_input[:, columns["touch"]]) > 0
        time = np.where(touch, 0.0, time + plan.period)
        got = np.asarray(state.critic_input[:, columns["air"]])
        np.testing.assert_allclose(got, time, atol=1e-5)
        lifted += int((time > 0.05).sum())
    assert lifted > 10

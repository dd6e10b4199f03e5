"""Contacts of bodies whose geoms have no names, against MuJoCo's own contacts."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.env import Env
from ksim_compiler.pipeline import Compiled, compile_document
from ksim_compiler.robot.model import ModelFiles
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse

MODEL = """<mujoco><option timestep="0.005"/><worldbody>
<geom name="floor" type="plane" size="0 0 1"/>
<body name="trunk" pos="0 0 .3"><freejoint/>
  <geom type="box" size=".2 .1 .05" mass="2"/><geom type="box" size=".05 .05 .1" mass="1"/>
  <body name="arm" pos=".3 0 0"><joint name="hip" axis="0 1 0" actuatorfrcrange="-5 5"/>
    <geom type="capsule" fromto="0 0 0 .3 0 0" size=".03" mass=".5"/></body></body>
</worldbody></mujoco>"""
TASK = """ksim: 1
task: t
PhysicsState: {r: {model: m.xml, control: 50 Hz}}
Observation: {q: {kind: joint_position}}
Action: {a: {kind: torque, joints: hip, scale: 1 N*m}}
Policy: {actor: {read: [q], network: {kind: mlp, hidden: [8]}}}
Critic: {critic: {judge: {clean: [q]}, network: {kind: mlp, hidden: [8]}}}
Reward:
  pressed: {kind: undesired_contacts, bodies: [trunk, arm], threshold: 0.5 N}
  touched: {kind: formula, expression: "contact.trunk.floor + 10 * contact.arm"}
  both: {kind: formula, expression: "sum(contacts['trunk|arm'].floor)"}
  force: {kind: formula, expression: "contact.trunk.floor.force / (1*N)"}
Termination:
  time: {kind: episode_length, after: 10 s}
%s
PPO: {envs: 2, rollout: 8, minibatches: 1}
"""


def compiled(more: str = "") -> Compiled:
    document = parse(TASK % more, "t.yaml", Sink())
    assert document is not None
    return compile_document(document, ModelFiles("m.xml", {"m.xml": MODEL.encode()}))


def test_bodies_touch_where_one_of_their_geoms_does() -> None:
    found = compiled("  down: {kind: illegal_contact, bodies: arm, with: floor}")
    assert found.plan is not None, found.diagnostics
    env = Env(found.plan, "native", envs=1, threads=1)
    step, state = jax.jit(env.step), jax.jit(env.init)(env.params, jax.random.key(0))
    model = found.plan.robot.model
    data: Any = mujoco.MjData(model)
    seen = set[tuple[bool, bool]]()
    for _ in range(60):
        data.qpos[:], data.qvel[:] = state.world["qpos"][0], state.world["qvel"][0]
        data.ctrl[:] = -1.0  # the arm bends down
        mujoco.mj_step(model, data, nstep=4)
        state, out = step(env.params, state, jnp.full((1, 1), -1.0))
        force = dict.fromkeys(("trunk", "arm"), 0.0)
        for index, contact in enumerate(data.contact):
            wrench = np.zeros(6)
            mujoco.mj_contactForce(model, data, index, wrench)
            for geom in (contact.geom1, contact.geom2):
                body = model.body(model.geom_bodyid[geom]).name
                if body in force and contact.efc_address >= 0:
                    force[body] = max(force[body], float(np.linalg.norm(wrench[:3])))
        down = {name: size > 0 for name, size in force.items()}
        terms = {name: float(value[0]) for name, value in out.reward_terms.items()}
        assert terms["touched"] == down["trunk"] + 10 * down["arm"]
        assert terms["both"] == down["trunk"] + down["arm"]
        assert terms["pressed"] == -sum(size > 0.5 for size in force.values())
        assert terms["force"] == pytest.approx(force["trunk"], rel=1e-2, abs=1e-3)
        assert bool(out.failure[0]) == down["arm"]
        seen.add((down["trunk"], down["arm"]))
        if out.failure[0]:
            break
    assert len(seen) > 1
    assert (True, True) in seen or (False, True) in seen


def test_a_body_that_touches_at_home_is_told() -> None:
    found = compiled("  down: {kind: illegal_contact, bodies: trunk}")
    told = [d.message for d in found.diagnostics if d.code == "KS0432"]
    assert told == []  # it stands in the air
    low = compiled("  down: {kind: illegal_contact, geoms: floor, bodies: trunk}")
    assert any("exactly one of geoms and bodies" in d.message for d in low.diagnostics)

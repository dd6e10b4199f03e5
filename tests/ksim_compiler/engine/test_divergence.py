"""A simulation that diverges by MuJoCo's own measure ends by itself, and touches no other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.engine import EngineSpec, make_engine
from ksim_compiler.env import Env
from ksim_compiler.pipeline import compile_document
from ksim_compiler.robot.model import ModelFiles
from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse

SLIDER = """
<mujoco>
  <option timestep="0.01" gravity="0 0 0"/>
  <worldbody>
    <body name="b">
      <joint name="x" type="slide" axis="1 0 0"/>
      <geom size="0.1" mass="1" contype="0" conaffinity="0"/>
    </body>
  </worldbody>
  <actuator><general name="m" joint="x" gainprm="1"/></actuator>
</mujoco>
"""
# one tick of two steps: a force of 1e9 N is an acceleration of 1e9 m/s^2, one of 1e11 is beyond
FORCES = np.array([[1.0], [1e9], [1e11], [np.nan], [2.0]], np.float32)
DIVERGES = np.array([False, False, True, True, False])


def warned(force: float) -> bool:
    """What plain MuJoCo says of two steps under a force."""
    model = mujoco.MjModel.from_xml_string(SLIDER)
    model.opt.disableflags |= mujoco.mjtDisableBit.mjDSBL_AUTORESET
    data = mujoco.MjData(model)
    for _ in range(2):
        data.ctrl[:] = force
        mujoco.mj_step(model, data)
    kinds = mujoco.mjtWarning
    bad = (kinds.mjWARN_BADQPOS, kinds.mjWARN_BADQVEL, kinds.mjWARN_BADQACC, kinds.mjWARN_BADCTRL)
    return any(data.warning[kind].number for kind in bad)


def test_the_forces_are_what_mujoco_warns_of() -> None:
    assert [warned(float(force)) for force in FORCES[:, 0]] == DIVERGES.tolist()


@pytest.mark.parametrize("each", [False, True], ids=["held", "a row each"])
@pytest.mark.parametrize("name", ["native", "mjx"])
def test_what_diverges_is_nan_and_the_others_keep_their_bits(name: str, each: bool) -> None:
    model = mujoco.MjModel.from_xml_string(SLIDER)
    engine = make_engine(name, EngineSpec(model, 5, 2, ("qacc",)))
    ctrl = np.repeat(FORCES[:, None], 2, axis=1) if each else FORCES
    state, _ = jax.jit(engine.reset)(np.zeros((5, 1)), np.ones((5, 1)))
    _, world = jax.jit(engine.step)(state, ctrl)
    calm = np.where(DIVERGES[:, None], 0.0, FORCES).astype(np.float32)
    _, right = jax.jit(engine.step)(state, np.repeat(calm[:, None], 2, axis=1) if each else calm)
    for field in ("qpos", "qvel", "qacc"):
        assert np.isnan(world[field][DIVERGES]).all()
        np.testing.assert_array_equal(world[field][~DIVERGES], right[field][~DIVERGES])


TASK = """
ksim: 1
task: slide
PhysicsState: {r: {model: m.xml, control: 50 Hz}}
Observation: {q: {kind: joint_position}, v: {kind: joint_velocity}}
Action: {push: {kind: torque, joints: x, scale: 1 N, torque_limit: 1.0e+12 N}}
Policy: {actor: {read: [q, v], network: {kind: mlp, hidden: [8]}}}
Critic: {critic: {judge: {clean: [q, v]}, network: {kind: mlp, hidden: [8]}}}
Reward: {near: {kind: joint_deviation, joints: x, norm: l2, scale: 1}}
Termination: {time: {kind: episode_length, after: 50 s}}
PPO: {envs: 5, rollout: 8, minibatches: 1}
"""


@pytest.mark.parametrize("name", ["native", "mjx"])
def test_an_episode_that_diverges_ends_as_a_failure_and_leaves_no_trace(name: str) -> None:
    problems = Sink()
    document = parse(TASK, "t.yaml", problems)
    assert document is not None, problems
    compiled = compile_document(document, ModelFiles("m.xml", {"m.xml": SLIDER.encode()}))
    assert compiled.plan is not None, compiled.diagnostics
    env = Env(compiled.plan, name, threads=1)
    state = jax.jit(env.init)(env.params, jax.random.key(0))
    state, outcome = jax.jit(env.step)(env.params, state, jnp.asarray(FORCES))
    np.testing.assert_array_equal(outcome.terminations["non_finite"], DIVERGES)
    np.testing.assert_array_equal(outcome.failure, DIVERGES)
    for values in jax.tree.leaves((outcome, state.inputs, state.episode)):
        if jnp.issubdtype(values.dtype, jnp.floating):
            assert np.isfinite(values).all()
    np.testing.assert_array_equal(outcome.reward[DIVERGES], 0.0)
    assert (np.asarray(state.episode.age) == np.where(DIVERGES, 0, 1)).all()


def test_nothing_is_printed_and_no_log_is_written(tmp_path: Path) -> None:
    code = (
        "import numpy as np, mujoco\n"
        "from ksim_compiler.engine import EngineSpec, make_engine\n"
        f"model = mujoco.MjModel.from_xml_string('''{SLIDER}''')\n"
        "engine = make_engine('native', EngineSpec(model, 64, 2, ()))\n"
        "state, _ = engine.reset(np.zeros((64, 1)), np.ones((64, 1)))\n"
        "_, world = engine.step(state, np.full((64, 1), 1e30))\n"
        "assert np.isnan(world['qpos']).all()\n"
    )
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=environment
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []

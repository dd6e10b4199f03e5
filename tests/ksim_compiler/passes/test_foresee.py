"""What is foreseen comes: servos that are called unstable diverge when MuJoCo simulates them."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest

from ksim_compiler.checks.foresee import home, servos
from ksim_compiler.pipeline import compile_file
from ksim_compiler.plan import Plan

ARM = """<mujoco><option timestep="{step}" gravity="0 0 0" integrator="{integrator}"/>
<worldbody><body>
  <joint name="a" axis="0 1 0" armature="0.02" damping="0.1" actuatorfrcrange="-1e9 1e9"/>
  <geom type="capsule" size=".02" fromto="0 0 0 0 0 .3" mass="1" contype="0" conaffinity="0"/>
  <body pos="0 0 .3">
    <joint name="b" axis="0 1 0" armature="0.01" damping="0.1" actuatorfrcrange="-1e9 1e9"/>
    <geom type="capsule" size=".02" fromto="0 0 0 0 0 .3" mass=".5" contype="0" conaffinity="0"/>
  </body>
</body></worldbody></mujoco>"""
TASK = """
ksim: 1
task: arm
PhysicsState: {arm: {model: arm.xml, control: 50 Hz}}
Observation: {angles: {kind: joint_position}}
Action: {targets: {kind: position_target, scale: 1 rad, gains: {kp: KP N*m/rad,
  kd: KD N*m*s/rad}}}
Policy: {actor: {read: [angles]}}
Critic: {critic: {judge: {clean: [angles]}}}
Reward: {still: {kind: joint_tracking, joints: .*, error_scale: 1 rad}}
Termination: {time_limit: {kind: episode_length, after: 5 s}}
"""


def planned(folder: Path, integrator: str, step: float, kp: float, kd: float) -> tuple[Plan, bool]:
    """The arm with servos, and whether it is warned of."""
    (folder / "arm.xml").write_text(ARM.format(step=step, integrator=integrator))
    path = folder / "task.yaml"
    path.write_text(TASK.replace("KP", str(kp)).replace("KD", str(kd)))
    compiled = compile_file(path)
    codes = [d.code for d in compiled.diagnostics]
    assert set(codes) <= {"KS0430", "KS0392"}, compiled.diagnostics  # KS0392: it swings
    assert compiled.plan is not None
    return compiled.plan, "KS0430" in codes


def diverges(plan: Plan) -> bool:
    """Whether a small deflection grows to more than 1 rad."""
    model = plan.robot.model
    data = mujoco.MjData(model)
    data.qpos[:] = 1e-4
    for _ in range(3000):
        mujoco.mj_step(model, data)
        if not np.abs(data.qpos).max() < 1:
            return True
    return False


@pytest.mark.parametrize("integrator", ["Euler", "implicitfast"])
@pytest.mark.parametrize("step", [0.002, 0.005])
def test_servos_that_are_warned_of_diverge(integrator: str, step: float, tmp_path: Path) -> None:
    warned = 0
    for kp in (100, 3000, 100000):
        for kd in (0, 5, 40):
            plan, told = planned(tmp_path, integrator, step, kp, kd)
            warned += told
            assert not told or diverges(plan), (kp, kd)
            if max(s.growth for s in servos(plan, home(plan))) < 0.95:
                assert not diverges(plan), (kp, kd)
    assert 0 < warned < 9


def test_gains_of_shipped_tasks_are_stable_with_room(tmp_path: Path) -> None:
    plan = compile_file(Path(__file__).parents[3] / "tasks" / "walk.yaml").plan
    assert plan is not None
    growths = [s.growth for s in servos(plan, home(plan))]
    assert len(growths) == len(plan.drives)
    assert max(growths) < 0.99

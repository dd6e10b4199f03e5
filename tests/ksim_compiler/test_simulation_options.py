"""What a task sets of the simulation is what MuJoCo runs, and only what is named touches things."""

from __future__ import annotations

from pathlib import Path

import mujoco
import numpy as np
import pytest

from ksim_compiler.pipeline import Compiled, compile_file

ROOT = Path(__file__).parents[2]


def walk(*settings: str) -> Compiled:
    return compile_file(ROOT / "tasks" / "walk.yaml", settings)


def model(*settings: str) -> mujoco.MjModel:
    plan = walk(*settings).plan
    assert plan is not None
    return plan.robot.model


def touching(model: mujoco.MjModel) -> set[frozenset[str]]:
    """Pairs of geoms that touch when the robot has fallen onto the floor."""
    data = mujoco.MjData(model)
    found = set()
    for seed in range(4):
        mujoco.mj_resetData(model, data)
        rng = np.random.default_rng(seed)
        data.qpos[2] = 0.6
        data.qpos[3:7] = rng.normal(size=4)
        data.qpos[7:] += rng.uniform(-0.5, 0.5, model.nq - 7)
        for _ in range(400):
            mujoco.mj_step(model, data)
            for contact in data.contact:
                names = (model.geom(geom).name for geom in (contact.geom1, contact.geom2))
                found.add(frozenset(names))
    return found


@pytest.mark.parametrize(
    ("field", "value", "name", "wanted"),
    [
        ("method", "pgs", "solver", mujoco.mjtSolver.mjSOL_PGS),
        ("method", "cg", "solver", mujoco.mjtSolver.mjSOL_CG),
        ("method", "newton", "solver", mujoco.mjtSolver.mjSOL_NEWTON),
        ("cone", "elliptic", "cone", mujoco.mjtCone.mjCONE_ELLIPTIC),
        ("cone", "pyramidal", "cone", mujoco.mjtCone.mjCONE_PYRAMIDAL),
        ("integrator", "euler", "integrator", mujoco.mjtIntegrator.mjINT_EULER),
        ("integrator", "implicit", "integrator", mujoco.mjtIntegrator.mjINT_IMPLICIT),
        ("integrator", "implicitfast", "integrator", mujoco.mjtIntegrator.mjINT_IMPLICITFAST),
        ("integrator", "rk4", "integrator", mujoco.mjtIntegrator.mjINT_RK4),
        ("impratio", "12.5", "impratio", 12.5),
        ("iterations", "7", "iterations", 7),
        ("ls_iterations", "9", "ls_iterations", 9),
    ],
)
def test_an_option_of_the_task_is_one_of_the_model(
    field: str, value: str, name: str, wanted: float
) -> None:
    one = model(f"PhysicsState.humanoid.solver.{field}={value}")
    assert getattr(one.opt, name) == wanted
    others = {"cone", "solver", "integrator", "impratio", "iterations", "ls_iterations"} - {name}
    plain = model()
    assert all(getattr(one.opt, other) == getattr(plain.opt, other) for other in others)


def test_only_the_geoms_that_are_named_touch_things() -> None:
    before = touching(model())
    assert frozenset(("head", "floor")) in before
    one = model("PhysicsState.humanoid.collide=['foot_.*', knee_left]")
    kept = {"foot_left", "foot_right", "knee_left"}
    after = touching(one)
    assert after
    assert {name for pair in after for name in pair} <= kept | {"floor"}
    assert after == {frozenset((name, "floor")) for name in kept}
    assert one.npair == 0  # of shins and insteps


def test_a_pair_of_the_model_stays_where_both_of_it_are_named() -> None:
    one = model("PhysicsState.humanoid.collide=['foot_.*', 'shin_.*']")
    assert one.npair == 1
    names = {one.geom(one.pair_geom1[0]).name, one.geom(one.pair_geom2[0]).name}
    assert names == {"shin_left", "shin_right"}


def test_contacts_resist_what_is_asked() -> None:
    one = model("PhysicsState.humanoid.collide={geoms: 'foot_.*', condim: 1}")
    assert [one.geom(f"foot_{side}").condim[0] for side in ("left", "right")] == [1, 1]
    assert model().geom("foot_left").condim[0] == 3


def test_a_pattern_that_matches_no_geom_is_told_at_its_place() -> None:
    (told,) = walk("PhysicsState.humanoid.collide=['foot_.*', 'toe_.*']").diagnostics
    assert "toe_.*" in told.message
    assert "geom" in told.message


def test_joints_resist_what_the_task_says() -> None:
    fields = "{damping: 0.7 N*m*s/rad, armature: {'.*(hip|knee|ankle).*': 0.03 kg*m^2, "
    fields += "'abdomen.*|.*(shoulder|elbow).*': 0.005 kg*m^2}}"
    one, plain = model(f"PhysicsState.humanoid.joint_dynamics={fields}"), model()
    names = [one.joint(one.dof_jntid[dof]).name for dof in range(6, one.nv)]
    legs = np.array([any(part in n for part in ("hip", "knee", "ankle")) for n in names])
    np.testing.assert_array_equal(one.dof_damping[6:], 0.7)
    np.testing.assert_array_equal(one.dof_armature[6:], np.where(legs, 0.03, 0.005))
    np.testing.assert_array_equal(one.dof_damping[:6], plain.dof_damping[:6])
    np.testing.assert_array_equal(one.dof_armature[:6], 0.0)
    np.testing.assert_array_equal(one.dof_frictionloss, plain.dof_frictionloss)


@pytest.mark.parametrize(
    ("fields", "code", "word"),
    [
        ("{friction: {'hip.*': 1 N*m}}", "KS0457", "knee_left"),
        ("{friction: {'.*': 1 N*m, 'knee.*': 2 N*m}}", "KS0456", "knee_left"),
        ("{friction: {'.*': 1 N*m, 'toe': 2 N*m}}", "KS0203", "toe"),
        ("{damping: 1 N*s/m}", "KS0409", "hinge"),
        ("{armature: 1 kg}", "KS0409", "hinge"),
    ],
)
def test_a_mistake_in_what_joints_resist(fields: str, code: str, word: str) -> None:
    told = walk(f"PhysicsState.humanoid.joint_dynamics={fields}").diagnostics
    assert [d.code for d in told] == [code], told
    assert word in told[0].message

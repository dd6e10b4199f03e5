"""What a task sets of the simulation is what MuJoCo runs, and only what is named touches things."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mujoco
import numpy as np
import pytest

from ksim_compiler.checks.engines import on_engine
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_compiler.robot.moving import body_moves, geom_moves

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


def test_contacts_yield_as_is_asked() -> None:
    fields = "{geoms: 'foot_.*', solref: [30 ms, 0.7], solimp: [0.1, 0.8, 4 mm, 0.3, 3]}"
    one = model(f"PhysicsState.humanoid.collide={fields}")
    data = mujoco.MjData(one)
    mujoco.mj_step(one, data, 100)
    assert data.ncon
    np.testing.assert_allclose(data.contact.solref, [[0.03, 0.7]] * data.ncon)
    np.testing.assert_allclose(data.contact.solimp, [[0.1, 0.8, 0.004, 0.3, 3.0]] * data.ncon)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ("solref: [0 ms, 1]", "solref"),
        ("solref: [20 ms]", "solref"),
        ("solimp: [0.9, 0.95, 1 mm]", "solimp"),
        ("solimp: [0.9, 1.95, 1 mm, 0.5, 2]", "solimp"),
        ("solimp: [0.9, 0.95, 1 s, 0.5, 2]", "solimp"),
    ],
)
def test_contacts_that_cannot_be_are_told_at_their_place(fields: str, word: str) -> None:
    told = walk(f"PhysicsState.humanoid.collide={{geoms: 'foot_.*', {fields}}}").diagnostics
    assert [word in d.path for d in told] == [True], told


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


BOT = """
<mujoco>
<worldbody>
<geom name="floor" type="plane" size="5 5 .1" condim="3"/>
<geom name="step" type="box" size=".1 .1 .1" condim="6" pos="3 0 0"/>
<body name="torso" pos="0 0 .3"><freejoint name="root"/>
 <geom name="torso" size=".1" mass="3"/>
 <geom name="shell" size=".2" contype="0" conaffinity="0" mass="0"/>
 <body pos="0 .3 0"><joint name="hip_left" axis="0 1 0"/>
  <geom name="foot_left" size=".05" pos="0 0 -.2" condim="4"/>
  <body pos="0 .1 0"><joint axis="0 1 0"/><geom size=".02" mass=".1"/>
   <body pos="0 .1 0"><joint axis="0 0 1"/><geom size=".02" mass=".1"/></body></body></body>
 <body pos="0 -.3 0"><joint name="hip_right" axis="0 1 0"/>
  <geom name="foot_right" size=".05" pos="0 0 -.2"/></body>
</body>
</worldbody>
<contact><pair geom1="foot_left" geom2="step" condim="4"/></contact>
</mujoco>
"""
TASK = """
ksim: 1
task: bot
PhysicsState:
  bot: {model: bot.xml, control: 50 Hz, base: torso, STATE}
Observation:
  joints: {kind: joint_position, joints: hip_.*}
Action:
  hips: {kind: torque, joints: hip_.*, scale: 1 N*m, torque_limit: 5 N*m}
Policy:
  actor: {read: joints}
Critic:
  critic: {judge: {clean: joints}}
Reward:
  up: {kind: upright}
Termination:
  time: {kind: episode_length, after: 5 s}
  fallen: {kind: illegal_contact, geoms: torso, with: floor}
PPO: {}
"""


@pytest.fixture
def bot(tmp_path: Path) -> Callable[[str], Compiled]:
    def build(state: str) -> Compiled:
        (tmp_path / "bot.xml").write_text(BOT)
        (tmp_path / "bot.yaml").write_text(TASK.replace("STATE", state))
        return compile_file(tmp_path / "bot.yaml")

    return build


@pytest.mark.parametrize("condim", [1, 3, 6])
def test_contacts_with_the_ground_resist_what_is_asked(
    bot: Callable[[str], Compiled], condim: int
) -> None:
    plan = bot(f"collide: {{geoms: ['foot_.*', torso], condim: {condim}}}").plan
    assert plan is not None
    one = plan.robot.model
    data = mujoco.MjData(one)
    data.qpos[0] = 3.0  # above the step
    mujoco.mj_step(one, data, 300)
    falling = mujoco.MjData(one)
    mujoco.mj_step(one, falling, 300)
    assert data.ncon
    assert falling.ncon
    assert {*data.contact.dim, *falling.contact.dim} == {condim}
    assert one.pair_dim.tolist() == [condim]


def test_joints_without_a_name_resist_as_well(bot: Callable[[str], Compiled]) -> None:
    plan = bot("joint_dynamics: {damping: 0.7 N*m*s/rad}").plan
    assert plan is not None
    np.testing.assert_array_equal(plan.robot.model.dof_damping[6:], 0.7)
    told = bot("joint_dynamics: {damping: {'hip_.*': 0.7 N*m*s/rad}}").diagnostics
    assert [d.code for d in told] == ["KS0457"]
    assert "no name" in told[0].message


@pytest.mark.parametrize("field", ["joint_dynamics", "solver"])
def test_a_section_that_sets_nothing_is_told(bot: Callable[[str], Compiled], field: str) -> None:
    (told,) = bot(f"{field}: {{}}").diagnostics
    assert (told.code, told.severity) == ("KS0399", "warning")
    assert field in told.message
    given = {"joint_dynamics": "damping: 0.7 N*m*s/rad", "solver": "iterations: 5"}[field]
    assert not bot(f"{field}: {{{given}}}").diagnostics


def test_what_cannot_touch_for_being_named_is_told(bot: Callable[[str], Compiled]) -> None:
    def told(state: str) -> list[tuple[str, str]]:
        return [(d.code, d.message) for d in bot(state).diagnostics]

    assert told("collide: [torso, 'foot_.*']") == []
    ((code, message),) = told("collide: [torso, 'foot_.*', shell]")
    assert code == "KS0398"
    assert "'shell'" in message
    ((code, message),) = told("collide: [torso, 'foot_.*', floor]")
    assert code == "KS0398"
    assert "does not move" in message
    assert told("collide: '(torso|foot_.*|shell)'") == []
    ((code, message),) = told("collide: 'foot_.*'")
    assert code == "KS0431"
    assert "collide does not name 'torso'" in message


def test_no_ground_for_want_of_geoms_is_told_at_them(bot: Callable[[str], Compiled]) -> None:
    told = [d for d in bot("collide: shell").diagnostics if d.code == "KS0439"]
    assert [d.path for d in told] == ["PhysicsState.bot.collide"]


@pytest.mark.parametrize(
    ("solver", "codes"),
    [
        ("{impratio: 10, cone: elliptic}", []),
        ("{impratio: 10, cone: pyramidal}", ["KS0399"]),
        ("{impratio: 1, cone: pyramidal}", []),
        ("{impratio: 10}", ["KS0399"]),  # cones of this model are pyramidal
        ("{ls_iterations: 4, method: cg}", []),
        ("{ls_iterations: 4, method: pgs}", ["KS0399"]),
    ],
)
def test_options_that_do_not_go_together(
    bot: Callable[[str], Compiled], solver: str, codes: list[str]
) -> None:
    assert [d.code for d in bot(f"solver: {solver}").diagnostics] == codes


@pytest.mark.parametrize(
    ("field", "value", "help"), [("method", "pgs", "newton"), ("integrator", "implicit", "fast")]
)
def test_an_option_that_mjx_has_not_is_told_where_it_is_set(
    field: str, value: str, help: str
) -> None:
    plan = walk(f"PhysicsState.humanoid.solver.{field}={value}").plan
    assert plan is not None
    (told,) = on_engine(plan, "mjx")
    assert told.path == f"PhysicsState.humanoid.solver.{field}"
    assert help in told.help
    assert "<option" not in told.help


def test_what_moves_is_the_same_before_and_after_a_model_is_compiled() -> None:
    """And is what MuJoCo moves when its joints and mocaps are set."""
    text = """<mujoco><worldbody>
      <geom name="floor" type="plane" size="1 1 1"/>
      <body name="still"><geom name="post" size=".1"/>
        <body><joint type="slide"/><geom name="slid" size=".1"/>
          <body><geom name="welded" size=".1"/></body></body>
        <body><geom name="fixed" size=".1"/></body></body>
      <body mocap="true"><geom name="held" size=".1"/>
        <body><geom name="on_held" size=".1"/></body></body>
      <body><freejoint/><geom name="free" size=".1"/></body>
    </worldbody></mujoco>"""
    spec = mujoco.MjSpec.from_string(text)
    before = {geom.name for geom in spec.geoms if body_moves(geom.parent)}
    model = spec.compile()
    after = {model.geom(i).name for i in range(model.ngeom) if geom_moves(model, i)}
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    places = data.geom_xpos.copy()
    data.qpos[:3] += 0.5
    data.mocap_pos += 0.5
    mujoco.mj_kinematics(model, data)
    moved = np.any(data.geom_xpos != places, axis=1)
    assert before == after == {model.geom(i).name for i in np.flatnonzero(moved)}

"""What MJX has not is found without it, and is what its own sources say."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import mujoco
import pytest

from ksim_compiler.cli.compile import main
from ksim_compiler.cli.run import main as run
from ksim_compiler.robot import lacks as robot_lacks
from ksim_compiler.robot.burden import burden
from ksim_compiler.robot.engines import shortfalls
from ksim_compiler.robot.lacks import lacks, touching, word

GEOMS = ("sphere", "capsule", "ellipsoid", "cylinder", "box", "mesh")
SHAPE = {
    "plane": 'type="plane" size="1 1 .1"',
    "hfield": 'type="hfield" hfield="h"',
    "sphere": 'size=".1"',
    "capsule": 'type="capsule" size=".1 .1"',
    "ellipsoid": 'type="ellipsoid" size=".1 .2 .1"',
    "cylinder": 'type="cylinder" size=".1 .1"',
    "box": 'type="box" size=".1 .1 .1"',
    "mesh": 'type="mesh" mesh="m"',
}
ASSETS = """<asset>
  <hfield name="h" nrow="3" ncol="3" size="1 1 1 .1"/>
  <mesh name="m" vertex="0 0 0  1 0 0  0 1 0  0 0 1"/>
</asset>"""


def world(inside: str, option: str = "", rest: str = "") -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(
        f"<mujoco>{option}{ASSETS}<worldbody>{inside}</worldbody>{rest}</mujoco>"
    )


def two(a: str, b: str, option: str = "", more: str = "") -> mujoco.MjModel:
    still = a in ("plane", "hfield")
    first = f'<geom name="a" {SHAPE[a]} {more}/>'
    moving = '<joint axis="1 0 0"/>'
    first = first if still else f"<body>{moving}{first}</body>"
    return world(f'{first}<body>{moving}<geom name="b" {SHAPE[b]} {more}/></body>', option)


def whats(model: mujoco.MjModel) -> list[str]:
    return [what for what, _ in lacks(model)]


@pytest.mark.parametrize("a", ["plane", "hfield", *GEOMS])
@pytest.mark.parametrize("b", GEOMS)
def test_a_pair_of_shapes_is_refused_where_mjx_has_no_collision_of_it(a: str, b: str) -> None:
    from mujoco.mjx._src.collision_driver import has_collision_fn

    model = two(a, b)
    ((first, second, _),) = touching(model)
    kinds = [int(model.geom_type[g]) for g in (first, second)]
    shapes = [word("mjtGeom", kind) for kind in kinds]
    names = [model.geom(g).name for g in (first, second)]
    wanted = f"has no collision of {shapes[0]} with {shapes[1]}: {names[0]!r} with {names[1]!r}"
    assert whats(model) == ([] if has_collision_fn(*kinds) else [wanted])


def _words(enumeration: str, members: Iterable[Any]) -> set[str]:
    return {word(enumeration, member) for member in members}


def test_the_tables_are_those_of_mjx() -> None:
    """But for `tactile`, which it takes and never computes, and `discrete`, which never steps."""
    from mujoco.mjx._src import types

    assert _words("mjtSensor", types.SensorType) - {"tactile"} == robot_lacks.SENSORS
    assert _words("mjtEq", types.EqType) == robot_lacks.EQUALITIES
    assert _words("mjtTrn", types.TrnType) == robot_lacks.TRANSMISSIONS
    assert _words("mjtDyn", types.DynType) == robot_lacks.DYNAMICS
    assert _words("mjtGain", types.GainType) == robot_lacks.GAINS
    assert _words("mjtBias", types.BiasType) == robot_lacks.BIASES
    assert _words("mjtIntegrator", types.IntegratorType) - {"discrete"} == robot_lacks.INTEGRATORS
    assert _words("mjtSolver", types.SolverType) == robot_lacks.SOLVERS


def test_pairs_of_geoms_are_those_that_mjx_would_collide() -> None:
    from mujoco.mjx._src.collision_driver import geom_pairs

    def body(name: str, inside: str, at: str = "") -> str:
        return f'<body name="{name}" {at}><freejoint/><geom size=".1"/>{inside}</body>'

    chain = "".join(
        f'<body name="c{i}"><joint axis="0 1 0"/><geom name="c{i}" size=".1"/>' for i in range(3)
    )
    welded = '<body name="w"><geom name="w" type="box" size=".1 .1 .1"/></body>'
    inside = (
        '<geom type="plane" size="1 1 .1" conaffinity="2"/><geom type="hfield" hfield="h"/>'
        + f"{chain}</body></body></body>"
        + body("x", welded)
        + body("y", '<geom name="z" type="box" size=".1 .1 .1" contype="2"/>')
    )
    rest = (
        '<contact><exclude body1="x" body2="c1"/><pair geom1="z" geom2="c0" margin=".1"/></contact>'
    )
    for option in ("", '<option><flag filterparent="disable"/></option>'):
        model = world(inside, option, rest)
        ours = [(a, b) for a, b, _ in touching(model)]
        assert sorted(ours) == sorted((int(a), int(b)) for a, b, _ in geom_pairs(model))
        assert len(set(ours)) == len(ours) > 10
    assert [margin for _, _, margin in touching(model) if margin] == [0.1]


ROUND = '<body><joint/><geom size=".1"/><site name="s" {}/></body>'
SITE = ROUND.format("")
REFUSED = {
    "has no integrator implicit": ("", '<option integrator="implicit"/>', ""),
    "has no integrator discrete": ("", '<option integrator="discrete"/>', ""),
    "has no solver PGS": ("", '<option solver="PGS"/>', ""),
    "has no fluid (density, viscosity, wind) under implicitfast": (
        "",
        '<option integrator="implicitfast" density="1"/>',
        "",
    ),
    'has no flag override="enable"': ("", '<option><flag override="enable"/></option>', ""),
    "has no transmission slidercrank of actuator 'm'": (
        '<site name="o"/>' + SITE,
        "",
        '<actuator><motor name="m" slidersite="o" cranksite="s" cranklength=".1"/></actuator>',
    ),
    "has no transmission body of actuator 'm'": (
        '<body name="b"><joint/><geom size=".1"/></body>',
        "",
        '<actuator><adhesion name="m" body="b" ctrlrange="0 1"/></actuator>',
    ),
    "has no sensor insidesite 'i'": (
        SITE,
        "",
        '<sensor><insidesite name="i" site="s" objtype="site" objname="s"/></sensor>',
    ),
    "has no sensor jointlimitfrc 'i'": (
        '<body><joint name="j" range="-1 1" limited="true"/><geom size=".1"/></body>',
        "",
        '<sensor><jointlimitfrc name="i" joint="j"/></sensor>',
    ),
    "has no contact sensor of a site: 'i'": (
        SITE,
        "",
        '<sensor><contact name="i" site="s"/></sensor>',
    ),
    "has no contact sensor of a body: 'i'": (
        '<body name="b"><joint/><geom size=".1"/></body>',
        "",
        '<sensor><contact name="i" body1="b"/></sensor>',
    ),
    "has no contact sensor of a subtree: 'i'": (
        '<body name="b"><joint/><geom size=".1"/></body>',
        "",
        '<sensor><contact name="i" subtree1="b"/></sensor>',
    ),
    "has no contact sensor with reduce=\"netforce\": 'i'": (
        '<body><joint/><geom name="g" size=".1"/></body>',
        "",
        '<sensor><contact name="i" geom1="g" reduce="netforce" data="force"/></sensor>',
    ),
    "has no touch sensor on a cylinder: 'i'": (
        '<geom type="plane" size="1 1 .1"/>' + ROUND.format('type="cylinder" size=".1 .1"'),
        "",
        '<sensor><touch name="i" site="s"/></sensor>',
    ),
    "has no touch sensor where nothing can touch: 'i'": (
        SITE,
        "",
        '<sensor><touch name="i" site="s"/></sensor>',
    ),
    "has no margin of contacts of plane with mesh: 'a' with 'b'": (
        f'<geom name="a" margin=".1" {SHAPE["plane"]}/>'
        f'<body><joint/><geom name="b" {SHAPE["mesh"]}/></body>',
        "",
        "",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_mjx_has_not_is_refused_by_name(what: str) -> None:
    inside, option, rest = REFUSED[what]
    assert whats(world(inside, option, rest)) == [what]


def test_what_mjx_computes_beside_the_physics_is_not_refused() -> None:
    flags = '<option><flag energy="enable" fwdinv="enable" invdiscrete="enable"/></option>'
    assert not whats(two("plane", "mesh", flags))
    assert not whats(two("plane", "sphere", more='margin=".1" gap=".05"'))


TASK = """
ksim: 1
task: rolling
PhysicsState:
  ball:
    model: ball.xml
    control: 50 Hz
Observation:
  joints: {kind: joint_position}
Action:
  torque: {kind: torque, scale: 1 N*m}
Policy:
  actor: {act: torque, read: [joints]}
Critic:
  critic: {judge: {clean: [joints]}}
Reward:
  alive: {kind: stay_alive, scale: 1}
Termination:
  time_limit: {kind: episode_length, after: 1 s}
"""
MODEL = """
<mujoco>
  <worldbody>
    <body name="arm"><joint name="j" axis="0 1 0" range="-90 90"/>
      <geom name="rod" type="cylinder" size=".1 .2"/></body>
    <body name="box" pos="1 0 0"><freejoint/><geom type="box" size=".1 .1 .1"/></body>
  </worldbody>
  <actuator><motor name="m" joint="j" ctrlrange="-1 1"/></actuator>
</mujoco>"""


def test_the_commands_say_where_and_what_an_engine_has_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ball.xml").write_text(MODEL)
    task = tmp_path / "rolling.yaml"
    task.write_text(TASK)
    assert main([str(task), "--check", "--engine", "native"]) == 0
    capsys.readouterr()
    said = (
        f"{task}:6:12: error KS0486: the engine mjx has no collision of cylinder with box: 'rod' "
        "with a geom of body 'box' in PhysicsState.ball.model"
    )
    assert main([str(task), "--check", "--engine", "mjx"]) == 1
    assert said in capsys.readouterr().err
    assert run([str(task), "--engine", "mjx", "--out", str(tmp_path / "run")]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert run([str(task), "--engine", "mjx", "--probe"]) == 1
    assert said in capsys.readouterr().err


TERRAIN = "    terrain: {kind: rough, amplitude: 2 cm, size: 4 m, resolution: 20 cm}\n"
ROUGH = TASK.replace("    control: 50 Hz\n", "    control: 50 Hz\n" + TERRAIN)


@pytest.mark.parametrize(
    ("shape", "severity", "what"),
    [
        ("cylinder", "error", "has no collision of hfield with cylinder: 'floor' with 'rod'"),
        ("capsule", "warning", "compiles 1 collision with height field (hfield-capsule), each of"),
    ],
)
def test_a_height_field_is_blamed_on_the_terrain(
    shape: str, severity: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ground = (
        '<worldbody><geom name="floor" type="plane" size="5 5 .1" contype="2" conaffinity="0"/>'
    )
    model = MODEL.replace("<worldbody>", ground).replace("cylinder", shape)
    model = model.replace('name="rod"', 'name="rod" conaffinity="2" contype="0"')
    (tmp_path / "ball.xml").write_text(model)
    task = tmp_path / "rolling.yaml"
    task.write_text(ROUGH)
    main([str(task), "--check", "--engine", "mjx"])
    code = "KS0486" if severity == "error" else "KS0464"
    said = capsys.readouterr().err
    assert f"{task}:8:14: {severity} {code}: the engine mjx {what}" in said
    assert said.count(f" {code}: ") == 1


def test_contacts_and_rows_are_those_that_mjx_makes_room_for() -> None:
    """Of ten balls and boxes: what `make_condim` says, and the rows of its constraints."""
    from mujoco.mjx._src import collision_driver, constraint

    shapes = ("sphere", "box", "capsule")
    bodies = "".join(
        f'<body><freejoint/><geom {SHAPE[shapes[i % 3]]} condim="{(1, 3, 4, 6)[i % 4]}"/></body>'
        for i in range(10)
    )
    arm = '<body><joint range="-1 1" limited="true" frictionloss="1"/><geom size=".1"/></body>'
    ground = f"<geom {SHAPE['plane']}/><geom {SHAPE['hfield']}/>"
    for cone in ("pyramidal", "elliptic"):
        model = world(ground + bodies + arm, f'<option cone="{cone}"/>')
        dims = collision_driver.make_condim(model)
        weight = burden(model)
        assert weight.contacts == len(dims) > 100
        assert weight.rows == len(constraint.make_efc_type(model, dims))
        assert weight.kinds.total() == len(collision_driver._geom_groups(model))
    wide = world(ground + bodies * 2 + arm, '<option cone="elliptic"/>')
    (short,) = shortfalls(wide, "mjx")
    assert short.what.startswith(f"has no room for {burden(wide).rows:,} rows of constraints")
    assert not shortfalls(world(ground + bodies * 2 + arm), "mjx")


def test_room_for_contacts_is_that_of_mjx_by_kind_of_pair() -> None:
    from mujoco.mjx._src.collision_driver import _COLLISION_FUNC

    theirs = {
        (word("mjtGeom", a), word("mjtGeom", b)): function.ncon
        for (a, b), function in _COLLISION_FUNC.items()
    }
    assert theirs == robot_lacks.PAIRS

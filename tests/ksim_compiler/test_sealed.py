"""A compiled task opens no file beside itself, and carries every file that it needs."""

from __future__ import annotations

import shutil
from pathlib import Path

import mujoco
import numpy as np
import pytest

from ksim_compiler import artifact
from ksim_compiler.pipeline import compile_file
from ksim_compiler.robot import model as robot
from ksim_compiler.robot.files import ModelError, ModelFiles, check_complete, read_files
from ksim_compiler.robot.sealed import can_seal
from ksim_schema.diagnostics import has_errors
from tests.ksim_compiler.test_modelfiles import lay, obj, part, png

ROBOT = (
    '<mujoco{space}><compiler autolimits="true"/><option timestep="0.005"/>{more}<worldbody>'
    '<body name="b"><joint name="j" type="hinge" axis="0 1 0" actuatorfrcrange="-5 5"/>'
    '<geom name="g" type="capsule" fromto="0 0 0 0 0 -.3" size=".03" mass="1"/>{inside}</body>'
    "</worldbody></mujoco>"
)
TASK = """ksim: 1
task: t
PhysicsState: {r: {model: MODEL, control: 50 Hz}}
Observation: {q: {kind: joint_position}}
Action: {a: {kind: torque, joints: j, scale: 1 N*m}}
Policy: {actor: {read: [q], network: {kind: mlp, hidden: [8]}}}
Critic: {critic: {judge: {clean: [q]}, network: {kind: mlp, hidden: [8]}}}
Reward: {e: {kind: torque_penalty, scale: 0.1}}
Termination: {time: {kind: episode_length, after: 1 s}}
PPO: {envs: 2, rollout: 8, minibatches: 2}
"""
SPACES = ("", ' xmlns="urn:x"', ' xmlns:x="urn:x"')


def model(more: str = "", inside: str = "", space: str = "") -> str:
    return ROBOT.format(more=more, inside=inside, space=space)


def named(name: str, space: str = "") -> str:
    """A file to include with a body of this name."""
    return f'<mujoco{space}><worldbody><body name="{name}"/></worldbody></mujoco>'


MESHES = (
    '<asset><mesh name="m" file="m.obj"/><texture name="t" type="2d" file="t.png"/></asset>'
    '<worldbody><body name="meshed"><geom type="mesh" mesh="m" mass="1"/></body></worldbody>'
)
ATTACH = '<asset><model name="s" file="arms/arm.MJCF"/></asset>'
HONEST: dict[str, tuple[str, dict[str, str | bytes]]] = {
    **{
        f"includes in includes, meshes{space}": (
            "robots/s.xml",
            {
                "robots/s.xml": model('<include file="a/a.xml"/>', space=space),
                "robots/a/a.xml": f'<mujoco{space}><include file="b/b.xml"/></mujoco>',
                "robots/a/b/b.xml": f"<mujoco{space}>{MESHES}</mujoco>",
                "robots/a/b/m.obj": obj(0.1),
                "robots/a/b/t.png": png(9),
            },
        )
        for space in SPACES
    },
    "an include in a body": (
        "s.xml",
        {"s.xml": model(inside='<include file="in.xml"/>'), "in.xml": "<x><site name='s'/></x>"},
    ),
    "a mesh above the model": (
        "r/s.xml",
        {
            "r/s.xml": model(
                '<compiler meshdir="../assets"/><asset><mesh name="m" file="m.obj"/></asset>',
                '<geom type="mesh" mesh="m" mass="1"/>',
                ' xmlns="x"',
            ),
            "assets/m.obj": obj(0.1),
        },
    ),
    "another suffix": ("robot.mjcf", {"robot.mjcf": model()}),
    "a suffix in capitals": ("r/ROBOT.XML", {"r/ROBOT.XML": model()}),
    "no suffix": ("robot", {"robot": model()}),
    "an include of another suffix": (
        "scene.mjcf",
        {"scene.mjcf": model('<include file="floor.MJCF"/>'), "floor.MJCF": named("floor")},
    ),
    "a model to attach of another suffix": (
        "r/scene.mjcf",
        {
            "r/scene.mjcf": model(ATTACH, '<attach model="s" body="meshed" prefix="p"/>'),
            "r/arms/arm.MJCF": f'<mujoco><compiler assetdir="x"/>{MESHES}</mujoco>',
            "r/arms/x/m.obj": obj(0.1),
            "r/arms/x/t.png": png(9),
        },
    ),
    "a document type": ("s.xml", {"s.xml": f'<?xml version="1.0"?>\n<!DOCTYPE x>\n{model()}'}),
    "a byte order mark": ("s.xml", {"s.xml": "\ufeff" + model()}),
    "a comment in another encoding": ("s.xml", {"s.xml": model().encode() + b"<!-- \xe9 -->"}),
    "names that are not ASCII": (
        "r\u00f6bot.xml",
        {
            "r\u00f6bot.xml": model('<include file="\u65e5 a&amp;b.xml"/>'),
            "\u65e5 a&b.xml": named("i"),
        },
    ),
}


@pytest.mark.parametrize("case", HONEST)
def test_an_archive_needs_nothing_else(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, files = HONEST[case]
    here, empty = tmp_path / "here", tmp_path / "empty"
    lay(here, {**files, "t.yaml": TASK.replace("MODEL", root)})
    compiled = compile_file(here / "t.yaml")
    assert not has_errors(compiled.diagnostics), compiled.diagnostics
    assert compiled.plan is not None
    assert len(compiled.plan.robot.files.content) == len(files)
    empty.mkdir()
    artifact.write(empty / "t.ksim", compiled)
    shutil.rmtree(here)
    monkeypatch.chdir(empty)
    read = artifact.read(Path("t.ksim"))
    assert not has_errors(read.diagnostics), read.diagnostics
    assert read.plan is not None
    assert read.fingerprint == compiled.fingerprint
    before, after = (robot.image(c.plan.robot) for c in (compiled, read) if c.plan)
    assert before == after


@pytest.mark.parametrize("suffix", [".mjcf", ".XML", ".Mjcf", ""])
def test_the_suffix_of_a_model_does_not_matter(suffix: str) -> None:
    files = {"r/a.xml": model('<include file="b.xml"/>'), "r/b.xml": named("more")}
    given = {"r/a" + suffix: files["r/a.xml"], "r/b.xml": files["r/b.xml"]}
    first, second = (
        robot.load(part(), ModelFiles(root, {k: v.encode() for k, v in content.items()}))
        for root, content in (("r/a.xml", files), ("r/a" + suffix, given))
    )
    assert robot.image(first) == robot.image(second)


@pytest.mark.parametrize("suffix", [".urdf", ".URDF", ".Urdf", ".xml"])
def test_the_suffix_of_a_urdf_does_not_matter(suffix: str, tmp_path: Path) -> None:
    link = (
        '<link name="{0}"><inertial><mass value="1"/><inertia ixx="1" iyy="1" izz="1" ixy="0" '
        'ixz="0" iyz="0"/></inertial><collision><geometry><mesh filename="m/m.obj"/></geometry>'
        "</collision></link>"
    )
    joint = (
        '<joint name="j" type="revolute"><parent link="a"/><child link="b"/><axis xyz="0 1 0"/>'
        '<limit lower="-1" upper="1" effort="5" velocity="1"/></joint>'
    )
    text = f'<robot name="u">{link.format("a")}{link.format("b")}{joint}</robot>'
    lay(tmp_path, {"u.urdf": text, "u" + suffix: text, "m/m.obj": obj(0.1)})
    model = mujoco.MjSpec.from_file(str(tmp_path / "u.urdf")).compile()
    loaded = robot.load(part(), read_files(tmp_path / ("u" + suffix))).model
    assert loaded.njnt == model.njnt == 1
    np.testing.assert_array_equal(loaded.mesh_vert, model.mesh_vert)


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with files that a model may not get at, and the current folder beside it."""
    (tmp_path / "secret").mkdir()
    lay(
        tmp_path / "secret",
        {"body.xml": named("from_disk"), "arm.xml": named("arm"), "m.obj": obj(1), "t.png": png(3)},
    )
    lay(tmp_path / "cwd", {"body.xml": named("from_disk"), "m.obj": obj(1), "t.png": png(3)})
    monkeypatch.chdir(tmp_path / "cwd")
    return tmp_path / "secret"


MESH = '<asset><mesh name="x" file="{0}"/></asset>'
GEOM = '<geom type="mesh" mesh="x" mass="1"/>'
SKIN = '<asset><skin name="x" file="{0}"/></asset>'
FLEX = (
    '<worldbody><flexcomp name="x" type="mesh" file="{0}" dim="2" mass="1" radius=".01"/>'
    "</worldbody>"
)
ATTACHED = '<asset><model name="s" file="{0}"/></asset>'
ENTITY = '<!DOCTYPE mujoco [<!ENTITY e "{0}">]>'
HOSTILE: dict[str, dict[str, str]] = {
    "include": {"m.xml": model('<include file="S/body.xml"/>')},
    "include by way of the folder": {"m.xml": model('<include file="../secret/body.xml"/>')},
    "include of the current folder": {"m.xml": model('<include file="body.xml"/>')},
    "include in an include": {
        "m.xml": model('<include file="a.xml"/>'),
        "a.xml": '<mujoco><include file="S/body.xml"/></mujoco>',
    },
    "namespace": {"m.xml": model('<include file="S/body.xml"/>', space=' xmlns="x"')},
    "namespace in an include": {
        "m.xml": model('<include file="a.xml"/>', space=' xmlns="x"'),
        "a.xml": '<mujoco xmlns="y"><include file="S/body.xml"/></mujoco>',
    },
    "another namespace inside": {"m.xml": model('<include xmlns="z" file="S/body.xml"/>')},
    "entity": {"m.xml": ENTITY.format("S/body.xml") + model('<include file="&e;"/>')},
    "entity of elements": {
        "m.xml": ENTITY.format("<include file='S/body.xml'/>") + model("&e;"),
    },
    "characters by number": {"m.xml": model('<include file="&#x2f;S/body.xml"/>')},
    "mesh": {"m.xml": model(MESH.format("S/m.obj"), GEOM)},
    "mesh of the current folder": {"m.xml": model(MESH.format("m.obj"), GEOM)},
    "mesh by meshdir": {
        "m.xml": model('<compiler meshdir="S"/>' + MESH.format("m.obj"), GEOM),
    },
    "mesh by assetdir": {
        "m.xml": model('<compiler assetdir="../secret"/>' + MESH.format("m.obj"), GEOM),
    },
    "texture": {
        "m.xml": model('<asset><texture name="t" type="2d" file="S/t.png"/></asset>'),
    },
    "side of a texture": {
        "m.xml": model('<asset><texture name="t" type="cube" fileback="S/t.png"/></asset>'),
    },
    "texture by texturedir": {
        "m.xml": model(
            '<compiler texturedir="S"/><asset><texture name="t" type="2d" file="t.png"/></asset>'
        ),
    },
    "height field": {
        "m.xml": model('<asset><hfield name="h" file="S/t.png" size="1 1 1 1"/></asset>'),
    },
    "skin": {"m.xml": model(SKIN.format("S/m.obj"))},
    "flex": {"m.xml": model(FLEX.format("S/m.obj"))},
    "model to attach": {
        "m.xml": model(ATTACHED.format("S/arm.xml"), '<attach model="s" body="arm" prefix="p"/>'),
    },
    "include of a model to attach": {
        "m.xml": model(ATTACHED.format("a.xml"), '<attach model="s" body="from_disk" prefix="p"/>'),
        "a.xml": '<mujoco><include file="S/body.xml"/></mujoco>',
    },
    "urdf": {
        "m.xml": '<robot name="u"><link name="l"><collision><geometry>'
        '<mesh filename="S/m.obj"/></geometry></collision></link></robot>',
    },
    "address": {"m.xml": model('<include file="file://S/body.xml"/>')},
    "line break in a name": {"m.xml": model('<include file="S/body.xml&#10;"/>')},
}


def hostile(case: str, secret: Path) -> ModelFiles:
    files = {k: v.replace("S/", f"{secret}/") for k, v in HOSTILE[case].items()}
    files = {k: v.replace('dir="S"', f'dir="{secret}"') for k, v in files.items()}
    return ModelFiles("m.xml", {name: text.encode() for name, text in files.items()})


@pytest.mark.parametrize("case", HOSTILE)
def test_a_model_that_asks_for_other_files_is_refused(case: str, secret: Path) -> None:
    with pytest.raises(ModelError):
        check_complete(hostile(case, secret))


@pytest.mark.parametrize("seals", [True, False], ids=["sealed", "not sealed"])
@pytest.mark.parametrize("case", HOSTILE)
def test_and_would_open_none_if_it_was_not(
    case: str, seals: bool, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody checked the names, the system opens nothing for MuJoCo, or they are checked."""
    if seals and not can_seal():
        pytest.skip("this system has no such means")
    if not seals:
        monkeypatch.setattr("ksim_compiler.robot.model.can_seal", lambda: False)
        monkeypatch.setattr("ksim_compiler.robot.sealed.can_seal", lambda: False)
    try:
        loaded = robot.load(part(), hostile(case, secret))
    except ModelError:
        return
    names = {loaded.model.body(i).name for i in range(loaded.model.nbody)}
    assert names <= {"world", "b", "l"}
    assert loaded.model.nmesh == loaded.model.ntex == loaded.model.nskin == 0


def test_the_cases_would_work_on_files(secret: Path) -> None:
    """Most of them are models that MuJoCo reads when nothing is in its way."""
    worked = 0
    for case in HOSTILE:
        files = hostile(case, secret)
        folder = secret.parent / "cwd"
        lay(folder, dict(files.content))
        try:
            mujoco.MjSpec.from_file(str(folder / files.root)).compile()
            worked += 1
        except ValueError:
            pass
    assert worked >= 14

"""Models made of several files load from memory as MuJoCo loads them from disk."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import mujoco
import numpy as np
import pytest

from ksim_compiler.robot import model as robot
from ksim_compiler.robot.files import ModelError, ModelFiles, check_complete, read_files
from ksim_schema.vocabulary.state import Robot as RobotPart

CUBE = tuple((x, y, z) for z in (-1, 1) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1)))
FACES = ((1, 2, 3, 4), (5, 8, 7, 6), (1, 5, 6, 2), (2, 6, 7, 3), (3, 7, 8, 4), (4, 8, 5, 1))


def obj(size: float) -> bytes:
    """A cube as a Wavefront OBJ file."""
    vertices = "".join("v " + " ".join(str(size * x) for x in v) + "\n" for v in CUBE)
    return (vertices + "".join(f"f {' '.join(map(str, f))}\n" for f in FACES)).encode()


def stl(size: float) -> bytes:
    """A cube as a binary STL file."""
    triangles = [(f[0], f[i], f[i + 1]) for f in FACES for i in (1, 2)]
    body = b"".join(
        struct.pack("<3f", 0, 0, 0)
        + b"".join(struct.pack("<3f", *(size * x for x in CUBE[i - 1])) for i in t)
        + b"\0\0"
        for t in triangles
    )
    return b"\0" * 80 + struct.pack("<I", len(triangles)) + body


def png(grey: int, size: int = 4) -> bytes:
    """A square of one colour as a PNG file."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)

    rows = b"".join(b"\0" + bytes([grey] * 3 * size) for _ in range(size))
    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    end = chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + end


def include(file: str) -> str:
    return f'<mujoco><include file="{file}"/></mujoco>'


def body(name: str) -> str:
    return f'<mujoco><worldbody><body name="{name}"/></worldbody></mujoco>'


def meshes(compiler: str, *files: str) -> str:
    """A model with a mesh geom for each file, on a falling body."""
    assets = "".join(f'<mesh name="m{i}" file="{file}"/>' for i, file in enumerate(files))
    geoms = "".join(f'<geom name="m{i}" type="mesh" mesh="m{i}"/>' for i in range(len(files)))
    world = f'<worldbody><body name="box"><freejoint/>{geoms}</body></worldbody>'
    return f"<mujoco><compiler {compiler}/><asset>{assets}</asset>{world}</mujoco>"


def textures(compiler: str, file: str) -> str:
    asset = f'<texture name="t" type="2d" file="{file}"/><material name="m" texture="t"/>'
    ground = f'<hfield name="h" file="{file}" size="1 1 1 1"/>'
    world = '<worldbody><geom type="hfield" hfield="h"/></worldbody>'
    return f"<mujoco><compiler {compiler}/><asset>{asset}{ground}</asset>{world}</mujoco>"


URDF = """<robot name="u"><link name="l"><inertial><mass value="1"/>
<inertia ixx="1" iyy="1" izz="1" ixy="0" ixz="0" iyz="0"/></inertial>
<visual><geometry><mesh filename="unreadable.dae"/></geometry></visual>
<collision><geometry><mesh filename="parts/b.obj"/></geometry></collision></link></robot>"""
ATTACH = """<mujoco><compiler meshdir="elsewhere"/><asset><model name="s" file="sub/x.xml"/></asset>
<worldbody><attach model="s" body="box" prefix="p"/></worldbody></mujoco>"""

SIDES = ("right", "left", "up", "down", "front")
CUBE_TEXTURE = (
    '<mujoco><asset><texture name="t" type="cube" fileback="b.png" '
    + " ".join(f'file{side}="a.png"' for side in SIDES)
    + "/></asset></mujoco>"
)

GOOD: dict[str, tuple[str, dict[str, str | bytes]]] = {
    "one file": ("s.xml", {"s.xml": body("a")}),
    "include": ("s.xml", {"s.xml": include("a.xml"), "a.xml": body("a")}),
    "include from the parent": ("r/s.xml", {"r/s.xml": include("../a.xml"), "a.xml": body("a")}),
    "include beside an include": (
        "s.xml",
        {"s.xml": include("p/a.xml"), "p/a.xml": include("q/b.xml"), "p/q/b.xml": body("b")},
    ),
    "include beside the root goes first": (
        "s.xml",
        {
            "s.xml": include("p/a.xml"),
            "p/a.xml": include("q/b.xml"),
            "q/b.xml": body("first"),
            "p/q/b.xml": body("second"),
        },
    ),
    "meshdir": ("s.xml", {"s.xml": meshes('meshdir="a/b"', "c/m.stl"), "a/b/c/m.stl": stl(1)}),
    "meshdir in the parent": (
        "r/s.xml",
        {"r/s.xml": meshes('meshdir="../assets/"', "m.obj"), "assets/m.obj": obj(2)},
    ),
    "assetdir": ("s.xml", {"s.xml": meshes('assetdir="a"', "m.obj"), "a/m.obj": obj(2)}),
    "meshdir over assetdir": (
        "s.xml",
        {"s.xml": meshes('assetdir="a" meshdir="b"', "m.obj"), "b/m.obj": obj(2)},
    ),
    "the last compiler wins": (
        "s.xml",
        {
            "s.xml": '<mujoco><include file="a.xml"/><compiler meshdir="last"/></mujoco>',
            "a.xml": meshes('meshdir="first"', "m.obj"),
            "last/m.obj": obj(3),
        },
    ),
    "strippath": (
        "s.xml",
        {"s.xml": meshes('strippath="true" meshdir="m"', "gone/m.obj"), "m/m.obj": obj(1)},
    ),
    "same name in two folders": (
        "r/s.xml",
        {
            "r/s.xml": meshes("", "x/m.obj", "../y/./m.obj", "x\\n\\..\\w.obj"),
            "r/x/m.obj": obj(1),
            "y/m.obj": obj(3),
            "r/x/w.obj": obj(5),
        },
    ),
    "mesh beside an include": (
        "s.xml",
        {"s.xml": include("p/a.xml"), "p/a.xml": meshes("", "m.obj"), "p/m.obj": obj(2)},
    ),
    "texture and height field": (
        "s.xml",
        {
            "s.xml": textures('texturedir="t" meshdir="m"', "a.png"),
            "t/a.png": png(80),
            "m/a.png": png(200),
        },
    ),
    "cube texture": (
        "s.xml",
        {
            "s.xml": CUBE_TEXTURE,
            "a.png": png(10),
            "b.png": png(90),
        },
    ),
    "attached model": (
        "r/s.xml",
        {
            "r/s.xml": ATTACH,
            "r/sub/x.xml": include("y.xml"),
            "r/sub/y.xml": meshes('meshdir="own"', "m.obj"),
            "r/sub/own/m.obj": obj(2),
        },
    ),
    "urdf": ("r/u.urdf", {"r/u.urdf": URDF, "r/parts/b.obj": obj(1)}),
}


def lay(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)


def part() -> RobotPart:
    return RobotPart.model_validate({"model": "m.xml", "control": "50 Hz"})


@pytest.mark.parametrize("case", GOOD)
def test_loads_as_from_disk(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, files = GOOD[case]
    lay(tmp_path, files)
    model = mujoco.MjSpec.from_file(str(tmp_path / root)).compile()
    found = read_files(tmp_path / root)
    check_complete(found)
    for name in found.content:
        assert ".." not in name.split("/")
    # Nothing is read from the disk: the folder it is loaded in has other files of these names.
    decoy = tmp_path / "decoy"
    lay(decoy, dict.fromkeys(found.content, b"not this one"))
    monkeypatch.chdir(decoy)
    loaded = robot.load(part(), found).model
    for name in ("mesh_vert", "mesh_face", "tex_data", "hfield_data", "body_mass", "geom_size"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(model, name), err_msg=name)
    bodies = [[m.body(i).name for i in range(m.nbody)] for m in (loaded, model)]
    assert bodies[0] == bodies[1]
    assert loaded.nbody + loaded.nmesh + loaded.ntex > 1


def test_names_are_relative_to_the_closest_common_folder(tmp_path: Path) -> None:
    files = {"a/r/s.xml": meshes('meshdir="../../b"', "m.obj"), "b/m.obj": obj(1)}
    lay(tmp_path / "top", files)
    found = read_files(tmp_path / "top/a/r/s.xml")
    assert found == ModelFiles(
        "a/r/s.xml", {name: (tmp_path / "top" / name).read_bytes() for name in files}
    )


def test_content_is_not_cached_by_name() -> None:
    for size in (1.0, 3.0, 1.0):
        files = ModelFiles("s.xml", {"s.xml": meshes("", "m.obj").encode(), "m.obj": obj(size)})
        assert abs(robot.load(part(), files).model.mesh_vert).max() == size


BAD: dict[str, tuple[str, dict[str, str | bytes]]] = {
    "there is no file .*m.obj, which s.xml names": ("s.xml", {"s.xml": meshes("", "m.obj")}),
    "there is no file .*a.xml, which s.xml names": ("s.xml", {"s.xml": include("a.xml")}),
    "there is no file s.xml \\(looked for .*s.xml\\)$": ("s.xml", {"x": ""}),
    "is a folder": ("s.xml", {"s.xml/x": ""}),
    "a.xml, line 1, column 9: not valid XML": (
        "s.xml",
        {"s.xml": include("a.xml"), "a.xml": "<mujoco>"},
    ),
    "absolute path": ("s.xml", {"s.xml": meshes("", "/somewhere/m.obj")}),
    "absolute path: ": ("s.xml", {"s.xml": meshes('meshdir="/somewhere"', "m.obj")}),
    "absolute path:": ("s.xml", {"s.xml": meshes("", "C:\\somewhere\\m.obj")}),
    "is an address": ("s.xml", {"s.xml": meshes("", "package://robot/m.obj")}),
    "MuJoCo would confuse q/c.xml and c/c.xml": (
        "s.xml",
        {
            "s.xml": '<mujoco><include file="q/b.xml"/><include file="c/c.xml"/></mujoco>',
            "q/b.xml": include("c.xml"),
            "q/c.xml": body("one"),
            "c/c.xml": body("other"),
        },
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_refuses(message: str, tmp_path: Path) -> None:
    root, files = BAD[message]
    lay(tmp_path, files)
    with pytest.raises(ModelError, match=message):
        read_files(tmp_path / root)


def test_a_file_included_in_itself_is_an_error(tmp_path: Path) -> None:
    lay(tmp_path, {"s.xml": include("s.xml"), "a.xml": include("b.xml"), "b.xml": include("a.xml")})
    for root in ("s.xml", "a.xml"):
        with pytest.raises(ModelError):
            robot.load(part(), read_files(tmp_path / root))


def test_complete_means_neither_less_nor_more() -> None:
    content = {"s.xml": include("a.xml").encode(), "a.xml": body("a").encode()}
    check_complete(ModelFiles("s.xml", content))
    with pytest.raises(ModelError, match=r"no file a\.xml"):
        check_complete(ModelFiles("s.xml", {"s.xml": content["s.xml"]}))
    with pytest.raises(ModelError, match=r"does not need b\.xml"):
        check_complete(ModelFiles("s.xml", {**content, "b.xml": b""}))
    with pytest.raises(ModelError, match=r"does not need s\.xml"):
        check_complete(ModelFiles("a.xml", content))
    with pytest.raises(ModelError, match=r"no file gone\.xml"):
        check_complete(ModelFiles("gone.xml", content))

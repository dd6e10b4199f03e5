"""A model that is broken is an error in the task's own lines, in words, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ksim_compiler.cli import compile as command, run as running
from ksim_compiler.pipeline import compile_file
from tests.ksim_compiler.post import (
    HOME_LINE,
    MODEL,
    MODEL_LINE,
    MORE_LINE,
    TASK,
    only_error,
    png,
    write,
)


def changed(*pairs: tuple[str, str]) -> str:
    """The model with some texts in the place of others."""
    text = MODEL
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def asset(text: str, use: str = "") -> str:
    return changed(('<material name="grey"/>', text), ("</worldbody>", f"{use}</worldbody>"))


def with_mesh(file: str) -> str:
    return asset(f'<mesh name="m" file="{file}"/>', '<geom type="mesh" mesh="m"/>')


def with_texture(file: str) -> str:
    return asset(f'<texture name="t" type="2d" file="{file}"/>')


def with_hfield(file: str) -> str:
    use = '<geom type="hfield" hfield="h"/>'
    return asset(f'<hfield name="h" size="1 1 1 1" file="{file}"/>', use)


NOT_FINITE = {
    "position": ('name="leg" pos="0 0 -0.1"', 'name="leg" pos="0 0 nan"'),
    "infinite position": ('name="leg" pos="0 0 -0.1"', 'name="leg" pos="0 0 inf"'),
    "orientation": ('name="leg" pos="0 0 -0.1"', 'name="leg" quat="nan 0 0 0"'),
    "mass": ('mass="1"', 'mass="nan"'),
    "infinite mass": ('mass="1"', 'mass="inf"'),
    "mass that overflows": ('mass="1"', 'mass="1e308"'),
    "size": ('size="0.1 0.1 0.1"', 'size="0.1 nan 0.1"'),
    "friction": ('mass="1"', 'mass="1" friction="nan 0.1 0.1"'),
    "axis": ('axis="0 1 0"', 'axis="0 nan 0"'),
    "range": ('range="-1 1" ', 'range="nan 1" limited="true" '),
    **{
        joint: ('type="hinge"', f'type="hinge" {joint}')
        for joint in (
            *(f'{what}="nan"' for what in ("damping", "armature", "stiffness", "ref")),
            *(f'{what}="inf"' for what in ("damping", "armature", "springref")),
        )
    },
    **{
        option: ('timestep="0.005"', option)
        for option in ('gravity="0 0 nan"', 'wind="inf 0 0"', 'viscosity="nan"')
    },
}
ABSURD = {
    "gravity": ('timestep="0.005"', 'gravity="0 0 -1e300"'),
    "negative armature": ('type="hinge"', 'type="hinge" armature="-1.3"'),
    "far away": ("0 0 0.75 1 0 0 0 0.1", "0 0 1e300 1 0 0 0 0.1"),
    "turned far": ("0 0 0.75 1 0 0 0 0.1", "0 0 0.75 1 0 0 0 1e300"),
    "far anchor": ('type="hinge"', 'type="hinge" pos="1e300 0 0"'),
    "huge geom": ('size="0.1 0.1 0.1"', 'size="1e200 0.1 0.1"'),
}
_TIMES = ("0", "-0.005", "nan", "inf", "1e-300")
OPTIONS = {
    option: ('timestep="0.005"', option)
    for option in (*(f'timestep="{time}"' for time in _TIMES), 'impratio="0"', 'impratio="-1"')
}
KEYFRAMES = {
    "nan": "0 0 nan 1 0 0 0 0",
    "inf": "0 0 inf 1 0 0 0 0",
    "quaternion nan": "0 0 0.75 nan 0 0 0 0",
    "joint nan": "0 0 0.75 1 0 0 0 nan",
    "quaternion 0": "0 0 0.75 0 0 0 0 0.1",
}
HUGE = png(100_000, 100_000, b"")
BAD_FILES = {"empty": b"", "text": b"this is no such file\n", "zeros": bytes(200)}
REFUSED: dict[str, tuple[str | bytes, dict[str, bytes]]] = {
    "empty": ("", {}),
    "blank": ("\n\n", {}),
    "text": ("a robot\n", {}),
    "binary": (bytes(range(256)) * 4, {}),
    "half": (MODEL[: len(MODEL) // 2], {}),
    "page": ("<html><body>404</body></html>", {}),
    "unknown": (changed(("<worldbody>", "<wordbody/><worldbody>")), {}),
    "body without mass": (changed((' mass="1"', ' mass="0"')), {}),
    "quaternion 0": (changed(('name="leg" pos="0 0 -0.1"', 'name="leg" quat="0 0 0 0"')), {}),
    "keyframe too long": (changed(("0 0 0.75 1 0 0 0 0.1", "0 0 0.75 1 0 0 0 0.1 0")), {}),
    "deep": (
        "<mujoco><worldbody>" + "<body>" * 5000 + "</body>" * 5000 + "</worldbody></mujoco>",
        {},
    ),
    "urdf without its mesh": (
        '<robot name="r"><link name="a"><collision><geometry><mesh filename="a.stl"/></geometry>'
        "</collision></link></robot>",
        {},
    ),
    "memory": (changed(("<asset>", '<size memory="900000G"/><asset>')), {}),
    "built-in texture that is huge": (
        asset('<texture name="t" type="2d" builtin="flat" width="300000" height="300000"/>'),
        {},
    ),
    "height field that is huge": (
        asset('<hfield name="h" size="1 1 1 1" nrow="300000" ncol="300000"/>'),
        {},
    ),
    **{
        f"many {line}": (changed(("<asset>", f"{line}<asset>")), {})
        for line in (
            '<size nkey="2000000000"/>',
            '<size nuserdata="2000000000"/>',
            '<size nuser_body="2000000000"/>',
            '<custom><numeric name="n" size="2000000000"/></custom>',
            '<worldbody><replicate count="100000000"><geom size="1"/></replicate></worldbody>',
            '<worldbody><flexcomp name="f" type="grid" count="9999 9999 1"/></worldbody>',
        )
    },
    "mesh that is absent": (with_mesh("m.stl"), {}),
    "texture that is huge": (with_texture("t.png"), {"t.png": HUGE}),
    "texture that is cut off": (with_texture("t.png"), {"t.png": png(64, 64)[:-40]}),
    "height field of a cut image": (with_hfield("h.png"), {"h.png": png(64, 64)[:-40]}),
    **{
        f"{what} {kind} of {bad}": (make(f"f.{kind}"), {f"f.{kind}": content})
        for what, kinds, make in (
            ("mesh", ("stl", "obj", "msh"), with_mesh),
            ("texture", ("png",), with_texture),
            ("height field", ("png", "bin"), with_hfield),
        )
        for kind in kinds
        for bad, content in BAD_FILES.items()
    },
}
"""Files that MuJoCo refuses, or that are refused before it tries."""


def test_the_model_is_sound_as_it_is(tmp_path: Path) -> None:
    assert compile_file(write(tmp_path, MODEL)).plan is not None


@pytest.mark.parametrize("case", NOT_FINITE)
def test_a_number_that_is_not_finite(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = only_error(write(tmp_path, changed(NOT_FINITE[case])), capfd)
    refused = case in ("infinite mass", "mass that overflows")  # by MuJoCo
    assert (found.code, found.where.line) == ("KS0202" if refused else "KS0228", MODEL_LINE)


@pytest.mark.parametrize("case", ABSURD)
def test_finite_numbers_that_nothing_can_be_computed_of(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = only_error(write(tmp_path, changed(ABSURD[case])), capfd)
    assert (found.code, found.where.line) == ("KS0228", MODEL_LINE)


@pytest.mark.parametrize("case", OPTIONS)
def test_an_option_that_is_not_possible(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = only_error(write(tmp_path, changed(OPTIONS[case])), capfd)
    assert found.where.line == MODEL_LINE
    assert found.code == ("KS0228" if case == 'timestep="nan"' else "KS0229")


def test_the_timestep_of_the_task_counts_and_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mended = TASK.replace("# more", "timestep: 5 ms")
    broken = changed(OPTIONS['timestep="0"'])
    assert compile_file(write(tmp_path, broken, mended)).plan is not None
    task = TASK.replace("# more", "timestep: 1e-30 s")
    found = only_error(write(tmp_path, MODEL, task), capfd)
    assert (found.code, found.where.line) == ("KS0229", MORE_LINE)


@pytest.mark.parametrize("case", KEYFRAMES)
def test_a_home_that_is_no_pose(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = changed(("0 0 0.75 1 0 0 0 0.1", KEYFRAMES[case]))
    found = only_error(write(tmp_path, broken), capfd)
    assert (found.code, found.where.line) == ("KS0468", HOME_LINE)
    assert "'home'" in found.message


@pytest.mark.parametrize("field", ["qvel", "ctrl", "act", "mpos", "mquat", "time"])
def test_all_of_the_home_keyframe_counts(
    field: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    values = {"qvel": "0 0 0 0 0 0 nan", "mpos": "0 nan 0", "mquat": "0 0 0 0"}
    model = changed(
        ('qpos="0 0 0.75 1 0 0 0 0.1"', f'{field}="{values.get(field, "nan")}"'),
        ("</worldbody>", '<body name="hand" mocap="true"/></worldbody>'),
        ("<keyframe>", '<actuator><intvelocity joint="hip" actrange="-1 1"/></actuator><keyframe>'),
    )
    found = only_error(write(tmp_path, model), capfd)
    assert (found.code, found.where.line) == ("KS0468", HOME_LINE)
    assert field in found.message


@pytest.mark.parametrize("case", KEYFRAMES)
def test_another_keyframe_counts_where_episodes_begin_in_it(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = changed(("0 0 0.6 1 0 0 0 0.2", KEYFRAMES[case]))
    assert compile_file(write(tmp_path, broken)).plan is not None
    reset = "Reset:\n  poses:\n    kind: keyframe\n    keyframes: [home, low]\n"
    found = only_error(write(tmp_path, broken, TASK + reset), capfd)
    last = (TASK + reset).count("\n")
    assert (found.code, found.where.line, found.where.column) == ("KS0468", last, 23)


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_is_refused(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model, files = REFUSED[case]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    found = only_error(write(tmp_path, model), capfd)
    assert (found.code, found.where.line) == ("KS0202", MODEL_LINE)


def test_a_folder_is_no_model(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    task = write(tmp_path, MODEL)
    (tmp_path / "model.xml").unlink()
    (tmp_path / "model.xml").mkdir()
    found = only_error(task, capfd)
    assert (found.code, found.where.line) == ("KS0202", MODEL_LINE)


BARE = {
    "nothing": "<mujoco/>",
    "no body": '<mujoco><worldbody><geom type="plane" size="1 1 1"/></worldbody></mujoco>',
    "no joint": '<mujoco><worldbody><body><geom size="1"/></body></worldbody></mujoco>',
    "ball": '<mujoco><worldbody><body name="b"><joint name="j" type="ball"/><geom size="1"/></body>'
    "</worldbody></mujoco>",
    "free": '<mujoco><worldbody><body name="b"><freejoint/><geom size="1"/></body></worldbody>'
    "</mujoco>",
    "urdf": '<robot name="r"><link name="a"/></robot>',
}


@pytest.mark.parametrize("case", BARE)
def test_a_model_in_which_nothing_can_be_driven(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    task = TASK.replace("    home: {keyframe: home}\n", "")
    compiled = compile_file(write(tmp_path, BARE[case], task))
    errors = [d for d in compiled.diagnostics if d.severity == "error"]
    assert errors
    assert {d.code for d in errors} <= {"KS0210", "KS0220", "KS0221", "KS0404", "KS0405"}
    assert "".join(capfd.readouterr()) == ""


def test_joints_that_do_the_same(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    model = """<mujoco><option gravity="0 0 0"/><worldbody><body>
      <joint name="a" axis="1 0 0"/><joint name="b" axis="1 0 0"/>
      <geom size="0.1" mass="1"/></body></worldbody></mujoco>"""
    task = TASK.replace("    home: {keyframe: home}\n", "").replace(
        "m}", "m, torque_limit: 10 N*m}", 1
    )
    found = only_error(write(tmp_path, model, task), capfd)
    assert (found.code, found.where.line) == ("KS0228", MODEL_LINE)
    assert "singular" in found.message


@pytest.mark.parametrize(
    "image",
    [*BAD_FILES.values(), png(64, 64)[:-40], png(64, 64)[:20], HUGE, png(0, 0, b"")],
    ids=[*BAD_FILES, "cut", "cut header", "huge", "no pixels"],
)
@pytest.mark.parametrize("name", ["hill.png", "hill.jpg", "hill"])
def test_the_image_of_a_terrain(
    name: str, image: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(image)
    terrain = f"terrain: {{kind: image, file: {name}, size: [9 m, 9 m], height: 1 m}}"
    found = only_error(write(tmp_path, MODEL, TASK.replace("# more", terrain)), capfd)
    assert (found.code, found.where.line) == ("KS0469", MORE_LINE)
    assert name in found.message


@pytest.mark.parametrize("name", ["hill.png", "hill.PNG", "hill"])
def test_an_image_is_a_png_whatever_its_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(png(16, 8))
    terrain = f"terrain: {{kind: image, file: {name}, size: [9 m, 9 m], height: 1 m}}"
    plan = compile_file(write(tmp_path, MODEL, TASK.replace("# more", terrain))).plan
    assert plan is not None
    model = plan.robot.model
    assert (model.hfield_nrow[0], model.hfield_ncol[0]) == (8, 16)


@pytest.mark.parametrize(
    "terrain",
    [
        "{kind: rough, amplitude: 5 cm, size: 1e30 m, resolution: 1e-30 m}",
        "{kind: rough, amplitude: 5 cm, spacing: 1e-30 m}",
        "{kind: rough, amplitude: 1e30 m}",
        "{kind: stairs, step: 1e30 m, depth: 30 cm}",
        "{kind: stairs, step: 5 cm, depth: 1e-30 m}",
        "{kind: slopes, amplitude: 1e30 m, wavelength: 1 m}",
    ],
)
def test_a_terrain_that_cannot_be_made(
    terrain: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    task = write(tmp_path, MODEL, TASK.replace("# more", f"terrain: {terrain}"))
    found = only_error(task, capfd)
    assert (found.code, found.where.line) == ("KS0418", MORE_LINE)


COMMANDS: dict[str, Callable[[list[str]], int]] = {"compile": command.main, "run": running.main}
BROKEN: dict[str, str | bytes] = {
    "nan": changed(NOT_FINITE["mass"]),
    "timestep": changed(OPTIONS['timestep="0"']),
    "gravity": changed(NOT_FINITE['gravity="0 0 nan"']),
    "keyframe": changed(("0 0 0.75 1 0 0 0 0.1", KEYFRAMES["nan"])),
    "empty": b"",
    "page": "<html/>",
    "deep": REFUSED["deep"][0],
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("line", ["compile --check", "compile", "run --probe"])
def test_every_command_says_so_at_a_place(
    line: str, case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    task = write(tmp_path, BROKEN[case])
    name, *options = line.split()
    assert COMMANDS[name]([*options, str(task)]) == 1
    out = "".join(capfd.readouterr())
    expected = HOME_LINE if case == "keyframe" else MODEL_LINE
    assert re.search(rf"task\.yaml:{expected}:\d+: .*error.*KS\d{{4}}", out), out
    assert "Traceback" not in out
    assert "WARNING" not in out


@pytest.mark.parametrize("case", BROKEN)
def test_a_new_task_is_not_begun_with_a_broken_model(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, BROKEN[case])
    arguments = ["--init", str(tmp_path / "new.yaml"), "--robot", str(tmp_path / "model.xml")]
    assert command.main(arguments) == 1
    out = "".join(capfd.readouterr())
    assert "Traceback" not in out
    assert "WARNING" not in out
    assert out.strip()

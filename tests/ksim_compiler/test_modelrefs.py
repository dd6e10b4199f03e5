"""Models that are not a path: files of packages, MuJoCo Menagerie; and URDF files."""

from __future__ import annotations

import dataclasses
import hashlib
import lzma
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco_menagerie as menagerie
import numpy as np
import pytest

from ksim_compiler import artifact
from ksim_compiler.env import Env
from ksim_compiler.pipeline import Compiled, compile_file

TESTS = Path(__file__).parents[1]
TASKS = TESTS.parent / "tasks"
CARTPOLE = TASKS / "robots" / "cartpole" / "scene.xml"
URDF = TESTS / "robots" / "urdf"
ROBOT = "unitree_go1"


def with_model(folder: Path, model: str) -> Compiled:
    """The cartpole task with another reference to its model."""
    text = (TASKS / "cartpole.yaml").read_text()
    path = folder / "task.yaml"
    path.write_text(text.replace("robots/cartpole/scene.xml", f"'{model}'"))
    return compile_file(path)


def problem(compiled: Compiled) -> tuple[str, str, str]:
    (found,) = compiled.diagnostics
    assert found.path == "PhysicsState.cartpole.model"
    assert found.where.line > 1
    return found.code, found.message, found.help


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that fails when it is imported."""
    root = tmp_path / "site"
    models = root / "no_import" / "models"
    models.mkdir(parents=True)
    for module in (models / "__init__.py", models.parent / "__init__.py"):
        module.write_text("raise RuntimeError('this must not be imported')")
    shutil.copy(CARTPOLE, models / "scene.xml")
    (root / "alone.py").write_text("")
    monkeypatch.syspath_prepend(str(root))
    return root


@pytest.mark.parametrize("module", ["no_import/models", "no_import.models"])
def test_a_model_of_a_package_is_found_without_importing_it(
    module: str, package: Path, tmp_path: Path
) -> None:
    compiled = with_model(tmp_path, f"package:{module}/scene.xml")
    assert compiled.plan is not None, compiled.diagnostics
    assert not [name for name in sys.modules if name.startswith("no_import")]
    same = compile_file(TASKS / "cartpole.yaml")
    assert compiled.fingerprint == same.fingerprint  # the meaning is the same

    path = tmp_path / "task.ksim"  # and travels without the package
    artifact.write(path, compiled)
    shutil.rmtree(package / "no_import")
    again = artifact.read(path)
    assert again.plan is not None, again.diagnostics
    assert again.fingerprint == compiled.fingerprint
    assert artifact.unpack(path).model.content == {"scene.xml": CARTPOLE.read_bytes()}


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("package:no_such_thing/scene.xml", "no package 'no_such_thing' is installed"),
        ("package:no_import.more/scene.xml", "no package 'no_import.more'"),
        ("package:no-import/scene.xml", "no package 'no-import'"),
        ("package:alone/scene.xml", "no package 'alone'"),
        ("package:no_import/scene.xml", "has no file 'scene.xml'"),
        ("package:no_import", "names no file of a package"),
        ("package:no_import/../alone.py", "names no file of a package"),
        ("package:no_import//etc/passwd", "names no file of a package"),
        ("package:__main__/scene.xml", "no package '__main__'"),
    ],
)
def test_a_model_that_no_package_has(model: str, words: str, package: Path, tmp_path: Path) -> None:
    code, message, _ = problem(with_model(tmp_path, model))
    assert code == "KS0213"
    assert words in message


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of the collection, with the cartpole in place of a robot."""
    root = tmp_path / "mujoco_menagerie"
    (root / ROBOT).mkdir(parents=True)
    shutil.copy(CARTPOLE, root / ROBOT / "scene.xml")
    monkeypatch.setenv("MENAGERIE_ROOT", str(root))
    return root


@pytest.mark.parametrize("model", [f"menagerie:{ROBOT}/scene", f"menagerie:{ROBOT}"])
def test_a_model_of_menagerie(model: str, checkout: Path, tmp_path: Path) -> None:
    compiled = with_model(tmp_path, model)
    assert compiled.plan is not None, compiled.diagnostics
    assert compiled.diagnostics == []
    path = tmp_path / "task.ksim"
    artifact.write(path, compiled)
    shutil.rmtree(checkout)
    assert artifact.read(path).fingerprint == compiled.fingerprint


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("menagerie:unitree_go9", "Did you mean 'unitree_go"),
        (f"menagerie:{ROBOT}/stage", "has no entry point 'stage'"),
    ],
)
def test_a_model_that_menagerie_lacks(model: str, words: str, tmp_path: Path) -> None:
    code, message, help = problem(with_model(tmp_path, model))
    assert code == "KS0215"
    assert words in message
    assert "mujoco-menagerie names" in help


def test_without_the_package_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mujoco_menagerie", None)
    code, message, help = problem(with_model(tmp_path, f"menagerie:{ROBOT}"))
    assert code == "KS0214"
    assert "mujoco-menagerie" in message
    assert help == "pip install 'ksim-schema[menagerie]'"


def test_a_download_is_reported_once_and_a_failure_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package's own download, from a folder in place of its server."""
    server, made = tmp_path / "server", tmp_path / "made" / ROBOT
    for folder in (server, made):
        folder.mkdir(parents=True)
    shutil.copy(CARTPOLE, made / "scene.xml")
    archive = server / "go1.tar.xz"
    with lzma.open(archive, "wb") as stream, tarfile.open(fileobj=stream, mode="w") as tar:
        tar.add(made, arcname=ROBOT)
    monkeypatch.delenv("MENAGERIE_ROOT", raising=False)
    monkeypatch.setenv("MENAGERIE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("MENAGERIE_BASE_URL", server.as_uri())
    robot: Any = menagerie.get(ROBOT)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    size = archive.stat().st_size
    served = dataclasses.replace(robot, asset=archive.name, sha256=digest, download_size=size)
    monkeypatch.setattr(menagerie, "get", lambda name: served)

    archive.rename(server / "away")
    code, message, help = problem(with_model(tmp_path, f"menagerie:{ROBOT}"))
    assert code == "KS0216"
    assert "cannot be downloaded" in message
    assert f"mujoco-menagerie prefetch {ROBOT}" in help
    assert "MENAGERIE_ROOT" in help

    (server / "away").rename(archive)
    compiled = with_model(tmp_path, f"menagerie:{ROBOT}")
    code, message, _ = problem(compiled)
    assert code == "KS0217"
    assert str(tmp_path / "cache") in message
    assert compiled.plan is not None
    assert with_model(tmp_path, f"menagerie:{ROBOT}").diagnostics == []


def test_an_arm_of_a_urdf_file_runs_and_travels(tmp_path: Path) -> None:
    compiled = compile_file(URDF / "point.yaml")
    assert compiled.plan is not None, compiled.diagnostics
    facts = compiled.plan.robot.facts
    assert facts.base is None
    assert [(j.name, j.effort) for j in facts.joints] == [("shoulder", 30.0), ("elbow", 15.0)]
    path = tmp_path / "point.ksim"
    artifact.write(path, compiled)
    again = artifact.read(path)
    assert again.plan is not None, again.diagnostics
    assert set(artifact.unpack(path).model.content) == {"arm.urdf"}

    env = Env(again.plan, "native", envs=2, threads=1)

    @jax.jit
    def run(params: Any) -> Any:
        def tick(state: Any, _: Any) -> Any:
            state, out = env.step(params, state, jnp.full((2, 2), 0.3))
            return state, out.reward

        return jax.lax.scan(tick, env.init(params, jax.random.key(0)), None, 50)

    state, reward = run(env.params)
    # a servo of 200 N*m/rad holds 1.5 kg within g * moment / kp of its target
    upper = 9.81 * (0.2 * 1.0 + 0.4 * 0.5 + 0.2 * 0.5) / 200
    np.testing.assert_allclose(state.world["qpos"], 0.3, atol=upper)
    assert (reward[-1] > 0.97).all()


def test_a_urdf_with_a_floating_joint_floats(tmp_path: Path) -> None:
    text = (URDF / "arm.urdf").read_text()
    inertia = '<inertia ixx="0.1" iyy="0.1" izz="0.1" ixy="0" ixz="0" iyz="0"/>'
    text = text.replace(
        '<link name="base">',
        f'<link name="base"><inertial><mass value="5"/>{inertia}</inertial>',
    ).replace(
        "</robot>",
        '<link name="world"/><joint name="root" type="floating">'
        '<parent link="world"/><child link="base"/></joint></robot>',
    )
    (tmp_path / "arm.urdf").write_text(text)
    shutil.copy(URDF / "point.yaml", tmp_path / "task.yaml")
    compiled = compile_file(
        tmp_path / "task.yaml", ["Reset.pose={kind: height, range: [1 m, 2 m]}"]
    )
    assert compiled.plan is not None, compiled.diagnostics
    facts = compiled.plan.robot.facts
    assert (facts.nq, facts.nv, facts.root) == (9, 8, "base")
    assert facts.base is not None

"""Programs are kept as they were traced: the next start traces nothing and computes the same."""

from __future__ import annotations

import io
import os
import shutil
import time
import zipfile
from pathlib import Path

import jax
import numpy as np
import pytest

from ksim_compiler.learn.ppo.algorithm import Ppo
from ksim_compiler.learn.run import traced
from ksim_compiler.learn.run.trainer import Trainer
from ksim_compiler.pipeline import compile_file

TASKS = Path(__file__).parents[3] / "tasks"
SMALL = ("PPO.envs=8", "PPO.rollout=4", "PPO.minibatches=2", "PPO.epochs=1")


def trainer(keep_in: Path | None, *settings: str, task: Path = TASKS / "cartpole.yaml") -> Trainer:
    plan = compile_file(task, (*SMALL, *settings)).plan
    assert plan is not None
    return Trainer.build(plan, "native", 1, keep_in=keep_in)


def trained(one: Trainer) -> list[np.ndarray]:
    """The state after two iterations, and their figures."""
    one.prepare()
    state, told = one.init(3), list[dict[str, jax.Array]]()
    for _ in range(2):
        state, figures = one.step(one.params, state)
        told.append(figures)
    kept = [
        x
        for x in jax.tree.leaves((state, told))
        if not jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)
    ]
    return [np.asarray(x) for x in (*kept, jax.random.key_data(state.key))]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True)
    )


def test_the_second_start_traces_nothing_and_computes_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = trained(trainer(None))
    assert same(trained(trainer(tmp_path)), plain)
    assert len(list(tmp_path.glob("*.zip"))) == 1

    def no(*_: object) -> object:
        raise AssertionError("it is traced again")

    monkeypatch.setattr(Ppo, "collect", no)
    monkeypatch.setattr(Ppo, "learn", no)
    assert same(trained(trainer(tmp_path)), plain)


def test_what_a_program_is_made_from_finds_it(tmp_path: Path) -> None:
    first = trainer(tmp_path).kept
    assert first == trainer(tmp_path).kept
    others = [
        trainer(tmp_path, "PPO.gamma=0.5").kept,
        trainer(tmp_path, "Reward.upright.scale=7").kept,
        trainer(tmp_path, "PPO.steps=999").kept,
        trainer(tmp_path, "PPO.envs=16").kept,
    ]
    assert len({first, *others}) == 5


def test_a_robot_that_changed_is_another_program(tmp_path: Path) -> None:
    shutil.copytree(TASKS / "robots" / "cartpole", tmp_path / "robots" / "cartpole")
    task, robot = tmp_path / "cartpole.yaml", tmp_path / "robots" / "cartpole" / "scene.xml"
    task.write_text((TASKS / "cartpole.yaml").read_text())
    before = trainer(tmp_path, task=task).kept
    robot.write_text(f"{robot.read_text()}<!-- the same robot in another file -->\n")
    assert trainer(tmp_path, task=task).kept != before


def packed(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_a_damaged_file_is_traced_anew(tmp_path: Path) -> None:
    one = trainer(tmp_path)
    assert one.kept is not None
    one.kept.write_bytes(b"PK\x03\x04 no archive")
    one.prepare()
    sound = one.kept.read_bytes()
    assert traced.read(one.kept) is not None
    with zipfile.ZipFile(one.kept) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    directory = sound.rindex(b"PK\x01\x02", 0, sound.rindex(b"PK\x01\x02"))

    def changed(place: int, value: int) -> bytes:
        return sound[:place] + bytes([value]) + sound[place + 1 :]

    half = members["learn"][: len(members["learn"]) // 2]
    for damage in (
        *(b"", sound[:-10], packed({"other": b""})),
        *(changed(directory + 6, 148), changed(directory + 8, 1), changed(directory + 10, 97)),
        *(packed({**members, "metrics.json": text}) for text in (b"{", b"\xff\xfe\0", b"3", b"[]")),
        *(packed({**members, "learn": content}) for content in (b"", half, members["collect"])),
    ):
        one.kept.write_bytes(damage)
        assert traced.read(one.kept) is None


def test_what_was_not_read_for_longest_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, older, newer = trainer(tmp_path), tmp_path / "older.zip", tmp_path / "newer.zip"
    for age, file in ((200, older), (100, newer)):
        file.write_bytes(bytes(1000))
        then = time.time() - age
        os.utime(file, (then, then))
    one.prepare()
    assert one.kept is not None
    assert older.exists()
    monkeypatch.setattr(traced, "MOST", one.kept.stat().st_size + 1500)
    one.kept.unlink()
    trainer(tmp_path).prepare()
    assert sorted(f.name for f in tmp_path.iterdir()) == sorted(["newer.zip", one.kept.name])


def test_a_task_with_python_of_its_own_is_not_kept(tmp_path: Path) -> None:
    shutil.copytree(TASKS / "robots" / "cartpole", tmp_path / "robots" / "cartpole")
    (tmp_path / "own.py").write_text(
        "from ksim_schema.custom import Reward\n\n\n"
        "class Alive(Reward):\n"
        '    """1 as long as it goes on."""\n\n'
        "    def value(self, x):\n"
        "        return 1.0\n"
    )
    text = (TASKS / "cartpole.yaml").read_text()
    task = tmp_path / "own.yaml"
    task.write_text(text.replace("task: cartpole", "task: own\ncomponents: [own.py]"))
    assert trainer(tmp_path / "kept", task=task).kept is None

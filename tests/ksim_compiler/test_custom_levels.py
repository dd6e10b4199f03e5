"""Curricula, randomizers and files of a task's own file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml

from ksim_compiler import artifact
from ksim_compiler.env import Env
from ksim_compiler.pipeline import Compiled, compile_file
from ksim_schema.diagnostics import TaskError, has_errors, render_text
from tests.ksim_compiler.test_env import CARTPOLE, ROBOTS

OWN = '''
import json

from ksim_schema.custom import Annotated, Curriculum, FileName, Gt, Number, Randomizer, Reward
from ksim_schema.custom import jax, jnp


class Slow(Curriculum):
    """Up by a step with each whole episode."""

    steps: Annotated[Number, Gt(0)] = 4
    start: Number = 0.25

    def first_level(self):
        return self.start

    def initial(self, x):
        return jnp.float32(0.0)

    def value(self, x, count):
        count = count + x.whole
        return self.start + count / self.steps, count


class Heavy(Randomizer):
    changes = ("body_mass",)
    most: Number = 3

    def value(self, x):
        factor = 1 + (self.most - 1) * jax.random.uniform(x.key)
        return {"body_mass": x.world["body_mass"] * factor}


class Tabled(Reward):
    table: FileName
    weights: tuple[Number, ...] = (1, 2)

    def value(self, x):
        rows = jnp.array(json.loads(x.file(self.table)))
        return rows[0] * self.weights[0] + rows[1] * self.weights[1]
'''


def folder(path: Path, own: str = OWN, **sections: Any) -> Path:
    task = yaml.safe_load(CARTPOLE)
    task["PhysicsState"]["robot"]["model"] = str(ROBOTS / "cartpole" / "scene.xml")
    (path / "own.py").write_text(own, encoding="utf-8")
    (path / "table.json").write_text("[0.5, 3]", encoding="utf-8")
    task = {**task, "components": ["own.py"], **sections}
    (path / "task.yaml").write_text(yaml.safe_dump(task, sort_keys=False), encoding="utf-8")
    return path / "task.yaml"


def compiled(path: Path) -> Compiled:
    made = compile_file(path)
    assert not has_errors(made.diagnostics), render_text(made.diagnostics, made.sources)
    return made


RAMP = {"alive": {"kind": "stay_alive", "scale": {"linear": {"from": 0, "to": 8}}}}


def test_a_curriculum_counts_over_episodes_and_stays_a_level(tmp_path: Path) -> None:
    path = folder(tmp_path, Curriculum={"level": {"kind": "slow"}}, Reward=RAMP)
    plan = compiled(path).plan
    assert plan is not None
    env = Env(plan, "native", envs=2, threads=1)
    state = env.init(env.params, jax.random.key(0))
    step = jax.jit(env.step)
    ended, told = 0, []
    for _ in range(60):  # six episodes of ten ticks
        state, out = step(env.params, state, jnp.zeros((2, 1)))
        wanted = min(0.25 + ended / 4, 1.0)
        assert out.reward[0] == pytest.approx(8 * wanted)
        ended += int(out.done[0])
        told.append(float(out.metrics["level"][0]))
        assert told[-1] == pytest.approx(min(0.25 + ended / 4, 1.0))
    assert ended == 6
    assert max(told) == 1.0


@pytest.mark.parametrize("scale", [1.0, 0.5, 0.0])
def test_a_randomizer_draws_fields_of_the_model(tmp_path: Path, scale: float) -> None:
    path = folder(tmp_path, Randomizer={"heavy": {"kind": "heavy", "scale": scale}})
    plan = compiled(path).plan
    assert plan is not None
    env = Env(plan, "native", envs=4, threads=1)
    masses = np.asarray(env.model_values(env.init(env.params, jax.random.key(0)))["body_mass"])
    ratio = masses[:, 1:] / plan.robot.model.body_mass[1:]
    assert (np.ptp(ratio, axis=1) < 1e-5).all()  # one factor for all bodies
    assert (ratio > 1 - 1e-6).all()
    assert (ratio < 1 + 2 * scale + 1e-6).all()
    assert len(np.unique(ratio[:, 0].round(5))) == (4 if scale else 1)


def test_a_file_beside_the_task_travels_with_it(tmp_path: Path) -> None:
    rewards = {"t": {"kind": "tabled", "table": "table.json", "weights": [2, 10]}}
    path = folder(tmp_path, Reward=rewards)
    made = compiled(path)
    assert made.plan is not None
    assert made.fingerprint
    (tmp_path / "table.json").write_text("[1, 3]", encoding="utf-8")
    assert compiled(path).fingerprint != made.fingerprint
    out = tmp_path / "task.ksim"
    artifact.write(out, made)
    (tmp_path / "table.json").unlink()
    read = artifact.read(out, trust=True)
    assert read.plan is not None, read.diagnostics
    env = Env(read.plan, "native", envs=1, threads=1)
    _, step = jax.jit(env.step)(
        env.params, env.init(env.params, jax.random.key(0)), jnp.zeros((1, 1))
    )
    assert step.reward[0] == pytest.approx(2 * 0.5 + 10 * 3)
    assert [d.code for d in compile_file(path).diagnostics if d.severity == "error"]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('changes = ("body_mass",)', "changes = ()", "is a tuple of fields"),
        ('changes = ("body_mass",)', 'changes = ("body_mas",)', "MjModel has no field 'body_mas'"),
        ('return {"body_mass": x', 'return {"mass": x', "gives no mapping of the fields"),
        ('x.world["body_mass"] * factor', "factor", "body_mass has 3"),
        ("return self.start + count / self.steps, count", "return jnp.ones(2), count", "a level"),
    ],
)
def test_what_gives_no_draw_or_level_is_told(tmp_path: Path, old: str, new: str, what: str) -> None:
    assert old in OWN
    parts = {"Curriculum": {"level": {"kind": "slow"}}, "Randomizer": {"heavy": {"kind": "heavy"}}}
    made = compile_file(folder(tmp_path, OWN.replace(old, new), Reward=RAMP, **parts))
    found = list(made.diagnostics)
    if made.plan is not None:
        with pytest.raises(TaskError) as error:
            Env(made.plan, "native", envs=1, threads=1)
        found += error.value.diagnostics
    assert what in " ".join(d.message for d in found)

"""The sum of the rewards: gates, clips, and that what is printed and logged is all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
import yaml

from ksim_compiler.env import Env
from ksim_compiler.learn.learner import Episodes, logged
from ksim_compiler.plan import Plan
from ksim_schema.diagnostics import Sink
from ksim_schema.diff import diff
from ksim_schema.frontend import check_document
from ksim_schema.graph.canonical import canonical, canonical_yaml
from ksim_schema.source import parse
from tests.ksim_compiler.test_env import CARTPOLE
from tests.ksim_compiler.test_metrics import compiled, plan_of

TASK: dict[str, Any] = yaml.safe_load(CARTPOLE)


def written(rewards: dict[str, Any], **sections: Any) -> str:
    return yaml.safe_dump({**TASK, **sections, "Reward": rewards}, sort_keys=False)


def formula(expression: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "formula", "expression": expression, **fields}


def stepped(plan: Plan, ticks: int = 6, pole: float = 0.3) -> list[tuple[Any, mujoco.MjData]]:
    """Steps of one environment from a tilted pole, with MuJoCo's own state after each."""
    env = Env(plan, "native", envs=1, threads=1)
    step = jax.jit(env.step)
    state = env.init(env.params, jax.random.key(0))
    model = plan.robot.model
    data = mujoco.MjData(model)
    data.qpos[:] = np.asarray(state.world["qpos"][0])
    rows = []
    for tick in range(ticks):
        push = 1.0 if tick % 3 else -1.0
        data.ctrl[:] = 10.0 * push
        for _ in range(plan.substeps):
            mujoco.mj_step(model, data)
        state, out = step(env.params, state, jnp.full((1, 1), push))
        copy = mujoco.MjData(model)
        copy.qpos[:], copy.qvel[:] = data.qpos, data.qvel
        rows.append((out, copy))
    return rows


def test_a_term_counts_only_where_its_gate_is_open() -> None:
    rewards = {
        "alive": {"kind": "stay_alive", "when": "joint.slide.velocity > 0"},
        "fast": formula(
            "joint.slide.velocity / (1*m/s)", scale=2, when="abs(joint.pole) < 0.4*deg"
        ),
    }
    opened: dict[str, set[bool]] = {"alive": set(), "fast": set()}
    for out, data in stepped(plan_of(written(rewards))):
        speed, pole = data.qvel[0], data.qpos[1]
        assert out.reward_terms["alive"][0] == float(speed > 0)
        wanted = 2.0 * speed if abs(pole) < np.radians(0.4) else 0.0
        assert out.reward_terms["fast"][0] == pytest.approx(wanted, rel=1e-3, abs=1e-5)
        assert out.reward[0] == pytest.approx(float(speed > 0) + wanted, rel=1e-3, abs=1e-5)
        opened["alive"].add(bool(speed > 0))
        opened["fast"].add(abs(pole) < np.radians(0.4))
    assert opened == {"alive": {True, False}, "fast": {True, False}}


def test_a_gate_remembers() -> None:
    """It opens when the cart first moves forward by itself, and stays open."""
    rewards = {
        "since": {"kind": "stay_alive", "when": "ever(joint.slide.velocity > 0)"},
        "faster": {
            "kind": "stay_alive",
            "when": "joint.slide.velocity > previous(joint.slide.velocity)",
        },
    }
    moved, last, seen = False, 0.0, []
    for out, data in stepped(plan_of(written(rewards))):
        speed = data.qvel[0]
        moved = moved or speed > 0
        assert out.reward_terms["since"][0] == float(moved)
        assert out.reward_terms["faster"][0] == float(speed > last)
        seen.append((moved, speed > 0, speed > last))
        last = speed
    assert len(set(seen)) > 2


def test_a_clip_is_a_term_of_the_sum() -> None:
    rewards = {
        "along": formula("joint.slide.velocity / (1*m/s)"),
        "z_last": formula("-joint.slide / (1*m)"),
        "total": {"kind": "clip", "min": 0, "max": 0.2},
    }
    plan = plan_of(written(rewards))
    acted: set[str] = set()
    for out, data in stepped(plan):
        raw = data.qvel[0] - data.qpos[0]
        clipped = min(max(raw, 0.0), 0.2)
        assert out.reward[0] == pytest.approx(clipped, abs=1e-5)
        assert out.reward_terms["total.clip"][0] == pytest.approx(clipped - raw, abs=1e-5)
        assert sum(float(t[0]) for t in out.reward_terms.values()) == pytest.approx(
            float(out.reward[0]), abs=1e-6
        )
        acted.add("min" if raw < 0 else "max" if raw > 0.2 else "")
        log = logged(Episodes.none(1), jnp.float32(0.0), out)
        assert float(log["reward/total"]) == pytest.approx(clipped, abs=1e-5)
        assert "reward/total.clip" in log
    assert {"min", "max"} <= acted
    env = Env(plan, "native", envs=1, threads=1)
    assert env.reward_names == ("along", "z_last", "total.clip")


def test_the_plan_prints_the_sum() -> None:
    rewards = {
        "speed": formula("joint.slide.velocity / (1*m/s)", per_second=True, scale=3),
        "alive": {"kind": "stay_alive", "when": "joint.slide > 0"},
        "effort": {"kind": "torque_penalty", "scale": 0.01},
        "a_clip": {"kind": "clip", "min": 0},
    }
    text = plan_of(written(rewards)).text()
    assert (
        "reward\n"
        "  + 1 alive, when joint.slide > 0\n"
        "  - 0.01 effort\n"
        "  + 3 speed a second\n"
        "  a_clip: at least 0\n"
    ) in text


def test_gates_and_clips_round_trip_and_a_change_of_one_is_training() -> None:
    forms: list[Any] = []
    commands = {"Command": {"aim": {"kind": "planar_velocity", "forward": ["0 m/s", "1 m/s"]}}}
    for bound in ("0.1", "0.2"):
        gate = f"joint.slide > {bound} and command.aim.forward > 0.5"
        rewards = {"alive": {"kind": "stay_alive", "when": gate}, "c": {"kind": "clip", "min": 0}}
        document = parse(written(rewards, **commands), "test.yaml", Sink())
        assert document is not None
        checked = check_document(document, Path())
        assert checked.task is not None
        assert checked.graph is not None
        data = canonical(checked.task, checked.graph)
        assert data["Reward"]["alive"]["when"] == gate
        again = parse(canonical_yaml(data), "again.yaml", Sink())
        assert again is not None
        twice = check_document(again, Path())
        assert twice.task is not None
        assert twice.graph is not None
        assert canonical(twice.task, twice.graph) == data
        forms.append(data)
    assert {"src": "Command.aim", "tgt": "alive", "port": "when.commands"} in forms[0]["morphisms"][
        "reward"
    ]
    changes = diff(*forms).changes
    assert [(c.place, c.tier) for c in changes] == [(("Reward", "alive", "when"), "training")]


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (formula("joint.pole / (1*rad)", when="joint.pole"), "KS0417"),
        (formula("joint.pole / (1*rad)", when="joints['.*'].velocity > 0"), "KS0417"),
        (formula("joint.pole / (1*rad)", when="previous(time) > 0"), "KS0417"),
        (formula("joint.pole / (1*rad)", when=3), "KS0106"),
        ({"kind": "clip"}, "KS0106"),
        ({"kind": "clip", "min": 2, "max": 1}, "KS0106"),
        ({"kind": "clip", "min": 0, "scale": 2}, "KS0106"),
        ({"kind": "clip", "min": 0, "per_second": True}, "KS0106"),
    ],
)
def test_what_is_no_gate_or_clip_is_refused(part: dict[str, Any], code: str) -> None:
    found = compiled(written({"alive": {"kind": "stay_alive"}, "other": part})).diagnostics
    assert code in [str(d.code) for d in found if "Reward.other" in d.path]


def test_a_gate_may_be_all_that_reads_a_sensor() -> None:
    rewards = {"alive": {"kind": "stay_alive", "when": "site.tip.z > 1.5995"}}
    plan = plan_of(written(rewards))
    assert [s.objname for s in plan.sensors] == ["tip"]
    for out, data in stepped(plan):
        mujoco.mj_kinematics(plan.robot.model, data)
        height = data.site("tip").xpos[2]
        assert abs(height - 1.5995) < 2e-4 or out.reward[0] == float(height > 1.5995)

"""Recorded rollouts as ACSets: functor laws, equations, and py-acsets as a second reader."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace

import pytest

from ksim_schema.acset import Instance, SchemaError, folder, sch_ksim, sch_rollout
from ksim_schema.exchange.acset_export import json_text
from ksim_schema.exchange.rollout import Episode, rollout_instance

with warnings.catch_warnings():  # it is written for an older pydantic, which has its ways still
    warnings.simplefilter("ignore")
    import acsets

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of py-acsets


def episode(ticks: int, start: float = 0.0) -> Episode:
    """A point that moves by its action; it sees its position."""
    place = [start + t for t in range(ticks + 1)]
    return Episode(
        qpos=[[x, 0.0] for x in place],
        qvel=[[1.0]] * (ticks + 1),
        observations=[[x] for x in place],
        actions=[[1.0]] * ticks,
        rewards=[-x for x in place[1:]],
    )


def test_sch_rollout_contains_sch_ksim() -> None:
    schema = sch_rollout()
    assert schema.base == sch_ksim()
    assert {"PhysicsState", "step", "observe", "reward", "qpos"} <= set(schema.inclusion())
    assert len(schema.equations) == 2


def test_every_tick_is_a_row_and_every_wire_a_cell() -> None:
    rows = rollout_instance([episode(2), episode(1, start=5.0)], control=0.02).tables
    assert {name: len(table) for name, table in rows.items()} == {
        "PhysicsState": 5,
        "Trajectory": 3,
        "Observation": 5,
        "Reward": 3,
        "Action": 3,
    }
    last = rows["Trajectory"][2]
    assert (last["episode"], last["tick"]) == (2.0, 1.0)
    before, after = (rows["PhysicsState"][last[end] - 1] for end in ("began", "ended"))
    assert (before["qpos"], after["qpos"]) == ([5.0, 0.0], [6.0, 0.0])
    assert (before["time"], after["time"]) == (0.0, 0.02)
    assert rows["PhysicsState"][rows["Action"][last["acted"] - 1]["step"] - 1] is after
    assert rows["Observation"][before["observe"] - 1]["observation"] == [5.0]
    assert rows["Reward"][last["reward"] - 1]["reward_value"] == -6.0


def test_an_episode_without_ticks_is_one_state() -> None:
    rows = rollout_instance([episode(0)], control=0.02).tables
    assert (len(rows["PhysicsState"]), len(rows["Trajectory"])) == (1, 0)


def test_a_recording_that_mixes_up_its_states_breaks_an_equation() -> None:
    written = rollout_instance([episode(3)], control=0.02).to_json()
    for column, law in (("ended", "ends_where_its_action_leads"), ("began", "acts_on_what_it_saw")):
        broken = json.loads(json.dumps(written))
        broken["Trajectory"][1][column] = 1 if column == "ended" else 3
        with pytest.raises(SchemaError, match=f"Trajectory 2: equation 'a_tick_{law}'"):
            Instance.from_json(sch_rollout(), broken)
    assert Instance.from_json(sch_rollout(), written).to_json() == written


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qpos": [[0.0]]}, "episode 1: 2 actions need 3 qpos, not 1"),
        ({"qvel": []}, "2 actions need 3 qvel, not 0"),
        ({"observations": [[0.0]] * 2}, "2 actions need 3 observations, not 2"),
        ({"rewards": [0.0] * 3}, "2 actions need 2 rewards, not 3"),
        ({"rewards": [0.0, float("nan")]}, "episode 1, tick 2: a reward has a value"),
        ({"actions": [[1.0], [float("inf")]]}, "episode 1, tick 2: an action has a value"),
    ],
)
def test_lists_that_do_not_fit_are_refused(change: dict[str, list], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        rollout_instance([replace(episode(2), **change)], control=0.02)


def test_py_acsets_gives_the_same_tables_back() -> None:
    text = json_text(rollout_instance([episode(3), episode(2)], control=0.02).to_json())
    catlab = acsets.CatlabSchema.parse_file(folder() / "SchRollout.json")
    schema = acsets.Schema.from_catlab("SchRollout", catlab)
    read = acsets.ACSet.read_json("rollout", schema, text)
    assert json.loads(read.to_json_str()) == json.loads(text)
    step = schema.from_string("step")
    assert [read.subpart(i, step, oneindex=True) for i in range(5)] == [2, 3, 4, 6, 7]

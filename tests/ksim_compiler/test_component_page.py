"""The example of the page on components is true: it checks, in under 15 lines."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from ksim_compiler.pipeline import compile_file

ROOT = Path(__file__).parents[2]
UNUSED = [
    f"Observation.{name}"
    for name in (
        *("joint_position", "joint_velocity", "gyro", "clock"),
        *("base_velocity", "base_height", "feet_contact"),
    )
]


def test_the_example_of_the_page_checks(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "components.md").read_text()
    first, memory, action = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    lines = [line for line in first.splitlines() if line.strip()]
    assert len(lines) < 15
    shutil.copytree(ROOT / "tasks" / "robots" / "humanoid", tmp_path / "robots" / "humanoid")
    shutil.copy(ROOT / "tasks" / "walk.yaml", tmp_path)
    (tmp_path / "my_terms.py").write_text(first)
    (tmp_path / "more.py").write_text(memory)
    (tmp_path / "act.py").write_text(action)
    (yaml,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "sit.yaml").write_text(yaml)
    assert [d.message for d in compile_file(tmp_path / "sit.yaml").diagnostics] == []
    text = f"""
ksim: 1
task: slow
extends: sit.yaml
components: [more.py]
Observation:
  slow: {{kind: smoothed, time: 40 ms}}
set:
  Policy.actor.read: [slow, gravity, last_action]
  Critic.critic.judge.clean: [slow, gravity, last_action]
remove: {[*UNUSED]}
"""
    (tmp_path / "slow.yaml").write_text(text)
    compiled = compile_file(tmp_path / "slow.yaml")
    assert [d.message for d in compiled.diagnostics] == []
    assert compiled.plan is not None
    assert {"crouch", "smoothed"} <= set(compiled.plan.graph.kinds.values())
    text = """
ksim: 1
task: together
extends: sit.yaml
components: [act.py]
set:
  Policy.actor.network.symmetric: false
  Critic.critic.network.symmetric: false
  Action.joint_targets: {kind: synergy, joints: .*,
    gains: {kp: 120 N*m/rad, kd: 5 N*m*s/rad}, bend: 10 deg}
"""
    (tmp_path / "together.yaml").write_text(text)
    compiled = compile_file(tmp_path / "together.yaml")
    assert compiled.plan is not None, compiled.diagnostics
    assert compiled.plan.action_size == 2

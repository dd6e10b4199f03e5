"""The example of the page on components is true: it checks, in under 15 lines."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from ksim_compiler.pipeline import compile_file

ROOT = Path(__file__).parents[2]


def test_the_example_of_the_page_checks(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "components.md").read_text()
    first, memory = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    lines = [line for line in first.splitlines() if line.strip()]
    assert len(lines) < 15
    imports = "from ksim_schema.custom import Observation, Time\n\n\n"
    (tmp_path / "my_terms.py").write_text(first)
    (tmp_path / "more.py").write_text(imports + memory)
    shutil.copytree(ROOT / "tasks" / "robots" / "humanoid", tmp_path / "robots" / "humanoid")
    (yaml,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    header, reward = yaml.splitlines()[0], yaml.splitlines()[-1]
    text = (ROOT / "tasks" / "walk.yaml").read_text()
    text = text.replace("task: walk", f"task: sit\n{header.replace(']', ', more.py]')}")
    text = text.replace("Reward:\n", f"Reward:\n{reward}\n")
    text = text.replace("Observation:\n", "Observation:\n  slow: {kind: smoothed, time: 40 ms}\n")
    text = text.replace("        [joint_position,", "        [slow, joint_position,")
    (tmp_path / "sit.yaml").write_text(text)
    compiled = compile_file(tmp_path / "sit.yaml")
    assert compiled.diagnostics == []
    assert compiled.plan is not None
    assert {"crouch", "smoothed"} <= set(compiled.plan.graph.kinds.values())

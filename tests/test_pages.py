"""The generated pages in docs/, and the samples in others, are what the code prints today.

``python -m ksim_schema.diagnostics.page docs/errors.md`` writes the one,
``pytest tests/test_pages.py --refresh-golden`` both.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from ksim_compiler.cli.compile import main as compile_command
from ksim_compiler.cli.diff import main as diff_command
from ksim_compiler.pipeline import compile_file
from ksim_schema.diagnostics import render_text
from ksim_schema.diagnostics.catalogue import CATALOGUE
from ksim_schema.diagnostics.page import errors_page
from ksim_schema.vocabulary import KINDS
from tests.support.api_page import api_page

ROOT = Path(__file__).parents[1]
INVALID = ROOT / "tests" / "invalid"
COMMON = {
    "A name of the robot is misspelt": "KS0204_unknown_geom",
    "A pattern matches nothing": "KS0210_pattern",
    "A part is misspelt": "KS0201_unknown_observation",
    "A section is misspelt": "KS0101_unknown_section",
    "A kind is misspelt": "KS0102_unknown_kind",
    "A field is misspelt": "KS0104_unknown_field",
    "A field is missing": "KS0105_missing_field",
    "A number lacks its unit": "KS0110_no_unit",
    "The unit measures something else": "KS0109_length_for_a_time",
    "A slide takes lengths, a hinge angles": "KS0409_length_for_a_hinge",
    "A noise is in another unit than what it disturbs": "KS0403_noise_of_another_unit",
    "A range runs backwards": "KS0111_backwards",
    "The scale of a penalty is negative": "KS0107_negative_penalty",
    "A key stands twice": "KS0003_duplicate_key",
    "A tab indents a line": "KS0002_tab",
    "A bracket is never closed": "KS0002_unclosed_list",
    "The control period is not a multiple of the timestep": "KS0401_control_period",
    "The samples do not divide into minibatches": "KS0402_minibatches",
    "Nothing reads a part": "KS0307_unused_observation",
    "The policy reads what no robot senses": "KS0408_height",
    "The gains are too large for the timestep": "KS0430_gains",
    "The robot begins in a pose that ends the episode": "KS0432_height",
    "Rewards follow a command that the policy is not told": "KS0341_not_told",
    "Feet follow a clock that the policy does not see": "KS0343_no_clock",
    "A kernel is too narrow to lead anywhere": "KS0334_narrow",
    "A penalty dwarfs all that is positive": "KS0338_torque",
    "The level of a curriculum moves after the end of the run": "KS0346_after_the_run",
    "A push is in rad/s and meant in deg/s": "KS0349_spin",
}
_HEAD = """# Common mistakes

<!-- Written by `pytest tests/test_pages.py --refresh-golden` from the tasks in tests/invalid. -->

What `ksim-compile --check` prints of them. [errors.md](errors.md) explains all codes.
"""


def mistakes_page() -> str:
    """Common mistakes with the reports of them."""
    lines = [_HEAD]
    for title, stem in COMMON.items():
        compiled = compile_file(INVALID / f"{stem}.yaml", name="task.yaml")
        report = render_text(compiled.diagnostics, compiled.sources)
        lines.append(f"## {title}\n\n```text\n{report}\n```\n")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("name", "make"),
    [("errors.md", errors_page), ("mistakes.md", mistakes_page), ("api.md", api_page)],
)
def test_pages_are_fresh(name: str, make: object, request: pytest.FixtureRequest) -> None:
    assert callable(make)
    path, text = ROOT / "docs" / name, make()
    if request.config.getoption("--refresh-golden"):
        path.write_text(text, encoding="utf-8", newline="")
    assert path.read_text(encoding="utf-8") == text, "stale; run pytest with --refresh-golden"


def test_the_catalogue_is_whole() -> None:
    page = errors_page()
    assert [code for code in CATALOGUE if f"### {code}: " not in page] == []
    assert "\n## KS" not in page, "a group of codes without a heading"
    assert len(COMMON) >= 20


def copied(folder: Path, name: str, changes: dict[str, str]) -> str:
    """The walk with changes of its text, as a task of this name in a folder with its robots."""
    text = (ROOT / "tasks" / "walk.yaml").read_text(encoding="utf-8")
    for before, after in changes.items():
        assert text.count(before) == 1
        text = text.replace(before, after)
    shutil.copytree(ROOT / "tasks" / "robots", folder / "robots", dirs_exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return name


def block(page: str, start: str) -> str:
    """The fenced block of a page that begins with a line, without this line."""
    shown = re.search(rf"```\n{re.escape(start)}\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    return shown[1]


def test_the_readme_shows_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {"period: 0.8 s}": "period: 0.8 m}", "kind: flat_body": "kind: flat_bdy"}
    copied(tmp_path / "tasks", "walk.yaml", wrong)
    monkeypatch.chdir(tmp_path)
    assert compile_command(["--check", "tasks/walk.yaml"]) == 1
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    printed = capsys.readouterr()
    assert block(page, "$ ksim-compile --check tasks/walk.yaml") == printed.err + printed.out


def test_the_readme_counts_what_there_is() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    words = {"Observation": "observations", "Reward": "rewards", "Command": "commands"}
    words |= {"Action": "actions", "Termination": "terminations", "Reset": "resets"}
    words |= {"Event": "events", "Randomizer": "randomizers", "Curriculum": "curricula"}
    for object, word in words.items():
        assert re.search(rf"\b{len(KINDS[object])} {word}\b", page), word


def test_the_page_on_diffs_shows_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read = "    read: [joint_position, joint_velocity, "
    copied(tmp_path, "old.yaml", {})
    copied(
        tmp_path,
        "walk.yaml",
        {
            "scale: 0.3, noise": "scale: 0.6, noise",
            f"{read}gravity, gyro, last_action, clock]": f"{read}gyro, gravity, last_action]",
            "error_scale: 0.5 m/s, scale: 0.8": "error_scale: 0.5 m/s, scale: 2",
            "envs: 512": "envs: 1024",
        },
    )
    monkeypatch.chdir(tmp_path)
    assert diff_command(["old.yaml", "walk.yaml"]) == 0
    page = (ROOT / "docs" / "diff.md").read_text(encoding="utf-8")
    first, rest = capsys.readouterr().out.split("\n", 1)
    assert block(page, first) == rest


def test_the_python_of_the_page_on_diffs_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "diff.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    exec(code, names)
    assert getattr(names["changes"], "tier", None) == "training"

"""ksim-diff: every kind of side, every form, exit statuses, mistakes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from ksim_compiler.artifact import write
from ksim_compiler.cli.diff import main
from ksim_compiler.pipeline import compile_file
from ksim_schema.exchange.replay import events
from tests.support import browser

ROOT = Path(__file__).parents[3]
TASKS = ROOT / "tasks"


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """A copy of the shipped tasks, to be changed."""
    shutil.copytree(TASKS, tmp_path / "tasks")
    return tmp_path / "tasks"


def edit(path: Path, *pairs: tuple[str, str]) -> Path:
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_equal_tasks(capsys: pytest.CaptureFixture[str], tasks: Path) -> None:
    status, out, err = run(
        capsys, TASKS / "walk.yaml", tasks / "walk.yaml", "--fail-on", "cosmetic"
    )
    assert (status, err) == (0, "")
    assert out.endswith(": equal\n")


CHANGES = (
    ("scale: 0.3, noise", "scale: 0.6, noise"),
    ("gravity, gyro, last_action, clock]", "gyro, gravity, last_action]"),
    ("error_scale: 0.5 m/s, scale: 0.8", "error_scale: 0.5 m/s, scale: 2.0"),
    ("envs: 512", "envs: 1024"),
)


def test_the_text_of_a_comparison(
    capsys: pytest.CaptureFixture[str], tasks: Path, monkeypatch: pytest.MonkeyPatch, golden: object
) -> None:
    edit(tasks / "walk.yaml", *CHANGES)
    shutil.copyfile(TASKS / "walk.yaml", tasks / "old.yaml")
    monkeypatch.chdir(tasks)
    status, out, _ = run(capsys, "old.yaml", "walk.yaml")
    assert status == 0
    golden("diff/walk.txt", out)  # type: ignore[operator]
    assert out in (ROOT / "docs" / "diff.md").read_text(encoding="utf-8")
    status, out, _ = run(capsys, "old.yaml", "walk.yaml", "--format", "markdown")
    golden("diff/walk.md", out)  # type: ignore[operator]
    status, out, _ = run(capsys, "old.yaml", "walk.yaml", "--color", "always")
    assert "\x1b[1;31mpolicy-io" in out


@pytest.mark.parametrize(
    ("changes", "tier", "status"),
    [
        (CHANGES[:1], "policy-io", 1),
        (CHANGES[2:3], "policy-io", 0),
        (CHANGES[2:3], "training", 1),
        (CHANGES[3:], "training", 0),
        (CHANGES[3:], "cosmetic", 1),
    ],
)
def test_fail_on(
    capsys: pytest.CaptureFixture[str],
    tasks: Path,
    changes: tuple[tuple[str, str]],
    tier: str,
    status: int,
) -> None:
    edit(tasks / "walk.yaml", *changes)
    sides = TASKS / "walk.yaml", tasks / "walk.yaml"
    assert run(capsys, *sides, "--fail-on", tier)[0] == status
    assert run(capsys, *sides)[0] == 0


def test_json_says_where_each_column_goes(capsys: pytest.CaptureFixture[str], tasks: Path) -> None:
    edit(tasks / "walk.yaml", *CHANGES)
    _, out, _ = run(capsys, TASKS / "walk.yaml", tasks / "walk.yaml", "--format", "json")
    data = json.loads(out)
    (compared,) = data["comparisons"]
    assert data["tier"] == compared["tier"] == "policy-io"
    assert compared["migration"]["possible"]
    columns = compared["migration"]["policy_input"]
    gravity, gyro = list(range(40, 43)), list(range(43, 46))
    assert columns["index"] == [*range(40), *gyro, *gravity, *range(46, 66), *range(68, 71)]
    assert columns["factor"] == [1.0] * 40 + [2.0] * 3 + [1.0] * 26
    assert compared["fingerprints"][0] != compared["fingerprints"][1]


def test_columns_of_joints_go_by_name(capsys: pytest.CaptureFixture[str], tasks: Path) -> None:
    edit(tasks / "walk.yaml", ("relative_to: home,", "relative_to: home, joints: '.*knee.*',"))
    _, out, _ = run(capsys, TASKS / "walk.yaml", tasks / "walk.yaml", "--format", "json")
    columns = json.loads(out)["comparisons"][0]["migration"]["policy_input"]
    plan = compile_file(TASKS / "walk.yaml").plan
    assert plan is not None
    joints = [j.name for j in plan.robot.facts.motion_joints]
    knees = [i for i, name in enumerate(joints) if "knee" in name]
    assert columns["index"][: len(knees)] == knees
    assert columns["parts"][0]["kept"] == len(knees)


def test_another_network_cannot_be_migrated(
    capsys: pytest.CaptureFixture[str], tasks: Path
) -> None:
    edit(tasks / "walk.yaml", ("hidden: [128, 128]", "hidden: [64, 128]"))
    _, out, _ = run(capsys, TASKS / "walk.yaml", tasks / "walk.yaml")
    assert "cannot be migrated: network.hidden was [128, 128] and is [64, 128]" in out


def test_the_scale_of_an_action_rescales_outputs_and_the_memory_of_them(
    capsys: pytest.CaptureFixture[str], tasks: Path
) -> None:
    edit(tasks / "walk.yaml", ("scale: 0.6 rad", "scale: 0.3 rad"))
    _, out, _ = run(capsys, TASKS / "walk.yaml", tasks / "walk.yaml", "--format", "json")
    found = json.loads(out)["comparisons"][0]["migration"]
    assert set(found["actions"]["factor"]) == {2.0}  # twice the output for the same target
    assert found["policy_input"]["factor"][46:66] == [2.0] * 20
    assert set(found["policy_input"]["factor"][:46]) == {1.0}


def test_a_change_of_meaning_alone_is_said(capsys: pytest.CaptureFixture[str], tasks: Path) -> None:
    edit(tasks / "walk.yaml", ("kp: 120 N*m/rad", "kp: 100 N*m/rad"))
    _, out, _ = run(capsys, TASKS / "walk.yaml", tasks / "walk.yaml")
    assert out.endswith("but what its inputs or outputs mean has changed\n")


def test_compiled_tasks_and_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write(tmp_path / "run" / "task.ksim", compile_file(TASKS / "cartpole.yaml"))
    for side in (tmp_path / "run", tmp_path / "run" / "task.ksim"):
        status, out, _ = run(capsys, side, TASKS / "cartpole.yaml", "--fail-on", "cosmetic")
        assert (status, out.endswith(": equal\n")) == (0, True), out


def test_folders(capsys: pytest.CaptureFixture[str], tasks: Path) -> None:
    edit(tasks / "walk.yaml", CHANGES[3])
    (tasks / "cartpole.yaml").rename(tasks / "pole.yaml")
    status, out, _ = run(capsys, TASKS, tasks, "--fail-on", "policy-io")
    assert status == 1  # a task is gone
    assert "cartpole.yaml is gone" in out
    assert "pole.yaml is new" in out
    assert "PPO.envs  512 -> 1024" in out


def test_files_of_the_model(capsys: pytest.CaptureFixture[str], tasks: Path) -> None:
    scene = tasks / "robots" / "cartpole" / "scene.xml"
    sides = TASKS / "cartpole.yaml", tasks / "cartpole.yaml"
    scene.write_text(scene.read_text(encoding="utf-8") + "<!-- a comment -->\n", encoding="utf-8")
    _, out, _ = run(capsys, *sides)
    assert "runtime" in out
    assert "compiles both to the same model" in out
    text = scene.read_text(encoding="utf-8")
    name = re.search(r'<joint name="([^"]+)"', text)
    assert name is not None
    (damped,) = {text.replace(name[0], f'{name[0]} armature="0.123"', 1)}
    scene.write_text(damped, encoding="utf-8")
    assert run(capsys, *sides, "--fail-on", "training")[0] == 1
    assert run(capsys, *sides, "--fail-on", "policy-io")[0] == 0


@pytest.fixture
def repository(tasks: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with the tasks, of which the walk has changed since."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", str(tasks.parent)]
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "tasks"]):
        subprocess.run([*git, *arguments], check=True)
    edit(tasks / "walk.yaml", CHANGES[2])
    monkeypatch.chdir(tasks.parent)
    return tasks.parent


def test_revisions(capsys: pytest.CaptureFixture[str], repository: Path) -> None:
    status, out, _ = run(capsys, "HEAD:tasks/walk.yaml", "tasks/walk.yaml")
    assert status == 0
    assert out.startswith("HEAD:tasks/walk.yaml -> tasks/walk.yaml: 1 training\n")
    status, out, _ = run(capsys, "HEAD:tasks", "tasks", "--fail-on", "training")
    assert status == 1
    assert "HEAD:tasks/cartpole.yaml -> tasks/cartpole.yaml: equal" in out


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ("HEAD:no.yaml", "there is no no.yaml in revision HEAD"),
        ("nothing:tasks", "no revision 'nothing'"),
        ("HEAD:../../etc/passwd", "leads out of the repository"),
        ("HEAD:/etc/passwd", "is an absolute path"),
        ("--upload-pack=x:y", "unrecognized"),
        ("no.yaml", "there is no no.yaml"),
    ],
)
def test_sides_that_are_not_there(
    capsys: pytest.CaptureFixture[str], repository: Path, side: str, message: str
) -> None:
    try:
        status, _, err = run(capsys, side, "tasks/walk.yaml")
    except SystemExit as stop:  # argparse refuses an option
        status, err = stop.code, capsys.readouterr().err
    assert status == 2
    assert message in err or "required" in err


def test_links_out_of_a_revision_are_refused(
    capsys: pytest.CaptureFixture[str], repository: Path
) -> None:
    (repository / "tasks" / "link.yaml").symlink_to("/etc/passwd")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "link"], check=True)
    status, _, err = run(capsys, "HEAD:tasks/link.yaml", "tasks/walk.yaml")
    assert status == 2
    assert "unsafe" in err


def test_problems_are_reported(capsys: pytest.CaptureFixture[str], tasks: Path) -> None:
    edit(tasks / "walk.yaml", ("geoms: [foot_left,", "geoms: [foot_lft,"))
    status, out, err = run(capsys, TASKS / "walk.yaml", tasks / "walk.yaml")
    assert (status, out) == (1, "")
    assert re.search(r"walk.yaml:\d+:\d+: error KS0204: .*foot_lft", err)


def test_a_folder_and_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, TASKS, TASKS / "walk.yaml")
    assert status == 2
    assert "is a folder" in err


def test_pictures(capsys: pytest.CaptureFixture[str], tasks: Path, tmp_path: Path) -> None:
    edit(tasks / "walk.yaml", *CHANGES, ("  bounce: {kind: vertical_velocity, scale: 0.5}\n", ""))
    sides = TASKS / "walk.yaml", tasks / "walk.yaml"
    out = tmp_path / "diff.svg"
    assert run(capsys, *sides, "--format", "svg", "-o", out)[:2] == (0, "")
    root = ElementTree.parse(out).getroot()
    tag = "{http://www.w3.org/2000/svg}"
    fates = {
        (group.findtext(f"{tag}title") or "").split("\n")[0]: group.get("class")
        for group in root.iter(f"{tag}g")
    }
    assert fates["Reward.bounce"] == "died"
    assert fates["Observation.gyro"] == "changed"
    assert fates["Reward.alive"] == ""
    boxes = [
        (float(r.get("x", 0)), float(r.get("y", 0)))
        for r in root.iter(f"{tag}rect")
        if r.get("class") == "part" and r.get("width") != "14"
    ]
    assert len(boxes) == len(set(boxes)) > 25
    width, height = (float(v) for v in root.get("viewBox", "").split()[2:])
    assert all(0 < x < width and 0 < y < height for x, y in boxes)
    page = run(capsys, *sides, "--format", "html")[1]
    assert page.count("<svg") == 1
    assert 'name="viewport"' in page  # else a phone shows it in the width of a desk
    boxed = re.findall(r'<div class="scroll"[^>]*><table', page)
    assert len(boxed) == page.count("<table") > 2
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_it_loads_no_jax() -> None:
    code = (
        "from ksim_compiler.cli.diff import main; import sys\n"
        "main(['tasks/walk.yaml', 'tasks/cartpole.yaml', '--format', 'json'])\n"
        "assert 'jax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=ROOT)


def replay_file(path: Path, speeds: list[float]) -> str:
    states = [{"qpos": [0.0, speed], "commands": {"velocity": [1.0]}} for speed in [0.0, *speeds]]
    n = len(speeds)
    rows = events(
        states, [[0.5]] * n, [1.0] * n, [{"alive": 1.0}] * n, [[]] * n, [False] * n, [False] * n
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_two_replays_part_in_a_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = replay_file(tmp_path / "a.jsonl", [1.0, 2.0, 3.0])
    b = replay_file(tmp_path / "b.jsonl", [1.0, 2.5, 3.0])
    short = replay_file(tmp_path / "short.jsonl", [1.0])
    assert main([a, b]) == 0
    parted = "the replays part at event 2 in delta.state.qpos[1]: 2.0 and 2.5\n"
    assert capsys.readouterr().out == parted
    assert main([a, b, "--fail-on", "cosmetic", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["parted"] == {"event": 2, "field": "delta.state.qpos[1]", "old": 2.0, "new": 2.5}
    assert main([a, a, "--fail-on", "cosmetic"]) == 0
    assert capsys.readouterr().out == "the replays are the same, 4 events\n"
    assert main([a, short]) == 0
    assert "event 2: one of them has ended" in capsys.readouterr().out


def test_event_files_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = replay_file(tmp_path / "a.jsonl", [1.0])
    broken = tmp_path / "b.jsonl"
    broken.write_text("{\n", encoding="utf-8")
    assert main([good, str(broken)]) == 1
    assert "b.jsonl:1: not valid JSON" in capsys.readouterr().err
    assert main([good, good, "--format", "svg"]) == 2


def test_the_page_of_differences_in_a_browser(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with browser.chromium() as window:
        sides = (str(TASKS / "walk.yaml"), str(TASKS / "walk_robust.yaml"))
        assert main([*sides, "--format", "html", "-o", str(page)]) == 0
        browser.readable(window, page.as_uri())
        browser.show(window, 1280, 800, "light")
        window.get(page.as_uri())
        drawing = window.find_element("css selector", "svg.ksim-diff")
        box = window.find_element("css selector", ".drawing .scroll")
        assert drawing.size["width"] <= box.size["width"]  # all of it is seen

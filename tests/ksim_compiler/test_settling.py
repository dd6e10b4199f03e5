"""What the checker says of starts that settle: what holds there when the episode begins."""

from __future__ import annotations

from pathlib import Path

from ksim_compiler.pipeline import compile_file
from tests.ksim_compiler.lowering.test_reset import MODEL, TASK

LOW = "fallen: {{kind: min_height, body: torso, height: 0.5 m}}"


def said(folder: Path, settle: str, reset: str = "", ends: str = LOW) -> dict[str, str]:
    """Code -> message of the warnings about episodes and falls, without the keyframe."""
    task = TASK.replace("  z_whole: {{kind: keyframe, keyframes: run}}\n", "")
    if not reset:
        task = task.replace("Reset:\n{resets}\n", "{resets}")
    task = task.replace("control: 50 Hz", f"control: 50 Hz{settle}")
    task = task.replace("Termination: {{", f"Termination: {{{{{ends}, ")
    (folder / "m.xml").write_text(MODEL)
    (folder / "t.yaml").write_text(task.format(resets=f"  {reset}" if reset else ""))
    found = compile_file(folder / "t.yaml")
    assert found.plan is not None, found.diagnostics
    words = ("episode", "fall", "inside of")
    return {d.code: d.message for d in found.diagnostics if any(w in d.message for w in words)}


def test_a_robot_that_falls_while_it_settles_is_down_when_the_episode_begins(
    tmp_path: Path,
) -> None:
    """The torso is 1 m up, and its leg ends at 0.57 m: without settling it falls in the episode."""
    before = said(tmp_path, "")
    assert any("begins with a fall" in text for text in before.values())
    assert not any("ends an episode in the home pose" in text for text in before.values())
    after = said(tmp_path, ", settle: 1 s")
    assert any(
        "ends an episode in the home pose already, after it has settled: 'torso' is at 0." in text
        for text in after.values()
    ), after
    assert not any("with a fall" in text for text in after.values())  # it settles for that


def test_starts_that_fall_while_they_settle_end_at_once(tmp_path: Path) -> None:
    """In 0.25 s it falls by 0.31 m: from home to 0.69 m, and from the drawn starts below 0.5 m."""
    down = "low: {kind: body_pose, body: torso, z: [-30 cm, -20 cm]}"
    assert not any("first tick" in text for text in said(tmp_path, "", down).values())
    after = said(tmp_path, ", settle: 0.25 s", down)
    assert any("about 100 in 100 of the episodes end at their first" in t for t in after.values())
    assert not any("in the home pose already" in text for text in after.values())


def test_starts_within_something_are_told_although_they_settle(tmp_path: Path) -> None:
    down = "low: {kind: body_pose, body: cube, z: [-9 cm, -8 cm]}"
    for settle in ("", ", settle: 0.5 s"):
        found = said(tmp_path, settle, down, "far: {{kind: far_from_origin, distance: 90 m}}")
        assert any("inside of geom 'floor'" in text for text in found.values()), settle

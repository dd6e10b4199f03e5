"""A task in every state in which it is while it is being typed: nothing fails, and all goes on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ksim_compiler.editor import define, outline, refer
from ksim_compiler.editor.complete import complete
from ksim_compiler.editor.files import Files
from ksim_compiler.editor.findings import Asked
from ksim_compiler.editor.hover import hover
from ksim_compiler.editor.studies import view_of
from ksim_compiler.editor.worker import Worker
from tests.editor.conftest import FAR, HOP
from tests.editor.test_studies import STUDY

WALK = (Path(__file__).parents[2] / "tasks/walk.yaml").read_text(encoding="utf-8")
TEXTS = {"walk.yaml": WALK, "hop.yaml": HOP, "hop_far.yaml": FAR, "sway.study.yaml": STUDY}


def states(text: str, seed: int = 0) -> list[str]:
    """A text up to each of its lines, up to a place in each, and with each line cut short."""
    lines, draw = text.splitlines(keepends=True), random.Random(seed)
    found = ["".join(lines[:count]) for count in range(len(lines) + 1)]
    for count, line in enumerate(lines):
        begun = line[: draw.randrange(len(line))]
        found.append("".join(lines[:count]) + begun)
        found.append("".join((*lines[:count], begun, "\n", *lines[count + 1 :])))
    return found


@pytest.mark.parametrize("name", list(TEXTS))
def test_every_state_of_a_task_is_served(name: str, folder: Path) -> None:
    path, text = folder / name, TEXTS[name]
    worker, files, draw = Worker(), Files(), random.Random(1)
    study = name.endswith(".study.yaml")
    asked = Asked(1, path, text, {}, study=study)
    known = worker.known(asked, worker.check(asked)[1])
    assert known.things["joint"]
    every = states(text)[:: 3 if name == "walk.yaml" else 1]
    for count, state in enumerate(every):
        file = files.put(path.as_uri(), state, 1)
        assert file is not None
        view = view_of(file, files, known)
        for offset in (len(state), *(draw.randrange(len(state) + 1) for _ in range(3))):
            complete(view, offset, snippets=True)
            hover(view, offset, "errors.md#")
            define.define(view, offset)
            refer.part_at(view, offset)
        outline.outline(file)
        outline.folds(file)
        if count % 17 == 0:
            asked = Asked(1, path, state, {}, study=study)
            found, compiled = worker.check(asked)
            worker.known(asked, compiled)
            assert all(d.where.file in found.files for d in found.diagnostics)

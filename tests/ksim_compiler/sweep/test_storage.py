"""Where trials are kept: what a killed worker leaves, other studies, damage, other versions."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from ksim_compiler.cli.sweep import main
from ksim_compiler.sweep import show
from ksim_compiler.sweep.book import origin
from ksim_compiler.sweep.storage import StorageError, open_storage, quiet
from tests.ksim_compiler.sweep.studies import STUDY, book, ready


@pytest.mark.parametrize("storage", ["study.db", "study.journal"])
def test_a_trial_whose_worker_is_gone_is_begun_anew(tmp_path: Path, storage: str) -> None:
    study = ready(tmp_path, STUDY.replace("trials: 8", "trials: 3"))
    code = (
        "import sys, os\nfrom pathlib import Path\n"
        "from ksim_compiler.sweep.check import check\nfrom ksim_compiler.sweep.book import Book\n"
        "from ksim_compiler.sweep.storage import open_storage, quiet\nquiet()\n"
        "f = Path(sys.argv[1])\n"
        "b = Book(check(f / 'study.yaml'), open_storage(sys.argv[2]), f)\n"
        "t = b.claim()\nt.report(1.0, 10)\n"
        "print(t.params, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    line = [sys.executable, "-c", code, str(tmp_path), str(tmp_path / storage)]
    killed = subprocess.run(line, capture_output=True, text=True, check=False)
    assert killed.returncode == -9, killed.stderr
    own = book(tmp_path, study, storage)
    (left,) = (t for t in own.study.get_trials() if t.state == TrialState.RUNNING)
    numbers, params = [], []
    while (trial := own.claim()) is not None:
        numbers.append(origin(trial))
        params.append(trial.params)
        own.tell(trial, 0.0)
    assert numbers == [0, 1, 2]  # the one that was left comes first
    assert params[numbers.index(left.number)] == left.params
    assert str(left.params) == killed.stdout.strip()
    assert [row.state for row in show.rows(own)] == ["done"] * 3


def test_another_study_of_the_same_name_is_refused(tmp_path: Path) -> None:
    book(tmp_path, ready(tmp_path))
    longer = ready(tmp_path, STUDY.replace("trials: 8", "trials: 9"))
    assert book(tmp_path, longer).budget == 9
    text = STUDY.replace("to: 1.0e-2", "to: 2.0e-2").replace("100k", "200k")
    other = ready(tmp_path, text)
    with pytest.raises(StorageError, match="which differs in search and steps: give"):
        book(tmp_path, other)


def test_a_storage_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot open the storage"):
        open_storage("sqlite:////nowhere/at/all.db")
    with pytest.raises(StorageError) as error:
        open_storage("postgresql://me:secret@nowhere/studies")
    assert "secret" not in str(error.value)
    assert optuna.__version__ >= "5"


DAMAGED = {
    "garbage": b"garbage\n",
    "other operations": b'{"op_code": 99, "worker_id": "a"}\n',
    "no records": b"[1, 2]\n",
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_journal_is_said(
    text: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    place = tmp_path / "trials.journal"
    place.write_bytes(text)
    words = [str(tmp_path / "study.yaml"), "--out", str(tmp_path / "out"), "--storage", str(place)]
    for more in ([], ["--status"]):
        assert main([*words, *more]) == 1
        printed = capsys.readouterr().err
        assert re.match(f"ksim-sweep: .*storage {re.escape(str(place))}", printed)
        assert ": it is damaged, or another version of Optuna wrote it (" in printed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE alembic_version SET version_num = 'v99.0.0'", "optuna"),
        ("ALTER TABLE studies RENAME COLUMN study_name TO called", "has no column"),
    ],
)
def test_a_database_of_another_version_is_said(
    change: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    words = [str(tmp_path / "study.yaml"), "--out", str(tmp_path), "--status"]
    quiet()
    open_storage(str(tmp_path / "study.db"))
    with sqlite3.connect(tmp_path / "study.db") as database:
        database.execute(change)
    assert main(words) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("ksim-sweep: ")
    assert said in printed
    assert "mistake of ours" not in printed

"""Where a study's trials are kept: what Optuna offers, opened by name."""

from __future__ import annotations

import sqlite3
import traceback
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna

INSTALL = "studies need: pip install 'ksim-schema[sweep]'"
DATABASE, JOURNAL = "study.db", "study.journal"
"""The files of a study's folder that hold its trials: of one machine, and of a shared folder."""
JOURNALS = (".journal", ".log")
PATIENCE = 60.0
"""Seconds to wait for another process that writes to an SQLite file."""


class StorageError(Exception):
    """A storage that cannot be used; the message says why."""


def quiet() -> None:
    """Leave what there is to say to this program: Optuna logs and warns of its own."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    warnings.filterwarnings("ignore", module=r"optuna\..*")
    warnings.filterwarnings("ignore", module="optuna")


def named(name: str | None, folder: Path, *, shared: bool = False) -> str:
    """The storage of a study by name.

    Args:
        name: as it was given, or None for one in the study's folder.
        folder: the study's.
        shared: whether machines share the folder; SQLite's locks do not hold there.
    """
    return name or str(folder / (JOURNAL if shared else DATABASE))


def open_storage(name: str) -> optuna.storages.BaseStorage:
    """Open a storage, or make it.

    Args:
        name: a database's URL; a journal file, whose name ends with one of ``JOURNALS``; or an
            SQLite file by any other name.

    Raises:
        StorageError: it cannot be opened.
    """
    import optuna
    import sqlalchemy.exc

    url = name if "://" in name else f"sqlite:///{Path(name).absolute()}"
    try:
        if "://" not in name:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
        if "://" not in name and Path(name).suffix in JOURNALS:
            from optuna.storages.journal import JournalFileBackend

            return optuna.storages.JournalStorage(JournalFileBackend(name))
        own = {} if "://" in name else {"creator": lambda: _connected(name)}
        return optuna.storages.RDBStorage(url, engine_kwargs=own)
    except ImportError as error:
        driver = f" ({error.name})" if error.name else ""
        what = name.partition("://")[0]
        raise StorageError(f"the driver of {what} databases is not installed{driver}") from error
    except (sqlalchemy.exc.SQLAlchemyError, OSError, RuntimeError, ValueError) as error:
        shown = _without_password(name)
        raise StorageError(f"cannot open the storage {shown}: {_reason(error)}") from None


@contextmanager
def told(name: str) -> Generator[None]:
    """Say in one line what a storage fails with while it is used: a file that is damaged, a disk
    that is full, a database that is gone.

    Raises:
        StorageError: instead of what comes from within it.
    """
    try:
        yield
    except Exception as error:
        if not _from_storage(error):
            raise
        shown = _without_password(name)
        raise StorageError(f"the storage {shown} cannot be used: {_reason(error)}") from error


_UNREADABLE = (AssertionError, AttributeError, IndexError, JSONDecodeError, KeyError, TypeError)
"""What Optuna's journals fail with where they hold something else than they expect."""


def _reason(error: Exception) -> str:
    """Why a storage cannot be used, in a line."""
    from optuna.exceptions import StorageInternalError

    if isinstance(error, StorageInternalError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # of the database
    reason = " ".join(str(error).split("\n")[0].split())[:200]
    if isinstance(error, _UNREADABLE):
        return f"it is damaged, or another version of Optuna wrote it ({reason})"
    return reason


def _from_storage(error: Exception) -> bool:
    """Whether an error was raised by what Optuna's storages did."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(f.f_globals.get("__name__", "").startswith("optuna.storages") for f, _ in frames)


def _connected(path: str) -> sqlite3.Connection:
    """An SQLite file with a log that is written ahead: a change waits for no disk, and a reader for
    no writer. A loss of power may cost the last changes; what was there before stays whole."""
    found = sqlite3.connect(path, timeout=PATIENCE, check_same_thread=False)
    found.execute("PRAGMA journal_mode=WAL")
    found.execute("PRAGMA synchronous=NORMAL")
    return found


def _without_password(name: str) -> str:
    """A URL as it may be shown."""
    head, at, rest = name.rpartition("@")
    if not at or "://" not in head:
        return name
    scheme, _, user = head.partition("://")
    return f"{scheme}://{user.partition(':')[0]}@{rest}"

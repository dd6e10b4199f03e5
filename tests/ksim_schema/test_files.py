"""One reader with a bound, one writer that leaves a file whole or as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ksim_schema.source.files import (
    FileError,
    NoFileError,
    TooLargeError,
    is_partial,
    read_bytes,
    replacing,
    start_text,
    write_bytes,
    write_text,
)


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(TooLargeError, match=r"^the file is larger than 4 bytes$"):
        read_bytes(path, 4)


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NoFileError, match=r"^there is no such file$"):
        read_bytes(tmp_path / "none", 9)
    with pytest.raises(FileError, match=r"^is a folder$"):
        read_bytes(tmp_path, 9)
    with pytest.raises(FileError, match=r"^is not a regular file$"):
        read_bytes(tmp_path / "pipe", 9)
    with pytest.raises(FileError):
        read_bytes(Path("a\0b"), 9)
    assert start_text(tmp_path / "none") == start_text(tmp_path / "pipe") == ""


def _write_half(path: Path) -> None:
    with replacing(path) as partial:
        partial.write_text("half")
        assert is_partial(partial)
        assert partial.suffix == path.suffix
        raise RuntimeError


def test_a_file_stays_as_it_was_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old\r\n")
    with pytest.raises(RuntimeError):
        _write_half(path)
    assert path.read_bytes() == b"old\r\n"
    assert list(tmp_path.iterdir()) == [path]


def test_links_are_followed_and_permissions_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "a", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    write_bytes(link, b"new", sync=True)
    assert link.is_symlink()
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o640
    assert not is_partial(path)


def test_a_device_is_written_to_and_not_replaced() -> None:
    write_text(Path(os.devnull), "gone")
    assert not Path(os.devnull).is_file()


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "none" / "a"
    with pytest.raises(FileNotFoundError) as caught:
        write_text(path, "")
    assert caught.value.filename == str(path)

"""What reads a model opens no file: the means of the system, and the texts that are given."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ksim_compiler.robot import model as robot
from ksim_compiler.robot.files import ModelFiles
from ksim_compiler.robot.sealed import can_seal, sealed
from ksim_compiler.robot.xml import XmlError, parse, typed
from tests.ksim_compiler.test_modelfiles import part
from tests.ksim_compiler.test_sealed import model

needs_seal = pytest.mark.skipif(not can_seal(), reason="this system has no such means")


@needs_seal
def test_a_sealed_call_opens_no_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("x")

    def in_its_thread() -> str:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(path.read_text).result()

    with path.open() as before:
        assert sealed(before.read) == "x"  # what is open stays so
        for call in (
            path.open,
            in_its_thread,
            lambda: os.open(path, os.O_RDONLY),
            lambda: os.open(tmp_path / "new", os.O_WRONLY | os.O_CREAT),
            lambda: os.listdir(tmp_path),
            lambda: os.execv("/bin/true", ["true"]),
            lambda: subprocess.run(["true"], check=False),
        ):
            with pytest.raises(PermissionError):
                sealed(call)
    assert path.read_text() == "x"
    assert not (tmp_path / "new").exists()


@needs_seal
def test_other_threads_open_files_while_a_model_is_read(tmp_path: Path) -> None:
    """What a training, a server or an editor does at the same time goes on."""
    path = tmp_path / "x"
    path.write_text("x")
    asked, done = threading.Event(), threading.Event()
    seen: list[str] = []

    def other() -> None:
        assert asked.wait(60)
        seen.append(path.read_text())
        seen.append(subprocess.run(["echo", "y"], capture_output=True, text=True).stdout)
        done.set()

    def call() -> str:
        with pytest.raises(PermissionError):
            path.read_text()
        asked.set()
        assert done.wait(60)
        with pytest.raises(PermissionError):
            path.read_text()
        return "read"

    thread = threading.Thread(target=other)
    thread.start()
    assert sealed(call) == "read"
    thread.join()
    assert seen == ["x", "y\n"]


@pytest.mark.skipif(os.name != "posix", reason="counts open files")
def test_the_limit_of_open_files_stays_while_a_model_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    seen: list[tuple[int, int]] = []

    def watched(call: Callable[[], object]) -> object:
        def run() -> object:
            seen.append(resource.getrlimit(resource.RLIMIT_NOFILE))
            return call()

        return sealed(run)

    monkeypatch.setattr("ksim_compiler.robot.model.sealed", watched)
    robot.load(part(), ModelFiles("m.xml", {"m.xml": model().encode()}))
    assert seen == [before, before]


def test_what_a_sealed_call_raises_reaches_its_caller() -> None:
    def call() -> None:
        raise KeyError("it")

    with pytest.raises(KeyError, match="it"):
        sealed(call)


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY x "y">]><a/>',
        '<!DOCTYPE a SYSTEM "other.dtd"><a/>',
        '<!DOCTYPE a [<!ATTLIST a file CDATA "x">]><a/>',
        "<a>",
        "<a b='1' b='2'/>",
        "",
    ],
)
def test_xml_that_others_read_otherwise_is_refused(text: str) -> None:
    with pytest.raises(XmlError):
        parse(text.encode())


def test_the_encoding_that_a_file_declares_is_not_heeded() -> None:
    text = '<?xml version="1.0" encoding="cp037"?><a file="x"/>'
    assert parse(text.encode()).get("file") == "x"


def test_a_content_type_is_added_to_models_that_need_one() -> None:
    text = (
        "<mujoco><!-- <model file='no.mjcf'/> \u65e5 --><asset><model name='\u65e5' file='a.mjcf'/>"
        "<model file='b.xml'/><model content_type='text/xml' file='c.mjcf'/></asset></mujoco>"
    )
    added = "<model content_type=\"text/xml\" name='\u65e5' file='a.mjcf'/>"
    want = text.replace("<model name='\u65e5' file='a.mjcf'/>", added)
    assert typed(text.encode()).decode() == want

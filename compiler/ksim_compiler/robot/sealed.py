"""Calls that can open no file, while the rest of the process can.

Linux lets a thread give up system calls for good (seccomp_): a call is made in a thread of its own
that has given up those which open a file. Threads that such a thread starts have given them up too.

.. _seccomp: https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

from __future__ import annotations

import contextvars
import ctypes
import errno
import functools
import os
import platform
import sys
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar, cast

_Result = TypeVar("_Result")


def sealed(call: Callable[[], _Result]) -> _Result:
    """The result of a call that can open no file, whatever a library in it tries.

    MuJoCo looks for what it does not find in memory on the disk, by names that are for the author
    of a model to choose. The names are checked before; this holds whatever such a check overlooks.
    Files that are open stay so. Where the system has no such means (:func:`can_seal`) it is a call
    as any other.

    Raises:
        Exception: what the call raises.
    """
    if not can_seal():
        return call()
    return _in_a_thread(call)


@functools.cache
def can_seal() -> bool:
    """Whether this system lets a thread give up opening files; it is tried once."""
    if sys.platform != "linux" or _calls() is None:
        return False

    def opens() -> bool:
        try:
            os.close(os.open("/", os.O_RDONLY))
        except OSError as error:
            return error.errno != errno.EACCES
        return True

    try:
        return not _in_a_thread(opens)
    except OSError:  # not in this kernel, or not in this container
        return False


def _in_a_thread(call: Callable[[], _Result]) -> _Result:
    results: list[_Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            _give_up_files()
            results.append(context.run(call))
        except BaseException as error:
            errors.append(error)

    context = contextvars.copy_context()
    thread = threading.Thread(target=run, name="ksim-sealed", daemon=True)
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:  # the call uses what belongs to its caller: not before it has ended
        thread.join()
        raise
    if errors:
        raise errors[0]
    return results[0]


class _Calls(NamedTuple):
    """The system calls of a kind of processor by which a program gets at a file.

    Attributes:
        architecture: what the kernel calls the processor (AUDIT_ARCH, of linux/audit.h).
        numbers: of the calls, below `end`.
        end: the first number that is none of a call (x86-64: those of its 32-bit form).
    """

    architecture: int
    numbers: tuple[int, ...]
    end: int


_NEWER = (425, 428, 437)
"""io_uring_setup, open_tree, openat2: these have the same numbers everywhere."""
_GENERIC = (56, 221, 265, 281, *_NEWER)
"""openat, execve, open_by_handle_at, execveat, of include/uapi/asm-generic/unistd.h."""
_BY_MACHINE = {
    # open, execve, creat, openat, open_by_handle_at, execveat
    "x86_64": _Calls(0xC000003E, (2, 59, 85, 257, 304, 322, *_NEWER), 0x40000000),
    "aarch64": _Calls(0xC00000B7, _GENERIC, 0x80000000),
    "riscv64": _Calls(0xC00000F3, _GENERIC, 0x80000000),
}


def _calls() -> _Calls | None:
    return _BY_MACHINE.get(platform.machine())


class _Filter(ctypes.Structure):
    """An instruction of a filter (struct sock_filter)."""

    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    """A filter (struct sock_fprog)."""

    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(_Filter)))


_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES
_SET_SECCOMP, _FILTER, _SET_NO_NEW_PRIVS = 22, 2, 38


def _instructions(calls: _Calls) -> Sequence[tuple[int, int, int, int]]:
    """A filter: refuse what is of another architecture, and the calls; allow the others.

    A jump counts the instructions that it leaves out; the last two allow and refuse.
    """
    count = len(calls.numbers)
    return [
        (_LOAD, 0, 0, 4),  # seccomp_data.arch
        (_IF_EQUAL, 0, count + 3, calls.architecture),
        (_LOAD, 0, 0, 0),  # seccomp_data.nr
        (_IF_AT_LEAST, count + 1, 0, calls.end),
        *((_IF_EQUAL, count - i, 0, number) for i, number in enumerate(calls.numbers)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]


def _give_up_files() -> None:
    """Let the thread that calls this open no file any more.

    Raises:
        OSError: the system does not offer it.
    """
    prctl = _prctl()
    instructions = _instructions(cast(_Calls, _calls()))
    filters = (_Filter * len(instructions))(*instructions)
    program = _Program(len(instructions), filters)
    if prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(
        _SET_SECCOMP, _FILTER, ctypes.addressof(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "no filter of system calls")


@functools.cache
def _prctl() -> Callable[..., int]:
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
    prctl.restype = ctypes.c_int
    return prctl

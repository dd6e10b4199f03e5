"""Compiled programs that the trainings of one process share.

A program is known by its text, all constants and shapes in it: trainings whose tasks differ in
numbers that are arguments have the same text, and the second one compiles nothing. What they are
made from is traced again each time, which takes a fraction of the compilation, and nothing is
assumed of which numbers those are.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from jax.stages import Compiled, Lowered


class Programs:
    """The compiled programs of a process, by what they compute.

    Attributes:
        numbers: whether the learner's numbers are arguments too, and not constants; the results
            are the same but for rounding.
        compiled: how many were compiled.
        reused: how often one was there already.
    """

    def __init__(self, *, numbers: bool = False) -> None:
        self.numbers = numbers
        self._kept: dict[bytes, Future[Compiled]] = {}
        self._lock = threading.Lock()
        self.compiled = self.reused = 0

    def of(self, lowered: Lowered) -> Compiled:
        """The compiled program of a lowered one."""
        name, made = _name(lowered), Future[Compiled]()
        with self._lock:
            kept = self._kept.setdefault(name, made)
            self.compiled += kept is made
            self.reused += kept is not made
        if kept is made:
            try:
                made.set_result(lowered.compile())
            except BaseException as error:
                del self._kept[name]
                made.set_exception(error)
                raise
        return kept.result()


def _name(lowered: Lowered) -> bytes:
    """A hash of all that a program computes, and of the trees that it takes and gives."""
    module: Any = lowered.compiler_ir("stablehlo")
    text = module.operation.get_asm(enable_debug_info=False)
    trees = f"{lowered.in_tree}{lowered.out_tree}{lowered.in_avals}"
    return hashlib.sha256(f"{text}{trees}".encode()).digest()


class Shared:
    """A jitted function whose compiled program is one of :class:`Programs`.

    It is always called with arguments of the same shapes.
    """

    def __init__(self, jitted: Any, programs: Programs) -> None:
        self._jitted, self._programs = jitted, programs
        self._program: Compiled | None = None

    def __call__(self, *arguments: Any) -> Any:
        """Run the program; the first call finds or compiles it."""
        if self._program is None:
            self._program = self._programs.of(self._jitted.lower(*arguments))
        return self._program(*arguments)

    def trace(self, *arguments: Any) -> tuple[Any, Callable[[], None]]:
        """What the function gives for these arguments, and what finds or compiles its program."""
        traced = self._jitted.trace(*arguments)
        lowered = traced.lower()

        def compile() -> None:
            self._program = self._programs.of(lowered)

        return traced.out_info, compile

"""The graph of a step under construction: what kinfer gives it, and what it remembers.

All vectors are of shape (size,), float32. The memory is one vector, ``carry``, made of slots; the
first says whether there was a step before, 0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ksim_compiler.learn.nets.onnx_graph import OnnxGraph

CARRY = "carry"


@dataclass
class Slot:
    """A stretch of the memory.

    Attributes:
        name: what is in it, for the contract.
        initial: (size,) its numbers at the start.
        start: index of its first number.
        value: the name of what it holds as the step begins.
        following: the name of what it is to hold for the next step.
    """

    name: str
    initial: np.ndarray
    start: int
    value: str
    following: str = ""


@dataclass
class Wires:
    """A graph, the inputs that it has asked for and its memory.

    Attributes:
        g: the graph.
        given: kinfer's name of each input -> its size.
        slots: of the memory, in order.
        period: of a step, s.
    """

    g: OnnxGraph
    period: float
    given: dict[str, int] = field(default_factory=lambda: {})
    slots: list[Slot] = field(default_factory=lambda: [])
    begun: str = ""
    ticks: Slot | None = None

    def __post_init__(self) -> None:
        slot = self.remember("begun", np.zeros(1))
        slot.following = self.g.constant(np.ones(1))
        self.begun = self.g("Greater", slot.value, self.g.constant(np.zeros(1)))

    def take(self, name: str, size: int) -> str:
        """The name of what kinfer gives."""
        self.given[name] = size
        return name

    def remember(self, name: str, initial: np.ndarray) -> Slot:
        """A new slot; its owner says what it holds next."""
        start = sum(slot.initial.size for slot in self.slots)
        stop = start + initial.size
        slot = Slot(name, np.asarray(initial, np.float32), start, self.g.slice(CARRY, start, stop))
        self.slots.append(slot)
        return slot

    def kept(self, name: str, first: str, size: int) -> tuple[Slot, str]:
        """A new slot, and what it holds: before the first step, ``first``."""
        slot = self.remember(name, np.zeros(size))
        return slot, self.g("Where", self.begun, slot.value, first)

    def time(self) -> str:
        """(1,) the time since the first step, s, counted in periods."""
        if self.ticks is None:
            self.ticks = self.remember("ticks", np.zeros(1))
            self.ticks.following = self.g("Add", self.ticks.value, self.g.constant(np.ones(1)))
        return self.g("Mul", self.ticks.value, self.g.constant(self.period))

    def pick(self, value: str, places: list[int]) -> str:
        """Some numbers of a vector."""
        return self.g("Gather", value, self.g.constant(places, np.int64), axis=0)

    def joined(self, values: list[str]) -> str:
        """Vectors one after the other."""
        return values[0] if len(values) == 1 else self.g("Concat", *values, axis=0)

    def repeated(self, value: str, times: int) -> str:
        """A vector so many times, one after the other."""
        return self.joined([value] * times)

    @property
    def initial(self) -> np.ndarray:
        """The whole memory at the start."""
        return np.concatenate([slot.initial for slot in self.slots])

    def told(self) -> list[dict[str, Any]]:
        """The slots, for the contract."""
        return [
            {"name": s.name, "start": s.start, "stop": s.start + s.initial.size} for s in self.slots
        ]

"""How a training is asked to stop."""

from __future__ import annotations

import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def stop_on_signal(tells: bool = True) -> Generator[list[int]]:
    """Collect SIGINT and SIGTERM, so that training ends after the iteration under way.

    A second signal acts at once, as it would without this.

    Args:
        tells: whether it is said that it was heard.
    """
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: object) -> None:
        received.append(number)
        for other, handler in before.items():
            signal.signal(other, handler)
        if tells:
            print("\nstopping after this iteration; once more to stop at once", file=sys.stderr)

    for number in before:
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

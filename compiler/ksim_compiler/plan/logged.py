"""The numbers of a training by their names in logs, and how a report draws a learner's own."""

from __future__ import annotations

from typing import NamedTuple

METRIC = "metric/"
"""What the name of a metric begins with in logs."""
SUCCESS = "success"
"""The name in logs of whether all metrics of success say that the episode was one."""


class Chart(NamedTuple):
    """A chart of what a learner logs.

    Attributes:
        title: what it shows.
        lines: name of a line -> the metric.
        unit: of the values.
        zero: whether its axis includes zero.
        varying: whether it is left out when its values never change.
    """

    title: str
    lines: dict[str, str]
    unit: str = ""
    zero: bool = True
    varying: bool = False

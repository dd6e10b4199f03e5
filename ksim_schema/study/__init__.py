"""Studies: a file of its own that names a task and what to search of it, over many trainings."""

from ksim_schema.study.load import check_file as check_file
from ksim_schema.study.model import (
    Goal as Goal,
    Median as Median,
    Study as Study,
)
from ksim_schema.study.values import Choices as Choices, Searched as Searched, Span as Span

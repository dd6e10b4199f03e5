"""Learners: how a task is trained. A module for each algorithm; its section bears its name."""

from ksim_schema.vocabulary.learner.base import (
    LEARNERS as LEARNERS,
    Learner as Learner,
    Remark as Remark,
    usual as usual,
)

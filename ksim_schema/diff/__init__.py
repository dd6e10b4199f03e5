"""Differences between tasks: what was born, died and changed, and what that means."""

from ksim_schema.diff.compare import diff
from ksim_schema.diff.model import ABSENT, TIERS, Change, Diff, DiffError, Tier
from ksim_schema.diff.patch import apply

__all__ = ["ABSENT", "TIERS", "Change", "Diff", "DiffError", "Tier", "apply", "diff"]

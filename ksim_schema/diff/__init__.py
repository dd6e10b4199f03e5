"""Differences between tasks: what was born, died and changed, and what that means."""

from ksim_schema.diff.compare import (
    diff as diff,
)
from ksim_schema.diff.model import (
    ABSENT as ABSENT,
    TIERS as TIERS,
    Change as Change,
    Diff as Diff,
    DiffError as DiffError,
    Tier as Tier,
)
from ksim_schema.diff.patch import (
    apply as apply,
)

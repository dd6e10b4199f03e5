"""Fields that came to a kind after tasks had been compiled."""

from ksim_schema.records import dataclass


@dataclass(frozen=True, slots=True)
class Later:
    """Field annotation: tasks were compiled before the field was there, and were as it defaults to.

    At its default it is left out of the canonical form, as a null by default is, so those tasks
    keep their fingerprints: their runs are resumed, and their archives are read.
    """

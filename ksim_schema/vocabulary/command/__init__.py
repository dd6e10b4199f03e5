"""Commands: what the policy is told to do.

Most are drawn (:class:`Drawn`): a value is drawn at the start of the episode, after each interval
of ``resample`` and with the probability ``switch`` at each tick. Where such a command has a largest
rate of change, the value that the policy is told moves to the drawn one at that rate.
"""

from ksim_schema.vocabulary.command.base import (
    Command as Command,
    Drawn as Drawn,
)

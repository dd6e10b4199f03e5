"""Custom: components that a task brings in a file of its own.

The names here are what such a file imports; see :mod:`ksim_schema.custom.api`.
"""

from ksim_schema.custom.api import *  # noqa: F403  # the names are listed there, once

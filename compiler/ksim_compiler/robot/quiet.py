"""MuJoCo says nothing by itself: importing this module switches its log off, for the process.

MuJoCo prints a line for each simulation that diverges, and writes it to MUJOCO_LOG.TXT in whatever
folder the user is in: hundreds of them in a training. What they tell is counted and reported as the
termination ``non_finite``, or raised as an error where a model is compiled.
"""

from __future__ import annotations

from typing import Any

import mujoco

_config: Any = mujoco.MjLogConfig.get()
_config.logto_console, _config.logto_file = False, False
_config.set()

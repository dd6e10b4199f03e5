"""How to draw without a window. MuJoCo must not have been imported before it is chosen."""

from __future__ import annotations

import os
import subprocess
import sys


class VideoError(Exception):
    """A video that cannot be made; the message says what to do."""


def choose_renderer() -> str:
    """Find a way to draw without a window, and make MuJoCo use it: EGL, or else OSMesa.

    MuJoCo reads the choice as it is imported.

    Raises:
        VideoError: there is neither.
    """
    given = os.environ.get("MUJOCO_GL", "")
    for choice in (given,) if given and given != "disable" else ("egl", "osmesa"):
        # a driver that fails may take its process along, so another one tries it
        environment = {**os.environ, "MUJOCO_GL": choice}
        test = "import mujoco; mujoco.GLContext(16, 16).make_current()"
        tried = subprocess.run(
            [sys.executable, "-c", test], env=environment, capture_output=True, check=False
        )
        if tried.returncode == 0:
            os.environ["MUJOCO_GL"] = choice
            return choice
    raise VideoError(
        "there is no way to draw here: neither EGL (a graphics driver) nor OSMesa works. "
        "On Debian or Ubuntu: apt-get install libegl1 or libosmesa6"
    )

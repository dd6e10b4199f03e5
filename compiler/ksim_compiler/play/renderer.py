"""Whether there is a window, and how to draw without one.

MuJoCo must not have been imported before that is chosen.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Literal

from ksim_schema.source.files import Named

VIDEO = Named("a video", (".mp4", ".gif"), any_case=True)


class VideoError(Exception):
    """A video that cannot be made; the message says what to do."""


def viewer() -> Literal["native", "web"] | None:
    """How a live policy can be watched here: in a window, in a browser, or not at all.

    MuJoCo's window is not for the plain Python of macOS.
    """
    if sys.platform == "darwin":
        return "web"
    shown = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return "native" if shown or not sys.platform.startswith("linux") else None


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
        # glfw only warns where there is no display; what draws is what is wanted
        test = "import mujoco; context = mujoco.GLContext(16, 16); context.make_current(); "
        test += "mujoco.MjrContext(mujoco.MjModel.from_xml_string('<mujoco/>'), "
        test += "mujoco.mjtFontScale.mjFONTSCALE_100)"
        tried = subprocess.run(
            [sys.executable, "-c", test], env=environment, capture_output=True, check=False
        )
        if tried.returncode == 0:
            os.environ["MUJOCO_GL"] = choice
            return choice
    if given and given != "disable":
        why = ": it needs a display" if given.lower() == "glfw" else ""
        raise VideoError(
            f"MUJOCO_GL={given} gives no way to draw here{why}; without MUJOCO_GL, EGL and OSMesa "
            "are tried, which need none"
        )
    raise VideoError(
        "there is no way to draw here: neither EGL (a graphics driver) nor OSMesa works. "
        "On Debian or Ubuntu: apt-get install libegl1 or libosmesa6"
    )

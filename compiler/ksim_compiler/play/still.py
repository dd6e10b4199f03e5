"""Single pictures of a robot in a pose, by MuJoCo's renderer."""

from __future__ import annotations

import mujoco
import numpy as np

from ksim_compiler.plan import Plan
from ksim_compiler.play.renderer import VideoError
from ksim_compiler.play.video import view_of

SIZE = (480, 480)


class Still:
    """What draws a robot in its world."""

    def __init__(self, plan: Plan, size: tuple[int, int] = SIZE) -> None:
        """Set up a renderer.

        Args:
            plan: the task.
            size: width and height in pixels.

        Raises:
            VideoError: MuJoCo was imported without a way to draw.
        """
        model, facts = plan.robot.model, plan.robot.facts
        width, height = size
        model.vis.global_.offwidth = max(width, model.vis.global_.offwidth)
        model.vis.global_.offheight = max(height, model.vis.global_.offheight)
        self._model, self._data = model, mujoco.MjData(model)
        self._view = view_of(model, None, facts.body_id(facts.root))
        try:
            self._renderer = mujoco.Renderer(model, height, width)
        except (mujoco.FatalError, AttributeError, RuntimeError) as error:
            raise VideoError(
                "MuJoCo cannot draw here as it was imported: set MUJOCO_GL=egl, or osmesa, in the "
                "environment before the program starts"
            ) from error

    def picture(self, qpos: np.ndarray) -> np.ndarray:
        """(height, width, 3) uint8 of a pose (nq,)."""
        self._data.qpos[:] = qpos
        mujoco.mj_forward(self._model, self._data)
        self._renderer.update_scene(self._data, self._view)
        return self._renderer.render()

    def close(self) -> None:
        """Let go of the renderer."""
        self._renderer.close()

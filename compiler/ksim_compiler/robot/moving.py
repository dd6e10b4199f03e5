"""What of a model moves: a joint or a mocap is at its body, or at one that it hangs from."""

from __future__ import annotations

from typing import Any

import mujoco


def body_moves(body: mujoco.MjsBody) -> bool:
    """Whether a body moves, of a model that is not compiled yet."""
    while body.parent is not None:
        if body.joints or body.mocap:
            return True
        body = body.parent
    return False


def geom_moves(model: Any, geom: int) -> bool:
    """Whether the body of a geom moves; of a compiled model."""
    body = model.geom_bodyid[geom]
    return bool(model.body_weldid[body] or model.body_mocapid[model.body_rootid[body]] >= 0)

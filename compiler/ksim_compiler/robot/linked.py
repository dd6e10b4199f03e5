"""The links of a model."""

from __future__ import annotations

from typing import Any

import mujoco

from ksim_schema.robot.links import Hinge, Link, Links

_TYPES: Any = ("free", "ball", "slide", "hinge")


def links(model: mujoco.MjModel) -> Links:
    """How the bodies of a model hang from each other."""

    def numbers(row: Any) -> tuple[float, ...]:
        return tuple(float(x) for x in row)

    def joint(i: int) -> Hinge:
        start = int(model.jnt_qposadr[i])
        return Hinge(
            model.joint(i).name,
            _TYPES[model.jnt_type[i]],
            start,
            float(model.qpos0[start]),
            numbers(model.jnt_axis[i]),
            numbers(model.jnt_pos[i]),
        )

    bodies = []
    for i in range(model.nbody):
        first, count = int(model.body_jntadr[i]), int(model.body_jntnum[i])
        bodies.append(
            Link(
                model.body(i).name,
                int(model.body_parentid[i]),
                numbers(model.body_pos[i]),
                numbers(model.body_quat[i]),
                tuple(joint(j) for j in range(first, first + count)),
            )
        )
    sites = {
        model.site(i).name: (
            int(model.site_bodyid[i]),
            numbers(model.site_pos[i]),
            numbers(model.site_quat[i]),
        )
        for i in range(model.nsite)
    }
    return Links(tuple(bodies), sites)

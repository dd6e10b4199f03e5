"""Where bodies and sites can be: within the reach of their links, and no higher than is thrown."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ksim_compiler.checks.reach import Ball, ball
from ksim_compiler.checks.world import lifted
from ksim_compiler.plan import Plan
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.reset import Reset, ResetBodyPose, ResetHeight, ResetJitter

_SOFT = 1.05
"""Limits of joints give by this much."""
_THROWN = 1.0
"""m: what is thrown, or jumps, gets higher by less than this and twice the reach of the limbs."""
_AXES = ("x", "y", "z")


class Whereabouts:
    """Where what formulas name can be.

    Args:
        plan: the plan.
        data: the robot in its home pose, after mj_forward.
    """

    def __init__(self, plan: Plan, data: Any) -> None:
        self.plan, self.data = plan, data

    def __call__(self, names: Iterable[str], certain: bool) -> dict[str, Interval]:
        """Intervals of places, m, by their names in formulas.

        Args:
            names: names in a formula; those that are no places are left out.
            certain: only what links hold, and not how high it gets at most what floats.
        """
        found = ((name, self._of(name, thrown=not certain)) for name in names)
        return {name: within for name, within in found if within is not None}

    def _of(self, name: str, *, thrown: bool) -> Interval | None:
        facts = self.plan.robot.facts
        kind, _, rest = name.partition(".")
        if name == "base.height":
            kind, rest = "body", f"{facts.root}.height"
        if kind not in ("body", "site"):
            return None
        owner, _, axis = rest.rpartition(".")
        names = facts.names(kind)
        if rest in names:
            owner, axis = rest, ""
        elif owner not in names or axis not in (*_AXES, "height"):
            return None
        return self._place(kind, owner, axis, thrown)

    def _place(self, kind: str, owner: str, axis: str, thrown: bool) -> Interval | None:
        facts, model = self.plan.robot.facts, self.plan.robot.model
        if kind == "site":
            row = facts.sites.index(owner)
            body, at = int(model.site_bodyid[row]), self.data.site_xpos[row]
        else:
            body = facts.body_id(owner)
            at = self.data.xpos[body]
        if axis == "height":
            if not self._level:
                return None
            axis = "z"
        if int(model.body_weldid[body]) == 0:
            around: Ball | None = None
        else:
            around = ball(model, self.data, body, at)
        if around is not None:
            index = [_AXES.index(axis)] if axis else range(3)
            far = around.radius * _SOFT + 0.01
            return Interval(
                min(float(around.centre[i]) for i in index) - far,
                max(float(around.centre[i]) for i in index) + far,
            )
        if not thrown or axis != "z" or int(model.body_weldid[body]) == 0:
            return None
        return Interval(-math.inf, self.top) if self.top < math.inf else None

    @property
    def _level(self) -> bool:
        """Whether the ground is flat, so that heights above it are places."""
        surfaces = self.plan.robot.facts.surfaces
        return all(s.type == "plane" and s.axes[2][2] > 0.999 for s in surfaces)

    @functools.cached_property
    def top(self) -> float:
        """m: what no body of this scene gets above, short of flying; inf where one may fly."""
        facts, model = self.plan.robot.facts, self.plan.robot.model
        root = facts.body_id(facts.root)
        flies = lifted(model, root) and facts.free_joint(None) is not None
        if flies or model.opt.gravity[2] > -1.0 or not self._level or model.nmocap:
            return math.inf
        starts = 0.0
        for part in self.plan.parts(Reset).values():
            if part.whole or isinstance(part, ResetJitter):
                return math.inf
            if isinstance(part, ResetHeight):
                starts = max(starts, *map(abs, part.range))
            elif isinstance(part, ResetBodyPose) and part.z is not None:
                starts = max(starts, *map(abs, part.z))
        places = np.concatenate([self.data.xpos[1:], self.data.geom_xpos])
        home = float(places[:, 2].max())
        own = model.body_rootid == model.body_rootid[root]
        limbs = 0.0
        for body in np.flatnonzero(own):
            around = ball(model, self.data, int(body), self.data.xpos[body])
            if around is not None:
                limbs = max(limbs, float(around.centre[2]) + around.radius - home)
            away = np.linalg.norm(self.data.xpos[body] - self.data.xpos[root])
            limbs = max(limbs, float(away))
        return home + starts + 2.0 * limbs + _THROWN

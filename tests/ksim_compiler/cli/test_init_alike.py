"""--init gives joints that are alike, as of a left and a right leg, the same servo."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ksim_compiler.cli.test_init import begun

_WITH_LEGS = """
<mujoco>
  <default><joint damping="0.2" armature="0.005"/></default>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 .1"/>
    <body name="trunk" pos="0 0 .522">
      <freejoint/>
      <geom type="box" size=".06 .1 .08" mass="4"/>
      LEGS
    </body>
  </worldbody>
</mujoco>
"""
_LEG = """
      <body name="{0}_thigh" pos="0 {1} -.08">
        <joint name="{0}_hip" axis="0 1 0" range="-80 60"/>
        <geom type="capsule" size=".025" fromto="0 0 0 0 0 -.2" mass="{2}"/>
        <body name="{0}_shin" pos="0 0 -.2">
          <joint name="{0}_knee" axis="0 1 0" range="0 140"/>
          <geom type="capsule" size=".025" fromto="0 0 0 0 0 -.2" mass=".7"/>
          <body name="{0}_foot" pos="0 0 -.2">
            <joint name="{0}_ankle" axis="0 1 0" range="-45 45"/>
            <geom type="box" size=".08 .04 .012" pos=".03 0 -.03" mass=".2"/>
          </body>
        </body>
      </body>
"""


@pytest.mark.parametrize("mass", [0.3, 0.5, 1.0])
def test_the_two_legs_of_a_robot_have_the_same_servos(tmp_path: Path, mass: float) -> None:
    legs = _LEG.format("l", 0.07, mass) + _LEG.format("r", -0.07, mass)
    plan, _ = begun(tmp_path, _WITH_LEGS.replace("LEGS", legs))
    drives = {drive.joint: drive for drive in plan.drives}
    for joint in ("hip", "knee", "ankle"):
        left, right = (drives[f"{side}_{joint}"] for side in "lr")
        assert (left.kp, left.kd, left.limit) == (right.kp, right.kd, right.limit)

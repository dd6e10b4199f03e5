"""A range that does not run upward is not a limit to MuJoCo, and is told."""

from __future__ import annotations

import mujoco
import pytest

from ksim_compiler.robot import sane

MODEL = """
<mujoco>
  <compiler autolimits="true" angle="degree"/>
  <worldbody>
    <body><joint name="knee" JOINT/><geom size=".1"/></body>
  </worldbody>
  <tendon><fixed name="cord" TENDON><joint joint="knee" coef="1"/></fixed></tendon>
  <actuator><general name="motor" joint="knee" dyntype="integrator" ACTUATOR/></actuator>
</mujoco>
"""
PLACES = [
    ("JOINT", "range", "jnt_limited", "joint 'knee'"),
    ("JOINT", "actuatorfrcrange", "jnt_actfrclimited", "joint 'knee'"),
    ("TENDON", "range", "tendon_limited", "tendon 'cord'"),
    ("TENDON", "actuatorfrcrange", "tendon_actfrclimited", "tendon 'cord'"),
    ("ACTUATOR", "ctrlrange", "actuator_ctrllimited", "actuator 'motor'"),
    ("ACTUATOR", "forcerange", "actuator_forcelimited", "actuator 'motor'"),
    ("ACTUATOR", "actrange", "actuator_actlimited", "actuator 'motor'"),
]


@pytest.mark.parametrize(("ends", "told"), [("45 -90", 1), ("45 45", 1), ("-90 45", 0), ("0 0", 0)])
@pytest.mark.parametrize(("place", "attribute", "limited", "owner"), PLACES)
def test_a_range_that_is_no_limit(
    place: str, attribute: str, limited: str, owner: str, ends: str, told: int
) -> None:
    text = MODEL.replace(place, f'{attribute}="{ends}"')
    for other in ("JOINT", "TENDON", "ACTUATOR"):
        text = text.replace(other, "")
    model = mujoco.MjModel.from_xml_string(text)
    phrases = list(sane.no_limits(model))
    assert len(phrases) == told
    assert bool(getattr(model, limited)[0]) == (ends == "-90 45")
    if told:
        low, high = ends.split()
        assert phrases == [f"the {attribute} of {owner} runs from {low} to {high}"]

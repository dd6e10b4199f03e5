"""Which places follow from the joints' encoders: those that no free joint, ball or mocap moves."""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
import pytest

from ksim_compiler.robot.facts import read_facts
from ksim_schema.vocabulary.observation.body import BodyPosition, SitePosition
from ksim_schema.vocabulary.observation.formula import Formula
from ksim_schema.vocabulary.state import Robot

LINK = '<geom size="0.1" pos="0.2 0 0"/>'
MODEL = f"""
<mujoco>
  <worldbody>
    <body name="mount">
      {LINK}
      <body name="upper">
        <joint name="pan" axis="0 0 1"/>
        {LINK}
        <body name="lower" pos="0.4 0 0">
          <joint name="out" type="slide" axis="1 0 0"/>
          {LINK}
          <site name="tip" pos="0.4 0 0"/>
          <body name="rope" pos="0.4 0 0">
            <joint name="swing" type="ball"/>
            {LINK}
            <site name="hook" pos="0.4 0 0"/>
          </body>
        </body>
      </body>
    </body>
    <body name="cube" pos="1 0 0"><freejoint/>{LINK}</body>
    <body name="goal" mocap="true" pos="1 1 0"/>
  </worldbody>
</mujoco>
"""


def robot() -> tuple[mujoco.MjModel, Any]:
    model = mujoco.MjModel.from_xml_string(MODEL)
    part = Robot.model_validate({"kind": "robot", "model": "m.xml", "control": "50 Hz"})
    return model, read_facts(part, model, "mount")


def test_encoded_places_do_not_change_with_what_no_encoder_tells() -> None:
    model, facts = robot()
    random = np.random.default_rng(3)
    data: Any = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    bodies, sites = data.xpos.copy(), data.site_xpos.copy()
    told = [facts.joints[i].qpos for i in range(model.njnt) if model.jnt_type[i] >= 2]
    for address in set(range(model.nq)) - set(told):
        data.qpos[address] += random.normal()
    data.mocap_pos[:] += 1.0
    mujoco.mj_forward(model, data)
    still = {
        f"body/{n}" for i, n in enumerate(facts.bodies) if np.allclose(bodies[i], data.xpos[i])
    }
    still |= {
        f"site/{n}" for i, n in enumerate(facts.sites) if np.allclose(sites[i], data.site_xpos[i])
    }
    # the origin of a body stays where a ball joint is: its orientation is what is not told
    assert facts.encoded == still - {"body/rope"}


@pytest.mark.parametrize(("site", "told"), [("tip", True), ("hook", False)])
def test_a_policy_may_read_sites_that_encoders_place(site: str, told: bool) -> None:
    _, facts = robot()
    assert SitePosition(kind="site_position", sites=(site,)).measurable(facts) is told


@pytest.mark.parametrize("body", ["cube", "goal"])
def test_a_camera_places_another_body(body: str) -> None:
    _, facts = robot()
    assert BodyPosition(kind="body_position", bodies=(body,)).measurable(facts)
    assert not BodyPosition(kind="body_position", bodies=(body, "rope")).measurable(facts)


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("site.tip", True),
        ("body.lower.velocity", True),
        ("site.hook", False),  # a ball carries it
        ("site.hook - site.tip", True),  # where the robot stands drops out of it
        ("distance(site.hook, site.tip)", True),
        ("body.cube - site.tip", True),
        ("body.cube.velocity", False),
        ("body.rope.up.z", True),
        ("base.height + time * 1*m/s", True),
    ],
)
def test_a_formula_tells_what_an_observation_of_the_same_would(expression: str, told: bool) -> None:
    _, facts = robot()
    part = Formula.model_validate({"kind": "formula", "expression": expression})
    assert part.measurable(facts) is told


FLOATING = """
<mujoco><worldbody><body name="trunk"><freejoint/><geom size="0.1"/>
  <body name="leg"><joint name="hip"/><geom size="0.1" pos="0 0 -0.3"/><site name="sole"/></body>
</body></worldbody></mujoco>
"""


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("base.height", False),
        ("base.tilt", True),
        ("body.trunk.velocity.x", False),
        ("body.trunk.angular_velocity", True),
        ("site.sole", False),
        ("site.sole - body.trunk", True),
        ("norm(site.sole - body.trunk) + body.trunk.z", False),
    ],
)
def test_what_a_floating_robot_senses_of_itself(expression: str, told: bool) -> None:
    model = mujoco.MjModel.from_xml_string(FLOATING)
    facts = read_facts(
        Robot.model_validate({"kind": "robot", "model": "m.xml", "control": "50 Hz"}), model
    )
    part = Formula.model_validate({"kind": "formula", "expression": expression})
    assert part.measurable(facts) is told
    seen = SitePosition.model_validate({"kind": "site_position", "sites": "sole", "frame": "robot"})
    assert seen.measurable(facts)

"""What MJX does otherwise than MuJoCo and the engine puts right, against native MuJoCo."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest

from ksim_compiler.engine import EngineSpec, make_engine

SENSORS = """
<sensor>
  <accelerometer site="tip"/><force site="tip"/><torque site="tip"/>
  <framelinacc objtype="site" objname="tip"/><framelinvel objtype="site" objname="tip"/>
  <actuatorfrc actuator="m"/>
</sensor>"""
ARM = """
<mujoco>
  <option {option}/>
  <worldbody><body>
    <joint name="a" axis="0 1 0" {joint}/><geom type="capsule" fromto="0 0 0 .3 0 0" size=".03"/>
    <body pos=".3 0 0">
      <joint name="b" axis="0 1 0"/><geom type="capsule" fromto="0 0 0 .3 0 0" size=".03"/>
      <site name="tip" pos=".3 0 0"/>
    </body>
  </body></worldbody>
  <actuator>{actuator}<motor joint="b"/></actuator>
  {sensors}
</mujoco>"""
MOTOR = '<motor name="m" joint="a" gear="2"/>'


def arm(option: str = "", actuator: str = MOTOR, joint: str = "") -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string(
        ARM.format(option=option, actuator=actuator, joint=joint, sensors=SENSORS)
    )


def follow(
    model: mujoco.MjModel,
    qpos: list[float],
    qvel: list[float],
    ctrl: list[float],
    fields: tuple[str, ...] = ("sensordata",),
    varied: dict[str, np.ndarray] | None = None,
    atol: float = 1e-3,
) -> dict[str, np.ndarray]:
    """Three ticks of both engines from one state agree; the last world of MJX."""
    worlds = []
    values = varied or {}
    for name in ("native", "mjx"):
        spec = EngineSpec(model, 1, 2, fields, tuple(values), threads=1)
        engine = make_engine(name, spec)
        step = jax.jit(engine.step)
        given = {k: v[None].astype(np.float32) for k, v in values.items()}
        told = jnp.asarray([ctrl], jnp.float32).reshape(1, model.nu)
        state, world = jax.jit(engine.reset)(
            np.array([qpos]), np.array([qvel]), given or None, told
        )
        seen = [world]
        for _ in range(3):
            state, world = step(state, told)
            seen.append(world)
        worlds.append(seen)
    for native, mjx in zip(*worlds, strict=True):
        for name, value in native.items():
            scale = max(1.0, float(np.abs(value).max(initial=0.0)))
            np.testing.assert_allclose(mjx[name], value, rtol=0, atol=atol * scale, err_msg=name)
    return {name: np.asarray(value[0]) for name, value in worlds[1][-1].items()}


@pytest.mark.slow  # 15 s of XLA
def test_a_model_without_constraints_under_rk4_has_its_sensors_where_a_step_begins() -> None:
    """Two faults of MJX: no sensors of accelerations, and those of RK4's last stage."""
    plain = arm('integrator="RK4"')
    plain.geom_contype[:] = 0
    last = follow(plain, [0.3, -0.5], [1.0, -2.0], [0.4, -0.3], ("sensordata", "cfrc_int"))
    assert np.abs(last["sensordata"][:3]).max() > 1.0


@pytest.mark.slow  # 20 s of XLA
@pytest.mark.parametrize(("own", "drawn"), [(0.0, 0.8), (0.8, 0.0)])
def test_a_control_beyond_its_range_and_a_friction_loss_that_comes_or_goes(
    own: float, drawn: float
) -> None:
    """The damping of an affine gain falls with the clipped control; rows of friction are fixed."""
    gain = '<general name="m" joint="a" gaintype="affine" gainprm="1 0 -3" ctrlrange="-1 1"/>'
    model = arm('integrator="implicitfast"', gain, f'frictionloss="{own}"')
    varied = {"dof_frictionloss": np.array([drawn, 0.0])}
    last = follow(model, [0.3, -0.5], [1.0, -2.0], [3.0, 0.0], varied=varied)
    assert last["qvel"][0] != 0.0


CONES = """
<mujoco>
  <option cone="elliptic" impratio="10"/>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 .1" condim="1"/>
    <body pos="0 0 .099"><freejoint/><geom name="smooth" size=".1" condim="1"/></body>
    {rough}
  </worldbody>
  <sensor><contact geom1="smooth" data="found force" reduce="maxforce"/></sensor>
</mujoco>"""
ROUGH = '<body pos="1 0 .099"><freejoint/><geom name="rough" size=".1" condim="4"/></body>'


@pytest.mark.slow  # 20 s of XLA
@pytest.mark.parametrize("rough", ["", ROUGH])
def test_elliptic_cones_beside_contacts_without_friction(rough: str) -> None:
    """MJX refuses to make data of these; each ball slides at 1 m/s, and one is slowed."""
    model = mujoco.MjModel.from_xml_string(CONES.format(rough=rough))
    qvel = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0] * (model.nv // 6)
    last = follow(model, model.qpos0.tolist(), qvel, [])
    assert last["qvel"][0] == pytest.approx(1.0, abs=1e-5)
    if rough:
        assert last["qvel"][6] < 0.99
    assert last["sensordata"][0] == 1.0

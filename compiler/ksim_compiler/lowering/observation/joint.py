"""Rules of observations of joints."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from ksim_compiler.lowering.context import Context
from ksim_compiler.lowering.rules import lower
from ksim_schema.robot import Joint
from ksim_schema.vocabulary.observation import joint as v

Value = Float[Array, " joints"]


@lower(v.JointPosition)
def joint_position(c: v.JointPosition, x: Context) -> Value:
    joints = x.robot.match_joints(c.joints)
    return x.joint_positions(joints) - _origin(c, joints)


@lower(v.JointVelocity)
def joint_velocity(c: v.JointVelocity, x: Context) -> Value:
    return x.joint_velocities(x.robot.match_joints(c.joints))


@lower(v.JointAcceleration)
def joint_acceleration(c: v.JointAcceleration, x: Context) -> Value:
    return _of_dofs(x, "qacc", x.robot.match_joints(c.joints))


@lower(v.CommandedJointPosition)
def commanded_joint_position(c: v.CommandedJointPosition, x: Context) -> Value:
    joints = x.robot.match_joints(c.joints)
    servos = [x.robot.actuators.index(x.robot.servo_on(j)) for j in joints]
    return x.world["ctrl"][jnp.array(servos)] - _origin(c, joints)


@lower(v.ActuatorForce)
def actuator_force(c: v.ActuatorForce, x: Context) -> Value:
    return _of_dofs(x, "qfrc_actuator", x.robot.match_joints(c.joints))


def _origin(
    c: v.JointPosition | v.CommandedJointPosition, joints: tuple[Joint, ...]
) -> Value | float:
    return jnp.array([j.home[0] for j in joints]) if c.relative_to == "home" else 0.0


def _of_dofs(x: Context, field: str, joints: tuple[Joint, ...]) -> Value:
    return x.world[field][jnp.array([j.dof for j in joints])]

"""A kind that other tasks can use too: ``components: [pendulum:energy]``."""

from ksim_schema.custom import JointPattern, Number, Reward, jnp


class EnergyAtTop(Reward):
    """1 when a pendulum has the energy of standing upright, falling to 0 with what it lacks.

    Of a pendulum of unit length, in units of g: ``e = cos(q) + (dq/dt)^2 / 19.62``, which is 1 at
    rest at the top; ``exp(-((e - 1) / width)^2)``.
    """

    joints: JointPattern
    width: Number = 0.5

    def value(self, x):
        (joint,) = x.robot.match_joints(self.joints)
        q = x.joint_positions((joint,))[0]
        speed = x.joint_velocities((joint,))[0]
        energy = jnp.cos(q) + speed**2 / 19.62
        return jnp.exp(-(((energy - 1.0) / self.width) ** 2))

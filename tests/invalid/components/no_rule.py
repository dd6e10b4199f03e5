from ksim_schema.custom import Length, Reward, jnp


class Crouch(Reward):
    """How far the first joint is from a place."""

    place: Length = "50 cm"

    def reward(self, x):
        return jnp.abs(x.world["qpos"][0] - self.place)

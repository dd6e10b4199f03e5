"""The learner: PPO on a batch of environments, as one jitted step."""

"""PPO: proximal policy optimization, one training step."""

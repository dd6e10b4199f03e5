"""Run: a training from its folder to its last checkpoint."""

"""Compose: tasks made of other tasks (`extends`) and of settings (`--set`)."""

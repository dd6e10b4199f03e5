"""Checks: what is wrong with a task on its robot."""

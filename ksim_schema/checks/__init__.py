"""Checks: what is wrong with a task whose parts are right one by one."""

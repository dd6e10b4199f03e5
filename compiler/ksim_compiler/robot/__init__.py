"""Robot: a MuJoCo model found, read and changed, and the facts of it.

Import its modules: a command that only looks for a model does not import MuJoCo.
"""

"""Robot: a MuJoCo model found, read and changed, and the facts of it."""

from ksim_compiler.robot.model import ModelFiles, Robot, equip, load, read_files, replaced, torn

__all__ = ["ModelFiles", "Robot", "equip", "load", "read_files", "replaced", "torn"]

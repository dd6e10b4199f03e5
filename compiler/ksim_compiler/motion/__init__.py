"""Recorded motions: clips read by name, their faults, resampled, and seen on the robot."""

from ksim_compiler.motion.clip import Clip as Clip, Fault as Fault
from ksim_compiler.motion.read import read_clip as read_clip

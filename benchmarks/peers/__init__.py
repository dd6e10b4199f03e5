"""Peers side by side on one machine: the same robot, the same goal, the same judge.

    python -m benchmarks.peers [--only mjbatch ksim bare brax] [--task TASK.yaml] [--seeds N]

The robot is a Unitree Go1 that follows a joystick (`robot`). Each peer trains in a process and a
virtual environment of its own (`venvs`), and leaves checkpoints with the wall time at which each
was ready, from the start of its process: imports and compilation count (`trainings`). Afterwards
one judge (`judge`, `episodes`) plays each of them on one model with MuJoCo alone; nothing of a
trainer's environment is asked there, and judging does not count as training.

Modules that run inside a peer's environment import nothing of ksim-schema, and neither do those
that they share: `robot`, `senses`, `reward`, `stamps`.
"""

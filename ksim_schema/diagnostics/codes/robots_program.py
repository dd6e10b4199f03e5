"""KS065x: what goes to a robot's program, and what comes from another training's file."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error, warning

NOT_GIVEN = error(
    "KS0655",
    "not given by kinfer",
    "K-Scale's inference engine gives a policy joint angles and velocities, the projected gravity, "
    "one accelerometer, one gyroscope and a command, and keeps what the policy remembers. What "
    "else a policy reads (a base velocity, contacts, heights) no archive can give it: leave it "
    "to the critic.",
)
NOT_TAKEN = error(
    "KS0656",
    "not taken by kinfer",
    "K-Scale's inference engine takes one number for each joint: the target of its position servo. "
    "Torques, target speeds and the controls of other actuators are not among what it sends.",
)
UNREADABLE_CONFIGURATION = error(
    "KS0657",
    "configuration that cannot be read",
    "ksim-import reads YAML of up to 2 MiB, 64 levels and 200,000 values. Tags of Python objects "
    "are kept as texts: nothing in a file is run.",
)
UNKNOWN_CONFIGURATION = error(
    "KS0658",
    "not a configuration that is known",
    "ksim-import knows the env.yaml that mjlab and Isaac Lab write beside a run (in its folder "
    "'params', with agent.yaml beside it), and the task files of UniLab.",
)
NOT_TRANSLATED = warning(
    "KS0659",
    "not translated",
    "A term of another training's file has no counterpart that means the same, or means something "
    "a little different here. It stands as a comment where it would belong, with its place.",
)

"""KS065x: what goes to a robot's program, and what comes from another training's file."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error

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

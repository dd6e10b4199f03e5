"""KS061x: what a training asks of the devices that it is to run on."""

from __future__ import annotations

from ksim_schema.diagnostics.code import error

UNEVEN_SHARDS = error(
    "KS0610",
    "environments do not divide over the devices",
    "Each device steps equally many environments, and gives equally many samples to each "
    "minibatch. Choose another number of devices, of environments or of minibatches.",
)
ONE_DEVICE_ONLY = error(
    "KS0611",
    "a learner of one device",
    "The algorithm that trains this task does not cut its environments into shards: leave out "
    "--devices and the options of processes.",
)

"""What ``ksim-run`` is told of the devices that it is to use."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ksim_compiler.cli import common, peers
from ksim_compiler.cli.common import UsageError
from ksim_compiler.cli.peers import Peers

if TYPE_CHECKING:
    from ksim_compiler.learn.run.devices import Devices
    from ksim_compiler.pipeline import Compiled

ALL = 0
"""Stands for all devices."""
PEERS = Peers()
"""The other processes of this one's training."""
_FORCED = "xla_force_host_platform_device_count"


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--devices",
        type=count,
        metavar="N|all",
        help="devices of this process that the environments are divided over (default: 1); "
        "on a CPU so many are made",
    )
    peers.add(parser)


def count(text: str) -> int:
    """A number of devices; ``all`` is 0.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if text == "all":
        return ALL
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 4096 and len(text) < 5):
        raise argparse.ArgumentTypeError("must be a whole number from 1 to 4096, or all")
    return int(text)


def in_processes(
    program: str, run: Callable[[argparse.Namespace], int], words: Sequence[str]
) -> Callable[[argparse.Namespace], int]:
    """A command in as many processes as its options ask for.

    Args:
        program: its name.
        run: does what the options say in one process.
        words: its command line.
    """

    def command(options: argparse.Namespace) -> int:
        several = options.local_processes is not None or options.coordinator is not None
        if several and options.seeds is not None:
            raise UsageError("--seeds trains one run after the other, in one process")
        if options.local_processes is not None:
            return supervise(program, options, words)
        begin(options)
        PEERS.join(options)
        return PEERS.run(program, lambda: run(options)) if PEERS.joined else run(options)

    return command


def supervise(program: str, options: argparse.Namespace, words: Sequence[str]) -> int:
    """Train with several processes on this machine. Returns the exit status.

    Raises:
        UsageError: options say otherwise how processes find each other.
    """
    from ksim_compiler.cli.local_processes import supervise

    for name in ("coordinator", "processes", "process"):
        if getattr(options, name) is not None:
            raise UsageError(f"--local-processes starts all of them; leave out --{name}")
    if options.probe:
        raise UsageError("--probe looks at a task in one process; leave out --local-processes")
    return supervise(program, without(words, "--local-processes"), options.local_processes)


def without(words: Sequence[str], option: str) -> list[str]:
    """A command line without an option and its value."""
    kept, skip = [], False
    for word in words:
        if not (skip or word == option or word.startswith(f"{option}=")):
            kept.append(word)
        skip = not skip and word == option
    return kept


def begin(options: argparse.Namespace) -> None:
    """Set up the process, before it imports JAX: a CPU is as many devices as it is told to be."""
    if (options.devices or ALL) > 1 and _FORCED not in os.environ.get("XLA_FLAGS", ""):
        os.environ["JAX_NUM_CPU_DEVICES"] = str(options.devices)


def chosen(options: argparse.Namespace) -> Devices:
    """The devices that a command asks for.

    Raises:
        UsageError: this machine has not so many.
    """
    import jax

    from ksim_compiler.learn.run.devices import ONE, Devices

    asked: int | None = options.devices
    if asked is None:
        return Devices.first() if PEERS.joined else ONE
    there = jax.local_devices()
    if asked > len(there):
        what = there[0].platform
        have = f"{len(there)} {what} device{'s' * (len(there) != 1)}"
        raise UsageError(f"--devices {asked}: there are {have} here")
    return Devices.first(asked or None)


def fit(compiled: Compiled, devices: Devices, options: argparse.Namespace) -> bool:
    """Whether a task's training can be cut for devices; what keeps it from that is printed."""
    from ksim_compiler.checks.devices import on_devices

    assert compiled.plan is not None
    found = list(on_devices(compiled.plan, devices.across.shards, devices.processes))
    common.print_report(found, compiled.sources, options.color)
    return not found

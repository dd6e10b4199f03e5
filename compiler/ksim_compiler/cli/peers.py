"""The processes of one training: how one of them finds the others, and leaves them.

Under Slurm's ``srun``, Open MPI and Kubernetes JAX knows by itself how many there are and where.
Elsewhere options say it, or ``--local-processes`` starts all of them on this machine
(:mod:`~ksim_compiler.cli.local_processes`).
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import io
import os
import re
import signal
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ksim_compiler.cli import common
from ksim_compiler.cli.common import INTERRUPTED, OK, USAGE, UsageError

PEER_LOST = 75
"""Exit status of a process that has lost another one: to be begun again (EX_TEMPFAIL)."""
SUPERVISED = "KSIM_SUPERVISED"
"""Names the folder in which a process tells the one that started it what it knows."""
FOLDER = "folder"
"""The file in it that names the run's folder."""
HEARTBEAT, JOIN, LEAVE = 15, 120, 24 * 3600
"""Seconds without a sign of life after which a process counts as dead; that processes wait for
each other at the start; and at the end, where one of them judges what was trained."""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add(
        "--local-processes",
        type=number,
        metavar="N",
        help="train with N processes on this machine, each on its share of the cores",
    )
    add(
        "--coordinator",
        type=address,
        metavar="HOST:PORT",
        help="where the first process of a training listens; srun, Open MPI and Kubernetes say so",
    )
    add("--processes", type=number, metavar="N", help="how many processes train together")
    add("--process", type=int, metavar="I", help="which of them this is, from 0")


def number(text: str) -> int:
    """A number of processes.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= 10_000):
        raise argparse.ArgumentTypeError("must be a whole number from 1 to 10000")
    return int(text)


def address(text: str) -> str:
    """A host and a port.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65536:
        raise argparse.ArgumentTypeError("must be a host and a port, such as node1:29500")
    return text


def launcher(environment: Mapping[str, str]) -> str | None:
    """What has started several processes as one training and tells them so, or None.

    Its name is JAX's (``cluster_detection_method`` of ``jax.distributed.initialize``). A shell or a
    batch script of a job is not a process of a training, whatever the job has asked for.
    """
    count = environment.get
    if int(count("SLURM_STEP_NUM_TASKS") or 1) > 1 and "SLURM_PROCID" in environment:
        return "slurm"
    if int(count("OMPI_COMM_WORLD_SIZE") or 1) > 1:
        return "ompi"
    pod = "KUBERNETES_SERVICE_HOST" in environment and "JOB_COMPLETION_INDEX" in environment
    return "k8s" if pod and common.installed("kubernetes") else None


_NUMBERS = {
    "slurm": ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),
    "ompi": ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
}
"""Launcher -> the variables that say how many processes there are, and which this is."""

MEETINGS = 2
"""How often the processes meet before a training begins: when each has its task, and when each has
built the training."""
_FAILED = "!"
"""What a process says first at a meeting when it has failed, and not what it was asked for."""
_SAID = 400
"""Bytes that a process says at a meeting."""

_APART = "the other processes of the training are not found"

_LOST = re.compile(r"gloo|nccl|coordination|heartbeat|connection (closed|reset)|peer", re.I)
"""What the errors speak of that a computation ends with when another process has gone."""


class Peers:
    """The other processes of a training.

    Attributes:
        joined: whether there are any.
        first: whether this process is the one that writes and tells.
        together: whether this process has come to the end of the training together with them.
    """

    def __init__(self) -> None:
        self.joined, self.first, self.together = False, True, False
        self.count = 1
        self._folder: Path | None = None
        self._to_meet = MEETINGS

    def join(self, options: argparse.Namespace) -> None:
        """Find them, before anything is computed.

        Raises:
            UsageError: the options do not say enough, or they cannot be found.
        """
        found = launcher(os.environ)
        if found in _NUMBERS:
            count, process = (int(os.environ[name]) for name in _NUMBERS[found])
            options.processes = options.processes or count
            options.process = process if options.process is None else options.process
        given = options.coordinator, options.processes, options.process
        if found is None and all(value is None for value in given):
            return
        if found is None and None in given:
            raise UsageError("--coordinator, --processes and --process are given together")
        if options.processes == 1:
            return
        if options.processes is not None and not 0 <= options.process < options.processes:
            last = options.processes - 1
            raise UsageError(f"--process is from 0 to {last} where there are {options.processes}")
        self._initialize(found, options)

    def _initialize(self, found: str | None, options: argparse.Namespace) -> None:
        import jax

        if options.coordinator is not None and options.process == 0:
            _see_that_it_is_free(options.coordinator)
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.config.update("jax_enable_preemption_service", False)  # signals are minded here
        late = threading.Timer(JOIN, _not_found, (options.coordinator, options.process))
        late.daemon = True
        late.start()
        try:
            jax.distributed.initialize(
                options.coordinator,
                options.processes,
                options.process,
                cluster_detection_method=found or "deactivate",
                initialization_timeout=2 * JOIN,  # at its end the process would be aborted
                heartbeat_timeout_seconds=HEARTBEAT,
                shutdown_timeout_seconds=LEAVE,
            )
        except (RuntimeError, ValueError, KeyError) as error:
            brief = " ".join(str(error).split())[:300]
            raise UsageError(f"{_APART}: {brief}") from error
        finally:
            late.cancel()
        self.joined, self.count = True, jax.process_count()
        self.first = jax.process_index() == 0
        _watch_parent()

    def agree(self, what: str) -> None:
        """Meet the other processes, and see that all have come here and were asked for the same.

        A training does so MEETINGS times before it begins: a process that fails by itself before
        the last of them comes to the next one to say so, and all end together.

        Raises:
            UsageError: another one has failed, or has another task or options that differ.
        """
        if not self.joined:
            return
        each = self._meet(hashlib.sha256(what.encode()).hexdigest())
        unlike = [process for process, said in enumerate(each) if said != each[0]]
        failed = {i: said[1:] for i, said in enumerate(each) if said.startswith(_FAILED)}
        self.together = bool(unlike or failed)
        for process, message in failed.items():
            raise UsageError(f"process {process} cannot take part: {message}")
        if unlike:
            message = f"process {unlike[0]} has another task than process 0, or other options"
            raise UsageError(message)

    def _meet(self, mine: str) -> list[str]:
        """What each process says at the next meeting; this one says ``mine``.

        Raises:
            UsageError: the processes cannot compute together.
        """
        import jax
        import numpy as np
        from jax.experimental.multihost_utils import process_allgather

        self._to_meet -= 1
        devices = Counter(device.process_index for device in jax.devices())
        for process, count in sorted(devices.items()):
            if count != devices[0]:
                self.together = True  # all of them see so, and say the same
                has = (
                    f"process {process} has {_devices(count)}, and process 0 {_devices(devices[0])}"
                )
                raise UsageError(f"{has}: give all of them the same --devices")
        said = np.zeros(_SAID, np.uint8)
        text = mine.encode()[:_SAID]
        said[: len(text)] = np.frombuffer(text, np.uint8)
        with _quiet():  # gloo says that it is connected
            each = np.asarray(process_allgather(said))
        return [row.tobytes().rstrip(b"\0").decode(errors="replace") for row in each]

    def _tell(self, message: str) -> None:
        """Say at the next meeting that this process has failed, and what it said last."""
        try:
            self._meet(f"{_FAILED}{message}")
            self.together = True
        except Exception:  # another one has gone, and the others notice that by themselves
            return

    def run(self, program: str, command: Callable[[], int]) -> int:
        """Run the command in this process. Returns the exit status.

        A process that does not write prints nothing; where it fails alone, one line.
        """
        whole, command = command, lambda: self._unless_lost(program, whole)
        said = "it has said why"
        if self.first:
            status = common.main(program, command)
        else:
            outputs, told = (sys.stdout, sys.stderr), io.StringIO()
            sys.stdout, sys.stderr = io.StringIO(), told
            try:
                status = common.main(program, command)
            finally:
                sys.stdout, sys.stderr = outputs
            lines = told.getvalue().strip().splitlines()
            if status not in (OK, INTERRUPTED, PEER_LOST) and lines:
                first_error = (line for line in lines if " error KS" in line)
                said = next(first_error, lines[-1]).removeprefix(f"{program}: ")
                print(f"{program}: process {self._index()}: {said}", file=sys.stderr)
        sys.stdout.flush()
        sys.stderr.flush()
        alone = status not in (OK, INTERRUPTED, PEER_LOST) and not self.together
        if alone and self._to_meet:
            self._tell(said)
        if not self.together:  # the others are not waited for: they cannot go on either
            os._exit(status)
        import jax

        jax.distributed.shutdown()
        return status

    def begun(self, folder: Path) -> None:
        """Note where the run is kept, and tell the process that has started this one."""
        self._folder, told = folder, os.environ.get(SUPERVISED)
        if told and self.first:
            (Path(told) / FOLDER).write_text(str(folder), encoding="utf-8")

    def _unless_lost(self, program: str, command: Callable[[], int]) -> int:
        """Do the work; that another process has gone is said in a line."""
        import jax

        try:
            return command()
        except (jax.errors.JaxRuntimeError, ValueError) as error:
            if not _LOST.search(str(error)):
                raise
            if SUPERVISED in os.environ:  # for the log; it is not shown
                brief = " ".join(str(error).split())
                print(f"*** {brief}", file=sys.__stderr__, flush=True)
        if SUPERVISED not in os.environ and self.first:
            where = self._folder
            kept = f"; the run is kept at {where}; resume with: {program} --resume {where}"
            message = f"one of the {self.count} processes has ended{kept if where else ''}"
            print(f"{program}: {message}", file=sys.stderr)
        return PEER_LOST

    def _index(self) -> int:
        import jax

        return jax.process_index()


def _devices(count: int) -> str:
    return f"{count} device{'s' * (count != 1)}"


def _not_found(coordinator: str | None, process: int | None) -> None:
    """End the process: it has waited for the others for long enough."""
    message = f"{_APART} after {JOIN} s: each of them is to be started, with a --process of its own"
    if coordinator is not None and process:
        host, _, port = coordinator.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            message = f"{_APART} after {JOIN} s: process 0 is not at {coordinator} ({why})"
    os.write(2, f"ksim-run: {message}\n".encode())
    os._exit(USAGE)


def _see_that_it_is_free(coordinator: str) -> None:
    """See that the first process can listen.

    Raises:
        UsageError: another program listens there.
    """
    port = int(coordinator.rpartition(":")[2])
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what has ended is in no way
        try:
            one.bind(("", port))
        except OSError as error:
            why = "is taken" if error.errno == errno.EADDRINUSE else "cannot be used"
            message = f"port {port} {why} on this machine, on which process 0 listens"
            raise UsageError(f"{message}: name another one in --coordinator") from error


@contextmanager
def _quiet() -> Generator[None]:
    """Drop what libraries write to standard output."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _watch_parent() -> None:
    """Stop, as if asked to, when the process that started this one is gone."""
    if SUPERVISED not in os.environ:
        return

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()

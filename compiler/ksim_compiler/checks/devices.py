"""Whether a task's training can be cut for a number of devices."""

from __future__ import annotations

from collections.abc import Iterator

from ksim_compiler.plan import Plan
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.devices import ONE_DEVICE_ONLY, UNEVEN_SHARDS

SHOWN = 8
"""Numbers of devices that a message names at most."""


def on_devices(plan: Plan, devices: int, processes: int = 1) -> Iterator[Diagnostic]:
    """Say of a compiled task what keeps its training from being cut for so many devices, which
    belong to so many processes."""
    learner = plan.task.learner
    networks = plan.task.policy.network, *([plan.task.critic.network] if plan.task.critic else [])
    finest = learner.finest(any(network.recurrent for network in networks))
    if finest % devices == 0:
        return
    section = learner.section
    if not learner.spreads:
        message = f"{section} trains on one device, not on {devices}"
        yield plan.task.report(ONE_DEVICE_ONLY, message, section)
        return
    fits = [n for n in range(1, finest + 1) if finest % n == 0]
    near = sorted(sorted(fits, key=lambda n: (abs(n - devices), n))[:SHOWN])
    divided = max(learner.divided_into, 1)
    what = f"{learner.envs} environments"
    what += f" in {divided} minibatches" if divided > 1 else ""
    chosen = "--devices" if processes == 1 else "the devices of all processes together"
    help = f"{chosen} may be {_or(near)}"
    step = devices * divided
    larger = -(-learner.envs // step) * step
    help += f"; with 'envs: {larger}' it may be {devices}"
    yield plan.task.report(
        UNEVEN_SHARDS, f"{what} do not divide over {devices} devices", section, "envs", help=help
    )


def _or(numbers: list[int]) -> str:
    *others, last = map(str, numbers)
    return f"{', '.join(others)} or {last}" if others else last

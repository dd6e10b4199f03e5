"""What ``ksim-play`` writes of an episode."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from ksim_compiler.plan import Plan
    from ksim_compiler.play.ghost import Reference
    from ksim_compiler.play.record import Recording
    from ksim_schema.exchange.replay import Origin

SIZE = (640, 480)
"""Width and height of a video in pixels."""


def write(plan: Plan, recording: Recording, origin: Origin, options: argparse.Namespace) -> None:
    """Write the files that the options of ksim-play name, and say so."""
    from ksim_schema.source.files import write_text

    name = plan.task.name
    if options.events is not None:
        from ksim_compiler.play.events import text

        write_text(options.events, text(recording, origin))
        print(f"wrote {options.events}: {recording.ticks + 1} events")
    if options.rollout is not None:
        import numpy as np

        from ksim_compiler.play.events import plain
        from ksim_schema.exchange.acset_export import json_text
        from ksim_schema.exchange.rollout import Episode, rollout_instance

        inputs = np.concatenate(list(recording.inputs.values()), axis=1)
        episode = Episode(
            plain(recording.qpos),
            plain(recording.qvel),
            plain(inputs),
            plain(recording.action),
            plain(recording.reward),
        )
        instance = rollout_instance([episode], recording.period)
        write_text(options.rollout, json_text(instance.to_json()))
        print(f"wrote {options.rollout}")
    if options.plots is not None:
        from ksim_compiler.plan.columns import elements, inputs
        from ksim_compiler.report.plots import write_plots

        columns = inputs(plan, plan.policy_input)
        both = zip(plan.policy_input, columns, strict=True)
        labels = {str(column.source): elements(segment) for column, segment in both}
        write_plots(options.plots, recording, f"{name}, seed {origin.seed}", labels)
        print(f"wrote {options.plots}")
    if options.video is not None:
        from ksim_compiler.play.ghost import References

        poses, told = recording.qpos[: recording.ticks], References(plan).of(recording)
        film(plan, poses, options, told)


def film(
    plan: Plan, poses: np.ndarray, options: argparse.Namespace, reference: Reference | None = None
) -> None:
    """Draw poses (ticks, nq) as the options say, with a camera that follows the base.

    A recorded motion that is followed stands beside the robot.
    """
    from ksim_compiler.play.video import write_video

    facts = plan.robot.facts
    base = facts.body_id(facts.root)
    model, size, camera = plan.robot.model, options.size or SIZE, options.camera
    shadows = not options.show  # a look should come at once, where it is drawn in software too
    write_video(options.video, model, poses, plan.period, size, camera, base, shadows, reference)
    print(f"wrote {options.video}")

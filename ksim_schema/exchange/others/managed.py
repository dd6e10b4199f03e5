"""The ``env.yaml`` of mjlab and of Isaac Lab, with the ``agent.yaml`` beside it, as a task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ksim_schema.exchange.others import actions, agent, events
from ksim_schema.exchange.others.draft import Draft, quantity
from ksim_schema.exchange.others.tagged import Value
from ksim_schema.exchange.others.terms import (
    OBSERVATIONS,
    PENALTIES,
    REWARDS,
    TERMINATIONS,
    Fields,
    Left,
    Term,
    between,
    noise,
)

UNKNOWN = "a function that is not known here"


def knows(document: Value) -> bool:
    """Whether a document is such a file."""
    return all(document.get(key) is not None for key in ("observations", "rewards", "decimation"))


def translate(document: Value, agent_document: Value | None, file: Path, robot: str) -> Draft:
    """A task out of such a file.

    Args:
        document: the file.
        agent_document: the one of its learner, if it is there.
        file: where it is from.
        robot: the model to name.
    """
    draft = Draft(file, "imported")
    period = _state(draft, document, robot)
    _commands(draft, document)
    read, told = _observations(draft, document, period)
    actions.translate(draft, document)
    _rewards(draft, document)
    _terminations(draft, document)
    events.translate(draft, document)
    for name, value in _terms(document.get("curriculum")):
        why = "what a curriculum changes is written here at what it changes"
        draft.leave("Reward", f"curriculum.{name}", value, why, _function(value))
    agent.translate(draft, agent_document, read, told)
    return draft


def _function(term: Value) -> str:
    found = term.get("func")
    return found.function if found is not None else ""


def _terms(section: Value | None) -> Iterator[tuple[str, Value]]:
    """The terms of a section, or of a group."""
    if section is not None:
        yield from ((n, v) for n, v in section.items() if isinstance(v.data, dict))


def _state(draft: Draft, document: Value, robot: str) -> float | None:
    """The robot and its clocks. Returns the control period, s."""
    step = document.get("sim", "dt") or document.get("sim", "mujoco", "timestep")
    ticks, fields = document.get("decimation"), Fields(model=robot)
    period = None
    if step is not None and step.number:
        fields["timestep"] = quantity(round(step.number * 1e3, 6), "ms")
        if ticks is not None and ticks.number:
            period = step.number * ticks.number
            fields["control"] = quantity(round(period * 1e3, 6), "ms")
    steps = {n: document.get("sim", "mujoco", n) for n in ("iterations", "ls_iterations")}
    solver = {name: int(v.number) for name, v in steps.items() if v is not None and v.number}
    fields |= {"solver": solver} if solver else {}
    places = (("scene", "robot", "init_state"), ("scene", "entities", "robot", "init_state"))
    for place in places:
        pose = document.get(*place, "joint_pos")
        if pose is not None and any(v.number for _, v in pose.items()):
            at = ", ".join(f"{name}: {v.number:g}" for name, v in pose.items() if v.number)
            why = f"name a keyframe of the model with this pose as home ({at[:120]})"
            draft.leave("PhysicsState", ".".join((*place, "joint_pos")), pose, why)
    kind = document.get("scene", "terrain", "terrain_type")
    if kind is not None and kind.text not in ("", "plane"):
        why = "say it as 'terrain' of the state; see docs/terrain.md"
        draft.leave("PhysicsState", "scene.terrain.terrain_type", kind, why, kind.text)
    draft.add("PhysicsState", "robot", fields)
    return period


_VELOCITIES = (
    ("forward", "lin_vel_x", "m/s"),
    ("sideways", "lin_vel_y", "m/s"),
    ("turn", "ang_vel_z", "rad/s"),
)


def _commands(draft: Draft, document: Value) -> None:
    for name, value in _terms(document.get("commands")):
        if value.get("ranges", "lin_vel_x") is None:
            kind = value.get("class_type")
            what = kind.function if kind is not None else ""
            why = "a command of a kind that is not known here"
            draft.leave("Command", f"commands.{name}", value, why, what)
            continue
        fields = Fields(kind="planar_velocity")
        for ours, theirs, unit in _VELOCITIES:
            found = value.get("ranges", theirs)
            if found is not None and found.pair is not None:
                fields[ours] = between(found.pair, unit)
        again, still = value.get("resampling_time_range"), value.get("rel_standing_envs")
        if again is not None and again.pair is not None:
            fields["resample"] = between(again.pair, "s")
        if still is not None and still.number:
            fields["stand_still"] = still.number
        heading = value.get("heading_command")
        if heading is not None and heading.data is True:
            fields["heading"] = _heading(value)
        draft.add("Command", name, fields)


def _heading(value: Value) -> Fields:
    fields = Fields()
    for ours, theirs in (("gain", "heading_control_stiffness"), ("share", "rel_heading_envs")):
        found = value.get(theirs)
        if found is not None and found.number is not None:
            fields[ours] = found.number
    around = value.get("ranges", "heading")
    if around is not None and around.pair is not None:
        low, high = (min(max(end, -3.141592), 3.141592) for end in around.pair)
        fields["range"] = between((low, high), "rad")
    return fields


def _observations(
    draft: Draft, document: Value, period: float | None
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Returns, of the policy and of the critic, the observations and the commands."""
    read, told = dict[str, list[str]](), dict[str, list[str]]()
    groups = [(n, g) for n, g in _terms(document.get("observations"))]
    known = {"policy": "policy", "actor": "policy", "critic": "critic"}
    for group, value in sorted(groups, key=lambda pair: known.get(pair[0], "z") != "policy"):
        who, path = known.get(group), f"observations.{group}"
        if who is None:
            draft.leave("Observation", path, value, "a group that no network of the task reads")
            continue
        corrupt = value.get("enable_corruption")
        noisy = who == "policy" and (corrupt is None or corrupt.data is not False)
        inner = value.get("terms") or value
        read.setdefault(who, [])
        told.setdefault(who, [])
        for name, term in _terms(inner):
            try:
                _observe(
                    draft,
                    name,
                    term,
                    group=value,
                    noisy=noisy,
                    period=period,
                    to=(read[who], told[who]),
                )
            except Left as reason:
                draft.leave("Observation", f"{path}.{name}", term, str(reason), _function(term))
    return read, told


def _observe(
    draft: Draft,
    name: str,
    term: Value,
    *,
    group: Value,
    noisy: bool,
    period: float | None,
    to: tuple[list[str], list[str]],
) -> None:
    function, fields = _function(term), Fields()
    scaled, clip = term.get("scale"), term.get("clip")
    if function == "generated_commands":
        command = term.get("params", "command_name")
        if command is None or command.text not in draft.sections.get("Command", {}):
            raise Left("it tells a command that was not translated")
        if scaled is None:
            to[1].append(command.text)
            return
        fields, unit = Fields(kind="command", command=command.text), ""
    elif function == "builtin_sensor":
        sensor = term.get("params", "sensor_name")
        if sensor is None:
            raise Left("it names no sensor")
        fields, unit = Fields(kind="sensor", sensor=sensor.text.rpartition("/")[2]), ""
    elif function in OBSERVATIONS:
        fields, unit = dict(OBSERVATIONS[function][0]), OBSERVATIONS[function][1]
    else:
        raise Left(
            UNKNOWN if function != "height_scan" else "see height_scan: length, width, points"
        )
    joints = Term(term).names("joint", "asset_cfg")
    fields |= {"joints": joints} if joints and fields["kind"].startswith("joint") else {}
    error = term.get("noise")
    if noisy and error is not None:
        if function == "builtin_sensor":
            unit = "m/s" if "vel" in fields["sensor"] and "ang" not in fields["sensor"] else "rad/s"
        fields["noise"] = noise(error, unit)
    if clip is not None and clip.pair is not None:
        fields["clip"] = between(clip.pair, unit)
    if scaled is not None:
        if scaled.number is None:
            raise Left("its scale is not one number")
        fields["scale"] = scaled.number
    past = term.get("history_length") or group.get("history_length")
    if past is not None and past.number and past.number > 1:
        fields["history"] = int(past.number)
    late = term.get("delay_max_lag")
    if noisy and late is not None and late.number:
        least = term.get("delay_min_lag")
        if period is None or least is None or least.number != late.number:
            raise Left("its delay is drawn; here a delay is one time")
        fields["delay"] = quantity(round(late.number * period * 1e3, 6), "ms")
    parts = draft.sections.setdefault("Observation", {})
    same = [n for n, known in parts.items() if _clean(known) == _clean(fields)]
    if not same:
        same = [draft.free("Observation", name)]
        draft.add("Observation", name, fields)
    to[0].append(same[0])


def _clean(fields: Fields) -> Fields:
    """An observation without the errors of its sensor, which a critic does not see."""
    return {name: value for name, value in fields.items() if name not in ("noise", "delay")}


def _rewards(draft: Draft, document: Value) -> None:
    for name, value in _terms(document.get("rewards")):
        weight, function = value.get("weight"), _function(value)
        term = Term(value, weight.number or 0.0 if weight is not None else 0.0)
        try:
            if not term.weight:
                raise Left("its weight is 0")
            if function not in REWARDS:
                raise Left(UNKNOWN)
            fields = REWARDS[function](term)
            _known_command(draft, fields)
            if fields["kind"] != "formula":
                fields["scale"] = _scale(fields["kind"], term.weight)
            draft.add("Reward", name, fields | {"per_second": True})
        except Left as reason:
            draft.leave("Reward", f"rewards.{name}", value, str(reason), function)
        for remark in term.remarks:
            draft.leave("Reward", f"rewards.{name}", value, remark, function)


def _known_command(draft: Draft, fields: Fields) -> None:
    if "command" in fields and fields["command"] not in draft.sections.get("Command", {}):
        raise Left("its command was not translated")


def _scale(kind: str, weight: float) -> float:
    """The scale of a reward; that of a penalty is positive."""
    if kind in PENALTIES and weight > 0:
        raise Left(f"it pays for what {kind} subtracts")
    return -weight if kind in PENALTIES else weight


def _terminations(draft: Draft, document: Value) -> None:
    length = document.get("episode_length_s")
    for name, value in _terms(document.get("terminations")):
        term, function = (
            Term(value, episode=length.number if length is not None else None),
            _function(value),
        )
        try:
            if function not in TERMINATIONS:
                raise Left(UNKNOWN)
            draft.add("Termination", name, TERMINATIONS[function](term))
        except Left as reason:
            draft.leave("Termination", f"terminations.{name}", value, str(reason), function)
        for remark in term.remarks:
            draft.leave("Termination", f"terminations.{name}", value, remark, function)

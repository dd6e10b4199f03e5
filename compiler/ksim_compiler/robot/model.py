"""The robot: a MuJoCo model, its facts, and the sensors and actuators put into it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from dataclasses import field, replace
from typing import Any

import mujoco
import numpy as np

from ksim_compiler.robot import (
    options,
    quiet as quiet,  # MuJoCo's own log is off wherever a model is read
    sane,
    terrain,
)
from ksim_compiler.robot.added import add_drive, add_sensor, is_off, leave_rotor, mute, take_all
from ksim_compiler.robot.facts import read_facts
from ksim_compiler.robot.files import (
    ModelError as ModelError,
    ModelFiles as ModelFiles,
    check_complete,
    read_files as read_files,
)
from ksim_compiler.robot.own import own_actuators
from ksim_compiler.robot.sealed import can_seal, sealed
from ksim_compiler.robot.transmission import acts_on, coupled, home_controls
from ksim_compiler.robot.xml import in_memory
from ksim_schema.records import dataclass
from ksim_schema.robot import FILES, Drive, RobotFacts, SensorRequest
from ksim_schema.robot.mirror import Mirror
from ksim_schema.vocabulary.state import Robot as RobotPart


@dataclass(frozen=True)
class Robot:
    """A compiled model and what the language knows of it.

    Attributes:
        held: actuator -> the control that keeps it at home, in the units of its control; of a model
            with a task's actuators in it, of those that no action drives.
        act: (na,) the activations that go with them.
        notes: what MuJoCo remarks on the model file.
        broken: keyframe -> what is wrong with it, of those that cannot be a pose.
    """

    part: RobotPart
    files: ModelFiles
    model: mujoco.MjModel
    facts: RobotFacts
    held: Mapping[str, float] = field(default_factory=lambda: {})
    act: np.ndarray = field(default_factory=lambda: np.zeros(0))
    notes: tuple[str, ...] = ()
    broken: Mapping[str, str] = field(default_factory=lambda: {})

    @property
    def mirror(self) -> Mirror | None:
        """Its left and right; None where the task does not say them."""
        names = self.part.mirror
        return None if names is None else Mirror(self.facts, names.left, names.right)


@dataclass(frozen=True)
class Torn:
    """An actuator of the model that pulls at a joint that is driven and at one that is not.

    Attributes:
        moved: the joints it acts on that are driven, or that an equality ties to one.
        free: the other joints that it acts on.
        driven: the driven ones of `moved`, and those that the others are tied to.
    """

    actuator: str
    moved: tuple[str, ...]
    free: tuple[str, ...]
    driven: tuple[str, ...]


def load(part: RobotPart, files: ModelFiles, *, textures: bool = True) -> Robot:
    """Compile a model as it is, with the task's options.

    Args:
        part: the task's PhysicsState.
        files: the model's files.
        textures: whether those that MuJoCo draws itself have their size. To draw those of a plain
            scene takes ten times as long as to compile the rest of it.

    Raises:
        ModelError: MuJoCo refuses the model.
    """
    robot, spec = _compile(part, files, _leave if textures else _small_textures)
    with _refusals():
        controls = home_controls(robot.model, spec, part.home.keyframe)
    held = dict(zip(robot.facts.actuators, controls.ctrl.tolist(), strict=True))
    own = own_actuators(robot.model, controls.ctrl, robot.facts.joints)
    return replace(robot, held=held, act=controls.act, facts=replace(robot.facts, own=own))


def equip(
    robot: Robot,
    sensors: Iterable[SensorRequest],
    drives: Iterable[Drive],
    off_centre: Iterable[str] = (),
    told: Collection[str] = (),
) -> Robot:
    """The robot with sensors and actuators added.

    The model's own actuators that act on a joint that is driven now, or tied to such a joint by an
    equality, go, whatever their transmission; a sensor of such an actuator reads its successor
    where there is one, and goes otherwise. The other actuators stay, with what holds them at home.

    Args:
        robot: the robot as its model has it.
        sensors: what is to be measured.
        drives: the motors and servos of the task.
        off_centre: bodies whose inertial frame the task moves.
        told: the model's own actuators that an action tells what to do.

    Raises:
        ModelError: MuJoCo refuses the model.
    """
    drives = tuple(drives)
    gone = replaced(robot, (drive.joint for drive in drives))
    kept = [i for i, name in enumerate(robot.facts.actuators) if name not in gone]

    def change(spec: mujoco.MjSpec) -> None:
        for actuator in list(spec.actuators):
            if actuator.name in gone:
                leave_rotor(spec, actuator)
                spec.delete(actuator)
            elif is_off(spec, actuator.group):
                mute(actuator)
        for sensor in list(spec.sensors):
            if sensor.objtype == mujoco.mjtObj.mjOBJ_ACTUATOR and sensor.objname in gone:
                successor = gone[sensor.objname]
                if successor:
                    sensor.objname = successor
                else:
                    spec.delete(sensor)
        for key in spec.keys:  # of as many actuators as there were; `held` has what they say
            key.ctrl, key.act = np.zeros(0), np.zeros(0)
        for body in set(off_centre) & set(robot.facts.bodies):
            # a "simple" body has a diagonal inertia matrix: its centre of mass must not move
            spec.body(body).simple = 0
        for drive in drives:
            take_all(spec, robot.model, drive)
            add_drive(spec, drive)
        for request in dict.fromkeys(sensors):
            add_sensor(spec, request)

    equipped, _ = _compile(robot.part, robot.files, change, robot.facts.root)
    model = robot.model
    activations = [
        robot.act[model.actuator_actadr[i] : model.actuator_actadr[i] + model.actuator_actnum[i]]
        for i in kept
        if model.actuator_actnum[i]
    ]
    return replace(
        equipped,
        facts=replace(equipped.facts, own=robot.facts.own),
        held={
            name: robot.held[name]
            for name in (robot.facts.actuators[i] for i in kept)
            if name not in told
        },
        act=np.concatenate([np.zeros(0), *activations]),
    )


def replaced(robot: Robot, joints: Iterable[str]) -> dict[str, str]:
    """Actuators of the model that act on joints which a task moves -> what takes their place.

    That is the task's actuator on the same joint, or "" where they act on several, or on one that
    only follows.
    """
    driven = {j.name for j in robot.facts.joints} & set(joints)
    moved = _moved(robot, driven)
    return {
        name: Drive(next(iter(names)), 0.0).name if len(names) == 1 and names <= driven else ""
        for name, names in _acted_on(robot).items()
        if names & moved
    }


def torn(robot: Robot, joints: Iterable[str]) -> list[Torn]:
    """Actuators that act on a joint which a task moves and on one that it does not.

    It moves those that it drives and those that an equality ties to one of them.
    """
    groups = {joint: _moved(robot, [joint]) for joint in joints}
    moved = set[str]().union(*groups.values())
    found: list[Torn] = []
    for name, names in _acted_on(robot).items():
        if names & moved and names - moved:
            driven = tuple(sorted(joint for joint, group in groups.items() if names & group))
            found.append(
                Torn(name, tuple(sorted(names & moved)), tuple(sorted(names - moved)), driven)
            )
    return found


def _moved(robot: Robot, driven: Collection[str]) -> set[str]:
    """The driven joints, and those that equalities tie to them."""
    joints = robot.facts.joints
    ids = [i for i, joint in enumerate(joints) if joint.name in driven]
    return {joints[i].name for i in coupled(robot.model, ids)}


def _acted_on(robot: Robot) -> dict[str, set[str]]:
    """Actuator -> the joints that it acts on."""
    joints = robot.facts.joints
    return {
        name: {joints[joint].name for joint in acts_on(robot.model, i)}
        for i, name in enumerate(robot.facts.actuators)
    }


def image(robot: Robot) -> bytes:
    """A compiled model as MuJoCo's binary form: equal for models that simulate alike."""
    buffer = np.empty(mujoco.mj_sizeModel(robot.model), np.uint8)
    mujoco.mj_saveModel(robot.model, None, buffer)
    return buffer.tobytes()


_REFUSED = (ValueError, RuntimeError, MemoryError, mujoco.FatalError, mujoco.UnexpectedError)
"""What MuJoCo raises at a model that it does not take."""


@contextlib.contextmanager
def _refusals() -> Generator[None]:
    """What MuJoCo refuses is a :class:`ModelError`."""
    try:
        yield
    except _REFUSED as error:
        raise ModelError(_brief(error)) from error


def _compile(
    part: RobotPart,
    files: ModelFiles,
    change: Callable[[mujoco.MjSpec], None],
    base: str | None = None,
) -> tuple[Robot, mujoco.MjSpec]:
    """Read a model from memory, change it, and compile it."""
    with _refusals():
        sane.check_files(files.content)
        if not can_seal():
            check_complete(files)
        root, content = in_memory(files.root, files.content)
        with warnings.catch_warnings(record=True) as remarks, mujoco.MjVfs() as vfs:
            warnings.simplefilter("always")
            for name, data in content.items():
                vfs[name] = data
            spec = sealed(lambda: mujoco.MjSpec.from_file(root, vfs=vfs))
            options.set_options(part, spec)
            _name_parts(spec)
            options.keep_collisions(part, spec)
            terrain.add(part.terrain, spec, files.content)
            options.set_contacts(part, spec)
            change(spec)
            options.set_dynamics(part, spec)  # after what motors that go leave to their joints
            model = sealed(lambda: spec.compile(vfs=vfs))
            sane.check_options(model, part.timestep)
            sane.check_numbers(model)
            broken = sane.broken_keys(model, spec)
            sane.check_home(broken, part.home.keyframe)
            _place_mocap(model, part.home.keyframe)
        notes = dict.fromkeys(_brief(remark.message) for remark in remarks)
    facts = replace(read_facts(part, model, base), files=_task_files(files))
    return Robot(part, files, model, facts, notes=tuple(notes), broken=broken), spec


def _task_files(files: ModelFiles) -> dict[str, bytes]:
    return {name: data for name, data in files.content.items() if name.startswith(FILES)}


def _leave(spec: mujoco.MjSpec) -> None:
    """Change nothing."""


def _small_textures(spec: mujoco.MjSpec) -> None:
    """Let MuJoCo draw no more of its own textures than it must."""
    for texture in spec.textures:
        if texture.builtin != mujoco.mjtBuiltin.mjBUILTIN_NONE and texture.width > 0:
            texture.width, texture.height = 1, min(texture.height, 1)


def _name_parts(spec: mujoco.MjSpec) -> None:
    """Name what has no name, so that sensors and messages can refer to it."""
    taken = {actuator.name for actuator in spec.actuators}
    for actuator in spec.actuators:  # it goes by what it acts on, if nothing else does
        if not actuator.name and actuator.target and actuator.target not in taken:
            actuator.name = actuator.target
            taken.add(actuator.target)
    named = (("body", spec.bodies), ("geom", spec.geoms), ("actuator", spec.actuators))
    for what, parts in named:
        for number, part in enumerate(parts):
            if not part.name:
                part.name = f"ksim/{what}{number}"


def _place_mocap(model: mujoco.MjModel, home: str | None) -> None:
    """Put the bodies that no force moves (mocap) where the home keyframe has them.

    A simulation takes their places from the model at each reset.
    """
    if not home or not model.nmocap or mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_KEY, home) < 0:
        return
    data: Any = mujoco.MjData(model)
    mujoco.mj_resetDataKeyframe(model, data, model.key(home).id)
    for body in np.flatnonzero(model.body_mocapid >= 0):
        model.body_pos[body] = data.mocap_pos[model.body_mocapid[body]]
        model.body_quat[body] = data.mocap_quat[model.body_mocapid[body]]


def _brief(error: Exception | str) -> str:
    return " ".join(str(error).split())[:400]

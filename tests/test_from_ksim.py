"""The page for ksim's users: all of its classes stand there, beside kinds that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ksim_schema.vocabulary import KINDS
from ksim_schema.vocabulary.learner.ppo import PPO

PAGE = (Path(__file__).parents[1] / "docs" / "from-ksim.md").read_text(encoding="utf-8")
SECTIONS = {
    "Observations": ("Observation",),
    "Commands of a policy": ("Command",),
    "Rewards": ("Reward",),
    "Terminations, resets, events": ("Termination", "Reset", "Event"),
    "Randomizers and curricula": ("Randomizer", "Curriculum"),
    "Actuators": ("Action",),
}
CLASSES = """
BasePosition BaseOrientation BaseLinearVelocity BaseAngularVelocity JointPosition
DelayedJointPosition JointVelocity DelayedJointVelocity CenterOfMassInertia CenterOfMassVelocity
ActuatorForce Sensor BaseLinearAcceleration BaseAngularAcceleration ProjectedGravity
ActuatorAcceleration Contact FeetContact BodyPosition BodyVelocity FeetForce FeetTorque
BodyOrientation SiteOrientation FeetOrientation Timestep ActPos
"""
REWARDS = """
StayAliveReward LinearVelocityReward AngularVelocityReward OffAxisVelocityReward BaseHeightReward
BaseHeightRangeReward ActionVelocityPenalty ActionAccelerationPenalty ActionJerkPenalty
SmallJointVelocityReward SmallJointAccelerationReward SmallJointJerkReward AvoidLimitsPenalty
TorquePenalty EnergyPenalty JointDeviationPenalty FlatBodyReward PositionTrackingReward
UprightReward NoRollReward LinkAccelerationPenalty LinkJerkPenalty SymmetryReward
PairwiseSymmetryReward ReachabilityPenalty FeetAirTimeReward FeetSlipPenalty
SparseTargetHeightReward MotionlessAtRestPenalty ForcePenalty SinusoidalGaitReward
"""
OTHERS = """
FloatVectorCommand IntVectorCommand StartPositionCommand StartQuaternionCommand
LinearVelocityCommand AngularVelocityCommand CartesianCoordinateCommand SinusoidalGaitCommand
BaseHeightCommand JointPositionCommand NotUprightTermination MinimumHeightTermination
IllegalContactTermination BadZTermination BadVelocityTermination FarFromOriginTermination
EpisodeLengthTermination HFieldXYPositionReset PlaneXYPositionReset RandomJointPositionReset
RandomJointVelocityReset RandomBaseVelocityXYReset InitialMotionStateReset RandomHeadingReset
RandomHeightReset RandomPitchRollReset AngularPushEvent LinearPushEvent JumpEvent ForcePushEvent
StaticFrictionRandomizer FloorFrictionRandomizer ArmatureRandomizer MassAdditionRandomizer
MassMultiplicationRandomizer AllBodiesMassMultiplicationRandomizer JointDampingRandomizer
IMUAlignmentRandomizer COMRandomizer AllBodiesCOMRandomizer AllBodiesInertiaRandomizer
CollisionBodyRandomizer ConstantCurriculum LinearCurriculum EpisodeLengthCurriculum
DistanceFromOriginCurriculum StepWhenSaturated TorqueActuators PositionActuators
PositionVelocityActuator ClipPositions TanhPositions ClipAccelerationParams
IntegrateVelocityParams IntegrateAccelerationParams LowPassFilterParams
"""
"""The public classes of ksim, by its sources."""


def rows(section: str) -> list[list[str]]:
    """The cells of the tables of a section, without their heads."""
    text = re.search(rf"^## {re.escape(section)}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert text is not None
    lines = [line for line in text[1].splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("section", SECTIONS)
def test_what_stands_beside_a_class_is_there(section: str) -> None:
    known = {kind for object in SECTIONS[section] for kind in KINDS[object]}
    found = rows(section)
    assert len(found) >= 8
    for _, here, *_ in found:
        kinds = re.findall(r"`(\w+)`", here)
        assert kinds
        assert set(kinds) <= known, here


def test_every_class_of_ksim_stands_there() -> None:
    names = [f"{name}Observation" for name in CLASSES.split()] + REWARDS.split() + OTHERS.split()
    assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_fields_of_the_learner_are_there() -> None:
    named = set(re.findall(r"`PPO\.(\w+)", PAGE))
    assert named <= set(PPO.model_fields)
    assert len(named) >= 12

"""What a change means: which of the four tiers it belongs to, and why.

The tier errs on the grave side: a change is policy-io when it may change what the policy's inputs
or outputs mean. Cosmetic is exact: the fingerprint is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from ksim_schema.acset import sch_task
from ksim_schema.diff.model import ABSENT, Step, Tier
from ksim_schema.graph.canonical import PROSE, UNNAMED
from ksim_schema.units import QuantityError, parse
from ksim_schema.vocabulary.learner import LEARNERS
from ksim_schema.vocabulary.objects import OBJECT

Verdict = tuple[Tier, str]
LOGGED = "it is logged, and nothing learns from it"

SENSOR_ERRORS = frozenset(("noise", "bias", "delay", "lag"))
"""Fields of an observation that disturb its value and leave what it means."""
ACTION_ERRORS = frozenset(
    ("noise", "bias", "velocity_noise", "drop", "latency", "faults", "update")
)
"""The same of an action."""
SPREAD = frozenset(("init_std", "min_std", "max_std"))
"""Fields of a distribution that the training starts from or stays within."""
TRAINED_STATE = frozenset(
    ("kind", "timestep", "solver", "collide", "joint_dynamics", "terrain", "mirror")
)
"""Fields of the robot that leave what its numbers mean."""


class Tiers:
    """The tiers of the changes between two tasks whose parts have the same names by now."""

    def __init__(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        self.files_known = "files" in old and "files" in new
        self.other_units = _normalized(old) != _normalized(new)
        both = (old["morphisms"], new["morphisms"])
        self.read = _sources(both, "read")
        """Observations that the policy of either task reads."""
        heeded = {
            edge["src"]
            for homs in both
            for edge in homs.get("heed", ())
            if edge["tgt"] in self.read
        }
        self.obeyed = _sources(both, "obey") | heeded
        homs = sch_task().homs
        self.logged = _only_logged(both)
        """Channels that nothing but what is logged reads."""
        self.used = {
            (homs[hom].dom, edge["src"])
            for morphisms in both
            for hom, edges in morphisms.items()
            for edge in edges
            if not self._is_logged(hom, edge["tgt"])
        }
        """Parts whose value goes anywhere in either task that the training depends on."""

    def _is_logged(self, hom: str, target: str) -> bool:
        """Whether a wire leads to what is only logged."""
        end = sch_task().homs[hom].codom
        return not OBJECT[end].learned or (end == "Trajectory" and target in self.logged)

    def head(self, path: Sequence[Step]) -> Verdict:
        """Of a value beside the sections."""
        return ("cosmetic", "") if path[0] in PROSE else ("training", "")

    def rename(self, object: str) -> Verdict:
        """Of another name for the same part."""
        if object in UNNAMED:
            return "cosmetic", "nothing goes by this name"
        return "runtime", "its random draws and its name in logs change"

    def learner(self, path: Sequence[Step]) -> Verdict:
        """Of a value of the learner, or of another learner."""
        if path[1:] in (("envs",), ("steps",)):
            return "runtime", ""
        if path[1:] == ("normalize_observations",) or (len(path) == 1 and self.other_units):
            return "policy-io", "the policy's inputs are in other units"
        if len(path) == 1:
            return "training", "another learner"
        return "training", ""

    def order(self, hom: str) -> Verdict:
        """Of another order of wires."""
        if hom in ("read", "obey"):
            return "policy-io", "the policy's inputs are in another order"
        if hom == "act":
            return "policy-io", "the policy's outputs are in another order"
        return "training", "the critic's inputs are in another order"

    def part(self, object: str, name: str) -> Verdict:
        """Of a part that is born or dies."""
        match object:
            case "Observation" if name in self.read:
                return "policy-io", "the policy reads it"
            case "Command" if name in self.obeyed:
                return "policy-io", "the policy is told it"
            case "Observation" | "Command" if (object, name) not in self.used:
                return "runtime", "nothing reads it"
            case _ if not OBJECT[object].learned:
                return "runtime", LOGGED
            case "Action":
                return "policy-io", "the policy sets it"
            case "Policy" | "PhysicsState":
                return "policy-io", ""
            case _:
                return "training", ""

    def value(self, object: str, name: str, path: Sequence[Step], old: Any, new: Any) -> Verdict:
        """Of a value of a part that both tasks have."""
        tier, why = self.part(object, name)
        field = path[0]
        match object:
            case "PhysicsState":
                return self._state(field)
            case "Policy":
                return _policy(path)
            case "Observation" if tier == "policy-io" and field not in SENSOR_ERRORS:
                return tier, "the policy reads it"
            case "Command" if tier == "policy-io" and not (_measures(old) and _measures(new)):
                return tier, "the policy is told it"
            case "Action" if field not in ACTION_ERRORS:
                return tier, "what the policy's output does"
            case _:
                return ("training", "") if tier == "policy-io" else (tier, why)

    def _state(self, field: Step) -> Verdict:
        if field == "model" and self.files_known:
            return "cosmetic", "a path; what the files say is compared apart"
        if field == "control":
            return "policy-io", "the policy runs at another rate"
        if field == "home":
            return "policy-io", "positions may be measured from the home pose"
        if field in TRAINED_STATE:
            return "training", ""
        return "policy-io", "what the robot's numbers are measured from"

    def wire(self, hom: str, wire: tuple[str, str, str]) -> Verdict:
        """Of a wire that is born or dies."""
        target = wire[1]
        if self._is_logged(hom, target):
            return "runtime", LOGGED
        match hom:
            case "read" | "obey":
                return "policy-io", "an input of the policy"
            case "act":
                return "policy-io", "an output of the policy"
            case "step":
                return "policy-io", "what the policy's output does"
            case "observe" | "recall" | "heed" | "reveal" if target in self.read:
                return "policy-io", "the policy reads it"
            case "inform" if target in self.obeyed:
                return "policy-io", "the policy is told it"
            case "judge" | "weigh":
                return "training", "an input of the critic"
            case _:
                homs = sch_task().homs[hom]
                end = (homs.codom, target)
                idle = homs.codom in ("Observation", "Command") and end not in self.used
                return ("runtime", "nothing reads it") if idle else ("training", "")


def _normalized(data: Mapping[str, Any]) -> set[bool]:
    """Whether the learner of a task normalizes what the policy reads."""
    return {data[k].get("normalize_observations") for k in LEARNERS if k in data}


def _only_logged(both: Sequence[Mapping[str, Any]]) -> set[str]:
    """The channels of the record that no part reads which the training depends on."""
    homs = sch_task().homs
    read = [
        (edge["src"], OBJECT[homs[hom].codom].learned)
        for morphisms in both
        for hom, edges in morphisms.items()
        for edge in edges
        if homs[hom].dom == "Trajectory"
    ]
    return {channel for channel, _ in read} - {channel for channel, learned in read if learned}


def _sources(both: Sequence[Mapping[str, Any]], hom: str) -> set[str]:
    return {edge["src"] for homs in both for edge in homs.get(hom, ())}


def _policy(path: Sequence[Step]) -> Verdict:
    if path[0] == "distribution" and path[-1] in SPREAD:
        return "training", ""
    if path[0] == "network":
        return "policy-io", "the network is another"
    return "policy-io", "what the policy's output means"


def _measures(value: Any) -> bool:
    """Whether a value says how much and not what: a quantity, lists of them, or nothing."""
    if value is ABSENT or value is None:
        return True
    if isinstance(value, dict):
        return all(map(_measures, cast("dict[str, Any]", value).values()))
    if isinstance(value, list):
        return all(map(_measures, cast("list[Any]", value)))
    if isinstance(value, bool | int):
        return False
    try:
        parse(value)
    except QuantityError:
        return False
    return True

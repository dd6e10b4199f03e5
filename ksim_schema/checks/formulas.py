"""What formulas can be, and what their authors hardly mean by that."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise

from ksim_schema.checks.formula_words import (
    Known,
    Law,
    Places,
    anywhere,
    at_state,
    dimension_of,
    in_degrees,
    text_of,
    told_range,
    unused,
)
from ksim_schema.checks.gates import gate_laws
from ksim_schema.checks.ranges import Ranges, table
from ksim_schema.checks.reach import climbs, formulated, reach, states, surroundings
from ksim_schema.diagnostics import Diagnostic
from ksim_schema.diagnostics.codes.typed import (
    FORMULA_NEVER_CHANGES,
    KERNEL_IS_FLAT,
    PAYS_FOR_AN_ERROR,
    RUNAWAY_EXPONENTIAL,
    TARGET_OUT_OF_REACH,
    UNDEFINED_FORMULA,
    UNUSED_TERM,
)
from ksim_schema.robot import RobotFacts
from ksim_schema.task import Task
from ksim_schema.units import LENGTH, SPEED
from ksim_schema.units.formula import Expression, FormulaError, spelt
from ksim_schema.units.formula_range import guarded, range_of, value_of, within
from ksim_schema.units.formula_tree import COMPARISONS
from ksim_schema.units.interval import Interval
from ksim_schema.vocabulary.formula import Source
from ksim_schema.vocabulary.reward.formula import Formula
from ksim_schema.vocabulary.reward.gate import Gate

SAME = 1e-6
"""Relative width of a range that counts as one value: formulas are computed in single precision."""
FLAT = 1e-3
"""Share of its peak below which a kernel teaches nothing."""
HUGE = 1e3
"""Above this, an exponential is none of the usual kernels."""
_NO_QUANTITY = "this names no quantity, so it is the same at each tick"
_NEVER: tuple[float, dict[str, float]] = (0.0, {})
MISSED = 0.1
"""How far a target must lie beyond what can be, as a share of the width of that."""


def formula_laws(task: Task, robot: RobotFacts, places: Places = anywhere) -> Iterator[Diagnostic]:
    """Warn of formulas that are undefined, unbounded, constant, flat, or of the wrong sign.

    Of each formula, what is found first is reported: the rest often follows from it.

    Args:
        task: the task.
        robot: the facts of its robot.
        places: where bodies and sites can be. What ends an episode may be there for a simulation
            that has gone astray, so that of it only what is certain counts.
    """
    around = surroundings(task, robot)
    formulas = list(formulated(task))
    found = table(task, robot) if formulas else {}
    leaning = _leaning(found, robot)
    lasting = dict(_lasting(found))
    for place, part in formulas:
        try:
            tree = part.read(robot, around)
        except FormulaError:
            continue  # it is reported where formulas are read
        for name in unused(part):
            message = f"the term {name!r} is named, and never used"
            help = "take it out, or use it in the formula"
            at = (*place[:-1], "let", name)
            yield task.report_key(UNUSED_TERM, message, *at, help=help)
        known = part.sources(robot, around)
        about = Known(
            tree,
            known,
            reach(task, robot, {name: known[name] for name in tree.quantities()})
            | dict(places(tree.quantities(), place[0] == "Termination")),
            leaning,
            lasting,
        )
        if isinstance(part, Gate):
            laws = gate_laws(about, found, robot)
        else:
            laws = _laws(about) if isinstance(part, Formula) else _values(about)
        law = next(laws, None)
        if law is not None:
            yield task.report(law.code, law.message, *place, help=law.help)


def _leaning(found: Mapping[str, Ranges], robot: RobotFacts) -> float:
    """The tilt of the base in rad above which episodes end."""
    ranges = found.get(f"body.{robot.root}.tilt")
    lasting = ranges.lasting if ranges and ranges.says("ends") else None
    return lasting.high if lasting else math.inf


def _lasting(found: Mapping[str, Ranges]) -> Iterator[tuple[str, Interval]]:
    """Joints that end episodes to both sides of where they begin, with where these go on."""
    for name, ranges in found.items():
        joint = name.startswith("joint.") and ranges.says("ends") and ranges.start.bounded
        lasting = ranges.lasting if joint else None
        if lasting and lasting.bounded and lasting.low < ranges.start.middle < lasting.high:
            yield name, lasting


def _laws(known: Known) -> Iterator[Law]:
    yield from _undefined(known)
    yield from _runaway(known)
    yield from _missed(known)
    yield from _flat(known)
    yield from _constant(known)
    yield from _pays(known)
    yield from _pays_against_command(known)
    yield from _pays_for_leaning(known)
    yield from _pays_for_failing(known)


def _values(known: Known) -> Iterator[Law]:
    """Of formulas that nothing is paid for."""
    if not known.tree.quantities():
        yield Law(FORMULA_NEVER_CHANGES, _NO_QUANTITY, "name what it is measured by")
    yield from _undefined(known)
    yield from _constant(known)


def _undefined(known: Known) -> Iterator[Law]:
    """Roots and logarithms of negative numbers, and division by 0."""
    drawn = states(known.reach, wild=False)
    for node, conditions in guarded(known.tree):
        inner = node.arguments[-1] if node.arguments else node
        if not inner.quantities():
            continue
        root = node.op == "sqrt" or (node.op == "**" and node.value % 1.0 != 0.0)
        divides = node.op == "/" or (node.op == "**" and node.value < 0.0)
        if not root and not divides and node.op != "log":
            continue
        counted = [s for s in drawn if all(value_of(c, s).low > 0.0 for c in conditions)]
        values = [(value_of(inner, state), state) for state in counted]
        if root and (state := next((s for v, s in values if v.high < -1e-9), None)):
            what = f"a root of {text_of(inner)}, which is negative"
            help = "keep it from below 0: sqrt(max(..., 0)), or abs(...)"
            yield _undefined_at(what, inner, state, known, help)
        elif node.op == "log" and (state := next((s for v, s in values if v.high <= 1e-12), None)):
            what = f"a logarithm of {text_of(inner)}, which is not above 0"
            yield _undefined_at(what, inner, state, known, "keep it above 0: log(1 + ...)")
        elif divides:
            zero = next((s for v, s in values if v.contains(0.0) and v.width < 1e-9), None)
            if zero:
                what = f"a division by {text_of(inner)}, which is 0"
                help = "keep the divisor from 0: max(..., 0.1), or 1 + ..."
                yield _undefined_at(what, inner, zero, known, help)


def _undefined_at(
    what: str, inner: Expression, state: Mapping[str, float], known: Known, help: str
) -> Law:
    return Law(UNDEFINED_FORMULA, f"this has {what} at {at_state(inner, state, known)}", help)


def _runaway(known: Known) -> Iterator[Law]:
    """Exponentials that grow large, and with them the reward."""
    exponentials = [node for node in within(known.tree) if node.op == "exp" and node.quantities()]
    if not exponentials:
        return
    drawn = states(known.reach, wild=True)
    for node in exponentials:
        rows = [(value_of(node, state).low, state) for state in drawn if _huge(known.tree, state)]
        value, state = min((r for r in rows if r[0] > HUGE), key=lambda r: r[0], default=_NEVER)
        if state:
            message = f"{text_of(node)} grows, and the reward with it: it is {value:.2g} at "
            message += at_state(node, state, known)
            if all(value_of(node.arguments[0], state).high >= -1e-9 for state in drawn):
                help = "a kernel has a minus: exp(-...)"
            else:
                help = "a kernel falls to both sides: exp(-((...) / scale)**2), or exp(-abs(...))"
            yield Law(RUNAWAY_EXPONENTIAL, message, help)


def _huge(tree: Expression, state: Mapping[str, float]) -> bool:
    total = value_of(tree, state)
    return min(abs(total.low), abs(total.high)) > HUGE


def _missed(known: Known) -> Iterator[Law]:
    """Errors that are never 0, as their target lies outside of what can be."""
    for node in within(known.tree):
        if node.op == "tolerance":
            yield from _out_of_bounds(node, known)
        even = node.op == "**" and node.value % 2.0 == 0.0
        if not even and node.op not in ("abs", "square", "reduce_norm"):
            continue
        error = _bare(node.arguments[0])
        if error.op not in ("+", "-") or all(a.quantities() for a in error.arguments):
            continue
        can = range_of(error, known.reach)
        gap = max(can.low, -can.high)
        if can.bounded and gap > MISSED * can.width and can.width > 0.0:
            names = error.quantities()
            all_of = ", ".join(f"{spelt(n)} is {told_range(n, known)}" for n in names)
            message = f"{text_of(error)} is never 0: {all_of}"
            help = in_degrees(error, known) or "give a target that can be reached"
            yield Law(TARGET_OUT_OF_REACH, message, help)


def _out_of_bounds(node: Expression, known: Known) -> Iterator[Law]:
    """A tolerance whose bounds are never reached."""
    value, low, high, _ = node.arguments
    can = range_of(value, known.reach)
    over = math.inf if math.isinf(high.value) else range_of(high, known.reach).high
    under = -math.inf if math.isinf(low.value) else range_of(low, known.reach).low
    gap = max(can.low - over, under - can.high)
    if can.bounded and gap > MISSED * can.width > 0.0:
        all_of = ", ".join(f"{spelt(n)} is {told_range(n, known)}" for n in value.quantities())
        message = f"{text_of(value)} is never within the bounds of {text_of(node)}: {all_of}"
        help = in_degrees(node, known) or "give bounds that can be reached"
        yield Law(TARGET_OUT_OF_REACH, message, help)


def _bare(node: Expression) -> Expression:
    """A term without the numbers that it is multiplied with or divided by."""
    while node.op in ("neg", "/", "*"):
        rest = [a for a in node.arguments if a.quantities()]
        if len(rest) != 1 or (node.op == "/" and rest[0] is not node.arguments[0]):
            break
        node = rest[0]
    return node


def _flat(known: Known) -> Iterator[Law]:
    """Kernels of which next to nothing is left wherever the robot can be."""
    for node in within(known.tree):
        if node.op != "exp" or not node.quantities():
            continue
        most = range_of(node, known.reach).high
        if most < FLAT:
            message = f"{text_of(node)} is at most {most:.2g} in all that can be reached: "
            message += ", ".join(f"{spelt(n)} is {told_range(n, known)}" for n in node.quantities())
            help = "a wider scale, or a target that can be reached"
            yield Law(KERNEL_IS_FLAT, message, in_degrees(node, known) or help)


def _constant(known: Known) -> Iterator[Law]:
    """Terms that are the same whatever the robot does."""
    if not known.tree.quantities():
        message = _NO_QUANTITY
        help = "for a reward of going on use {kind: stay_alive}, for a cost of failures "
        yield Law(FORMULA_NEVER_CHANGES, message, help + "{kind: termination}")
    for node in within(known.tree):
        if node.op == "quantity" or not node.quantities():
            continue
        can = range_of(node, known.reach)
        largest = max(abs(can.low), abs(can.high))
        enough = FLAT if node.op == "exp" else SAME
        if can.bounded and can.width <= enough * largest:
            which = "always" if can.width <= SAME * largest else "hardly other than"
            message = f"{text_of(node)} is {which} {can.middle:.4g}"
            if node.op in COMPARISONS:
                message = f"{text_of(node)} {'always' if can.low > 0.5 else 'never'} holds"
            told = [f"{spelt(n)} is {told_range(n, known)}" for n in node.quantities()]
            message += f": {', '.join(told)}" if any("anything" not in t for t in told) else ""
            help = "give it a bound or a scale inside of what can be reached, or take it out"
            yield Law(FORMULA_NEVER_CHANGES, message, in_degrees(node, known) or help)


def _pays(known: Known) -> Iterator[Law]:
    """Formulas that rise without bound to both sides of a quantity, as penalties do."""
    drawn = states(known.reach, wild=False, count=12)
    for name in known.tree.quantities():
        if name == "time" or name == "base.tilt" or name.startswith("command."):
            continue
        if known.sources[name].bounds.bounded:
            continue  # an element of an axis is never beyond 1
        rises = _rises(known.tree, name, drawn)
        if not rises:
            continue
        at, steep = min(abs(least) for least, _ in rises), min(power for _, power in rises)
        if at < 0.02 and _may_pay(name, known.sources[name], steep):
            continue
        anyhow = name in ("base.left", "base.up") and "base.forward" in known.tree.quantities()
        if anyhow and _rises(known.tree, "base.forward", drawn):
            continue  # it pays for speed, whatever its direction
        place = (0.0 if at < 0.02 else rises[0][0]) + 10.0
        where = "the further it is from 0" if at < 0.02 else "the larger its error is"
        unit = f" {dimension_of(name, known)}".rstrip()
        far = value_of(known.tree, {**drawn[0], name: place}).middle
        message = f"this pays without bound for {spelt(name)}, {where} to either side: "
        message += f"{far:.3g} at {place:.3g}{unit}"
        help = "a penalty has a minus: -(...); a reward of an error is a kernel: exp(-(...)**2)"
        yield Law(PAYS_FOR_AN_ERROR, message, help)


def _may_pay(name: str, source: Source, steep: float) -> bool:
    """Whether going to both sides of 0 may be what is wanted: to turn, to run, to go far."""
    if source.kind == "position":
        return True
    if source.kind == "sensor" and source.quantity.dimension in (None, LENGTH, SPEED):
        return True
    return name in ("base.forward", "base.height") or (name == "base.turn" and steep < 1.5)


def _rises(tree: Expression, name: str, drawn: list[dict[str, float]]) -> list[tuple[float, float]]:
    """As :func:`_rise`, in each of some states; nothing where it does not rise in one."""
    found = [_rise(tree, name, state) for state in drawn]
    rising = [rise for rise in found if rise]
    return rising if len(rising) == len(found) else []


def _rise(tree: Expression, name: str, state: Mapping[str, float]) -> tuple[float, float] | None:
    """Where a formula is least along a quantity, and the power with which it rises from there.

    None where it does not rise without bound to both sides.
    """

    def value(x: float) -> float:
        return value_of(tree, {**state, name: x}).middle

    powers: list[float] = []
    for side in (1.0, -1.0):
        near, mid, far = (value(side * x) for x in (1e2, 1e3, 1e4))
        first, second = mid - near, far - mid
        if not (first > 0.0 and second > 0.5 * first and far < 1e30):
            return None
        powers.append(math.log10(second / first))
    grid = [i / 10.0 for i in range(-50, 51)]
    return min(grid, key=value), min(powers)


def _pays_against_command(known: Known) -> Iterator[Law]:
    """Formulas that are least where a command is followed."""
    drawn = states(known.reach, wild=False, count=12)
    for name, command in dict.fromkeys(_followed(known.tree)):
        if all(_least_at(known.tree, name, state[command], state) for state in drawn):
            message = f"this is least where {spelt(name)} is what {spelt(command)} asks, and rises "
            message += "with the error to either side"
            help = "a penalty has a minus: -abs(...); a reward is a kernel: exp(-(...)**2)"
            yield Law(PAYS_FOR_AN_ERROR, message, help)


def _followed(tree: Expression) -> Iterator[tuple[str, str]]:
    """What is compared with a command, and the command."""
    for node in within(tree):
        if node.op == "-" and all(a.op == "quantity" for a in node.arguments):
            first, second = (a.name for a in node.arguments)
            told = [name.startswith("command.") for name in (first, second)]
            if sum(told) == 1:
                yield (second, first) if told[0] else (first, second)


def _least_at(tree: Expression, name: str, x: float, state: Mapping[str, float]) -> bool:
    here = value_of(tree, {**state, name: x})
    beside = (value_of(tree, {**state, name: x + d}) for d in (-2.0, -0.5, 0.5, 2.0))
    return all(value.low >= here.high for value in beside) and any(
        value_of(tree, {**state, name: x + d}).low > here.high + 1e-6 for d in (-2.0, 2.0)
    )


def _pays_for_leaning(known: Known) -> Iterator[Law]:
    """Formulas that rise all the way to the tilt at which episodes end."""
    end, name = known.leaning, "base.tilt"
    if name not in known.tree.quantities() or not end < math.pi:
        return
    for state in states(known.reach, wild=False, count=12):
        tilts = [end * i / 12.0 for i in range(13)]
        values = [value_of(known.tree, {**state, name: tilt}).middle for tilt in tilts]
        if any(b <= a for a, b in pairwise(values)):
            return
    message = f"this rises with base.tilt all the way to {end:.3g} rad, where the episode ends"
    yield Law(PAYS_FOR_AN_ERROR, message, "a penalty has a minus: -(...)")


def _pays_for_failing(known: Known) -> Iterator[Law]:
    """Formulas that rise with a joint from the middle all the way to where episodes end."""
    for name in known.tree.quantities():
        within_ = known.lasting.get(name)
        if within_ is None:
            continue
        if climbs(known.tree, name, within_, states(known.reach, wild=False, count=12)):
            low, high = within_.low, within_.high
            unit = f" {dimension_of(name, known)}".rstrip()
            message = f"this rises with {spelt(name)} to both sides, all the way to {low:.3g} and "
            message += f"{high:.3g}{unit}, where the episode ends"
            yield Law(PAYS_FOR_AN_ERROR, message, "turn the sign, or let the episodes go on there")
            return

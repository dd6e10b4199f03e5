"""From a study's file to a study, with all that can be known of it without its task."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ksim_schema.diagnostics import Diagnostic, Sink, has_errors, in_order, suppress
from ksim_schema.diagnostics.codes.reading import NOT_A_MAPPING
from ksim_schema.diagnostics.codes.structure import BAD_NAME, WRONG_TYPE
from ksim_schema.diagnostics.codes.studies import (
    EMPTY_RANGE,
    EMPTY_STUDY,
    MANY_MAGNITUDES,
    MORE_THAN_BUDGET,
    NO_LOGARITHM,
    ODD_STEP,
    SAME_TWICE,
    SET_AND_SEARCHED,
    TWO_GOALS,
    UNKNOWN_FIRST,
    UNLIKE_ENDS,
)
from ksim_schema.records import dataclass
from ksim_schema.source import Document, Path_, dotted, read
from ksim_schema.source.files import start_text
from ksim_schema.source.plain import is_list, is_mapping
from ksim_schema.study.model import Grid, Listed, Range, Study, kinds_of
from ksim_schema.study.values import Choices, Searched, Span, number_of, text_of
from ksim_schema.task.validation import problems_of
from ksim_schema.units import Measured, describe, parse

M = TypeVar("M", bound=BaseModel)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
MAGNITUDES = 1000.0
"""A range over which the highest value is this many times the lowest has many magnitudes."""
MOST_TRIALS = 100_000
"""Most combinations of a grid."""


@dataclass(frozen=True)
class Checked:
    """A study's file after all checks that need no task.

    Attributes:
        study: the study, or None where the file could not be read as one.
        spaces: what is searched, in the order of the file.
        document: where it was read from; None where it could not be.
        diagnostics: what was found.
        sources: texts that the diagnostics point into.
    """

    study: Study | None
    spaces: tuple[Searched, ...]
    document: Document | None
    diagnostics: list[Diagnostic]
    sources: dict[str, str]


def check_file(path: Path, name: str | None = None) -> Checked:
    """Read and check a study's file.

    Args:
        path: the file.
        name: how to call it in messages; the path by default.
    """
    sink, called = Sink(), name or str(path)
    document = read(path, sink, name)
    if document is None:
        return Checked(None, (), None, sink.in_order(), {called: start_text(path)})
    document = _with_lists(document)
    sources = {called: document.text}
    study = _study(document, sink)
    spaces: list[Searched] = []
    if study is not None:
        for searched in study.search:
            space = _space(document, searched, study.search[searched], sink)
            if space is not None:
                spaces.append(space)
        whole = len(spaces) == len(study.search)
        sink.add(_paths(document, study))
        sink.add(_firsts(document, study, tuple(spaces) if whole else None))
        sink.add(_sizes(document, study, tuple(spaces) if whole else None))
    kept, _ = suppress.apply(sink.in_order(), sources)
    good = None if has_errors(kept) else study
    return Checked(good, tuple(spaces), document, kept, sources)


def silenced(found: list[Diagnostic], sources: Mapping[str, str]) -> list[Diagnostic]:
    """What comments leave of all that was found in a study and its task, in order."""
    kept, idle = suppress.apply(found, sources)
    return in_order([*kept, *([] if has_errors(kept) else idle)])


def _study(document: Document, sink: Sink) -> Study | None:
    data = document.data
    if not is_mapping(data):
        message = f"a study is a mapping, not {describe(data)}"
        help = "a study starts with 'study: <name>' and 'task: <file>'"
        sink.report(NOT_A_MAPPING, message, document.at(()), help=help)
        return None
    study = _valid(document, (), data, Study, sink)
    if study is None:
        return None
    if not _NAME.fullmatch(study.study):
        help = "use letters, digits, '_' and '-', beginning with a letter"
        where = document.at(("study",))
        sink.report(BAD_NAME, f"{study.study!r} is not a name", where, "study", help)
    if not study.search:
        help = "name a path and its values: 'PPO.entropy: {from: 0.0, to: 0.02}'"
        where = document.at(("search",), key=True)
        sink.report(EMPTY_STUDY, "this study searches nothing", where, "search", help)
    if (study.goal.maximize is None) == (study.goal.minimize is None):
        both = study.goal.maximize is not None
        message = "a study has one goal, and this has two" if both else "the study has no goal"
        where = document.at(("goal", "minimize") if both else ("goal",), key=True)
        help = "write for example 'goal: {maximize: success}'"
        sink.report(TWO_GOALS, message, where, "goal", help)
    for number, seed in enumerate(study.seeds):
        if seed in study.seeds[:number]:
            message, where = f"the seed {seed} stands twice", document.at(("seeds", number))
            sink.report(SAME_TWICE, message, where, f"seeds[{number}]", "take one of the two out")
    return study


def _valid(document: Document, path: Path_, data: Any, model: type[M], sink: Sink) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        sink.add(problems_of(error, document, path, data, model))
        return None


def _space(document: Document, path: str, written: Any, sink: Sink) -> Searched | None:
    """What is searched of a path, or None where it makes no sense."""
    at: Path_ = ("search", path)
    if not is_mapping(written) and not is_list(written):
        message = f"what is searched is a range or choices, not {describe(written)}"
        help = "write for example {from: 0.1, to: 10.0, log: true} or [0.5, 1.0, 2.0]; one value "
        help += "alone belongs into 'set'"
        sink.report(WRONG_TYPE, message, document.at(at), dotted(at), help)
        return None
    kind = kinds_of(written)
    shown = {"choices": written} if is_list(written) else written
    model = _valid(document, at, shown, kind, sink)
    if isinstance(model, Listed):
        return _choices(document, path, model, sink)
    return _range(document, path, written, model, sink) if isinstance(model, Range) else None


def _with_lists(document: Document) -> Document:
    """A document that knows the places of lists that stand alone as those of ``choices``."""
    values = dict(document.values)
    for place, span in document.values.items():
        if len(place) >= 3 and place[0] == "search" and isinstance(place[2], int):
            values[(*place[:2], "choices", *place[2:])] = span
    return replace(document, values=values)


def _choices(document: Document, path: str, model: Listed, sink: Sink) -> Choices | None:
    seen: dict[str, int] = {}
    for number, value in enumerate(model.choices):
        text = text_of(value)
        if text in seen:
            at = ("search", path, "choices", number)
            message, help = f"the choice {text} stands twice", "take one of the two out"
            sink.report(SAME_TWICE, message, document.at(at), dotted(at), help)
            return None
        seen[text] = number
    return Choices(path, model.choices)


def _range(document: Document, path: str, written: Any, model: Range, sink: Sink) -> Span | None:
    at: Path_ = ("search", path)
    ends = {"from": parse(model.from_), "to": parse(model.to)}
    if model.step is not None:
        ends["step"] = parse(model.step)
    zero = {name for name, end in ends.items() if float(end) == 0.0 and name != "step"}
    units = {name: end.dimension for name, end in ends.items() if name not in zero}
    first = next(iter(units), "from")
    for name, unit in units.items():
        if unit != units[first]:
            message = f"{text_of(written[name])} is {_phrase(ends[name])}, but "
            message += f"{text_of(written[first])} is {_phrase(ends[first])}"
            help = "give both ends in units of one kind"
            sink.report(UNLIKE_ENDS, message, document.at((*at, name)), dotted((*at, name)), help)
            return None
    unit = number_of(written[first])[1]
    if "from" not in zero:
        unit = number_of(written["from"])[1]
    low, high = (
        0.0 if name in zero else number_of(written[name], unit)[0] for name in ("from", "to")
    )
    step = number_of(written["step"], unit)[0] if model.step is not None else None
    problems = Sink()
    problems.add(_room(document, at, low, high, written))
    if not problems.failed:
        problems.add(_steps(document, at, low, high, step, model.log))
    sink.add(problems)
    if problems.failed:
        return None
    integers = all(isinstance(written[name], int) for name in ends)
    texts = (text_of(written["from"]), text_of(written["to"]))
    return Span(path, low, high, unit, model.log, step, integers, texts=texts)


def _phrase(value: Measured) -> str:
    text = value.dimension.phrase
    return "a plain number" if not str(value.dimension) else text


def _room(
    document: Document, at: Path_, low: float, high: float, written: Any
) -> Iterator[Diagnostic]:
    shown = f"from {text_of(written['from'])} to {text_of(written['to'])}"
    if low == high:
        message = f"the range {shown} holds one value"
        place = (*at, "to")
        help = "a single value belongs into 'set'"
        yield Diagnostic(EMPTY_RANGE, message, document.at(place), dotted(place), help)
    elif low > high:
        place = (*at, "to")
        message = f"the range runs {shown}, but the lower end comes first"
        yield Diagnostic(EMPTY_RANGE, message, document.at(place), dotted(place), "swap the two")


def _steps(
    document: Document, at: Path_, low: float, high: float, step: float | None, log: bool
) -> Iterator[Diagnostic]:
    def told(code: Any, field: str, message: str, help: str) -> Diagnostic:
        return Diagnostic(code, message, document.at((*at, field)), dotted((*at, field)), help)

    if log and low <= 0.0:
        message = f"a logarithmic range begins above 0, not at {low:g}"
        yield told(NO_LOGARITHM, "from", message, "begin a little above 0, or leave 'log' out")
    if not log and step is None and low > 0.0 and high / low >= MAGNITUDES:
        message = f"from {low:g} to {high:g} are {high / low:,.0f} times, in even steps"
        yield told(MANY_MAGNITUDES, "from", message, "add 'log: true'")
    if step is None:
        return
    if log:
        yield told(ODD_STEP, "step", "a logarithmic range has no steps", "take one of the two out")
    elif step <= 0.0:
        yield told(ODD_STEP, "step", f"a step is more than 0, not {step:g}", "give its size")
    elif step > high - low:
        message = f"a step of {step:g} is longer than its range, {high - low:g}"
        yield told(ODD_STEP, "step", message, "give a shorter one, or list 'choices'")


def _paths(document: Document, study: Study) -> Iterator[Diagnostic]:
    """No path is searched twice, nor set and searched."""
    searched = list(study.search)
    for number, path in enumerate(searched):
        steps = path.split(".")
        for other, where in (
            *((other, ("search", other)) for other in searched[:number]),
            *((other, ("set", other)) for other in study.set),
        ):
            others = other.split(".")
            shorter = min(len(steps), len(others))
            if steps[:shorter] == others[:shorter]:
                verb = where[0].replace("search", "searched")
                message = f"{path} is searched here, and {other} is {verb} as well"
                if other == path:
                    message = f"{path} is searched, and set as well"
                place = document.at(("search", path), key=True)
                help = "keep one of the two"
                yield Diagnostic(SET_AND_SEARCHED, message, place, dotted(("search", path)), help)
                break


def _firsts(
    document: Document, study: Study, spaces: tuple[Searched, ...] | None
) -> Iterator[Diagnostic]:
    """The trials to begin with are within what is searched."""
    if spaces is None:
        return
    known = {space.path: space for space in spaces}
    for number, trial in enumerate(study.first):
        for path, value in trial.items():
            at = ("first", number, path)
            space = known.get(path)
            if space is None:
                from ksim_schema.diagnostics import did_you_mean

                help = did_you_mean(path, known, of="searched")
                message = f"{path} is not searched"
                yield Diagnostic(
                    UNKNOWN_FIRST, message, document.at(at, key=True), dotted(at), help
                )
            elif not inside(space, value):
                message = f"{text_of(value)} is not within what is searched of {path}"
                help = "give a value of the range, or of the choices"
                yield Diagnostic(UNKNOWN_FIRST, message, document.at(at), dotted(at), help)


def inside(space: Searched, value: Any) -> bool:
    """Whether a value, as it is written, is one of those that are searched."""
    if isinstance(space, Choices):
        return text_of(value) in space.texts()
    try:
        measured = parse(value)
    except ValueError:
        return False
    number = float(measured)
    if number and measured.dimension != parse(f"1 {space.unit}".rstrip()).dimension:
        return False
    return space.low <= (number_of(value, space.unit)[0] if number else 0.0) <= space.high


def _sizes(
    document: Document, study: Study, spaces: tuple[Searched, ...] | None
) -> Iterator[Diagnostic]:
    """A grid has steps, and no more trials than the budget."""
    trials, where = study.budget.trials, document.at(("budget", "trials"))
    if len(study.first) > trials:
        message = f"'first' lists {len(study.first)} trials, and the budget is {trials}"
        yield Diagnostic(MORE_THAN_BUDGET, message, where, "budget.trials", "raise it")
    if not isinstance(study.sampler, Grid) or spaces is None:
        return
    count = 1
    for space in spaces:
        grid = space.grid()
        if grid is None and isinstance(space, Span) and not space.integers:
            at = ("search", space.path)
            message = f"a grid has a step in each range, and {space.path} has none"
            help = "add 'step:', or list 'choices'"
            yield Diagnostic(ODD_STEP, message, document.at(at, key=True), dotted(at), help)
            return
        count *= len(grid) if grid else int((space.high - space.low) + 1)  # type: ignore[union-attr]
    if count > trials:
        message = f"the grid has {count:,} combinations, and the budget is {trials} trials"
        help = "raise it, or the first of them alone are trained"
        yield Diagnostic(MORE_THAN_BUDGET, message, where, "budget.trials", help)

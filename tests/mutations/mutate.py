"""Broken tasks, made from good ones by one edit each.

A mutation is an edit of the text at a place that the reader knows of, together with the lines at
which a report of it would be right: the edited line; for something that was taken out, the lines
that name it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from ksim_schema.diagnostics import Sink, Span
from ksim_schema.source import Document, Path_, parse
from ksim_schema.task import SECTIONS
from ksim_schema.vocabulary.base import KINDS, Spread

READ = 12
"""How many lines of a task are edited in a way that has to be read to know what it did."""


@dataclass(frozen=True)
class Mutation:
    """One edit of a task.

    Attributes:
        sort: what was done, for example ``swap-unit``.
        what: the place and the edit, for messages.
        text: the broken task.
        lines: where a report is at the right place.
    """

    sort: str
    what: str
    text: str
    lines: frozenset[int]


@cache
def document_of(text: str) -> Document:
    """A good task, read once for all that is done to it."""
    problems = Sink()
    document = parse(text, "task.yaml", problems)
    assert document is not None, problems
    return document


class Source:
    """A good task with its places."""

    def __init__(self, text: str, random: random.Random) -> None:
        self.text, self.document, self.random = text, document_of(text), random
        self.lines = text.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def value(self, path: Path_) -> Any:
        value = self.document.data
        for step in path:
            value = value[step]
        return value

    def offset(self, line: int, column: int) -> int:
        return self.starts[line - 1] + column - 1

    def leaves(self) -> Iterator[tuple[Path_, Any]]:
        """The scalars with their paths."""
        for path in self.document.values:
            value = self.value(path)
            if not isinstance(value, dict | tuple):
                yield path, value

    def lists(self) -> Iterator[tuple[Path_, tuple[Any, ...]]]:
        for path in self.document.values:
            value = self.value(path)
            if isinstance(value, tuple):
                yield path, value

    def replaced(self, span: Span, new: str) -> str:
        first = self.offset(span.line, span.column)
        return self.text[:first] + new + self.text[self.end(span) :]

    def end(self, span: Span) -> int:
        """Where a span ends. That of a block counts its characters from its first line."""
        end = self.offset(span.end_line, span.end_column)
        return min(end, len(self.text))

    def named(self, name: str, text: str) -> frozenset[int]:
        """The lines of a text in which a name stands as a word, and not as a key."""
        word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-]|:)")
        return frozenset(
            number
            for number, line in enumerate(text.splitlines(), start=1)
            if word.search(line.split("  #")[0])
        )

    def part_lines(self, path: Path_) -> range:
        """The lines of a part, or of a section."""
        key = self.document.keys[path]
        indent = key.column - 1
        last = key.line
        for number in range(key.line + 1, len(self.lines) + 1):
            line = self.lines[number - 1]
            if line.strip() and len(line) - len(line.lstrip()) <= indent:
                break
            if line.strip():
                last = number
        return range(key.line, last + 1)

    def without_lines(self, lines: range) -> str:
        return "".join(x for n, x in enumerate(self.lines, start=1) if n not in lines)


Mutator = Callable[[Source], Iterator[Mutation]]
MUTATORS: dict[str, Mutator] = {}


def mutator(function: Mutator) -> Mutator:
    MUTATORS[function.__name__.replace("_", "-")] = function
    return function


def at(source: Source, sort: str, path: Path_, new: str, *, key: bool = False) -> Mutation:
    """The value (or key) at a path replaced."""
    span = (source.document.keys if key else source.document.values)[path]
    text = source.replaced(span, new)
    what = f"{'.'.join(map(str, path))}{' (key)' if key else ''} -> {new[:40]}"
    return Mutation(sort, what, text, frozenset((span.line,)))


def misspelt(name: str, random: random.Random) -> str:
    """A name with a slip of the fingers in it."""
    place = random.randrange(len(name))
    other = random.choice("qzxjk")
    slips = [name[:place] + other + name[place:], name[:place] + other + name[place + 1 :]]
    if len(name) > 3:
        slips.append(name[:place] + name[place + 1 :])
        swapped = max(0, place - 1)
        slips.append(name[:swapped] + name[swapped : swapped + 2][::-1] + name[swapped + 2 :])
    wrong = [slip for slip in slips if slip != name and slip[0].isalpha()]
    return random.choice(wrong or [name + "q"])


QUANTITY = re.compile(r"([-+.\de]+) (\S+)")
NAMES = frozenset(
    ("geoms", "with", "sensor", "sensors", "body", "bodies", "site", "sites", "keyframe", "joints")
)
REFERENCES = {
    "act": "Action",
    "read": "Observation",
    "clean": "Observation",
    "noisy": "Observation",
    "contact": "Observation",
    "obey": "Command",
    "command": "Command",
}
WORDS = frozenset(("kind", "relative_to", "around", "frame", "activation", *NAMES, *REFERENCES))
PROSE = frozenset(("about", "task", "model"))


def field_of(path: Path_) -> str:
    return str(next(step for step in reversed(path) if isinstance(step, str)))


@mutator
def misspell_a_section(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) == 1 and path[0] in (*SECTIONS, "PPO", "about"):
            yield at(s, "section", path, misspelt(str(path[0]), s.random), key=True)
            yield at(s, "section", path, str(path[0]).lower() + "s", key=True)


@mutator
def misspell_a_field(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) > 2 or (path[0] == "PPO" and len(path) > 1):
            mutation = at(s, "field", path, misspelt(str(path[-1]), s.random), key=True)
            owner = s.document.keys.get(path[:-1])  # the field may be one that is needed
            yield mutation if owner is None else with_line(mutation, owner.line)
            yield at(s, "field", path, str(path[-1]).upper(), key=True)


def with_line(mutation: Mutation, *lines: int) -> Mutation:
    lines_ = mutation.lines.union(lines)
    return Mutation(mutation.sort, mutation.what, mutation.text, lines_)


@mutator
def misspell_a_name(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if isinstance(value, str) and field_of(path) in WORDS and value != ".*":
            yield at(s, "name", path, misspelt(value, s.random))
            yield at(s, "name", path, value + "_2")


@mutator
def rename_a_part(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) == 2 and path[0] in SECTIONS:
            mutation = at(s, "rename", path, str(path[1]) + "_x", key=True)
            named = s.named(str(path[1]), mutation.text) & references(s, str(path[0]))
            if named:
                yield Mutation("rename", mutation.what, mutation.text, named)


def references(s: Source, object: str) -> frozenset[int]:
    """The lines in which parts of an object are named."""
    return frozenset(
        s.document.values[path].line
        for path, _ in s.leaves()
        if REFERENCES.get(field_of(path)) == object
    )


@mutator
def drop_a_part(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) == 2 and path[0] in SECTIONS:
            gone = s.part_lines(path)
            named = s.named(str(path[1]), s.text) & references(s, str(path[0]))
            left = frozenset(n if n < gone.start else n - len(gone) for n in named - set(gone))
            if left:
                yield Mutation("drop-part", ".".join(map(str, path)), s.without_lines(gone), left)


@mutator
def drop_a_needed_section(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) == 1 and path[0] in ("PhysicsState", "Observation", "Action", "Policy"):
            text = s.without_lines(s.part_lines(path))
            every = frozenset(range(1, text.count("\n") + 2))
            yield Mutation("drop-section", str(path[0]), text, every)


NEEDED = {
    ("PhysicsState", "model"),
    ("PhysicsState", "control"),
    ("Action", "gains"),
    ("Reward", "command"),
    ("Termination", "height"),
    ("Termination", "max_tilt"),
    ("Termination", "after"),
    ("Termination", "range"),
    ("Reset", "range"),
    ("Observation", "kind"),
    ("Reward", "kind"),
    ("Action", "kind"),
    ("Command", "kind"),
    ("Termination", "kind"),
    ("Observation", "sensor"),
    ("Observation", "geoms"),
    ("Observation", "period"),
    ("Reward", "sites"),
}


@mutator
def drop_a_needed_field(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) == 3 and (path[0], path[2]) in NEEDED:
            text = without_field(s, path)
            lines = (s.document.keys[path[:2]].line, s.document.keys[path].line)
            yield Mutation("drop-field", ".".join(map(str, path)), text, frozenset(lines))


def without_field(s: Source, path: Path_) -> str:
    key, value = s.document.keys[path], s.document.values[path]
    if s.lines[key.line - 1][: key.column - 1].strip() == "":
        return s.without_lines(s.part_lines(path))
    first, last = s.offset(key.line, key.column), s.end(value)
    after = re.match(r"\s*,\s*", s.text[last:])
    if after:
        return s.text[:first] + s.text[last + after.end() :]
    before = re.search(r",\s*$", s.text[:first])
    return s.text[: before.start() if before else first] + s.text[last:]


UNITS = ("m", "kg", "s", "rad", "N", "Hz", "m/s", "N*m", "kg*m^2")


@mutator
def swap_a_unit(s: Source) -> Iterator[Mutation]:
    from ksim_schema.units import FREQUENCY, TIME, parse_unit

    for path, value in s.leaves():
        match = QUANTITY.fullmatch(str(value))
        if match and isinstance(value, str):
            old = parse_unit(match[2])[1]
            either = {TIME, FREQUENCY} if field_of(path) == "control" else {old}
            wrong = [u for u in UNITS if parse_unit(u)[1] not in {old, *either}]
            if float(match[1]):
                yield at(s, "unit", path, f"{match[1]} {s.random.choice(wrong)}")
                yield at(s, "unit", path, f"{match[1]} {misspelt(match[2], s.random)}q")


@mutator
def drop_a_unit(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        match = QUANTITY.fullmatch(str(value))
        if match and isinstance(value, str) and float(match[1]):
            yield at(s, "no-unit", path, match[1])


@mutator
def add_a_unit(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and value and path[0] != "ksim":
            yield at(s, "a-unit", path, f"{value} kg")


@mutator
def close_a_cycle(s: Source) -> Iterator[Mutation]:
    if "PhysicsState" not in s.document.data:
        return  # it is in the task that this one extends
    state = next(iter(s.document.data["PhysicsState"]))
    read = [p for p, _ in s.leaves() if field_of(p) == "read"]
    last = len(s.lines)
    for path in read:
        name = s.value(path)
        edge = f"{{src: {state}.next, tgt: {name}}}"
        kind = s.document.data["Observation"][name]["kind"]
        if kind in ("last_action", "phase_clock"):
            continue
        text = f"{s.text}morphisms:\n  observe:\n    - {edge}\n"
        yield Mutation("cycle", f"observe {name}", text, frozenset((last + 3,)))


@mutator
def duplicate_a_key(s: Source) -> Iterator[Mutation]:
    for path, key in s.document.keys.items():
        rows = s.part_lines(path)
        block = s.lines[key.line - 1][: key.column - 1].strip() == ""
        if block:
            copy = "".join(s.lines[rows.start - 1 : rows.stop - 1])
            head, tail = s.lines[: rows.stop - 1], s.lines[rows.stop - 1 :]
            text = "".join(head) + copy + "".join(tail)
            lines = frozenset((rows.start, rows.stop))
        else:
            value = s.document.values[path]
            end = s.end(value)
            entry = s.text[s.offset(key.line, key.column) : end]
            text = f"{s.text[:end]}, {entry}{s.text[end:]}"
            lines = frozenset((key.line, value.end_line))
        yield Mutation("duplicate", ".".join(map(str, path)), text, lines)


@mutator
def name_a_part_twice(s: Source) -> Iterator[Mutation]:
    for path, items in s.lists():
        if field_of(path) in ("read", "clean", "geoms", "sites") and items:
            span = s.document.values[(*path, len(items) - 1)]
            new = f"{items[-1]}, {items[0] if len(items) > 1 else items[-1]}"
            text = s.replaced(span, new)
            what = ".".join(map(str, path))
            yield Mutation("named-twice", what, text, frozenset((span.line,)))


@mutator
def flip_a_range(s: Source) -> Iterator[Mutation]:
    for path, items in s.lists():
        if "tiles" in path:
            continue  # it goes from the first level to the last, either way
        if len(items) == 2 and QUANTITY.fullmatch(str(items[0])) and items[0] != items[1]:
            yield at(s, "flipped", path, f"[{items[1]}, {items[0]}]")


@mutator
def a_probability_over_one(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if path in (("PPO", "gamma"), ("PPO", "lam")):
            yield at(s, "probability", path, s.random.choice(("1.5", "97", "-0.1", "101 %")))
        if len(path) == 3 and path[0] in ("Action", "Command") and path[2] == "kind":
            field = "drop" if path[0] == "Action" else "switch"
            kind = s.value(path)
            line = s.document.values[path].line
            text = s.replaced(s.document.values[path], f"{kind}\n    {field}: 1.5")
            yield Mutation("probability", f"{path} {field}", text, frozenset((line + 1,)))


POSITIVE = frozenset(
    [
        "timestep",
        "control",
        "period",
        "error_scale",
        "height",
        "kp",
        "kd",
        "max_tilt",
        "after",
        "rollout",
        "envs",
        "epochs",
        "minibatches",
        "start",
        "adaptive_kl",
        "min",
        "init_std",
        "iterations",
        "ls_iterations",
        "hidden",
        "steps",
        "resample",
        "uniform",
        "gaussian",
    ]
)


@mutator
def a_negative_number(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        scale = path[0] == "Reward" and field_of(path) == "scale"
        if path[0] != "ksim" and (scale or field_of(path) in POSITIVE) and value is not None:
            if path[0] == "Termination" and field_of(path) == "height":
                continue  # a height may be below the world's zero
            yield at(s, "negative", path, f"-{value}")


@mutator
def zero(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if field_of(path) in POSITIVE - {"height", "kd", "uniform", "gaussian"}:
            new = re.sub(r"^[-+.\de]+", "0", str(value))
            yield at(s, "zero", path, new)
        if path[0] == "Reward" and field_of(path) == "scale":
            yield at(s, "zero", path, "0")


@mutator
def a_wrong_type(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        name = field_of(path)
        if isinstance(value, int | float) or QUANTITY.fullmatch(str(value)):
            yield at(s, "type", path, s.random.choice(("many", "true", "{a: 1}", "'x y'")))
        elif name not in PROSE:
            yield at(s, "type", path, s.random.choice(("17", "3.5", "true", "{a: 1}")))
        else:
            yield at(s, "type", path, s.random.choice(("[1]", "{a: 1}", "17")))
    for path in s.document.values:
        if isinstance(s.value(path), dict) and path and len(path) != 1:
            key = s.document.keys[path]
            rows = s.part_lines(path)
            if rows.stop - rows.start == 1 and s.text[s.end(s.document.values[path]) - 1] == "}":
                new = s.random.choice(("17", "some text", "[1, 2]"))
                yield with_line(at(s, "type", path, new), key.line)


@mutator
def a_list_instead_of_a_scalar(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        single = not isinstance(path[-1], int)
        if single and field_of(path) not in (*NAMES, *REFERENCES, "hidden", "range"):
            yield at(s, "list", path, f"[{value}, {value}, {value}]")


PAIR = get_args(Spread)[1]  # makes a range of one value


def takes_one_value(s: Source, path: Path_) -> bool:
    """Whether a field that takes a range takes a single value too, see ``Spread``."""
    if len(path) != 3:
        return False
    section, part, name = map(str, path)
    kind = s.value((section, part)).get("kind")
    fields = KINDS[section][kind].model_fields if kind in KINDS.get(section, {}) else {}
    if name not in fields:
        return False
    optional = (getattr(choice, "__metadata__", ()) for choice in get_args(fields[name].annotation))
    return any(PAIR in metadata for metadata in (fields[name].metadata, *optional))


@mutator
def a_scalar_instead_of_a_list(s: Source) -> Iterator[Mutation]:
    for path, items in s.lists():
        if "tiles" in path:
            continue  # one value is that of all levels
        if QUANTITY.fullmatch(str(items[0])) and not takes_one_value(s, path):
            yield at(s, "scalar", path, str(items[1]))
        elif field_of(path) == "hidden":
            yield at(s, "scalar", path, str(items[0]))


@mutator
def a_list_of_another_length(s: Source) -> Iterator[Mutation]:
    for path, items in s.lists():
        if QUANTITY.fullmatch(str(items[0])):
            yield at(s, "length", path, f"[{items[0]}]")
            yield at(s, "length", path, f"[{items[0]}, {items[1]}, {items[1]}]")
        if path[-1] not in ("hidden", "head"):  # a network may have no hidden layer
            yield at(s, "length", path, "[]")


@mutator
def nothing(s: Source) -> Iterator[Mutation]:
    for path, _ in s.leaves():
        if not isinstance(path[-1], int):
            yield at(s, "empty", path, "")
    for path in s.document.values:
        if isinstance(s.value(path), dict) and len(path) == 1:
            rows = s.part_lines(path)
            text = s.without_lines(range(rows.start + 1, rows.stop))
            every = frozenset(range(1, text.count("\n") + 2))
            if path[0] not in ("Reset", "PPO"):
                yield Mutation("empty", str(path[0]), text, every)


def blocks(s: Source) -> Iterator[int]:
    """The lines that are indented and begin an entry."""
    for number, line in enumerate(s.lines, start=1):
        if line.startswith(" ") and re.match(r"\s+[\w-]+:", line):
            yield number


def some_blocks(s: Source) -> Iterator[int]:
    """Some of them, for edits whose text has to be read before it is known what they did."""
    every = list(blocks(s))
    yield from sorted(s.random.sample(every, min(READ, len(every))))


def same_meaning(s: Source, mutation: Mutation) -> bool:
    """Whether an edit left the data as it was."""
    problems = Sink()
    document = parse(mutation.text, "task.yaml", problems)
    return document is not None and not problems and document.data == s.document.data


def edited(s: Source, sort: str, number: int, new: str, *lines: int) -> Mutation:
    text = "".join([*s.lines[: number - 1], new, *s.lines[number:]])
    return Mutation(sort, f"line {number}", text, frozenset((number, *lines)))


@mutator
def tab_indentation(s: Source) -> Iterator[Mutation]:
    for number in some_blocks(s):
        line = s.lines[number - 1]
        mutation = edited(s, "tab", number, "\t" + line.lstrip())
        if not same_meaning(s, mutation):
            yield mutation


@mutator
def wrong_indentation(s: Source) -> Iterator[Mutation]:
    for number in some_blocks(s):
        line = s.lines[number - 1]
        near = (number - 1, number + 1)
        for new in (" " + line, line[1:]):
            mutation = edited(s, "indent", number, new, *near)
            if not same_meaning(s, mutation):
                yield mutation


@mutator
def unbalanced_brackets(s: Source) -> Iterator[Mutation]:
    for number, line in enumerate(s.lines, start=1):
        code = line.split("  #")[0]
        places = [i for i, c in enumerate(code) if c in "[]{}"]
        for place in places:
            one_line = code.count("[") == code.count("]") and code.count("{") == code.count("}")
            if one_line:
                new = line[:place] + line[place + 1 :]
                yield edited(s, "bracket", number, new)
        if places and code.rstrip()[-1] in "]}":
            yield edited(s, "bracket", number, code.rstrip() + code.rstrip()[-1] + "\n")


@mutator
def a_missing_colon(s: Source) -> Iterator[Mutation]:
    for number in blocks(s):
        line = s.lines[number - 1]
        yield edited(s, "colon", number, line.replace(":", "", 1), number - 1, number + 1)
        if re.search(r":\s+\S", line):
            yield edited(s, "colon", number, re.sub(r":\s+", ":", line, count=1), number + 1)


@mutator
def an_open_quote(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        yield at(s, "quote", path, f'"{value}')


@mutator
def a_bad_control_period(s: Source) -> Iterator[Mutation]:
    for path, _ in s.leaves():
        if path[0] == "PhysicsState" and path[-1] == "control":
            for new in ("23.3 ms", "47 Hz", "1 us", "0 Hz", "-50 Hz", "50", "50 kHz"):
                yield at(s, "control", path, new)


@mutator
def minibatches_that_do_not_divide(s: Source) -> Iterator[Mutation]:
    for path, _ in s.leaves():
        if path == ("PPO", "minibatches"):
            for new in ("5", "7", "100003", "4.5"):
                yield at(s, "minibatches", path, new)
        if path == ("PPO", "envs"):
            mutation = at(s, "minibatches", path, "509")
            if 509 * s.document.data["PPO"]["rollout"] % s.document.data["PPO"]["minibatches"]:
                yield with_line(mutation, s.document.keys[("PPO", "minibatches")].line)


@mutator
def a_number_out_of_all_bounds(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        number = isinstance(value, int | float) or QUANTITY.fullmatch(str(value))
        if number and path != ("PPO", "steps"):
            for new in (".nan", ".inf", "-.inf", "1e400", "1e30", "9e99"):
                if new == "1e30" and isinstance(path[-1], int) and path[-1] == 0:
                    continue
                unit = re.sub(r"^[-+.\de]+", "", str(value))
                yield at(s, "huge", path, new + unit)


@mutator
def patterns(s: Source) -> Iterator[Mutation]:
    for path, _ in s.leaves():
        if field_of(path) == "joints":
            for new in ("nothing_.*", '"["', '"*"', '"(a"', '""', "'.*_elbow_of_nobody'"):
                yield at(s, "pattern", path, new)


@mutator
def other_kinds(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if path[-1] == "kind" and len(path) == 3:
            other = {"Observation": "stay_alive", "Reward": "mlp"}.get(str(path[0]), "contact")
            if other != value:
                yield at(s, "other-kind", path, other)


@mutator
def more_fields(s: Source) -> Iterator[Mutation]:
    for path in s.document.keys:
        if len(path) == 2 and path[0] in SECTIONS:
            key = s.document.keys[path]
            line = s.lines[key.line - 1].rstrip("\n")
            if line.rstrip().endswith("}"):
                new = line.rstrip()[:-1] + ", colour: red}\n"
                yield edited(s, "more", key.line, new)


@mutator
def what_is_not_in_the_language(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if path[0] in ("Reward", "Termination", "PPO") and not isinstance(path[-1], int):
            new = s.random.choice(("!!python/object:os.system x", "*nobody", "!include x", "<<"))
            if new != "<<":
                yield at(s, "language", path, new)
            else:
                yield at(s, "language", path, f"&a {value} {{")


@mutator
def files(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if path[0] == "PhysicsState" and path[-1] == "model":
            for new in ("robots/none.xml", str(value)[:-1], "..", "/dev/null", "robots", '""'):
                yield at(s, "file", path, new)
        if path == ("ksim",):
            for new in ("2", "0", "one", "1.5", ""):
                yield at(s, "file", path, new)


def mutations(text: str, seed: int) -> Iterator[Mutation]:
    """Every mutation of a task."""
    for name, make in MUTATORS.items():
        yield from make(Source(text, random.Random(f"{seed} {name}")))

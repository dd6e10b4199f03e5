# ruff: noqa: RUF001 - such characters are what some slips are made of
"""Slips of the fingers and habits of other languages, each made in a good task by one edit.

Unlike the mutations of mutate.py, what the author meant is certain, so a repair can be judged: the
repaired task means what the good one means.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

from ksim_schema.source import Path_
from ksim_schema.task import SECTIONS
from tests.mutations.source import NAMES, QUANTITY, REFERENCES, Mutation, Source, at, field_of

Slip = Callable[[Source], Iterator[Mutation]]
SLIPS: dict[str, Slip] = {}


def slip(function: Slip) -> Slip:
    SLIPS[function.__name__.replace("_", "-")] = function
    return function


def finger(name: str, random: random.Random) -> str:
    """A name with one letter too many, too few, or two exchanged, within a word of it."""
    words = list(re.finditer(r"[A-Za-z]{4,}", name))
    if not words:
        return name
    word = random.choice(words)
    place = random.randrange(word.start() + 1, word.end() - 1)
    slips = (
        name[:place] + name[place] + name[place:],
        name[:place] + name[place + 1 :],
        name[:place] + name[place + 1] + name[place] + name[place + 2 :],
        name[:place] + random.choice("qzxjk") + name[place + 1 :],
    )
    return random.choice([s for s in slips if s != name] or [name])


def keys(s: Source) -> Iterator[Path_]:
    """Keys that are words of the language."""
    for path in s.document.keys:
        if path[0] in ("about", "ksim", "task", "extends", "set", "remove", "morphisms"):
            continue
        named = len(path) == 2 and path[0] in SECTIONS
        if path[0] != "learner" and not named and not isinstance(path[-1], int):
            yield path


@slip
def a_misspelt_key(s: Source) -> Iterator[Mutation]:
    for path in keys(s):
        if finger(str(path[-1]), s.random) != path[-1]:
            yield at(s, "key", path, finger(str(path[-1]), s.random), key=True)


@slip
def a_key_in_another_case(s: Source) -> Iterator[Mutation]:
    for path in keys(s):
        name = str(path[-1])
        for new in (name.title(), name.upper(), re.sub(r"_(\w)", lambda m: m[1].upper(), name)):
            if new != name:
                yield at(s, "case", path, new, key=True)


@slip
def a_hyphen_for_an_underline(s: Source) -> Iterator[Mutation]:
    for path in keys(s):
        if "_" in str(path[-1]):
            yield at(s, "hyphen", path, str(path[-1]).replace("_", "-"), key=True)
    for path, value in s.leaves():
        if path[-1] == "kind" and "_" in str(value):
            yield at(s, "hyphen", path, value.replace("_", "-"))


@slip
def british_spelling(s: Source) -> Iterator[Mutation]:
    for path in keys(s):
        new = str(path[-1]).replace("ize", "ise").replace("color", "colour")
        if new != path[-1]:
            yield at(s, "british", path, new, key=True)


@slip
def a_misspelt_word(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        named = field_of(path) in NAMES | set(REFERENCES) | {"kind", "activation", "relative_to"}
        if named and isinstance(value, str) and value not in (".*", ""):
            new = finger(value, s.random)
            if new != value and not re.search(r"[.*\[\]|()]", value):
                yield at(s, "word", path, new)


@slip
def a_cyrillic_letter(s: Source) -> Iterator[Mutation]:
    pairs = {"a": "а", "e": "е", "o": "о", "c": "с", "p": "р", "x": "х"}
    for path in keys(s):
        name = str(path[-1])
        places = [n for n, c in enumerate(name) if c in pairs]
        if places:
            n = s.random.choice(places)
            yield at(s, "cyrillic", path, name[:n] + pairs[name[n]] + name[n + 1 :], key=True)
    for path, value in s.leaves():
        if field_of(path) in NAMES and isinstance(value, str) and "o" in value:
            yield at(s, "cyrillic", path, value.replace("o", "о", 1))


WORDS = {
    "s": ("sec", "seconds", "S"),
    "ms": ("msec", "MS"),
    "deg": ("degrees", "Deg", "°"),
    "rad": ("radians", "RAD"),
    "m": ("meters", "metres", "м"),
    "cm": ("centimeters", "CM"),
    "Hz": ("hz", "HZ", "hertz"),
    "m/s": ("m/sec", "m / S", "metres per second", "meters/second"),
    "rad/s": ("rad/sec", "Rad/s"),
    "N*m": ("N·m", "N.m", "Newton metres"),
    "N*m/rad": ("N·m/rad", "N m/rad", "Nm/Rad"),
    "N*m*s/rad": ("N.m.s/rad", "N m s/rad"),
    "kg": ("KG", "kilograms"),
}


@slip
def a_unit_by_another_name(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        match = QUANTITY.fullmatch(str(value))
        if match and isinstance(value, str):
            for other in WORDS.get(match[2], ()):
                yield at(s, "unit", path, f"{match[1]} {other}")


@slip
def no_unit_where_one_fits(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        match = QUANTITY.fullmatch(str(value))
        alone = field_of(path) in ("height", "speed", "error_scale", "above") and match
        if match and alone and match[2] in ("m", "m/s", "kg", "Hz") and float(match[1]):
            yield at(s, "no-unit", path, match[1])


@slip
def a_range_turned(s: Source) -> Iterator[Mutation]:
    for path, items in s.lists():
        measured = len(items) == 2 and QUANTITY.fullmatch(str(items[0]))
        if measured and items[0] != items[1] and not str(items[0]).startswith("-"):
            yield at(s, "turned", path, f"[{items[1]}, {items[0]}]")


@slip
def characters_of_a_word_processor(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        text = str(value)
        match = QUANTITY.fullmatch(text)
        if isinstance(value, bool) or value is None or path[0] in ("ksim", "about", "task"):
            continue
        if match or isinstance(value, int | float):
            if text.startswith("-"):
                yield at(s, "minus", path, "−" + text[1:])
            if match:
                yield at(s, "space", path, text.replace(" ", "\u00a0"))
            yield at(s, "digits", path, re.sub(r"\d", lambda d: chr(0xFF10 + int(d[0])), text))
        elif isinstance(value, str) and value.isidentifier():
            yield at(s, "quotes", path, f"“{value}”")


@slip
def marks_of_another_keyboard(s: Source) -> Iterator[Mutation]:
    for line in (n for n, x in enumerate(s.lines, start=1) if "  #" not in x):
        text = s.lines[line - 1]
        for mark, wide in ((", ", "， "), (": ", "： ")):
            if mark in text and not text.startswith(("about", "#")) and '"' not in text:
                new = text.replace(mark, wide, 1)
                yield Mutation(
                    "marks", f"line {line}", s.text.replace(text, new, 1), frozenset((line,))
                )


@slip
def thousands(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1000:
            for mark in "_' ":
                yield at(s, "thousands", path, f"{value:,}".replace(",", mark))
            if s.lines[s.document.values[path].line - 1].count("{") == 0:
                yield at(s, "thousands", path, f"{value:,}")


@slip
def a_decimal_comma(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        match = QUANTITY.fullmatch(str(value))
        row = s.lines[s.document.values[path].line - 1]
        if match and re.fullmatch(r"-?\d+\.\d{1,2}", match[1]) and "[" not in row:
            yield at(s, "comma", path, str(value).replace(".", ","))


@slip
def a_comment_without_a_space(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        match = QUANTITY.fullmatch(str(value))
        span = s.document.values[path]
        rest = s.lines[span.line - 1][span.end_column - 1 :].strip()
        if match and not rest:
            yield at(s, "comment", path, f"{value}# as measured")


@slip
def no_space_after_a_key(s: Source) -> Iterator[Mutation]:
    for path in keys(s):
        key, value = s.document.keys[path], s.document.values.get(path)
        if value is not None and value.line == key.line and value.column == key.end_column + 2:
            text = s.text[: s.end(key) + 1] + s.text[s.end(key) + 2 :]
            if s.text[s.end(key) + 2] not in "[{\"'":
                yield Mutation("no-space", ".".join(map(str, path)), text, frozenset((key.line,)))


@slip
def a_number_in_quotes(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if isinstance(value, int) and path[0] in ("PPO", "PhysicsState"):
            yield at(s, "quoted", path, f'"{value}"' if not isinstance(value, bool) else "'true'")


@slip
def words_of_yaml_1_1(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if isinstance(value, bool):
            for new in ("on", "yes", "Yes") if value else ("off", "no"):
                yield at(s, "truth", path, new)


@slip
def a_unit_after_a_list(s: Source) -> Iterator[Mutation]:
    for path, items in s.lists():
        matches = [QUANTITY.fullmatch(str(item)) for item in items]
        units = {m[2] for m in matches if m}
        if len(items) == 2 and all(matches) and len(units) == 1:
            numbers = ", ".join(m[1] for m in matches if m)
            yield at(s, "list-unit", path, f"[{numbers}] {units.pop()}")


@slip
def a_range_as_text(s: Source) -> Iterator[Mutation]:
    for path, items in s.lists():
        row = s.lines[s.document.values[path].line - 1]
        if len(items) == 2 and all(QUANTITY.fullmatch(str(item)) for item in items):
            yield at(s, "range-text", path, f"{items[0]} .. {items[1]}")
            if "{" not in row:
                yield at(s, "range-text", path, f"({items[0]}, {items[1]})")


@slip
def a_pattern_of_a_shell(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        if isinstance(value, str) and value.startswith(".*_") and value.count("*") == 1:
            yield at(s, "glob", path, value[1:])


@slip
def a_path_of_windows(s: Source) -> Iterator[Mutation]:
    for path, value in s.leaves():
        model = path[0] == "PhysicsState" and path[-1] == "model"
        if model and "/" in str(value) and ":" not in value:
            yield at(s, "windows", path, '"' + value.replace("/", "\\") + '"')


@slip
def a_tab(s: Source) -> Iterator[Mutation]:
    for line, text in enumerate(s.lines, start=1):
        if re.match(r"  \w+: \{", text):
            new = "\t" + text[2:]
            lines = [*s.lines[: line - 1], new, *s.lines[line:]]
            yield Mutation("tab", f"line {line}", "".join(lines), frozenset((line,)))


def slips(text: str, seed: int) -> Iterator[Mutation]:
    """Every slip in a task that changes what is read."""
    for name, make in SLIPS.items():
        for mutation in make(Source(text, random.Random(f"{seed} {name}"))):
            if mutation.text != text:
                yield mutation

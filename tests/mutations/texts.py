"""Slips in the text: tabs, indentation, brackets, colons, quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ksim_schema.diagnostics import Sink
from ksim_schema.source import parse
from tests.mutations.source import READ, Mutation, Source, at, edited, mutator


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

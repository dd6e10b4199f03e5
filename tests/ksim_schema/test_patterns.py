"""Patterns of names: what Python matches, in a time that does not explode."""

from __future__ import annotations

import re
import time

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from ksim_schema.robot.patterns import Pattern, PatternError

ATOMS = st.one_of(
    st.sampled_from(["a", "b", ".", "_", "[ab]", "[^a]", r"\w", r"\d", r"\b", "^", "$", ""]),
    st.sampled_from(["(?=a)", "(?!b)", "(?<=a)", "(?<!ab)", "(?i:A)"]),
)
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "*?", "{2}", "{1,3}", "{0,2}?"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
        inner.map(lambda text: f"(?=.*{text})"),
        inner.map(lambda text: f"(?!{text})"),
    ),
    max_leaves=8,
)


@settings(max_examples=600, deadline=None)
@given(PATTERNS, st.text("abA_1", max_size=7))
def test_a_pattern_matches_what_python_matches(text: str, name: str) -> None:
    assert Pattern(text).fullmatch(name) == bool(re.fullmatch(text, name))


@pytest.mark.parametrize(
    "text",
    [
        "(a?){40}a{40}",
        "(a*)*b",
        "(a|a)*b",
        "(a|aa)+$b",
        "a*a*a*a*a*a*a*a*b",
        "((a?){9}){9}a{60}",
        "(?=(a+)+b)a*",
        "(.*a){12}b",
        "(?:(?:a|b|ab)*)*c",
        "(a?){4000000000}b",
    ],
)
def test_no_pattern_takes_for_ever(text: str) -> None:
    begun = time.process_time()
    assert not Pattern(text).fullmatch("a" * 39 + "!")
    assert time.process_time() - begun < 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(a", "unterminated"),
        ("(a)\\1", "a reference to a group"),
        ("(a)?(?(1)b|c)", "a reference to a group"),
        ("(?>a*)b", "atomic or possessive"),
        ("a++", "atomic or possessive"),
        ("(?<=a*)b", "look-behind"),
        ("(" * 3000, "."),
        ("a{99999999999}", "too large"),
    ],
)
def test_what_is_not_a_pattern_is_refused(text: str, message: str) -> None:
    with pytest.raises(PatternError, match=message):
        Pattern(text)

"""Patterns with ``*`` and ``?``: a table, an oracle, and a text made to hurt."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.rules.pattern import MAX_TEXT, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("wpid_1", "wpid_1", True),
        ("wpid_1", "wpid_12", False),
        ("wpid_*", "wpid_", True),
        ("wpid_*", "wpid_123", True),
        ("wpid_*", "xwpid_123", False),
        ("*", "", True),
        ("*", "x" * (MAX_TEXT + 1), True),
        ("x*", "x" * (MAX_TEXT + 1), False),
        ("?", "x", True),
        ("?", "", False),
        ("w?id_?", "wpid_1", True),
        ("w?id_?", "wpid_12", False),
        ("w?id_?", "wpod_1", False),
        ("*_?1", "wpid_21", True),
        ("?*?", "x", False),
        ("a*b*c", "axbxc", True),
        ("a*b?d*e", "axbcdxe", True),
        ("a*b?d*e", "axbcexe", False),
        ("a*a", "a", False),
        ("a*b?d*e", "a-bcd-e", True),
        ("a*b?d*e", "a-bcc-e", False),
        ("a**b", "a-b", True),
        ("[ab]*", "a1", False),
        ("[ab]*", "[ab]1", True),
    ],
)
def test_table(pattern, text, matches):
    assert compile_pattern(pattern).matches(text) is matches


def oracle(pattern: str, text: str) -> bool:
    expression = "".join({"*": "[^~]*", "?": "[^~]"}.get(c, re.escape(c)) for c in pattern)
    return re.fullmatch(expression, text) is not None


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=12))
def test_as_a_regular_expression_says(pattern, text):
    assert compile_pattern(pattern).matches(text) is oracle(pattern, text)


def test_no_text_makes_it_slow():
    """A backtracking matcher would not end: some 10^40 ways to place the stars."""
    pattern = compile_pattern("*a?a" * 60 + "*b")
    assert not pattern.matches("a" * MAX_TEXT)

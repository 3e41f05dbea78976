"""What an expression asks for is read from it, whatever it looks like."""

import pytest

from tests.monitoring.promql import Grouping, Selector, groupings, selectors


@pytest.mark.parametrize(
    ("expr", "asked"),
    [
        ("up", [("up", {})]),
        ("a:b:rate5m{}", [("a:b:rate5m", {})]),
        ('x{a="b", c=~"d|e",f!="}"}', [("x", {"a": ("=", "b"), "c": ("=~", "d|e"), "f": ("!=", "}")})]),
        ("sum by (a, b) (rate(x_total[5m])) > 0", [("x_total", {})]),
        ("sum(rate(x[5m])) by (a) / on (a) group_left () y", [("x", {}), ("y", {})]),
        ("max_over_time(x[1h:1m]) and y offset 5m unless on (z) w", [("x", {}), ("y", {}), ("w", {})]),
        ("time() - x == bool 1e3", [("x", {})]),
        ('label_replace(0 * max(x), "a", "none", "", "") or vector(0)', [("x", {})]),
    ],
)  # fmt: skip
def test_series_are_found(expr, asked):
    assert selectors(expr) == [Selector(name, matchers) for name, matchers in asked]


def test_so_are_the_labels_that_it_groups_by():
    expr = "sum by (a, b) (x) / on (a) group_left () count without(c) (y)"
    assert groupings(expr) == [
        Grouping("by", ("a", "b")),
        Grouping("on", ("a",)),
        Grouping("group_left", ()),
        Grouping("without", ("c",)),
    ]


def test_a_selector_without_a_name_is_not_understood():
    with pytest.raises(ValueError, match="without a name"):
        selectors('{__name__="x"}')

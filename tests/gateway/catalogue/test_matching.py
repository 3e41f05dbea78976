"""Matching by the index says what the rules say, and cannot be made to grow."""

from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.catalogue.matching import matching_subscriptions
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.contract import Subscription
from hookgate_gateway.rules.lane import LaneLimits
from hookgate_gateway.rules.matching import MatchRule, matches
from hookgate_gateway.rules.retry import RetryPolicy
from tests.gateway.catalogue.world import SHOP
from tests.gateway.rules.test_matching import REPORTS, RULES, report


def snapshot(*rules: MatchRule) -> Snapshot:
    subscriptions = tuple(
        Subscription(
            namespace=SHOP,
            name=f"s{number}",
            match=rule,
            endpoint=None,
            signing=None,
            retry=RetryPolicy(),
            limits=LaneLimits(),
        )
        for number, rule in enumerate(rules)
    )
    return Snapshot(matching={SHOP: subscriptions})


@given(st.lists(RULES, max_size=12), st.lists(REPORTS, min_size=1, max_size=6))
def test_the_index_says_what_the_rules_say(rules, reports):
    catalogue = snapshot(*rules)
    for event in reports:
        found = matching_subscriptions(catalogue, SHOP, event)
        expected = [s for s in catalogue.matching[SHOP] if matches(s.match, event)]
        assert list(found) == expected


def test_words_that_no_rule_names_do_not_fill_memory():
    catalogue = snapshot(MatchRule(run_types=frozenset({"task_v1"})), MatchRule())
    for number in range(1000):
        event = report(f"made up {number}", f"too {number}")
        matching_subscriptions(catalogue, SHOP, event)
    assert len(catalogue.indexes[SHOP]._candidates) == 1


def test_a_namespace_without_subscriptions_leaves_no_trace():
    catalogue = snapshot(MatchRule())
    assert matching_subscriptions(catalogue, "nobody", report()) == ()
    assert list(catalogue.indexes) == []

"""
Which subscriptions of a namespace an event is for. On the path of every event: reads memory only.
"""

from hookgate_gateway.catalogue.index import MatchIndex
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.contract import Subscription
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.report import Report

__all__ = ["matching_subscriptions"]


def matching_subscriptions(
    snapshot: Snapshot, namespace: Namespace, report: Report
) -> tuple[Subscription, ...]:
    """Those that get the event, held ones included, in the snapshot's order."""
    index = snapshot.indexes.get(namespace)
    if index is None:
        subscriptions = snapshot.matching.get(namespace)
        if not subscriptions:
            return ()
        index = snapshot.indexes[namespace] = MatchIndex(subscriptions)
    return index.select(report)

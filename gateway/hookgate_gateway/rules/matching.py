"""
Which subscriptions an event is for, and why (not).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MatchRule:
    """What a subscription asks for. An empty set asks for everything."""

    run_types: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    workflow_ids: tuple[str, ...] = ()
    """Shell-style patterns (``*`` and ``?``) over any of a report's workflow ids."""
    interim: bool = False
    """Also reports that are not final."""

"""
The catalogue as a frozen value: what matching, authentication and dispatch read.

Built whole from the stored resources and swapped whole; nobody ever changes one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hookgate_gateway.catalogue.index import MatchIndex
from hookgate_gateway.contract import ApiKey, Source, Subscription
from hookgate_gateway.rules.delivery import Namespace


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request: an API-key Secret and which of its values."""

    key: ApiKey
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that was declared, at one revision."""

    revision: int = 0
    subscriptions: Mapping[tuple[Namespace, str], Subscription] = field(default_factory=dict)
    """Deleted ones within their grace included (hold ``Deleted``): they answer 404 and match nothing."""
    matching: Mapping[Namespace, tuple[Subscription, ...]] = field(default_factory=dict)
    """By namespace, those that new events are matched with (not the deleted ones)."""
    api_keys: Mapping[tuple[Namespace, str], ApiKey] = field(default_factory=dict)
    callers: Mapping[bytes, Caller] = field(default_factory=dict, repr=False)
    """By the SHA-256 of a key's value."""
    sources: Mapping[tuple[Namespace, str], Source] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    """What was refused although it is stored (a key known elsewhere): one sentence each."""
    indexes: dict[Namespace, MatchIndex] = field(default_factory=dict, repr=False, compare=False)
    """A memo of ``matching``, filled by ``matching_subscriptions`` at a namespace's first event."""

"""
From stored resources to the snapshot.

Functions of their arguments. Making one subscription is the dear part (its document is validated, its
Secrets are resolved), so it is done for each resource that changed; putting the snapshot together is
cheap. Which hold is shown when several apply: ``Deleted`` before ``Suspended`` before ``Gone`` before
``Unresolved`` before ``EndpointForbidden``. First what the owner decided, then what the receiver said,
then what is missing here: as each is lifted, the next one shows.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from pydantic import ValidationError

from hookgate.resources import WebhookSubscription, problem_lines
from hookgate_gateway.catalogue.keys import admit, source, stored_source
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.contract import ResourceKey, ResourceKind, Subscription
from hookgate_gateway.ports import StoredResource
from hookgate_gateway.resolution import (
    Resolved,
    Unresolved,
    limits,
    match_rule,
    resolve_spec,
    retry_policy,
)
from hookgate_gateway.rules.delivery import Hold, HoldReason, Namespace, Timestamp
from hookgate_gateway.rules.lane import LaneLimits
from hookgate_gateway.rules.matching import MatchRule
from hookgate_gateway.rules.retry import RetryPolicy
from hookgate_gateway.secret_values import values_of

__all__ = ["NOTHING", "Forbids", "Stored", "assemble", "build", "subscription"]

Forbids = Callable[[Namespace, str], str | None]
"""Why the egress rules refuse a URL whose host is a literal address; None for names and allowed ones."""

Stored = Mapping[ResourceKey, StoredResource]
_Key = tuple[Namespace, str]

NOTHING = MatchRule()
"""The rule (by identity) of a stored document that this version cannot read: it matches no event."""


def subscription(
    stored: StoredResource, forbids: Forbids, *, former: Subscription | None, now: Timestamp
) -> Subscription:
    """A stored WebhookSubscription as the gateway uses it; ``former`` says since when it is held."""
    try:
        spec = WebhookSubscription.model_validate(stored.document).spec
    except ValidationError as error:
        return _unreadable(stored, error, former, now)
    resolution = resolve_spec(stored.key.namespace, spec, values_of(stored.secrets))
    resolved = resolution if isinstance(resolution, Resolved) else None
    return Subscription(
        namespace=stored.key.namespace,
        name=stored.key.name,
        match=match_rule(spec),
        endpoint=resolved.endpoint if resolved else None,
        signing=resolved.signing if resolved else None,
        retry=retry_policy(spec),
        limits=limits(spec),
        hold=_hold(stored, resolution, forbids, former, now),
        resumed_at=stored.resumed_at,
        document=stored.document,
    )


def assemble(
    before: Snapshot,
    *,
    revision: int,
    subscriptions: Mapping[_Key, Subscription],
    removed: Collection[_Key] = (),
    stored: Stored,
    keys_changed: bool = True,
) -> Snapshot:
    """The snapshot after ``before``: ``subscriptions`` are those that changed, ``stored`` is everything."""
    every = {**before.subscriptions, **subscriptions}
    for key in removed:
        every.pop(key, None)
    touched = {namespace for namespace, _ in (*subscriptions, *removed)}
    after = replace(
        before,
        revision=revision,
        subscriptions=every,
        matching=_matching(before, every, touched),
        indexes={n: index for n, index in before.indexes.items() if n not in touched},
    )
    return _with_keys(after, stored) if keys_changed else after


def build(
    stored: Iterable[StoredResource], forbids: Forbids, *, revision: int, now: Timestamp
) -> Snapshot:
    """The snapshot of all that is stored, made in one go."""
    every = {resource.key: resource for resource in stored}
    return assemble(
        Snapshot(),
        revision=revision,
        subscriptions={
            (key.namespace, key.name): subscription(resource, forbids, former=None, now=now)
            for key, resource in every.items()
            if key.kind is ResourceKind.SUBSCRIPTION
        },
        stored=every,
    )


# -------------------------------------------------------------------------------- subscriptions


def _hold(
    stored: StoredResource,
    resolution: Resolved | Unresolved,
    forbids: Forbids,
    former: Subscription | None,
    now: Timestamp,
) -> Hold | None:
    if hold := _stored_hold(stored):
        return hold
    if isinstance(resolution, Unresolved):
        return _since(HoldReason.UNRESOLVED, "; ".join(resolution.reasons), former, now)
    if refusal := forbids(stored.key.namespace, resolution.endpoint.url):
        return _since(HoldReason.ENDPOINT_FORBIDDEN, refusal, former, now)
    return None


def _stored_hold(stored: StoredResource) -> Hold | None:
    """The holds whose beginning the store knows."""
    if stored.deleted_at is not None:
        return Hold(
            HoldReason.DELETED, stored.deleted_at, "deleted; its deliveries are cancelled soon"
        )
    if stored.suspended_at is not None:
        return Hold(HoldReason.SUSPENDED, stored.suspended_at, "spec.suspend is true")
    if stored.gone_at is not None:
        message = "the endpoint answered 410 Gone; edit the endpoint, or resume the subscription"
        return Hold(HoldReason.GONE, stored.gone_at, message)
    return None


def _since(reason: HoldReason, message: str, former: Subscription | None, now: Timestamp) -> Hold:
    """A hold that began when it was first seen."""
    if former and former.hold and former.hold.reason is reason:
        return Hold(reason, former.hold.since, message)
    return Hold(reason, now, message)


def _unreadable(
    stored: StoredResource, error: ValidationError, former: Subscription | None, now: Timestamp
) -> Subscription:
    # Only a store that another version wrote can hold such a document. Nothing of it is guessed.
    message = "; ".join(problem_lines(error, WebhookSubscription))
    return Subscription(
        namespace=stored.key.namespace,
        name=stored.key.name,
        match=NOTHING,
        endpoint=None,
        signing=None,
        retry=RetryPolicy(),
        limits=LaneLimits(),
        hold=_stored_hold(stored) or _since(HoldReason.UNRESOLVED, message, former, now),
        resumed_at=stored.resumed_at,
        document=stored.document,
    )


def _matching(
    before: Snapshot, subscriptions: Mapping[_Key, Subscription], touched: set[Namespace]
) -> dict[Namespace, tuple[Subscription, ...]]:
    mine: dict[Namespace, list[Subscription]] = {}
    for (namespace, _), candidate in subscriptions.items():
        if namespace in touched and _takes_events(candidate):
            mine.setdefault(namespace, []).append(candidate)
    matching = {n: known for n, known in before.matching.items() if n not in touched}
    for namespace, found in mine.items():
        matching[namespace] = tuple(sorted(found, key=lambda s: s.name))
    return matching


def _takes_events(subscription: Subscription) -> bool:
    deleted = subscription.hold is not None and subscription.hold.reason is HoldReason.DELETED
    return not deleted and subscription.match is not NOTHING


# ----------------------------------------------------------------------------- keys and sources


def _with_keys(snapshot: Snapshot, stored: Stored) -> Snapshot:
    """``snapshot`` with its API keys and sources made anew from all that is stored."""
    present = [resource for resource in stored.values() if resource.deleted_at is None]
    keys = admit(r for r in present if r.key.kind is ResourceKind.API_KEY)
    declared = [r for r in present if r.key.kind is ResourceKind.SOURCE]
    sources = {(r.key.namespace, r.key.name): made for r in declared if (made := source(r))}
    return replace(
        snapshot,
        api_keys=keys.api_keys,
        callers=keys.callers,
        sources=sources,
        problems=(*keys.problems, *_source_problems(declared)),
    )


def _source_problems(declared: Iterable[StoredResource]) -> list[str]:
    return [
        f"source {resource.key.namespace}/{resource.key.name}: {line}"
        for resource in declared
        for line in stored_source(resource).problems
    ]

"""
The status document of a subscription (:class:`hookgate.resources.status.SubscriptionStatus`), and when it is
to be written.

A flip (a condition's status or reason, a new generation, another host or signing key) is written at
once; times of attempts and sentences at most every half a minute; a receiver that works every other time
makes ``Delivering`` flip at most every ten seconds. Whatever it is, an object's status is written five times in ten
seconds at most: where somebody else writes it as well (a second operator of the class, a script), the
two must not answer each other as fast as the API server can.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple

from hookgate.resources import SubscriptionSpec
from hookgate.signing import SigningScheme
from hookgate_operator.conditions import Former, former_conditions, timestamp
from hookgate_operator.ports import HealthReading, KeyStanding, LastFailure
from hookgate_operator.subscriptions.conditions import DELIVERING

__all__ = [
    "BURST",
    "BURST_EVERY",
    "DETAILS_EVERY",
    "FLAPS_EVERY",
    "Urgency",
    "Write",
    "document",
    "is_contested",
    "pause",
    "signing_status",
    "urgency",
    "whole_seconds",
]

DETAILS_EVERY = 30.0
"""Seconds between two writes of an object's status that tell nothing but details."""
FLAPS_EVERY = 10.0
"""Seconds between two flips of ``Delivering`` alone."""
BURST, BURST_EVERY = 5, 10.0
"""So many writes of an object's status within so many seconds, at most."""


class Write(NamedTuple):
    """One write of an object's status by this process."""

    at: float
    """On the monotonic clock, in seconds."""
    generation: int
    """Of the object that it spoke of."""


def is_contested(writes: Sequence[Write]) -> bool:
    """Whether somebody else must be writing as well: a burst that no edit of the object explains."""
    first, last = writes[0], writes[-1]
    is_burst = len(writes) == BURST and last.at - first.at < BURST_EVERY
    return is_burst and len({write.generation for write in writes}) == 1


class Urgency(IntEnum):
    """How much a status that differs matters."""

    NONE = 0  # it does not differ
    DETAILS = 1  # times of attempts, sentences
    FLAP = 2  # Delivering went from one answer to another, and nothing else flipped
    FLIP = 3  # something else did


def document(
    *,
    generation: int,
    conditions: Sequence[Mapping[str, Any]],
    host: str | None,
    signing: Mapping[str, Any] | None,
    health: HealthReading,
    former: Mapping[str, Any],
) -> dict[str, Any]:
    """The whole status as Kubernetes has it.

    What attempts once said stays when the gateway knows nothing of it any more (its store was lost).
    """
    status: dict[str, Any] = {"observedGeneration": generation, "conditions": list(conditions)}
    if host is not None:
        status["endpointHost"] = host
    if signing is not None:
        status["signing"] = signing
    kept = {name: former[name] for name in _FACTS if name in former}
    return status | kept | _attempts(health)


_FACTS = ("lastSuccessTime", "lastFailureTime", "lastFailure")


def _attempts(health: HealthReading) -> dict[str, Any]:
    """What attempts say: when one last succeeded, when and how one last failed."""
    told: dict[str, Any] = {}
    if success := whole_seconds(health.last_success_at):
        told["lastSuccessTime"] = success
    failure = health.last_failure
    if failure is not None and (at := whole_seconds(failure.at)):
        told |= {"lastFailureTime": at, "lastFailure": _failure(failure)}
    return told


def _failure(failure: LastFailure) -> dict[str, Any]:
    if failure.status_code is None:
        return {"outcome": failure.outcome}
    return {"outcome": failure.outcome, "statusCode": failure.status_code}


def signing_status(spec: SubscriptionSpec, standings: Sequence[KeyStanding]) -> dict[str, Any]:
    """The keys in the order of the spec, and which of them sign, as the status has them."""
    fingerprints = {(key.secret, key.key): key.fingerprint for key in standings}
    scheme = spec.signing.scheme
    many = scheme is SigningScheme.STANDARD_WEBHOOKS
    found = [(ref, fingerprints.get((ref.name, ref.key))) for ref in spec.signing.secret_refs]
    keys: list[dict[str, Any]] = []
    for number, (ref, fingerprint) in enumerate(found):
        told = {"fingerprint": fingerprint} if fingerprint is not None else {}
        signs = fingerprint is not None and (many or number == 0)
        keys.append({"name": ref.name, "key": ref.key, **told, "signs": signs})
    return {"scheme": scheme.value, "keys": keys}


def urgency(new: Mapping[str, Any], former: Mapping[str, Any]) -> Urgency:
    """How much it matters that ``new`` is written over ``former``."""
    if new == former:
        return Urgency.NONE
    if any(new.get(name) != former.get(name) for name in _DECLARED):
        return Urgency.FLIP
    now, before = former_conditions(new), former_conditions(former)
    # Conditions of others do not stay, but are no reason to hurry: who put them there may do so again.
    flipped = {kind for kind in now if _answer(now, kind) != _answer(before, kind)}
    if not flipped:
        return Urgency.DETAILS
    if (
        flipped == {DELIVERING}
        and before.get(DELIVERING)
        and before[DELIVERING].status != "Unknown"
    ):
        return Urgency.FLAP
    return Urgency.FLIP


_DECLARED = ("observedGeneration", "endpointHost", "signing")
"""What changes only when somebody declared something else."""


def _answer(conditions: Mapping[str, Former], kind: str) -> tuple[str, str] | None:
    found = conditions.get(kind)
    return (found.status, found.reason) if found else None


def pause(
    urgent: Urgency,
    *,
    since_write: float | None,
    since_flap: float | None,
    since_burst: float | None = None,
) -> float | None:
    """In how many seconds to write it; None: not at all.

    ``since_write`` and ``since_flap`` are seconds since this process last wrote the object's status, and
    since it was last told that ``Delivering`` flipped; ``since_burst`` those since the first of its last
    :data:`BURST` writes. None: not known, long ago.
    """
    match urgent:
        case Urgency.NONE:
            return None
        case Urgency.FLIP:
            every, since = BURST_EVERY, since_burst
        case Urgency.FLAP:
            every, since = FLAPS_EVERY, since_flap
        case _:
            every, since = DETAILS_EVERY, since_write
    return 0.0 if since is None else max(0.0, every - since)


def whole_seconds(text: str | None) -> str | None:
    """A time as the gateway tells it, in UTC, without its milliseconds; None for what is no time."""
    try:
        return timestamp(datetime.fromisoformat(text or "").timestamp())
    except ValueError:
        return None

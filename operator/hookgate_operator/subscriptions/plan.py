"""
What is to be done about a WebhookSubscription: pure, no clock, no I/O.

Two questions in the order in which a reconcile asks them: is what was declared to be put, or is it known how
it stands (:func:`known`), and what is to be told of that (:func:`tell`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hookgate.resources import SubscriptionSpec
from hookgate_operator.conditions import (
    Former,
    announcements,
    conditions,
    former_conditions,
    timestamp,
)
from hookgate_operator.declarations import Handed, version_of
from hookgate_operator.ports import Announcement, Declaration, HealthReading, Observed
from hookgate_operator.subscriptions.conditions import DELIVERING, READY, Reason, State
from hookgate_operator.subscriptions.declared import former_status
from hookgate_operator.subscriptions.judge import (
    Answer,
    Circumstances,
    Kept,
    Owned,
    Stands,
    Unreached,
    judge,
)
from hookgate_operator.subscriptions.status import (
    document,
    pause,
    signing_status,
    urgency,
)
from hookgate_operator.subscriptions.values import (
    Lack,
    Secrets,
    Shortage,
    endpoint_host,
    shown_fingerprint,
)

__all__ = [
    "Gathered",
    "Plan",
    "Standing",
    "known",
    "standing_of",
    "tell",
    "unreached",
]

OWNED_AGAIN = 60.0
"""Seconds after which a name that somebody else has is tried again: nobody tells when it becomes free."""


# ------------------------------------------------------------------------------- is it to be put


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a valid object asks for, with its values, and what is remembered of it."""

    observed: Observed
    spec: SubscriptionSpec
    draft: Declaration
    lacks: Sequence[Lack]
    handed: Handed | None
    may_hold: bool
    """Whether the gateway may have something of ours under its name."""


def known(it: Gathered) -> Stands | Kept | None:
    """How it stands without asking the gateway; None: it is to be put.

    A missing Secret is handed over as missing, and deliveries wait for it. One that RBAC hides all of a
    sudden is no reason to stop what works: only an edit, which may be a suspension, goes out without it.
    """
    handed = it.handed
    if any(lack.shortage is Shortage.UNREADABLE for lack in it.lacks):
        return Kept() if it.may_hold and not _is_edited(it) else None
    if handed is not None and handed.is_current and handed.fingerprint == it.draft.fingerprint:
        return Stands(handed.standing)
    return None


def _is_edited(it: Gathered) -> bool:
    """Whether the object says something that the gateway was not given yet.

    After a restart its status knows: of which generation it speaks, and whether that one got through.
    """
    if it.handed is not None:
        return it.handed.version != version_of(it.observed)
    status = former_status(it.observed)
    ready = former_conditions(status).get(READY)
    if ready is None:
        return False
    is_behind = status.get("observedGeneration") != it.observed.generation
    return is_behind or ready.reason == Reason.GATEWAY_UNREACHABLE


def unreached(it: Gathered) -> Answer | None:
    """What a gateway that cannot be asked is taken to say; None leaves the status as it is.

    What was handed over stands as it did. After a restart of the operator nothing is remembered: an
    object whose status was told of this generation and these keys keeps it, so that an operator that
    comes up before its gateway does not flip them all.
    """
    if it.handed is None:
        return None if it.may_hold and _was_told(it) else Unreached()
    if it.handed.fingerprint == it.draft.fingerprint:
        return Stands(it.handed.standing)
    return Unreached()


def _was_told(it: Gathered) -> bool:
    status = former_status(it.observed)
    ready = former_conditions(status).get(READY)
    if ready is None or status.get("observedGeneration") != it.observed.generation:
        return False
    refs = it.spec.signing.secret_refs
    values = (it.draft.secrets.get(ref.name, {}).get(ref.key) for ref in refs)
    keys = [None if value is None else shown_fingerprint(value) for value in values]
    return ready.reason != Reason.GATEWAY_UNREACHABLE and _keys_told(status) == keys


def _keys_told(status: Mapping[str, Any]) -> list[str | None]:
    match status.get("signing"):
        case {"keys": [*keys]}:
            return [key.get("fingerprint") if isinstance(key, dict) else None for key in keys]
        case _:
            return []


# ------------------------------------------------------------------------------- what is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an object stands: what its status is made of."""

    states: tuple[State, ...]
    health: HealthReading
    host: str | None = None
    signing: Mapping[str, Any] | None = None


def standing_of(it: Circumstances, secrets: Secrets, former: Mapping[str, Any]) -> Standing:
    """How a valid object stands; what could not be learnt now is as its ``former`` status has it."""
    health = it.health
    host = endpoint_host(it.spec, secrets)
    signing = former.get("signing")
    match it.answer:
        case Stands(standing=standing):
            signing = signing_status(it.spec, standing.keys)
        case Kept():
            host = host or former.get("endpointHost")
        case Owned():
            signing, health = None, HealthReading()
        case _:
            pass
    return Standing(states=judge(it), health=health, host=host, signing=signing)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is told: a status to write now, what is announced with it, and when to look again."""

    status: Mapping[str, Any] | None
    announcements: tuple[Announcement, ...] = ()
    again: float | None = None


def tell(
    observed: Observed,
    standing: Standing,
    *,
    now: float,
    since_write: float | None,
    since_burst: float | None = None,
) -> Plan:
    """What to write and to announce; ``now`` in unix seconds, the other two as in :func:`status.pause`.

    Transitions are those of the object's own status, so that a restart repeats nothing.
    """
    former = former_status(observed)
    before = former_conditions(former)
    status = document(
        generation=observed.generation,
        conditions=conditions(
            standing.states, before, generation=observed.generation, now=timestamp(now)
        ),
        host=standing.host,
        signing=standing.signing,
        health=standing.health,
        former=former,
    )
    wait = pause(
        urgency(status, former),
        since_write=since_write,
        since_flap=_since_flap(before, now),
        since_burst=since_burst,
    )
    again = OWNED_AGAIN if _is_owned(standing.states) else None
    if wait is None:
        return Plan(None, again=again)
    if wait > 0:
        return Plan(None, again=wait if again is None else min(wait, again))
    return Plan(status, announcements(standing.states, before), again)


def _since_flap(before: Mapping[str, Former], now: float) -> float | None:
    delivering = before.get(DELIVERING)
    try:
        moment = datetime.fromisoformat(delivering.last_transition_time) if delivering else None
        return max(0.0, now - moment.timestamp()) if moment else None
    except ValueError:
        return None


def _is_owned(states: Sequence[State]) -> bool:
    return any(state.reason is Reason.OWNED_BY_ANOTHER for state in states)

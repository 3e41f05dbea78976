"""
How a subscription stands: four conditions from what the gateway said and what the cluster has.

Functions of their arguments. Messages change only when there is something new to say, so that a status is
not written for nothing; they hold no value, no receiver's words and no numbers that count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hookgate.resources import SubscriptionSpec
from hookgate.resources.secret_values import WEAK, WEAK_BELOW
from hookgate_operator.ports import HealthReading, Standing
from hookgate_operator.subscriptions.conditions import (
    DELIVERING,
    ENDPOINT_ALLOWED,
    READY,
    SECRETS_RESOLVED,
    Reason,
    State,
)
from hookgate_operator.subscriptions.values import Lack, Shortage

__all__ = [
    "Answer",
    "Circumstances",
    "Kept",
    "Owned",
    "Refused",
    "Stands",
    "Unreached",
    "judge",
    "judge_invalid",
]


@dataclass(frozen=True, slots=True)
class Stands:
    """The gateway has it, and said how it stands."""

    standing: Standing


@dataclass(frozen=True, slots=True)
class Kept:
    """It was not put, because its values may not be read: what the gateway may have goes on."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The gateway does not take it; what it had before goes on."""

    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Owned:
    """Somebody else declared a subscription of that name."""

    message: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """The gateway could not be asked; what it had before goes on."""


Answer = Stands | Kept | Refused | Owned | Unreached


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """All that the conditions are judged by."""

    namespace: str
    spec: SubscriptionSpec
    lacks: Sequence[Lack]
    answer: Answer
    health: HealthReading


_GOES_ON = "what the gateway had before goes on"


def judge(it: Circumstances) -> tuple[State, ...]:
    """Ready, SecretsResolved, EndpointAllowed, Delivering."""
    secrets, endpoint = _secrets(it), _endpoint(it)
    return (_ready(it, secrets, endpoint), secrets, endpoint, _delivering(it))


def judge_invalid(problems: Sequence[str], health: HealthReading) -> tuple[State, ...]:
    """The conditions of an object that is no WebhookSubscription; ``health`` is of what was put before."""
    unknown = "The spec is not valid; see Ready."
    return (
        State(READY, Reason.INVALID_SPEC, f"{'; '.join(problems)} ({_GOES_ON})"),
        State(SECRETS_RESOLVED, Reason.INVALID_SPEC, unknown),
        State(ENDPOINT_ALLOWED, Reason.INVALID_SPEC, unknown),
        _faring(health, is_held=_says_held(health)),
    )


def _ready(it: Circumstances, secrets: State, endpoint: State) -> State:
    match it.answer:
        case Refused(problems=problems):
            text = f"The gateway refuses it: {'; '.join(problems)} ({_GOES_ON})"
            return State(READY, Reason.GATEWAY_REFUSED, text)
        case Owned(message=message):
            return State(READY, Reason.OWNED_BY_ANOTHER, message)
        case Unreached():
            text = f"The gateway cannot be reached; this is handed over when it can, {_GOES_ON}."
            return State(READY, Reason.GATEWAY_UNREACHABLE, text)
        case _:
            return _ready_with(it, secrets, endpoint)


def _ready_with(it: Circumstances, secrets: State, endpoint: State) -> State:
    if secrets.reason is not Reason.RESOLVED:
        return State(READY, Reason.SECRETS_UNRESOLVED, secrets.message)
    if endpoint.reason is Reason.FORBIDDEN:
        return State(READY, Reason.ENDPOINT_FORBIDDEN, endpoint.message)
    if it.health.hold == "Gone":
        return State(READY, Reason.ENDPOINT_GONE, _GONE)
    if it.spec.suspend:
        return State(READY, Reason.SUSPENDED, _SUSPENDED)
    return State(READY, Reason.READY, "The gateway has it and may send.")


_GONE = (
    "The endpoint answered 410: its deliveries are held, none is lost;"
    " they go on when the endpoint is edited or the subscription is resumed."
)
_SUSPENDED = "Deliveries are held as spec.suspend asks for; none is lost."


def _secrets(it: Circumstances) -> State:
    if it.lacks:
        return _lacking(it)
    match it.answer:
        case Stands(standing=standing) if standing.resolved:
            text = " ".join(["Everything that is named is there.", *_weak(it, standing)])
            return State(SECRETS_RESOLVED, Reason.RESOLVED, text)
        case Stands(standing=standing):
            return State(SECRETS_RESOLVED, Reason.VALUE_REFUSED, "; ".join(standing.reasons))
        case answer:
            return State(SECRETS_RESOLVED, _untold(answer), _UNTOLD)


def _weak(it: Circumstances, standing: Standing) -> Iterator[str]:
    """A warning for each signing key that is short enough to be guessed."""
    weak = {(key.secret, key.key) for key in standing.keys if key.fingerprint == WEAK}
    for number, ref in enumerate(it.spec.signing.secret_refs):
        if (ref.name, ref.key) in weak:
            yield (
                f"spec.signing.secretRefs[{number}]: key {ref.key} of Secret {it.namespace}/{ref.name}"
                f" has fewer than {WEAK_BELOW} bytes, so that whoever sees a webhook can find it by"
                " trying; make a longer one."
            )


def _lacking(it: Circumstances) -> State:
    forbidden = any(lack.shortage is Shortage.UNREADABLE for lack in it.lacks)
    sentences = [lack.sentence(it.namespace) for lack in it.lacks]
    if isinstance(it.answer, Stands):
        told = tuple(f"{lack.need.field}: " for lack in it.lacks)
        sentences += [each for each in it.answer.standing.reasons if not each.startswith(told)]
    reason = Reason.SECRET_FORBIDDEN if forbidden else Reason.SECRET_NOT_FOUND
    return State(SECRETS_RESOLVED, reason, "; ".join(dict.fromkeys(sentences)))


_UNTOLD = "Not known; see Ready."


def _untold(answer: Answer) -> Reason:
    """Why nothing more is known: what Ready tells, too."""
    match answer:
        case Refused():
            return Reason.GATEWAY_REFUSED
        case Owned():
            return Reason.OWNED_BY_ANOTHER
        case _:
            return Reason.GATEWAY_UNREACHABLE


def _endpoint(it: Circumstances) -> State:
    match it.answer:
        case Stands(standing=standing):
            return _judged_endpoint(standing)
        case Kept():
            return State(ENDPOINT_ALLOWED, Reason.UNRESOLVED, _UNRESOLVED)
        case answer:
            return State(ENDPOINT_ALLOWED, _untold(answer), _UNTOLD)


_UNRESOLVED = "Judged once all values are there."


def _judged_endpoint(standing: Standing) -> State:
    endpoint = standing.endpoint
    if endpoint.allowed is None:
        return State(ENDPOINT_ALLOWED, Reason.UNRESOLVED, _UNRESOLVED)
    if endpoint.allowed:
        text = "The egress rules have nothing against it; names are judged at each attempt."
        return State(ENDPOINT_ALLOWED, Reason.ALLOWED, text)
    text = endpoint.message or "The gateway's egress rules refuse it."
    return State(ENDPOINT_ALLOWED, Reason.FORBIDDEN, text)


def _delivering(it: Circumstances) -> State:
    match it.answer:
        case Unreached():
            return State(DELIVERING, Reason.GATEWAY_UNREACHABLE, _UNTOLD)
        case Owned():
            return _faring(HealthReading(), is_held=False)
        case Stands(standing=standing):
            # What was just put says more than a reading that may be a moment older.
            forbidden = standing.endpoint.allowed is False
            is_held = it.spec.suspend or not standing.resolved or forbidden
            return _faring(it.health, is_held=is_held)
        case _:
            return _faring(it.health, is_held=_says_held(it.health))


def _says_held(health: HealthReading) -> bool:
    return health.hold is not None


def _faring(health: HealthReading, *, is_held: bool) -> State:
    if health.hold == "Gone":
        return State(DELIVERING, Reason.ENDPOINT_GONE, _GONE)
    if is_held:
        return State(DELIVERING, Reason.HELD, "Deliveries are held; see the other conditions.")
    if health.breaker != "closed":
        text = (
            f"Too many attempts failed in a row; the gateway pauses between tries.{_last(health)}"
        )
        return State(DELIVERING, Reason.CIRCUIT_OPEN, text)
    if health.state == "failing":
        return State(DELIVERING, Reason.FAILING, f"The last attempt failed.{_last(health)}")
    if health.state == "healthy":
        return State(DELIVERING, Reason.DELIVERING, "The last attempt succeeded.")
    return State(DELIVERING, Reason.NO_ATTEMPTS, "Nothing was delivered yet.")


def _last(health: HealthReading) -> str:
    failure = health.last_failure
    if failure is None:
        return ""
    status = f", HTTP {failure.status_code}" if failure.status_code is not None else ""
    return f" Outcome: {failure.outcome}{status}."

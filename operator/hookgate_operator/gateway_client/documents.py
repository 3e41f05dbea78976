"""
The control API's documents, read into the port's values and written from them.

Unknown words and fields of a newer gateway are left out or read as what they are nearest to; what has
to be there and is not raises Unreadable.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast, get_args

from hookgate_operator.ports import (
    BreakerWord,
    Declaration,
    EndpointStanding,
    HealthChanges,
    HealthReading,
    HealthWord,
    Held,
    HeldKind,
    KeyStanding,
    LastFailure,
    ReplayOrder,
    ReplayProgress,
    ReplayWord,
    Standing,
)

__all__ = [
    "Unreadable",
    "put_body",
    "read_changes",
    "read_held",
    "read_matched",
    "read_page",
    "read_progress",
    "read_standing",
    "replay_body",
    "replay_place",
]

Document = Mapping[str, Any]


class Unreadable(Exception):
    """A document does not say what it has to; the text never repeats what it says."""


_KINDS: Final[Mapping[str, HeldKind]] = {
    "subscription": HeldKind.SUBSCRIPTION,
    "api-key": HeldKind.API_KEY,
    "source": HeldKind.SOURCE,
}
"""The word in a document, and the one in a path."""


def put_body(declaration: Declaration, owner: str) -> dict[str, Any]:
    """What declares a resource, values in base64."""
    return {
        "owner": owner,
        "fingerprint": declaration.fingerprint,
        "resource": declaration.resource,
        "secrets": {
            name: {key: base64.b64encode(value).decode() for key, value in values.items()}
            for name, values in declaration.secrets.items()
        },
    }


def replay_body(order: ReplayOrder, owner: str, *, dry_run: bool = False) -> dict[str, Any]:
    """What declares a replay, or asks how much it would be."""
    body = {
        "owner": owner,
        "filter": order.filter,
        "rate_per_second": order.rate_per_second,
        "to_subscription": order.to_subscription,
        "paused": order.paused,
    }
    return {**body, "dry_run": True} if dry_run else body


def read_page(document: Document) -> tuple[Sequence[Document], str | None]:
    """A page's items, and the cursor of the next one."""
    items, cursor = _sequence(document.get("items")), document.get("next_cursor")
    return [_object(item) for item in items], _maybe(cursor)


def read_standing(document: Document) -> Standing:
    return Standing(
        fingerprint=_text(document.get("fingerprint")),
        resolved=document.get("resolved") is True,
        reasons=tuple(_text(reason) for reason in _sequence(document.get("reasons") or [])),
        keys=tuple(_key(_object(key)) for key in _sequence(document.get("keys") or [])),
        endpoint=_endpoint(_object(document.get("endpoint") or {})),
        health=_reading(document),
    )


def read_held(document: Document) -> Held | None:
    """A resource of a list; None for a kind that we do not know."""
    kind = _KINDS.get(_text(document.get("kind")))
    if kind is None:
        return None
    return Held(
        kind=kind,
        namespace=_text(document.get("namespace")),
        name=_text(document.get("name")),
        owner=_text(document.get("owner")),
        fingerprint=_text(document.get("fingerprint")),
    )


def read_changes(document: Document) -> HealthChanges:
    items = [_object(item) for item in _sequence(document.get("items"))]
    removed = [_object(item) for item in _sequence(document.get("removed"))]
    return HealthChanges(
        token=_text(document.get("token")),
        full=document.get("full") is True,
        readings={_place(item): _reading(item) for item in items},
        removed=frozenset(_place(item) for item in removed),
    )


def read_progress(document: Document) -> ReplayProgress:
    state = _text(document.get("state"))
    if state not in get_args(ReplayWord):
        raise Unreadable("a replay's state is unknown")
    return ReplayProgress(
        uid=_text(document.get("id")),
        state=cast("ReplayWord", state),
        matched=_count(document.get("matched")),
        sent=_count(document.get("sent")),
        delivered=_count(document.get("delivered")),
        failed=_count(document.get("failed")),
        skipped=_count(document.get("skipped")),
        remaining=_count(document.get("remaining")),
    )


def read_matched(document: Document) -> int:
    """What a dry run counted."""
    return _count(document.get("matched"))


def replay_place(document: Document) -> tuple[str, str]:
    """(namespace, uid) of a replay of a list."""
    return _text(document.get("namespace")), _text(document.get("id"))


def _reading(document: Document) -> HealthReading:
    hold = _object(document.get("hold") or {})
    health = _object(document.get("health") or {})
    return HealthReading(
        hold=_maybe(hold.get("reason")),
        hold_message=_maybe(hold.get("message")),
        state=_word(health.get("state"), HealthWord, "unknown"),
        last_success_at=_maybe(health.get("last_success_at")),
        last_failure=_failure(health.get("last_failure")),
        consecutive_failures=_count(health.get("consecutive_failures", 0)),
        breaker=_word(health.get("breaker"), BreakerWord, "closed"),
    )


def _failure(document: object) -> LastFailure | None:
    if document is None:
        return None
    told = _object(document)
    status = told.get("status_code")
    return LastFailure(
        at=_text(told.get("at")),
        outcome=_text(told.get("outcome")),
        status_code=None if status is None else _count(status),
    )


def _key(document: Document) -> KeyStanding:
    return KeyStanding(
        secret=_text(document.get("secret")),
        key=_text(document.get("key")),
        fingerprint=_maybe(document.get("fingerprint")),
    )


def _endpoint(document: Document) -> EndpointStanding:
    allowed = document.get("allowed")
    return EndpointStanding(
        allowed if isinstance(allowed, bool) else None, _maybe(document.get("message"))
    )


def _place(document: Document) -> tuple[str, str]:
    return _text(document.get("namespace")), _text(document.get("name"))


def _word(value: object, words: Any, otherwise: str) -> Any:
    return value if value in get_args(words) else otherwise


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Unreadable("a text is missing")
    return value


def _maybe(value: object) -> str | None:
    return None if value is None else _text(value)


def _count(value: object) -> int:
    if not isinstance(value, int):
        raise Unreadable("a number is missing")
    return value


def _object(value: object) -> Document:
    if not isinstance(value, Mapping):
        raise Unreadable("an object is missing")
    return value


def _sequence(value: object) -> Sequence[Any]:
    if not isinstance(value, list):
        raise Unreadable("a list is missing")
    return value

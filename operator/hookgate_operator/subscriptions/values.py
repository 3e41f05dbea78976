"""
The values that a subscription names: which are there, and what goes to the gateway.

Only what the spec names is handed over; a Secret's other keys never leave the cluster. Problems name the
Secret and the key, never the value, and start with the field, as the gateway's own sentences do.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

from hookgate.resources import SubscriptionSpec, secret_values, trimmed_url, url_problem
from hookgate.resources.references import Need, needs
from hookgate_operator.ports import Found, NotReadable, Values

__all__ = [
    "Lack",
    "Need",
    "Shortage",
    "endpoint_host",
    "lacking",
    "named",
    "shown_fingerprint",
]

Secrets = Mapping[str, Mapping[str, bytes]]
"""Values by the name of their Secret (or ``configmap/NAME``), then by key."""


class Shortage(StrEnum):
    """Why a value cannot be handed over."""

    ABSENT = "absent"  # no such object
    KEY_ABSENT = "key_absent"  # the object has no such key
    UNREADABLE = "unreadable"  # RBAC does not let the operator read it


class Lack(NamedTuple):
    """A value that cannot be handed over, and why."""

    need: Need
    shortage: Shortage

    def sentence(self, namespace: str) -> str:
        """What is missing and what to do about it."""
        holder = self.need.holder(namespace)
        what = f"{self.need.field}: {holder}"
        if self.shortage is Shortage.ABSENT:
            return f"{what} is not there; create it with key {self.need.key}"
        if self.shortage is Shortage.KEY_ABSENT:
            return f"{what} has no key {self.need.key}; add it"
        return f"{what} may not be read by the operator; allow it to get that {holder.partition(' ')[0]}"


def named(spec: SubscriptionSpec, values: Mapping[str, Values]) -> Secrets:
    """The values that a spec names and that are there."""
    found: dict[str, dict[str, bytes]] = {}
    for need in needs(spec):
        match values.get(need.name):
            case Found(values=entries) if need.key in entries:
                found.setdefault(need.name, {})[need.key] = entries[need.key]
            case _:
                pass
    return found


def lacking(spec: SubscriptionSpec, values: Mapping[str, Values]) -> tuple[Lack, ...]:
    """The values that a spec names and that cannot be handed over."""
    shortages = ((need, _shortage(need, values.get(need.name))) for need in needs(spec))
    return tuple(Lack(need, shortage) for need, shortage in shortages if shortage)


def endpoint_host(spec: SubscriptionSpec, secrets: Secrets) -> str | None:
    """Host and port of the endpoint, nothing else of its URL; None while it is not known.

    What is no URL is not shown at all: it may be another secret in the wrong place.
    """
    url = _url(spec, secrets)
    if url is None or url_problem(url) is not None:
        return None
    try:
        return urlsplit(url).netloc
    except ValueError:  # an address in brackets that is none
        return None


def shown_fingerprint(value: bytes) -> str:
    """A signing key's fingerprint as the gateway tells it (docs/reference/control-api.md).

    Of the value as the Secret has it, with or without a newline at its end.
    """
    return secret_values.shown_fingerprint(secret_values.trimmed(value))


def _url(spec: SubscriptionSpec, secrets: Secrets) -> str | None:
    if not spec.endpoint.url_from:
        return spec.endpoint.url
    ref = spec.endpoint.url_from.secret_key_ref
    value = secrets.get(ref.name, {}).get(ref.key)
    try:
        return None if value is None else trimmed_url(value.decode())
    except UnicodeDecodeError:
        return None


def _shortage(need: Need, values: Values | None) -> Shortage | None:
    match values:
        case Found(values=entries):
            return None if need.key in entries else Shortage.KEY_ABSENT
        case NotReadable():
            return Shortage.UNREADABLE
        case _:
            return Shortage.ABSENT

"""
Who is calling: an API key in ``x-api-key``, or as a bearer token.
"""

from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest

from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.catalogue.snapshot import Caller, Snapshot
from hookgate_gateway.rules.delivery import KeyRef

__all__ = ["authenticate", "bearer_token", "key_ref"]

_BEARER = "bearer "


def authenticate(headers: Mapping[str, str], snapshot: Snapshot) -> Caller:
    """The caller whose key a request carries. Raises Refusal 403 with Skyvern's own words."""
    presented = headers.get("x-api-key") or bearer_token(headers.get("Authorization"))
    if presented:
        key = presented.encode("utf-8", "surrogateescape")
        caller = snapshot.callers.get(sha256(key).digest())
        if caller is not None and compare_digest(caller.key.value(caller.fingerprint), key):
            return caller
    raise Refusal(403, "invalid_credentials", "Invalid credentials")


def key_ref(caller: Caller) -> KeyRef:
    """The calling key, as a run or a delivery remembers it."""
    return KeyRef(caller.key.secret, caller.fingerprint)


def bearer_token(value: str | None) -> str | None:
    """What an ``Authorization`` header presents as a bearer token (RFC 6750 §2.1)."""
    if value is None or value[: len(_BEARER)].lower() != _BEARER:
        return None
    return value[len(_BEARER) :].strip()

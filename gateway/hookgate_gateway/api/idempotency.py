"""
``Idempotency-Key``: a request that is sent again, because its answer was lost, makes nothing new.

The same key within 24 hours answers what was answered; with another request it is refused (409). Two
requests are the same when they ask the same kind of route for the same, whatever spelling they use.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import orjson

from hookgate_gateway.api.errors import Refusal, conflict, invalid
from hookgate_gateway.ports import Once
from hookgate_gateway.rules.delivery import Timestamp

__all__ = ["HEADER", "LIFETIME", "REPLAYED", "idempotency_key", "once", "reused", "unanswered"]

HEADER: Final = "Idempotency-Key"
LIFETIME: Final = 86400.0
"""Seconds for which a key stands for what it made."""
REPLAYED: Final = {"Idempotent-Replayed": "true"}
"""Marks an answer that was given before."""
_LONGEST = 255


def idempotency_key(headers: Mapping[str, str]) -> str | None:
    """The request's key, or None. Raises Refusal 422 for one that cannot be kept."""
    key = headers.get(HEADER)
    if key is None:
        return None
    if not (0 < len(key) <= _LONGEST and key.isascii() and key.isprintable()):
        raise invalid(
            ["header", HEADER], f"must be 1 to {_LONGEST} printable ASCII characters", "string_type"
        )
    return key


def once(key: str, scope: str, document: Mapping[str, Any], now: Timestamp) -> Once:
    """The request as the store tells it apart; ``scope`` names the kind of route."""
    sha256 = hashlib.sha256(f"{scope}\n".encode() + _canonical(document)).digest()
    return Once(key=key, request_sha256=sha256, at=now, since=now - LIFETIME)


def reused() -> Refusal:
    """409: the key stands for something else."""
    return conflict("idempotency_key_reused", f"this {HEADER} was used for another request")


def unanswered() -> Refusal:
    """409: somebody else runs the runs, and has not said what became of the first request."""
    detail = f"the request with this {HEADER} was forwarded, and whether it made a run is not known (yet)"
    return conflict("idempotency_key_in_use", detail)


def _canonical(document: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # what orjson refuses: integers over 64 bits, lone surrogates
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

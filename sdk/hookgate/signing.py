"""
Signing webhooks, and verifying them on the other side.

Three schemes. ``Skyvern`` is the guide's: ``X-Skyvern-Signature: sha256=HEX``. ``SkyvernHex`` is what
Skyvern servers send: the hexadecimal digits alone. ``StandardWebhooks`` is the symmetric scheme (``v1``)
of the Standard Webhooks specification. All are HMAC-SHA256 over the bytes of the body as they travel:
never parse and serialise a body before it is verified.

Signing is stateless: no key is kept anywhere. Keeping a prepared HMAC for each key would save a third
of a microsecond of about two (a body of 1 kB) and would cost a cache of secrets.

What verifying can raise; no message ever holds a key or an expected signature::

    SignatureError
    ├── InvalidKey           our own side: no key, an empty one, or a malformed ``whsec_`` secret
    ├── MissingHeader        a header of the scheme is not there
    ├── MalformedHeader      a header of the scheme is there twice, or is not what the scheme says
    ├── TimestampError
    │   ├── TimestampTooOld
    │   └── TimestampTooNew
    └── SignatureMismatch    signed with another key, or not these bytes

The standard library is all this module needs.
"""

import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from enum import StrEnum

__all__ = [
    "DEFAULT_TOLERANCE",
    "InvalidKey",
    "MalformedHeader",
    "MissingHeader",
    "SignatureError",
    "SignatureMismatch",
    "SigningScheme",
    "TimestampError",
    "TimestampTooNew",
    "TimestampTooOld",
    "generate_skyvern_webhook_signature",
    "sign",
    "validate_key",
    "verify",
]

DEFAULT_TOLERANCE = 300.0
"""Seconds a timestamp may lie in the past or in the future: the guide's five minutes."""

_WHSEC = b"whsec_"
_BASE64 = re.compile(
    rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?|[A-Za-z0-9+/]{4})"
)
"""With its padding or without, as the official libraries take it."""
_SIGNATURE = "x-skyvern-signature"
_TIMESTAMP = "x-skyvern-timestamp"
_STANDARD_ID = "webhook-id"
_STANDARD_TIMESTAMP = "webhook-timestamp"
_STANDARD_SIGNATURE = "webhook-signature"
_KNOWN_HEADERS = frozenset(
    {_SIGNATURE, _TIMESTAMP, _STANDARD_ID, _STANDARD_TIMESTAMP, _STANDARD_SIGNATURE}
)
_MAX_TIMESTAMP_DIGITS = 15


class SigningScheme(StrEnum):
    """How a webhook is signed."""

    SKYVERN = "Skyvern"
    SKYVERN_HEX = "SkyvernHex"
    STANDARD_WEBHOOKS = "StandardWebhooks"


class SignatureError(Exception):
    """A webhook that must not be trusted: answer 401."""


class InvalidKey(SignatureError):
    """There is no key, an empty one, or a ``whsec_`` secret that is not base64."""


class MissingHeader(SignatureError):
    """A header of the scheme is not there."""


class MalformedHeader(SignatureError):
    """A header of the scheme is there more than once, or is not what the scheme says."""


class TimestampError(SignatureError):
    """The timestamp is out of tolerance: perhaps somebody sends a captured request again."""


class TimestampTooOld(TimestampError):
    """Sent longer ago than the tolerance, or the sender's clock is behind."""


class TimestampTooNew(TimestampError):
    """From a future further away than the tolerance: one of the two clocks is wrong."""


class SignatureMismatch(SignatureError):
    """No key given makes this signature over these bytes."""


# --------------------------------------------------------------------------------------- signing


def generate_skyvern_webhook_signature(payload: str | bytes, api_key: str | bytes) -> str:
    """What ``X-Skyvern-Signature`` holds for this body: ``sha256=`` and lower-case hexadecimal digits.

    The function of the guide's debugging snippet, under its name. Raises InvalidKey for an empty key.
    """
    return "sha256=" + _skyvern_hex(_as_bytes(api_key), _as_bytes(payload))


def sign(
    scheme: SigningScheme, keys: Sequence[bytes], body: bytes, *, event_id: str, timestamp: int
) -> dict[str, str]:
    """The headers of a scheme for one attempt.

    ``keys`` are the secrets as they were given out, the one that signs first; Standard Webhooks has
    room for a signature by each of them, the Skyvern schemes for the first alone. ``timestamp`` is in
    unix seconds, made anew for each attempt. Raises InvalidKey, never signs with an empty key; call
    :func:`validate_key` where keys come in and it will not happen here.
    """
    if not keys:
        raise InvalidKey("there is no key to sign with")
    if scheme is SigningScheme.SKYVERN:
        signature = "sha256=" + _skyvern_hex(keys[0], body)
    elif scheme is SigningScheme.SKYVERN_HEX:
        signature = _skyvern_hex(keys[0], body)
    else:
        prefix = f"{event_id}.{timestamp}.".encode()
        return {
            _STANDARD_ID: event_id,
            _STANDARD_TIMESTAMP: str(timestamp),
            _STANDARD_SIGNATURE: " ".join([_standard(key, prefix, body) for key in keys]),
        }
    return {"X-Skyvern-Signature": signature, "X-Skyvern-Timestamp": str(timestamp)}


def validate_key(scheme: SigningScheme, key: bytes) -> None:
    """Raise InvalidKey, with a reason that does not repeat the key, when it cannot sign in this scheme."""
    if scheme is SigningScheme.STANDARD_WEBHOOKS:
        _standard_key(key)
    elif not key:
        raise InvalidKey("the key is empty")


# ------------------------------------------------------------------------------------- verifying


def verify(
    body: bytes | str,
    headers: Mapping[str, str],
    keys: Sequence[bytes | str],
    *,
    scheme: SigningScheme | None = None,
    tolerance: float | None = DEFAULT_TOLERANCE,
    now: float | None = None,
) -> None:
    """Return if one of the keys signed this body, else raise a SignatureError that says what is wrong.

    ``headers`` may be spelled in any letter case. ``keys`` are all that are good at present (several
    while they are rotated). ``scheme`` None takes the one whose headers are there; either Skyvern
    scheme takes both of their forms. ``tolerance`` is in seconds, in both directions; None switches
    freshness off, and then the Skyvern schemes need no timestamp (it is not signed there). ``now`` is
    in unix seconds, by default the clock's.
    """
    if isinstance(keys, (bytes, str)):
        keys = (keys,)
    secrets = [_as_bytes(key) for key in keys]
    if not secrets:
        raise InvalidKey("there is no key to verify with")
    content = _as_bytes(body)
    known = _scheme_headers(headers)
    if scheme is None and _STANDARD_SIGNATURE in known:
        scheme = SigningScheme.STANDARD_WEBHOOKS
    if scheme is SigningScheme.STANDARD_WEBHOOKS:
        _check_freshness(_header(known, _STANDARD_TIMESTAMP), tolerance, now)
        genuine = _standard_genuine(content, known, secrets)
    else:
        given = _header(known, _SIGNATURE)
        if tolerance is not None:
            _check_freshness(_header(known, _TIMESTAMP), tolerance, now)
        genuine = _skyvern_genuine(content, given, secrets)
    if not genuine:
        raise SignatureMismatch("signed with another key, or the body is not as it was sent")


def _skyvern_genuine(body: bytes, given: str, keys: Sequence[bytes]) -> bool:
    claimed = _as_bytes(given.removeprefix("sha256="))
    genuine = False
    for key in keys:  # all of them: how long it takes does not tell which
        genuine |= hmac.compare_digest(claimed, _skyvern_hex(key, body).encode())
    return genuine


def _standard_genuine(body: bytes, headers: Mapping[str, str], keys: Sequence[bytes]) -> bool:
    prefix = f"{_header(headers, _STANDARD_ID)}.{_header(headers, _STANDARD_TIMESTAMP)}."
    claims = [_as_bytes(claim) for claim in _header(headers, _STANDARD_SIGNATURE).split(" ")]
    genuine = False
    for key in keys:
        expected = _standard(key, _as_bytes(prefix), body).encode()
        for claim in claims:  # signatures of other versions are passed over by not being equal
            genuine |= hmac.compare_digest(claim, expected)
    return genuine


def _check_freshness(given: str, tolerance: float | None, now: float | None) -> None:
    # int() also takes signs, blanks, underscores, the digits of every script, and numbers of any length.
    if not (given.isascii() and given.isdecimal() and len(given) <= _MAX_TIMESTAMP_DIGITS):
        raise MalformedHeader("the timestamp is not a number of unix seconds")
    if tolerance is None:
        return
    if now is None:
        now = time.time()  # noqa: TID251  # receivers have no clock to hand in; tests and the gateway do
    age = now - int(given)
    if age > tolerance:
        raise TimestampTooOld(f"sent {age:.0f} s ago; at most {tolerance:.0f} s are accepted")
    if age < -tolerance:
        raise TimestampTooNew(f"sent {-age:.0f} s in the future; check the clocks")


def _scheme_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that any scheme knows, by lower-case name."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        lowered = _as_text(name).lower()
        if lowered not in _KNOWN_HEADERS:
            continue
        if lowered in found:
            raise MalformedHeader(f"the header {lowered} is there more than once")
        found[lowered] = _as_text(value)
    return found


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise MissingHeader(f"the header {name} is missing")
    return value


# ------------------------------------------------------------------------------------------ HMAC


def _skyvern_hex(key: bytes, body: bytes) -> str:
    if not key:
        raise InvalidKey("the key is empty")
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def _standard(key: bytes, prefix: bytes, body: bytes) -> str:
    mac = hmac.new(_standard_key(key), prefix, hashlib.sha256)
    mac.update(body)  # rather than joined: a body can have megabytes
    return "v1," + binascii.b2a_base64(mac.digest(), newline=False).decode()


def _standard_key(secret: bytes) -> bytes:
    """The HMAC key in a secret: decoded after ``whsec_``, else the bytes as they are."""
    key = secret
    if secret.startswith(_WHSEC):
        if _BASE64.fullmatch(secret, len(_WHSEC)) is None:  # Python's strict mode lets "AAAA=" pass
            raise InvalidKey("what follows whsec_ is not base64")
        key = binascii.a2b_base64(secret[len(_WHSEC) :] + b"==")
    if not key:
        raise InvalidKey("the key is empty")
    return key


def _as_bytes(value: bytes | str) -> bytes:
    # A lone surrogate is no text, yet no reason to fail either: its bytes match nothing genuine.
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def _as_text(value: str | bytes) -> str:
    """Header names and values; some frameworks hand them out as bytes."""
    return value if isinstance(value, str) else value.decode("latin-1")

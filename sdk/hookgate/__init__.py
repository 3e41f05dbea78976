"""hookgate: signed webhooks for Skyvern-style runs, for those who receive them."""

from hookgate.signing import (
    InvalidKey,
    MalformedHeader,
    MissingHeader,
    SignatureError,
    SignatureMismatch,
    SigningScheme,
    TimestampError,
    TimestampTooNew,
    TimestampTooOld,
    generate_skyvern_webhook_signature,
    sign,
    validate_key,
    verify,
)
from hookgate.version import __version__

__all__ = [
    "InvalidKey",
    "MalformedHeader",
    "MissingHeader",
    "SignatureError",
    "SignatureMismatch",
    "SigningScheme",
    "TimestampError",
    "TimestampTooNew",
    "TimestampTooOld",
    "__version__",
    "generate_skyvern_webhook_signature",
    "sign",
    "validate_key",
    "verify",
]

"""
What every reader of a Secret makes of its values.
"""

import hashlib
from typing import Final

__all__ = ["WEAK", "WEAK_BELOW", "key_fingerprint", "shown_fingerprint", "trimmed"]

WEAK: Final = "weak"
"""What is shown instead of the fingerprint of a value that could be found by trying."""

WEAK_BELOW: Final = 16
"""Bytes. A digest of 4711 is as good as 4711 itself: whoever reads it tries all short values in no time."""


def trimmed(value: bytes) -> bytes:
    """A Secret's value without one trailing newline, the commonest cause of wrong signatures."""
    if value.endswith(b"\r\n"):
        return value[:-2]
    return value.removesuffix(b"\n")


def key_fingerprint(value: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of a trimmed value: tells keys apart and logs nobody in.

    Not to be shown, for a short value can be found from it: that is :func:`shown_fingerprint`.
    """
    return hashlib.sha256(value).hexdigest()[:16]


def shown_fingerprint(value: bytes) -> str:
    """The fingerprint of a trimmed value for those who may not read it; ``weak`` for a short one.

    Who has the value can compute it (``sha256sum | cut -c 1-16``), and who guesses it can be sure of it.
    So it gives away nothing of a random value, and lets a long one of well-known words be found.
    """
    if len(value.removeprefix(b"whsec_")) < WEAK_BELOW:
        return WEAK
    return key_fingerprint(value)

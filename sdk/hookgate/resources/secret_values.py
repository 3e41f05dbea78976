"""
What every reader of a Secret makes of its values.
"""

import hashlib

__all__ = ["key_fingerprint", "trimmed"]


def trimmed(value: bytes) -> bytes:
    """A Secret's value without one trailing newline, the commonest cause of wrong signatures."""
    if value.endswith(b"\r\n"):
        return value[:-2]
    return value.removesuffix(b"\n")


def key_fingerprint(value: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of a trimmed value: tells keys apart and logs nobody in."""
    return hashlib.sha256(value).hexdigest()[:16]

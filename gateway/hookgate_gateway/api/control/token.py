"""
The token of the control API, from a file that may change at any time.

The file has one token a line, and each of them is good: put the new one beside the old one, let every
caller change over, take the old one out. A file that cannot be used any more leaves its last tokens
valid and is told in the log.
"""

from collections.abc import Mapping
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

from hookgate_gateway.api.auth import bearer_token
from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.observe import Observer
from hookgate_process.watched_files import SecretWords

__all__ = ["TokenFile"]


class TokenFile:
    """Admits whoever presents one of the file's tokens. Raises UnusableFile when made."""

    def __init__(self, path: Path, observer: Observer) -> None:
        self._tokens = SecretWords(
            path,
            "token",
            changed=lambda count: observer.event("control_token_changed", tokens=count),
            refused=lambda why: observer.error("control_token_unusable", error=why),
        )

    def admit(self, headers: Mapping[str, str]) -> None:
        """Raises Refusal 401 unless ``Authorization`` presents a token. Takes the same time for any."""
        tokens = self._tokens.current()
        presented = bearer_token(headers.get("Authorization"))
        if not presented:
            raise _refusal("missing", 'Bearer realm="hookgate"')
        digest = sha256(presented.encode("utf-8", "surrogateescape")).digest()
        if not sum(compare_digest(digest, sha256(token).digest()) for token in tokens):
            raise _refusal("wrong", 'Bearer realm="hookgate", error="invalid_token"')


def _refusal(how: str, challenge: str) -> Refusal:
    detail = f"the bearer token is {how}"
    return Refusal(401, "unauthorized", detail, challenge=challenge)

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

__all__ = ["MIN_CHARACTERS", "TokenFile", "UnusableTokens"]

MIN_CHARACTERS = 16
_MAX_BYTES = 64 * 1024

_Stamp = tuple[int, int, int]


class UnusableTokens(Exception):
    """The file cannot be used; the text says why and never holds a token."""


class TokenFile:
    """Admits whoever presents one of the file's tokens. Raises UnusableTokens when made."""

    def __init__(self, path: Path, observer: Observer) -> None:
        self._path = path
        self._observer = observer
        self._seen: _Stamp | None = _stamp(path)
        self._digests = _read(path)

    def admit(self, headers: Mapping[str, str]) -> None:
        """Raises Refusal 401 unless ``Authorization`` presents a token. Takes the same time for any."""
        self._look()
        presented = bearer_token(headers.get("Authorization"))
        if not presented:
            raise _refusal("missing", 'Bearer realm="hookgate"')
        digest = sha256(presented.encode("utf-8", "surrogateescape")).digest()
        if not sum(compare_digest(digest, known) for known in self._digests):
            raise _refusal("wrong", 'Bearer realm="hookgate", error="invalid_token"')

    def _look(self) -> None:
        """Read the file again if it is another one. A few microseconds when it is not."""
        stamp = _stamp(self._path)
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            self._digests = _read(self._path)
        except UnusableTokens as error:
            self._observer.error("control_token_unusable", error=str(error))
        else:
            self._observer.event("control_token_changed", tokens=len(self._digests))


def _refusal(how: str, challenge: str) -> Refusal:
    detail = f"the bearer token is {how}"
    return Refusal(401, "unauthorized", detail, challenge=challenge)


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> tuple[bytes, ...]:
    """The SHA-256 of each token."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES)
    except OSError as error:
        raise UnusableTokens(f"{path} cannot be read: {error.strerror}") from None
    tokens = content.split()
    if not tokens:
        raise UnusableTokens(f"{path} holds no token")
    if min(map(len, tokens)) < MIN_CHARACTERS:
        raise UnusableTokens(f"{path} holds a token of fewer than {MIN_CHARACTERS} characters")
    return tuple(sha256(token).digest() for token in tokens)

"""
The upstream's API keys, from a file that may change at any time.

The first one is sent; webhooks may be signed with any: put the new key in front of the old one, let runs
that were started with the old one end, take it out.
"""

from pathlib import Path

from hookgate_gateway.observe import Observer

__all__ = ["UnusableKeys", "UpstreamKeys"]

_MAX_BYTES = 64 * 1024
_MIN_CHARACTERS = 16

_Stamp = tuple[int, int, int]


class UnusableKeys(Exception):
    """The file cannot be used; the text says why and never holds a key."""


class UpstreamKeys:
    """Raises UnusableKeys when made; later a file that cannot be used leaves the last keys in force."""

    def __init__(self, path: Path, observer: Observer) -> None:
        self._path = path
        self._observer = observer
        self._seen = _stamp(path)
        self._keys = _read(path)

    def __repr__(self) -> str:
        return f"UpstreamKeys({str(self._path)!r})"

    def current(self) -> tuple[bytes, ...]:
        """The keys as the file has them now, the one to send first."""
        stamp = _stamp(self._path)
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._keys = _read(self._path)
            except UnusableKeys as error:
                self._observer.error("upstream_keys_unusable", error=str(error))
            else:
                self._observer.event("upstream_keys_changed", keys=len(self._keys))
        return self._keys


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> tuple[bytes, ...]:
    try:
        with path.open("rb") as file:
            keys = tuple(file.read(_MAX_BYTES).split())
    except OSError as error:
        raise UnusableKeys(f"{path} cannot be read: {error.strerror}") from None
    if not keys:
        raise UnusableKeys(f"{path} holds no key; write the upstream's API key into it")
    if min(map(len, keys)) < _MIN_CHARACTERS or not all(key.isascii() for key in keys):
        raise UnusableKeys(f"{path} holds a key of fewer than {_MIN_CHARACTERS} ASCII characters")
    return keys

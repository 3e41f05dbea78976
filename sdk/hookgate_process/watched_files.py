"""
Files that may change at any time: noticed by their stamps, never by a watch that can be lost.

Mounted Secrets are replaced by renaming, so that a stamp is inode, size and time of the last change. A
file that cannot be used any more leaves what it said last in force.
"""

from collections.abc import Callable
from pathlib import Path

__all__ = ["SecretWords", "UnusableFile", "WatchedFiles"]

MIN_CHARACTERS = 16
_MAX_BYTES = 64 * 1024

_Stamp = tuple[int, int, int]


class UnusableFile(Exception):
    """A file cannot be used; the text names it, says why and never holds what is in it."""


class WatchedFiles:
    """Tells whether any of some files has changed. A look costs a few microseconds for each."""

    def __init__(self, *paths: Path) -> None:
        self._paths = paths
        self._seen = self._stamps()

    def changed(self) -> bool:
        """Whether one of them is another than at the last look; a file that went is a change, too."""
        stamps = self._stamps()
        if stamps == self._seen:
            return False
        self._seen = stamps
        return True

    def _stamps(self) -> tuple[_Stamp | None, ...]:
        return tuple(map(_stamp, self._paths))


class SecretWords:
    """Tokens or keys, one a line, of at least 16 ASCII characters each.

    Raises UnusableFile when made. Later ``refused`` is told why the file cannot be used, and the words it
    had last stay in force; ``changed`` is told how many new ones there are.
    """

    def __init__(
        self,
        path: Path,
        noun: str,
        *,
        changed: Callable[[int], object],
        refused: Callable[[str], object],
    ) -> None:
        self._path, self._noun = path, noun
        self._changed, self._refused = changed, refused
        self._file = WatchedFiles(path)
        self._words = self._read()

    def __repr__(self) -> str:
        return f"SecretWords({str(self._path)!r})"

    def current(self) -> tuple[bytes, ...]:
        """The words as the file has them now; the same object as long as it does not change."""
        if self._file.changed():
            try:
                self._words = self._read()
            except UnusableFile as error:
                self._refused(str(error))
            else:
                self._changed(len(self._words))
        return self._words

    def _read(self) -> tuple[bytes, ...]:
        try:
            with self._path.open("rb") as file:
                words = tuple(file.read(_MAX_BYTES).split())
        except OSError as error:
            raise UnusableFile(f"{self._path} cannot be read: {error.strerror}") from None
        if not words:
            raise UnusableFile(f"{self._path} holds no {self._noun}; write one into it")
        if min(map(len, words)) < MIN_CHARACTERS or not all(word.isascii() for word in words):
            raise UnusableFile(
                f"{self._path} holds a {self._noun} of fewer than {MIN_CHARACTERS} ASCII characters"
            )
        return words


def _stamp(path: Path) -> _Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns

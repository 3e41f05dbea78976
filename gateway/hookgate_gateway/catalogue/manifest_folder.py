"""
Looking at the folder of manifests: which files there are, and which have changed and come to rest.

Blocking calls, made in a thread. Symbolic links are followed: Kubernetes swaps one to change all files
of a mounted ConfigMap at once.
"""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from hookgate_gateway.catalogue.manifest_file import ManifestFile, read_file
from hookgate_gateway.catalogue.manifest_text import MAX_BYTES, ManifestError

__all__ = ["Folder", "Signature"]

SUFFIXES = (".yaml", ".yml", ".json")

Signature = tuple[int, int, int, int]
"""Modification time in ns, size, inode, device: another one means another content."""


@dataclass(slots=True)
class Folder:
    """Remembers what was seen, so that a file half written is not taken for a whole one."""

    path: Path
    _seen: dict[str, Signature] | None = None
    _taken: dict[str, Signature] = field(default_factory=dict)

    def changed(self) -> frozenset[str]:
        """Names whose files are new, other or gone since they were taken, and the same for two looks.

        At the first look everything is at rest. Raises OSError when the folder cannot be read.
        """
        now = _signatures(self.path)
        seen = now if self._seen is None else self._seen
        self._seen = now
        names = now.keys() | self._taken.keys()
        return frozenset(
            name
            for name in names
            if now.get(name) != self._taken.get(name) and now.get(name) == seen.get(name)
        )

    def take(self, name: str) -> ManifestFile | tuple[str, ...] | None:
        """What the file says, or what is wrong with it, or None when it is gone."""
        signature = self._seen.get(name) if self._seen else None
        if signature is None:
            self._taken.pop(name, None)
            return None
        self._taken[name] = signature
        try:
            with (self.path / name).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            return read_file(data, is_json=name.endswith(".json"))
        except ManifestError as error:
            return error.lines
        except OSError as error:
            return (f"cannot be read: {error.strerror}; check its permissions",)


def _signatures(folder: Path) -> dict[str, Signature]:
    found = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or not entry.name.endswith(SUFFIXES):
                continue
            try:
                seen = entry.stat()
            except OSError:  # a dangling link, or gone since it was listed
                continue
            if stat.S_ISREG(seen.st_mode):  # a pipe would never end
                found[entry.name] = (seen.st_mtime_ns, seen.st_size, seen.st_ino, seen.st_dev)
    return found

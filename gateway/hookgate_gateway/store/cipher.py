"""
Secrets at rest: the catalogue's secret values, encrypted with keys from a file.

One Fernet key a line; the first encrypts, all decrypt, so that keys are rotated by putting a new one on
top. When no file is named, one is made beside the store.
"""

import base64
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from hookgate_gateway.ports import StoreRefused

__all__ = ["Cipher", "add_key", "open_cipher", "own_keys_file", "read_cipher"]

Secrets = Mapping[str, Mapping[str, bytes]]


class Cipher:
    """Encrypts and decrypts. Neither keys nor values are ever part of a message."""

    def __init__(self, keys: Sequence[Fernet], origin: str) -> None:
        self._fernet = MultiFernet(keys)
        self._first = keys[0]
        self._origin = origin
        self.size = len(keys)
        """How many keys there are."""

    def encrypt(self, secrets: Secrets) -> bytes:
        """What the store keeps of a resource's secret values."""
        plain = {
            name: {key: base64.b64encode(value).decode("ascii") for key, value in values.items()}
            for name, values in secrets.items()
        }
        return self._fernet.encrypt(orjson.dumps(plain))

    def renew(self, token: bytes) -> bytes | None:
        """The same values under the first key, or None when they are already.

        Raises StoreRefused when none of the keys fits.
        """
        if self.is_current(token):
            return None
        return self.encrypt(self.decrypt(token))

    def is_current(self, token: bytes) -> bool:
        """Whether the first key opens it."""
        try:
            self._first.decrypt(token)
        except InvalidToken:
            return False
        return True

    def decrypt(self, token: bytes) -> dict[str, dict[str, bytes]]:
        """The values again. Raises StoreRefused when none of the keys fits."""
        try:
            plain = orjson.loads(self._fernet.decrypt(token))
        except InvalidToken as error:
            raise StoreRefused(
                f"none of the keys in {self._origin} opens the secrets in this store:"
                " give HOOKGATE_ENCRYPTION_KEYS_FILE the file they were written with"
            ) from error
        return {
            name: {key: base64.b64decode(value) for key, value in values.items()}
            for name, values in plain.items()
        }


def open_cipher(keys_file: Path | None, database: Path) -> Cipher:
    """The cipher of a store: of ``keys_file``, else of ``DATABASE.key``, made when it is not there.

    Raises StoreRefused for a file that cannot be read or holds no Fernet key.
    """
    if keys_file is None:
        keys_file = own_keys_file(database)
        _make(keys_file)
    return read_cipher(keys_file)


def own_keys_file(database: Path) -> Path:
    """The keys file of a store when none was named."""
    return database.with_name(database.name + ".key")


def read_cipher(keys_file: Path) -> Cipher:
    """The cipher of a keys file that is there. Raises StoreRefused."""
    try:
        lines = keys_file.read_text(encoding="ascii").split() or [""]  # which is no key
        return Cipher([Fernet(line) for line in lines], str(keys_file))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise StoreRefused(
            f"the encryption keys file {keys_file} cannot be read: {reason}."
            " Put the file there, or name another with HOOKGATE_ENCRYPTION_KEYS_FILE"
        ) from error
    except ValueError as error:
        raise StoreRefused(
            f"the encryption keys file {keys_file} must hold one Fernet key a line"
            " (32 bytes in URL-safe base64). Give HOOKGATE_ENCRYPTION_KEYS_FILE the file the store was written with"
        ) from error


def add_key(keys_file: Path) -> None:
    """Put a new key on top of the file, which is whole at every moment. Raises StoreRefused."""
    try:
        former = keys_file.read_bytes()
        draft = _draft(keys_file, Fernet.generate_key() + b"\n" + former)
        draft.chmod(keys_file.stat().st_mode & 0o777)
        draft.replace(keys_file)
    except OSError as error:
        raise StoreRefused(
            f"no key can be added to {keys_file}: {error.strerror}. Where it comes from elsewhere"
            " (a mounted Secret), put a new key into its first line there"
        ) from error


def _draft(file: Path, content: bytes) -> Path:
    """A file beside it, on disk, readable for its owner alone from the first moment."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    return draft


def _make(file: Path) -> None:
    """Whole or not there at all."""
    if file.exists():
        return
    try:
        draft = _draft(file, Fernet.generate_key() + b"\n")
        try:
            os.link(draft, file)  # does not replace what another process made meanwhile
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise StoreRefused(
            f"no encryption key can be written beside the store: {error.strerror} ({file})."
            " Make that directory exist and writable for this user, or give HOOKGATE_STORE another path"
        ) from error

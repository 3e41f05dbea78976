"""
Secrets at rest: the catalogue's secret values, encrypted with keys from a file.

One Fernet key a line; the first encrypts, all decrypt, so that keys are rotated by putting a new one on
top. When no file is named, one is made beside the store.
"""

import base64
import os
from collections.abc import Mapping
from pathlib import Path

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from hookgate_gateway.ports import StoreRefused

__all__ = ["Cipher", "open_cipher"]

Secrets = Mapping[str, Mapping[str, bytes]]


class Cipher:
    """Encrypts and decrypts. Neither keys nor values are ever part of a message."""

    def __init__(self, fernet: MultiFernet, origin: str) -> None:
        self._fernet = fernet
        self._origin = origin

    def encrypt(self, secrets: Secrets) -> bytes:
        """What the store keeps of a resource's secret values."""
        plain = {
            name: {key: base64.b64encode(value).decode("ascii") for key, value in values.items()}
            for name, values in secrets.items()
        }
        return self._fernet.encrypt(orjson.dumps(plain))

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
        keys_file = database.with_name(database.name + ".key")
        _make(keys_file)
    try:
        lines = keys_file.read_text(encoding="ascii").split()
        return Cipher(MultiFernet([Fernet(line) for line in lines]), str(keys_file))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise StoreRefused(
            f"the encryption keys file {keys_file} cannot be read: {reason}"
        ) from error
    except ValueError as error:
        raise StoreRefused(
            f"the encryption keys file {keys_file} must hold one Fernet key a line"
            " (32 bytes in URL-safe base64)"
        ) from error


def _make(file: Path) -> None:
    """Readable for its owner alone from the first moment, and whole or not there at all."""
    if file.exists():
        return
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(Fernet.generate_key() + b"\n")
            out.flush()
            os.fsync(out.fileno())
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

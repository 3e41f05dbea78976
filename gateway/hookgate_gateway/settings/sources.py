"""
Where settings come from: the environment, and files for what is secret.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

__all__ = ["Environment", "UnreadableSecret", "holds_secret", "variable"]

PREFIX = "HOOKGATE_"


class UnreadableSecret(Exception):
    """A secret cannot be had: two places say what it is, or its file cannot be read."""


def variable(field_name: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field_name.upper()


def holds_secret(field: FieldInfo) -> bool:
    """Whether the value must never be shown, and may come from a file."""
    return field.annotation is SecretStr or field.annotation == SecretStr | None


class Environment(EnvSettingsSource):
    """Environment variables, and for secrets the file that ``…_FILE`` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        value, key, is_complex = super().get_field_value(field, field_name)
        if holds_secret(field):
            value = _secret(variable(field_name), value, self.env_vars)
        return value, key, is_complex


def _secret(name: str, value: str | None, environment: Mapping[str, str | None]) -> str | None:
    path = environment.get(f"{name}_FILE".lower())
    if not path:
        return value
    if value is not None:
        raise UnreadableSecret(f"{name} and {name}_FILE are both set; keep one of them")
    try:
        return Path(path).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UnreadableSecret(
            f"{name}_FILE={path!r} cannot be read ({reason}); name a readable file with the secret in it"
        ) from error

"""
Reading values from Secrets and ConfigMaps, and telling what is wrong with them.

Problems name the Secret and the key, never the value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hookgate.resources.references import CONFIG_MAP
from hookgate_gateway.rules.delivery import Namespace

__all__ = ["Lookup", "Place", "SecretValues", "trimmed", "values_of"]

Lookup = Callable[[str, str], bytes | None]
"""The value of (Secret or ``configmap/NAME``, key) of one namespace, or None."""


def trimmed(value: bytes) -> bytes:
    """A Secret's value without one trailing newline, the commonest cause of wrong signatures."""
    if value.endswith(b"\r\n"):
        return value[:-2]
    return value.removesuffix(b"\n")


def values_of(secrets: Mapping[str, Mapping[str, bytes]]) -> Lookup:
    """The look-up in values that are at hand."""
    return lambda name, key: secrets.get(name, {}).get(key)


class Place(NamedTuple):
    """A field of a resource that names a value, and where that value is."""

    field: str
    secret: str
    key: str


@dataclass(slots=True)
class SecretValues:
    """Reads values and gathers what is wrong with them, so that all of it is told at once."""

    namespace: Namespace
    lookup: Lookup = field(repr=False)
    problems: list[str] = field(default_factory=list)

    def value(self, place: Place) -> bytes:
        found = self.lookup(place.secret, place.key)
        if found is None:
            self.complain(place, "is not there; create it")
            return b""
        value = trimmed(found)
        if not value:
            self.complain(place, "is empty")
        return value

    def text(self, place: Place, problem: Callable[[str], str | None]) -> str:
        """A value as text that ``problem`` has nothing against."""
        value = self.value(place)
        if not value:
            return ""
        try:
            text = value.decode()
        except UnicodeDecodeError:
            self.complain(place, "is not UTF-8 text")
            return ""
        if message := problem(text):
            self.complain(place, message)
        return text

    def pem(self, place: Place, kind: bytes) -> bytes:
        """A value that holds PEM blocks of that kind."""
        value = self.value(place)
        if value and kind + b"-----" not in value:
            self.complain(place, f"must be PEM with a {kind.decode()}")
        return value

    def complain(self, place: Place, message: str) -> None:
        kind, name = "Secret", place.secret
        if name.startswith(CONFIG_MAP):
            kind, name = "ConfigMap", name.removeprefix(CONFIG_MAP)
        self.problems.append(
            f"{place.field}: {kind} {self.namespace}/{name}, key {place.key}: {message}"
        )

"""
Reading values from Secrets and ConfigMaps, and telling what is wrong with them.

Problems name the Secret and the key, never the value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hookgate.resources.references import Need
from hookgate.resources.secret_values import trimmed
from hookgate_gateway.rules.delivery import Namespace

__all__ = ["Lookup", "SecretValues", "values_of"]

Lookup = Callable[[str, str], bytes | None]
"""The value of (Secret or ``configmap/NAME``, key) of one namespace, or None."""


def values_of(secrets: Mapping[str, Mapping[str, bytes]]) -> Lookup:
    """The look-up in values that are at hand."""
    return lambda name, key: secrets.get(name, {}).get(key)


@dataclass(slots=True)
class SecretValues:
    """Reads values and gathers what is wrong with them, so that all of it is told at once."""

    namespace: Namespace
    lookup: Lookup = field(repr=False)
    problems: list[str] = field(default_factory=list)

    def value(self, need: Need) -> bytes:
        found = self.lookup(need.name, need.key)
        if found is None:
            self.complain(need, "is not there; create it")
            return b""
        value = trimmed(found)
        if not value:
            self.complain(need, "is empty")
        return value

    def text(self, need: Need, problem: Callable[[str], str | None]) -> str:
        """A value as text that ``problem`` has nothing against."""
        value = self.value(need)
        if not value:
            return ""
        try:
            text = value.decode()
        except UnicodeDecodeError:
            self.complain(need, "is not UTF-8 text")
            return ""
        if message := problem(text):
            self.complain(need, message)
        return text

    def pem(self, need: Need, kind: bytes) -> bytes:
        """A value that holds PEM blocks of that kind."""
        value = self.value(need)
        if value and kind + b"-----" not in value:
            self.complain(need, f"must be PEM with a {kind.decode()}")
        return value

    def complain(self, need: Need, message: str) -> None:
        self.problems.append(
            f"{need.field}: {need.holder(self.namespace)}, key {need.key}: {message}"
        )

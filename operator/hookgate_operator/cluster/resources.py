"""
What the operator asks the API server for, where it is found, and how its documents are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote

from hookgate_operator.ports import Key, Kind, Observed

__all__ = [
    "CONFIG_MAPS",
    "EVENTS",
    "KEY_SELECTORS",
    "OF_KIND",
    "REPLAYS",
    "SECRETS",
    "SUBSCRIPTIONS",
    "WATCHED_VALUES",
    "Resource",
    "observed",
]


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of objects as the API server serves it."""

    group: str
    """Empty for the core group."""
    version: str
    plural: str
    kind: str

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str | None = None, subresource: str = "") -> str:
        """Of all objects of the cluster, those of a namespace, or one."""
        parts = ["apis" if self.group else "api", self.api_version]
        if namespace is not None:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name is not None:
            parts.append(quote(name, safe=""))
        if subresource:
            parts.append(subresource)
        return "/" + "/".join(parts)


SUBSCRIPTIONS: Final = Resource(
    "hookgate.dev", "v1alpha1", "webhooksubscriptions", "WebhookSubscription"
)
REPLAYS: Final = Resource("hookgate.dev", "v1alpha1", "webhookreplays", "WebhookReplay")
SECRETS: Final = Resource("", "v1", "secrets", "Secret")
CONFIG_MAPS: Final = Resource("", "v1", "configmaps", "ConfigMap")
EVENTS: Final = Resource("events.k8s.io", "v1", "events", "Event")

OF_KIND: Final[Mapping[Kind, Resource]] = MappingProxyType(
    {Kind.SUBSCRIPTION: SUBSCRIPTIONS, Kind.REPLAY: REPLAYS, Kind.KEY_SECRET: SECRETS}
)
KEY_SELECTORS: Final[Mapping[str, str]] = MappingProxyType(
    {"api-key": "hookgate.dev/api-key=true", "source": "hookgate.dev/source"}
)
"""Which Secrets are key Secrets, by label selector."""
WATCHED_VALUES: Final = "hookgate.dev/watch=true"
"""Which Secrets' values are told by a watch."""


def observed(kind: Kind, document: Mapping[str, Any]) -> Observed:
    """An object of a list or an answer. Items of lists come without ``kind``; the document gets it."""
    metadata, resource = document["metadata"], OF_KIND[kind]
    return Observed(
        key=Key(kind, metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        resource_version=metadata["resourceVersion"],
        document={"apiVersion": resource.api_version, "kind": resource.kind, **document},
    )

"""
The manifests of a measured gateway: one API key, one signing secret, any number of subscriptions.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PER_FILE = 500
"""Subscriptions in a file: files have a limit of size."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A subscription of the measured gateway."""

    name: str
    url: str
    max_in_flight: int
    workflow: int | None = None
    """Only reports of this workflow id, or all."""
    suspend: bool = False
    """Keep its deliveries and send none."""


def write_secrets(folder: Path, key: str) -> None:
    """The API key of the generator, and the secret that deliveries are signed with."""
    folder.mkdir(parents=True, exist_ok=True)
    api_key = _secret("bench-key", {"api-key": key})
    api_key["metadata"]["labels"] = {"hookgate.dev/api-key": "true"}
    signing = _secret("bench-signing", {"secret": secrets.token_hex(16)})
    _write(folder / "secrets.yaml", [api_key, signing])


def write_hooks(folder: Path, hooks: Sequence[Hook]) -> None:
    """Declare the subscriptions, by replacing files as an editor does."""
    for first in range(0, len(hooks), _PER_FILE):
        part = [_subscription(hook) for hook in hooks[first : first + _PER_FILE]]
        _write(folder / f"hooks-{first:06d}.yaml", part)


def _write(path: Path, documents: Sequence[dict[str, Any]]) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text("\n---\n".join(json.dumps(document) for document in documents))
    temporary.rename(path)


def _secret(name: str, values: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": values,
    }


def _subscription(hook: Hook) -> dict[str, Any]:
    match = {} if hook.workflow is None else {"workflowIds": [f"wpid_{hook.workflow:02d}"]}
    return {
        "apiVersion": "hookgate.dev/v1alpha1",
        "kind": "WebhookSubscription",
        "metadata": {"name": hook.name},
        "spec": {
            "suspend": hook.suspend,
            "match": match,
            "endpoint": {"url": hook.url},
            "signing": {
                "scheme": "Skyvern",
                "secretRefs": [{"name": "bench-signing", "key": "secret"}],
            },
            "delivery": {"maxInFlight": hook.max_in_flight},
        },
    }

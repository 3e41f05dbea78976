"""
A folder of manifests as a user would write it: one file an object, replaced in one step.
"""

import json
from pathlib import Path
from typing import Any

API_KEY = "acceptance-key-0123456789abcdef"
SIGNING_SECRET = "acceptance-signing-secret-0123"


class Manifests:
    """Writes and removes manifests; an edit is a rename, as editors and volume mounts do it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, *documents: dict[str, Any]) -> None:
        self.text(name, "\n---\n".join(json.dumps(document) for document in documents))

    def text(self, name: str, text: str) -> None:
        temporary = self.folder / f".{name}.tmp"
        temporary.write_text(text)
        temporary.rename(self.folder / f"{name}.yaml")

    def remove(self, name: str) -> None:
        (self.folder / f"{name}.yaml").unlink()

    def api_key(self, namespace: str = "default", value: str = API_KEY, **annotations: str) -> None:
        self.write(f"key-{namespace}", api_key(namespace, value, **annotations))

    def subscription(self, name: str, url: str, **options: Any) -> None:
        self.write(f"sub-{name}", subscription(name, url, **options))


def metadata(name: str, namespace: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, **more}


def secret(name: str, namespace: str = "default", **values: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(name, namespace),
        "stringData": values,
    }


def api_key(namespace: str = "default", value: str = API_KEY, **annotations: str) -> dict[str, Any]:
    found = secret("client", namespace)
    found["stringData"] = {"api-key": value}
    found["metadata"]["labels"] = {"hookgate.dev/api-key": "true"}
    found["metadata"]["annotations"] = _annotations(annotations)
    return found


def source(name: str, key: str, namespace: str = "default", **annotations: str) -> dict[str, Any]:
    found = secret(f"source-{name}", namespace, key=key)
    found["metadata"]["labels"] = {"hookgate.dev/source": name}
    found["metadata"]["annotations"] = _annotations(annotations)
    return found


def _annotations(words: dict[str, str]) -> dict[str, str]:
    return {f"hookgate.dev/{name.replace('_', '-')}": value for name, value in words.items()}


def subscription(
    name: str,
    url: str,
    *,
    namespace: str = "default",
    retry: tuple[int, ...] = (1, 1, 1),
    scheme: str = "Skyvern",
    secrets: tuple[str, ...] = ("signing",),
    timeout: int = 30,
    match: dict[str, Any] | None = None,
    suspend: bool = False,
    endpoint: dict[str, Any] | None = None,
    delivery: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A WebhookSubscription with retries after a second, no jitter and no breaker in the way."""
    return {
        "apiVersion": "hookgate.dev/v1alpha1",
        "kind": "WebhookSubscription",
        "metadata": metadata(name, namespace),
        "spec": {
            "suspend": suspend,
            "match": match or {},
            "endpoint": {"url": url, "timeoutSeconds": timeout, **(endpoint or {})},
            "signing": {
                "scheme": scheme,
                "secretRefs": [{"name": s, "key": "secret"} for s in secrets],
            },
            "delivery": {
                "retryDelaysSeconds": list(retry),
                "jitterPercent": 0,
                "circuitBreaker": {"consecutiveFailures": 0},
                **(delivery or {}),
            },
        },
    }

"""A client and who watches it."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hookgate_operator.gateway_client.address import parse_gateway_url
from hookgate_operator.gateway_client.client import GatewayClient
from hookgate_operator.ports import Declaration, HeldKind, ReplayOrder
from tests.gateway.api.control.world import OWNER, TOKEN, Control


class Watcher:
    """What the client told."""

    def __init__(self) -> None:
        self.codes: Counter[str] = Counter()
        self.changed: list[Path] = []
        self.unusable: list[str] = []

    def request(self, code: str) -> None:
        self.codes[code] += 1

    def file_changed(self, path: Path) -> None:
        self.changed.append(path)

    def file_unusable(self, why: str) -> None:
        self.unusable.append(why)


@asynccontextmanager
async def client_of(
    control: Control | str, folder: Path, *, owner: str = OWNER, **options: Any
) -> AsyncIterator[GatewayClient]:
    """A client with a token file of its own, ``folder/token``, for a gateway or a URL."""
    url = control if isinstance(control, str) else f"http://127.0.0.1:{control.port}"
    token_file = folder / "operator-token"
    if not token_file.exists():
        token_file.write_text(f"{TOKEN}\n")
    options.setdefault("observer", Watcher())
    async with GatewayClient(
        parse_gateway_url(url), owner=owner, token_file=token_file, **options
    ) as client:
        yield client


def declaration(
    namespace: str,
    name: str = "invoices",
    url: str = "https://billing.shop.example/hook",
    *,
    fingerprint: str = "f-1",
    secret: bytes | None = b"signs-0123456789",
    **spec: Any,
) -> Declaration:
    """A subscription with one signing Secret, ``hook``."""
    return Declaration(
        kind=HeldKind.SUBSCRIPTION,
        namespace=namespace,
        name=name,
        fingerprint=fingerprint,
        resource={
            "apiVersion": "hookgate.dev/v1alpha1",
            "kind": "WebhookSubscription",
            "metadata": {"name": name, "namespace": namespace, "uid": "0-1-2"},
            "spec": {
                "endpoint": {"url": url},
                "signing": {"secretRefs": [{"name": "hook", "key": "secret"}]},
                **spec,
            },
        },
        secrets={} if secret is None else {"hook": {"secret": secret}},
    )


def key_secret(
    namespace: str, kind: HeldKind, name: str, labels: dict[str, str], **values: bytes
) -> Declaration:
    """An API key or a source; underscores in keys stand for hyphens."""
    holder = f"secret-{name}"
    return Declaration(
        kind=kind,
        namespace=namespace,
        name=holder if kind is HeldKind.API_KEY else name,
        fingerprint="f-1",
        resource={
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": holder, "namespace": namespace, "labels": labels},
            "type": "Opaque",
        },
        secrets={holder: {key.replace("_", "-"): value for key, value in values.items()}},
    )


def order(namespace: str, uid: str = "uid-1", **options: Any) -> ReplayOrder:
    return ReplayOrder(namespace=namespace, uid=uid, filter=options.pop("filter", {}), **options)

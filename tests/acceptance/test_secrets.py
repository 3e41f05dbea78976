"""Where a secret may never be: on disk, in a log, a metric, an answer, an argument or the environment."""

import asyncio
import base64
import hashlib
import hmac
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.acceptance.harness import API_KEY, Gateway, arrivals, at, eventually, report, run_id
from tests.acceptance.manifests import SIGNING_SECRET, api_key, secret, source
from tests.receivers import Receiver

HEADER = "header-value-out-of-a-secret-0123"
URL_TOKEN = "token-in-a-url-out-of-a-secret-01"
SOURCE_KEY = "key-of-a-source-out-of-a-secret-0"
STANDARD = "standard-webhooks-secret-01234567"
PREVIOUS = "previous-api-key-0123456789abcdef"
SECRETS = (API_KEY, PREVIOUS, SIGNING_SECRET, HEADER, URL_TOKEN, SOURCE_KEY, STANDARD)


def forms(value: str) -> Iterator[bytes]:
    """How a value could have been written down."""
    raw = value.encode()
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    yield urllib.parse.quote(value, safe="").encode()
    for shift in range(3):  # base64 of a text that holds it depends on where it stands
        encoded = base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4]
        yield encoded
        yield encoded.translate(bytes.maketrans(b"+/", b"-_"))


def found(text: bytes, secrets: tuple[str, ...]) -> list[str]:
    return [s for s in secrets if any(form in text for form in forms(s))]


def files(gateway: Gateway) -> Iterator[tuple[str, bytes]]:
    """Everything that the gateway has written, the manifests and the keys file apart."""
    for path in gateway.home.rglob("*"):
        kept = path.is_file() and gateway.manifests.folder not in path.parents
        if kept and path.name != "keys":
            yield path.name, path.read_bytes()


def processes(gateway: Gateway) -> Iterator[tuple[str, bytes]]:
    assert gateway.process is not None
    for pid in (gateway.process.pid, *gateway.writer_pids()):
        for what in ("cmdline", "environ"):
            yield f"{pid} {what}", Path(f"/proc/{pid}/{what}").read_bytes()


async def answers(gateway: Gateway, run: str) -> list[tuple[str, bytes]]:
    """What the API says of a run and everything around it, to the tenant itself."""
    paths = [
        "/v1/subscriptions", "/v1/subscriptions/plain", "/v1/subscriptions/standard", "/v1/runs",
        f"/v1/runs/{run}", "/v1/events", "/v1/deliveries", f"/v1/internal/runs/{run}/test-webhook?subscription=plain",
        f"/v1/internal/runs/{run}/test-webhook?subscription=standard",
        "/openapi.json",
    ]  # fmt: skip
    for delivery in await gateway.deliveries():
        paths.append(f"/v1/deliveries/{delivery['id']}")
        paths.append(f"/v1/events/{delivery['event_id']}/explain")
    replies = [(path, await gateway.call("GET", path)) for path in paths]
    for path, body in (
        (f"/v1/runs/{run}/retry_webhook", {"subscription": "plain"}),
        (f"/v1/runs/{run}/retry_webhook", {"subscription": "standard"}),
        (f"/v1/runs/{run}/retry_webhook", {"subscription": "broken"}),
        ("/v1/subscriptions/plain/test", {}),
        ("/v1/subscriptions/broken/test", {}),
        ("/v1/internal/test-webhook", {"webhook_url": "http://127.0.0.1:1/x", "run_type": "task"}),
    ):
        replies.append((path, await gateway.post(path, json.dumps(body).encode())))
    assert {path: reply.status for path, reply in replies if reply.status != 200} == {}
    said = [(path, reply.body) for path, reply in replies]
    said.append(("/metrics", (await gateway.fetch("GET", gateway.metrics_url())).body))
    return said


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_the_search_finds_what_is_written_down_in_any_form(before: str) -> None:
    text = f"{before}{API_KEY} and more".encode()
    for written in (
        text,
        text.hex().encode(),
        base64.b64encode(text),
        base64.urlsafe_b64encode(text),
    ):
        assert found(b'{"x": "' + written + b'"}', SECRETS) == [API_KEY]


@pytest.mark.timeout(90)
async def test_no_secret_is_anywhere(idle: Gateway, receiver: Receiver) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    keys_file = idle.home / "keys"
    keys_file.write_text(f"{keys[0]}\n")
    idle.settings["encryption_keys_file"] = str(keys_file)
    _declare(idle, receiver)
    await idle.start()
    run = run_id()
    await idle.accepted(report(run))
    await _reported_by_a_source(idle)
    await arrivals(receiver, 1, "/ok200/plain")
    keys_file.write_text(f"{keys[1]}\n{keys[0]}\n")
    await eventually(lambda: _logged(idle, "secrets_reencrypted"), what="rotated")
    said = await answers(idle, run)
    assert len(at(receiver, "/ok200/plain")) >= 3
    secrets = (*SECRETS, *keys)
    evidence = [*said, *files(idle), *processes(idle)]
    assert {"hookgate.db", "hookgate.db-wal", "gateway.log"} <= {name for name, _ in evidence}
    assert {name: found(text, secrets) for name, text in evidence if found(text, secrets)} == {}
    assert await idle.stop() == 0
    assert [name for name, text in files(idle) if found(text, secrets)] == []


def _declare(idle: Gateway, receiver: Receiver) -> None:
    both = api_key()
    both["stringData"]["api-key-previous"] = PREVIOUS
    idle.manifests.write("key-default", both)
    idle.manifests.write("source", source("upstream", SOURCE_KEY))
    url = receiver.url(f"ok200/secret-url?token={URL_TOKEN}")
    idle.manifests.write("values", secret("values", header=HEADER, url=url, standard=STANDARD))
    header = {"name": "x-token", "valueFrom": {"secretKeyRef": {"name": "values", "key": "header"}}}
    idle.manifests.subscription(
        "plain", receiver.url("ok200/plain"), endpoint={"headers": [header]}
    )
    idle.manifests.subscription("broken", receiver.url("ok200/broken?status=500"), retry=(1,))
    idle.manifests.write("sub-standard", _from_secret())


def _from_secret() -> dict[str, object]:
    return {
        "apiVersion": "hookgate.dev/v1alpha1",
        "kind": "WebhookSubscription",
        "metadata": {"name": "standard", "namespace": "default"},
        "spec": {
            "endpoint": {"urlFrom": {"secretKeyRef": {"name": "values", "key": "url"}}},
            "signing": {
                "scheme": "StandardWebhooks",
                "secretRefs": [{"name": "values", "key": "standard"}],
            },
        },
    }


async def _reported_by_a_source(idle: Gateway) -> None:
    body = json.dumps(report()).encode()
    signature = hmac.new(SOURCE_KEY.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X_Skyvern_Signature": signature, "X_Skyvern_Timestamp": "1709294400"}
    reply = await idle.post("/v1/ingest/default/upstream", body, key=None, **headers)
    assert reply.status == 200, reply


async def _logged(idle: Gateway, event: str) -> bool:
    return bool(idle.logged(event))


# ------------------------------------------------------------------------------------ rotation


@pytest.mark.timeout(90)
async def test_every_key_rotates_under_traffic(idle: Gateway, receiver: Receiver) -> None:
    """An API key, a source's key, a signing secret, the encryption key: nobody is refused meanwhile."""
    keys_file = idle.home / "keys"
    first, second = (Fernet.generate_key().decode() for _ in range(2))
    keys_file.write_text(f"{first}\n")
    idle.settings["encryption_keys_file"] = str(keys_file)
    idle.manifests.write("source", source("upstream", SOURCE_KEY))
    idle.manifests.subscription("hook", receiver.url("ok200/hook"))
    await idle.start()
    client = _Client(idle)
    async with asyncio.TaskGroup() as group:
        traffic = group.create_task(client.report_on())
        # The clients' key: the new one beside the old one, then the clients, then the old one goes.
        await client.some()
        await _apply(idle, "key-default", _key_secret(API_KEY + "-new", API_KEY))
        client.key = API_KEY + "-new"
        await client.some()
        await _apply(idle, "key-default", _key_secret(API_KEY + "-new"))
        await client.some()
        assert (await idle.call("GET", "/v1/runs", key=API_KEY)).status == 403
        # The source's.
        both = source("upstream", SOURCE_KEY + "-new")
        both["stringData"]["key-previous"] = SOURCE_KEY
        await _apply(idle, "source", both)
        client.source_key = SOURCE_KEY + "-new"
        await client.some()
        await _apply(idle, "source", source("upstream", SOURCE_KEY + "-new"))
        await client.some()
        # The encryption key.
        keys_file.write_text(f"{second}\n{first}\n")
        await eventually(lambda: _logged(idle, "secrets_reencrypted"), what="rotated")
        keys_file.write_text(f"{second}\n")
        await eventually(lambda: _rotations(idle, 2), what="the old key is out")
        await client.some()
        client.stop = True
        await traffic
    assert client.refused == []
    await eventually(lambda: _nothing_owed(idle, client.key), what="all delivered")
    arrived = {json.loads(request.body)["run_id"] for request in at(receiver, "/ok200/hook")}
    assert arrived == client.accepted
    for request in at(receiver, "/ok200/hook"):
        expected = hmac.new(SIGNING_SECRET.encode(), request.body, hashlib.sha256).hexdigest()
        assert request.header("x-skyvern-signature") == f"sha256={expected}"
    assert await idle.stop() == 0
    await idle.start()  # with the new encryption key alone
    assert (await idle.call("GET", "/v1/runs", key=client.key)).status == 200


class _Client:
    """Reports with the key that it has now, one after the other, as an engine and as a source."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.key, self.source_key = API_KEY, SOURCE_KEY
        self.accepted: set[str] = set()
        self.refused: list[object] = []
        self.stop = False

    async def report_on(self) -> None:
        while not self.stop:
            await self._send(as_source=False)
            await self._send(as_source=True)

    async def some(self) -> None:
        """Return after a few more."""
        enough = len(self.accepted) + len(self.refused) + 10

        async def sent() -> bool:
            return len(self.accepted) + len(self.refused) >= enough

        await eventually(sent, what="traffic")

    async def _send(self, *, as_source: bool) -> None:
        run = run_id()
        body = json.dumps(report(run)).encode()
        if as_source:
            signature = hmac.new(self.source_key.encode(), body, hashlib.sha256).hexdigest()
            reply = await self._gateway.post(
                "/v1/ingest/default/upstream", body, key=None,
                X_Skyvern_Signature=signature, X_Skyvern_Timestamp="1709294400",
            )  # fmt: skip
        else:
            reply = await self._gateway.post("/v1/events", body, key=self.key)
        if reply.status in (200, 202):
            self.accepted.add(run)
        else:
            self.refused.append(reply)


def _key_secret(value: str, previous: str | None = None) -> dict[str, object]:
    made = api_key(value=value)
    if previous:
        made["stringData"]["api-key-previous"] = previous
    return made


async def _apply(idle: Gateway, name: str, document: dict[str, object]) -> None:
    """Change a manifest and wait until the gateway has taken it up."""
    before = len(idle.logged("manifests_loaded"))
    idle.manifests.write(name, document)

    async def loaded() -> bool:
        return len(idle.logged("manifests_loaded")) > before

    await eventually(loaded, what=f"{name} is taken up")


async def _rotations(idle: Gateway, count: int) -> bool:
    return len(idle.logged("secrets_reencrypted")) >= count


async def _nothing_owed(idle: Gateway, key: str) -> bool:
    return not await idle.deliveries("?state=pending&limit=1", key=key)

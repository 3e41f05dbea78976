"""The control API of the real command: what is put holds at once, survives a restart, and tells its health."""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hookgate_process.connector import ClosingConnector
from tests.acceptance.harness import Gateway, Reply, arrivals, at, eventually, free_port, report
from tests.acceptance.manifests import API_KEY, SIGNING_SECRET, subscription
from tests.acceptance.signatures import assert_skyvern
from tests.receivers import Authority, Receiver

TOKEN = "acceptance-operators-token"
OWNER = "operator/acceptance"
KEY = "put-by-the-operator-0123456789"
SECRET = "put-signing-secret-0123456789"


class Operator:
    """Speaks to the control API over TLS, with its CA pinned."""

    def __init__(self, gateway: Gateway) -> None:
        home = gateway.home
        self.authority = Authority()
        self.port = free_port()
        leaf = self.authority.ca.issue_cert("localhost")
        (home / "tls.crt").write_bytes(leaf.cert_chain_pems[0].bytes())
        (home / "tls.key").write_bytes(leaf.private_key_pem.bytes())
        (home / "token").write_text(TOKEN)
        gateway.settings |= {
            "control_listen": f":{self.port}",
            "control_token_file": str(home / "token"),
            "control_tls_certificate_file": str(home / "tls.crt"),
            "control_tls_key_file": str(home / "tls.key"),
        }
        self.answers: list[str] = []
        self._session: aiohttp.ClientSession | None = None

    async def call(self, method: str, path: str, *, token: str = TOKEN, **options: Any) -> Reply:
        if self._session is None:
            context = ssl.create_default_context(cadata=self.authority.pem.decode())
            connector = ClosingConnector(ssl=context, force_close=True)
            self._session = aiohttp.ClientSession(connector=connector)
        url = f"https://localhost:{self.port}/control/v1/{path}"
        headers = {"Authorization": f"Bearer {token}"}
        async with self._session.request(method, url, headers=headers, **options) as answer:
            reply = Reply(answer.status, dict(answer.headers), await answer.read())
        self.answers.append(reply.body.decode())
        return reply

    async def put(self, path: str, resource: dict[str, Any], **secrets: dict[str, str]) -> Any:
        body = {
            "owner": OWNER,
            "fingerprint": "1",
            "resource": resource,
            "secrets": {
                name: {k: base64.b64encode(v.encode()).decode() for k, v in values.items()}
                for name, values in secrets.items()
            },
        }
        reply = await self.call("PUT", f"namespaces/default/{path}", json=body)
        assert reply.status == 200, reply
        return reply.json()

    async def api_key(self) -> Any:
        resource = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "operators"}}
        return await self.put("api-keys/operators", resource, operators={"api-key": KEY})

    async def subscription(self, name: str, url: str, **spec: Any) -> Any:
        resource = subscription(name, url, secrets=("put",), **spec)
        return await self.put(f"subscriptions/{name}", resource, put={"secret": SECRET})

    async def changed(self, token: str, name: str, state: str) -> str:
        """Wait until the health of this subscription has that state; the token to go on with."""

        async def found() -> str | None:
            nonlocal token
            reply = await self.call("GET", f"health?since={token}&timeout=5")
            assert reply.status == 200, reply
            told = reply.json()
            token = told["token"]
            states = [i["health"]["state"] for i in told["items"] if i["name"] == name]
            return token if state in states else None

        answer = await eventually(found, what=f"{name} is {state}")
        assert answer is not None
        return answer

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


@asynccontextmanager
async def _operator(gateway: Gateway) -> AsyncIterator[Operator]:
    it = Operator(gateway)
    try:
        yield it
    finally:
        await it.close()


@pytest.fixture(name="operator")
async def _operator_fixture(idle: Gateway) -> AsyncIterator[Operator]:
    async with _operator(idle) as it:
        yield it


async def test_from_put_to_delivery_to_health_to_delete(
    idle: Gateway, operator: Operator, receiver: Receiver
) -> None:
    await idle.start()
    assert (await operator.api_key())["resolved"] is True
    told = await operator.subscription("put", receiver.url("switch/put?times=99"), retry=())
    assert (told["resolved"], told["hold"], told["endpoint"]["allowed"]) == (True, None, True)
    token = (await operator.call("GET", "health")).json()["token"]

    await idle.accepted(report(), key=KEY)
    [request] = await arrivals(receiver, 1, "/switch/put")
    assert_skyvern(request, SECRET)
    token = await operator.changed(token, "put", "healthy")

    receiver.script["put"] = "fail-then-ok"
    await idle.accepted(report(), key=KEY)
    await arrivals(receiver, 2, "/switch/put")
    await operator.changed(token, "put", "failing")

    reply = await operator.call("DELETE", f"namespaces/default/subscriptions/put?owner={OWNER}")
    assert reply.status == 204
    assert (await idle.call("GET", "/v1/subscriptions/put", key=KEY)).status == 404
    gone = await operator.call("GET", "namespaces/default/subscriptions/put")
    assert gone.status == 404
    assert (await idle.accepted(report(), key=KEY))["deliveries"] == 0
    assert len(at(receiver, "/switch/put")) == 2


async def test_what_was_put_lives_without_the_operator_and_beside_the_folder(
    idle: Gateway, operator: Operator, receiver: Receiver
) -> None:
    idle.manifests.subscription("from-folder", receiver.url("ok200/folder"))
    await idle.start()
    await operator.api_key()
    await operator.subscription("put", receiver.url("ok200/put"))
    token = (await operator.call("GET", "health")).json()["token"]
    await idle.accepted(report(), key=KEY)
    await operator.changed(token, "put", "healthy")
    before = (await operator.call("GET", "namespaces/default/subscriptions/put")).json()

    assert await idle.stop() == 0
    await idle.start()
    after = (await operator.call("GET", "namespaces/default/subscriptions/put")).json()
    for name in ("owner", "fingerprint", "revision", "resource", "keys"):
        assert after[name] == before[name]
    assert after["health"]["last_success_at"] == before["health"]["last_success_at"]
    assert (await operator.call("GET", f"health?since={token}")).json()["full"] is True
    await idle.accepted(report(), key=API_KEY)
    await arrivals(receiver, 2, "/ok200/put")
    await arrivals(receiver, 2, "/ok200/folder")
    listed = (await operator.call("GET", "resources?kind=subscriptions")).json()["items"]
    assert {i["name"]: i["owner"] for i in listed} == {"from-folder": "manifests", "put": OWNER}
    taken = await operator.call("DELETE", f"namespaces/default/subscriptions/from-folder?owner={OWNER}")  # fmt: skip
    assert (taken.status, taken.json()["code"]) == (409, "owned_by_another")


async def test_a_forbidden_endpoint_and_a_missing_secret_are_told(
    idle: Gateway, operator: Operator
) -> None:
    await idle.start()
    told = await operator.subscription("private", "http://10.1.2.3/hook")
    assert told["hold"]["reason"] == "EndpointForbidden"
    assert told["endpoint"]["allowed"] is False
    assert "10.1.2.3" not in told["endpoint"]["message"]
    unsigned = await operator.put(
        "subscriptions/unsigned", subscription("unsigned", "https://shop.example/hook")
    )
    assert (unsigned["resolved"], unsigned["hold"]["reason"]) == (False, "Unresolved")
    assert "Secret default/signing, key secret: is not there" in unsigned["reasons"][0]


async def test_deliveries_never_reach_the_control_listener(
    idle: Gateway, operator: Operator
) -> None:
    await idle.start()  # the whole of loopback is open to webhooks
    await operator.api_key()
    told = await operator.subscription("loop", f"https://127.0.0.1:{operator.port}/control/v1/x")
    assert told["hold"]["reason"] == "EndpointForbidden"
    await operator.subscription("named", f"https://localhost:{operator.port}/x", retry=())
    run = report()
    await idle.accepted(run, key=KEY)
    items = await idle.deliveries("?subscription=named", key=KEY)
    delivery = items[0]["id"]

    async def blocked() -> bool:
        reply = await idle.call("GET", f"/v1/deliveries/{delivery}", key=KEY)
        return bool(reply.json()["outcome"] == "blocked")

    await eventually(blocked, what="blocked")


async def test_a_token_and_a_certificate_are_changed_without_a_restart(
    idle: Gateway, operator: Operator
) -> None:
    await idle.start()
    assert (await operator.call("GET", "resources", token="not-the-token-at-all")).status == 401
    (idle.home / "token").write_text(f"a-newer-token-0123\n{TOKEN}\n")
    assert (await operator.call("GET", "resources", token="a-newer-token-0123")).status == 200
    (idle.home / "token").write_text("a-newer-token-0123\n")
    assert (await operator.call("GET", "resources")).status == 401

    newer = Operator(idle)  # another authority, another pair of files
    newer.port = operator.port

    async def accepted() -> bool:
        try:
            return (await newer.call("GET", "resources")).status == 200
        except aiohttp.ClientConnectorError:
            return False

    try:
        await eventually(accepted, what="the new certificate is served")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await operator.call("GET", "resources")
    finally:
        await newer.close()


def _stored_bytes(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.glob("hookgate.db*"))


async def test_no_secret_is_in_an_answer_a_log_line_or_the_store(
    idle: Gateway, operator: Operator, receiver: Receiver
) -> None:
    await idle.start()
    await operator.api_key()
    await operator.subscription("put", receiver.url("ok200/put"))
    await idle.accepted(report(), key=KEY)
    await arrivals(receiver, 1, "/ok200/put")
    for path in ("resources", "health", "namespaces/default/api-keys/operators"):
        await operator.call("GET", path)
    await operator.call("PUT", "namespaces/default/api-keys/x", json={"secrets": {"x": SECRET}})
    store = _stored_bytes(idle.home)
    for value in (KEY, SECRET, TOKEN, SIGNING_SECRET):
        for shape in (value, base64.b64encode(value.encode()).decode()):
            assert shape not in "".join(operator.answers)
            assert shape not in idle.log_text()
            assert shape.encode() not in store
    bad = [line for line in idle.log() if line["level"] == "error"]
    assert bad == []

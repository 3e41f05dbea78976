"""What the reconcilers take a gateway's answers for, with a real one behind its control API."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hookgate_operator.gateway_client.client import GatewayClient
from hookgate_operator.ports import HeldKind, Kind
from hookgate_operator.subscriptions.health import HealthFeed
from hookgate_operator.subscriptions.values import shown_fingerprint
from tests.controlplane.gateway_client.world import client_of
from tests.controlplane.heart import Heart
from tests.controlplane.worlds import found, key, spec
from tests.gateway.api.control.world import Control, open_control_world

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def control(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Control]:
    async with open_control_world(tmp_path_factory.mktemp("store")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def client(control, tmp_path: Path) -> AsyncIterator[GatewayClient]:
    async with client_of(control, tmp_path, wait=1) as it:
        yield it


@pytest.fixture
def heart(client):
    return Heart(gateway=client)


@pytest.fixture
def namespace(control):
    return control.namespace()


def reasons(heart, which):
    return [condition["reason"] for condition in heart.cluster.status(which)["conditions"]]


def message(heart, which, condition):
    return heart.cluster.status(which)["conditions"][condition]["message"]


FULL = {
    "endpoint": {
        "urlFrom": {"secretKeyRef": {"name": "place", "key": "url"}},
        "headers": [
            {"name": "x-team", "value": "billing"},
            {"name": "authorization", "valueFrom": {"secretKeyRef": {"name": "auth", "key": "t"}}},
        ],
        "tls": {"caFrom": {"configMapKeyRef": {"name": "roots", "key": "ca.crt"}}},
    },
    "signing": {"scheme": "StandardWebhooks", "secretRefs": [{"name": "s", "key": "k"}]},
}


async def test_from_missing_values_over_wrong_ones_to_ready(heart, namespace):
    which = heart.cluster.apply(namespace=namespace, spec=FULL)
    await heart.reconcile(which)
    assert reasons(heart, which) == ["SecretsUnresolved", "SecretNotFound", "Unresolved", "Held"]
    sentences = message(heart, which, 1).split("; ")
    told = [sentence for sentence in sentences if sentence.startswith("spec.")]
    assert len(told) == 4, "each missing value is told once, in the operator's words alone"

    values = {
        "place": found(url="https://billing.example:8443/hunter2\n"),
        "auth": found(t="Bearer hunter2"),
        "configmap/roots": found(**{"ca.crt": "no certificate"}),
        "s": found(k="whsec_not base64"),
    }
    for name, entries in values.items():
        heart.change_secret(name, entries, namespace)
    await heart.reconcile(which)
    assert reasons(heart, which) == ["SecretsUnresolved", "ValueRefused", "Unresolved", "Held"]
    assert "configmap" not in message(heart, which, 1).replace("ConfigMap", "")
    assert "hunter2" not in repr(heart.cluster.status(which))
    assert heart.cluster.status(which)["endpointHost"] == "billing.example:8443"

    pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
    heart.change_secret("configmap/roots", found(**{"ca.crt": pem}), namespace)
    heart.change_secret("s", found(k="whsec_" + "c2VjcmV0" * 4), namespace)
    await heart.reconcile(which)
    assert reasons(heart, which) == ["Ready", "Resolved", "Allowed", "NoAttempts"]


async def test_after_a_restart_nothing_is_written_and_nothing_differs(heart, namespace, client):
    heart.change_secret("billing", found(secret="value\n"), namespace)
    which = heart.cluster.apply(namespace=namespace, spec=spec())
    await heart.reconcile(which)
    (signing,) = heart.cluster.status(which)["signing"]["keys"]
    assert signing["fingerprint"] == shown_fingerprint(b"value") == "weak"
    assert "key secret of Secret" in message(heart, which, 1)
    again = Heart(heart.cluster, client)
    await again.reconcile(which)
    assert heart.cluster.asked["write_status"] == 1
    await again.resync.once()
    waiting = [await again.queue.take() for _ in range(len(again.queue))]
    assert [each for each in waiting if each.namespace == namespace] == []


async def test_suspended_by_its_spec_and_told_by_the_feed(heart, namespace, client):
    heart.change_secret("billing", found(secret="value"), namespace)
    which = heart.cluster.apply(namespace=namespace, spec=spec(suspend=True))
    await heart.reconcile(which)
    assert reasons(heart, which) == ["Suspended", "Resolved", "Allowed", "Held"]
    woken, resyncs = [], []
    feed = HealthFeed(
        client,
        heart.ledger,
        wake=woken.append,
        resync=lambda: resyncs.append(1),
        observer=heart.seen,
    )
    feed.take(await client.health(None))
    assert resyncs == [1]
    assert which not in woken, "the answer of the PUT said it already"
    assert heart.ledger.health((namespace, "invoices")).hold == "Suspended"


async def test_a_secret_with_keys(heart, namespace, client):
    labels = {"hookgate.dev/api-key": "true", "hookgate.dev/source": "eu"}
    data = {"api-key": b"short", "key": b"key-of-a-skyvern-server"}
    which = heart.cluster.apply(
        "portal", namespace=namespace, kind=Kind.KEY_SECRET, metadata={"labels": labels}
    )
    heart.cluster.objects[which]["data"] = _encoded(data)
    assert await heart.reconcile(which) == 60.0
    assert heart.cluster.announced == [("portal", "Warning", "KeyRefused")]
    assert await _held(client, namespace) == {(HeldKind.SOURCE, "eu")}

    data["api-key"] = f"api key of {namespace} 0123456789".encode()
    heart.cluster.objects[which]["data"] = _encoded(data)
    assert await heart.reconcile(which) is None
    assert heart.cluster.announced[1:] == [("portal", "Normal", "KeyAccepted")]
    assert await _held(client, namespace) == {(HeldKind.API_KEY, "portal"), (HeldKind.SOURCE, "eu")}

    del heart.cluster.objects[which]
    await heart.reconcile(which)
    assert await _held(client, namespace) == set()


async def test_a_key_that_another_namespace_has(heart, control, client):
    first, second = control.namespace(), control.namespace()
    value = f"shared by {first} and another one".encode()
    for namespace in (first, second):
        which = heart.cluster.apply(
            "portal",
            namespace=namespace,
            kind=Kind.KEY_SECRET,
            metadata={"labels": {"hookgate.dev/api-key": "true"}},
        )
        heart.cluster.objects[which]["data"] = _encoded({"api-key": value})
        again = await heart.reconcile(which)
    assert again == 60.0
    (refused,) = heart.seen.of("warning")
    assert refused[1]["namespace"] == second
    assert first not in refused[1]["message"]

    gone = key("portal", Kind.KEY_SECRET, first)
    del heart.cluster.objects[gone]
    await heart.reconcile(gone)
    assert await heart.reconcile(which) is None
    assert heart.cluster.announced[-1] == ("portal", "Normal", "KeyAccepted")


def _encoded(data):
    return {name: base64.b64encode(value).decode() for name, value in data.items()}


async def _held(client, namespace):
    return {(each.kind, each.name) for each in await client.held() if each.namespace == namespace}

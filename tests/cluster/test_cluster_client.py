"""The operator's client on a real API server: what it finds, writes, reads, and how it says what went wrong."""

import asyncio
from dataclasses import replace

import pytest

from hookgate_operator.cluster.access import load_access
from hookgate_operator.cluster.errors import Call
from hookgate_operator.cluster.resources import SECRETS
from hookgate_operator.ports import (
    Announcement,
    Forbidden,
    Found,
    Kind,
    NotFound,
    NotReadable,
    Throttled,
    Unavailable,
)
from hookgate_process.failures import CannotStart
from tests.cluster.connected import Objects, connected
from tests.cluster.crds import install_crds, remove_crd
from tests.cluster.rbac import operator_rules
from tests.controlplane.worlds import Recorder, key

READY = Announcement(type="Normal", reason="Ready", message="Deliveries are signed and sent.")


@pytest.fixture(name="objects")
def _objects(control_plane, namespace, crds_installed):
    return Objects(control_plane.admin, namespace)


@pytest.fixture(name="cluster")
async def _cluster(control_plane, namespace):
    async with connected(control_plane.kubeconfig, namespaces=(namespace,)) as cluster:
        yield cluster


async def test_finds_an_object_as_it_is(cluster, objects, namespace):
    invoices = objects.subscription()
    found = await cluster.find(invoices)
    assert (found.key, found.generation) == (invoices, 1)
    assert found.document["metadata"]["uid"] == found.uid
    assert found.document["spec"]["endpoint"]["url"] == "https://billing.example/hook"
    assert await cluster.find(key("another", namespace=namespace)) is None


async def test_finds_a_key_secret_with_its_values(cluster, objects):
    billing = objects.secret(**{"api-key": "some-key"})
    found = await cluster.find(billing)
    assert found.document["kind"] == "Secret"
    assert found.document["data"] == {"api-key": "c29tZS1rZXk="}
    assert found.generation == 0


async def test_what_is_not_served_is_not_taken_for_deleted(cluster, objects, control_plane):
    invoices = objects.subscription()
    remove_crd(control_plane, "webhooksubscriptions.hookgate.dev")
    try:
        with pytest.raises(Unavailable, match="install the CRDs"):
            await cluster.find(invoices)
        with pytest.raises(Unavailable, match="install the CRDs"):
            await cluster.every(Kind.SUBSCRIPTION)
        with pytest.raises(Unavailable, match="install the CRDs"):
            await cluster.reachable()
    finally:
        install_crds(control_plane)


async def test_lists_key_secrets_once_whatever_their_labels(cluster, objects):
    labels = {"hookgate.dev/api-key": "true", "hookgate.dev/source": "skyvern"}
    both = objects.secret("both", labels)
    source = objects.secret("source", {"hookgate.dev/source": "other"})
    objects.secret("plain")
    listed = await cluster.every(Kind.KEY_SECRET)
    assert sorted(each.key for each in listed) == [both, source]
    assert all(each.document["kind"] == "Secret" for each in listed)


async def test_lists_page_by_page_and_again_when_a_page_expired(objects, faults, namespace):
    for number in range(5):
        objects.secret(f"secret-{number}")
    observer = Recorder()
    async with connected(faults.kubeconfig(), observer) as cluster:
        faults.answer(410, path="continue=")
        items = await cluster._requests.pages(Call("list", SECRETS, namespace), page=2)
        assert {item["metadata"]["name"] for item in items} >= {f"secret-{n}" for n in range(5)}
        codes = [code for _, _, code in observer.of("cluster_request")]
        assert codes[:2] == ["200", "410"]
        assert codes[2:].count("200") >= 3
        faults.answer(410, path="limit", times=None)
        with pytest.raises(Unavailable, match="expired 3 times"):
            await cluster._requests.pages(Call("list", SECRETS, namespace), page=2)


# ------------------------------------------------------------------------------------- writing


async def test_a_status_is_written_whole(cluster, objects):
    invoices = objects.subscription()
    first = {"observedGeneration": 1, "endpoint": "billing.example", "conditions": []}
    assert await cluster.write_status(await cluster.find(invoices), first)
    second = {"observedGeneration": 1, "conditions": []}
    assert await cluster.write_status(await cluster.find(invoices), second)
    assert (await cluster.find(invoices)).document["status"] == second


async def test_a_status_that_is_written_is_not_written_again(objects, faults, namespace):
    invoices = objects.subscription()
    async with connected(faults.kubeconfig()) as cluster:
        status = {"observedGeneration": 1, "conditions": []}
        assert await cluster.write_status(await cluster.find(invoices), status)
        assert await cluster.write_status(await cluster.find(invoices), status)
        assert len(faults.writes(f"{namespace}/webhooksubscriptions/invoices/status")) == 1


async def test_a_status_never_reaches_another_object_of_that_name(cluster, objects):
    invoices = objects.subscription()
    former = await cluster.find(invoices)
    objects.delete(invoices)
    assert not await cluster.write_status(former, {"observedGeneration": 1})
    objects.subscription()
    assert not await cluster.write_status(former, {"observedGeneration": 1})
    assert "status" not in (await cluster.find(invoices)).document


async def test_deletes_that_very_object(cluster, objects):
    invoices = objects.subscription()
    former = await cluster.find(invoices)
    objects.delete(invoices)
    await cluster.delete(former)
    objects.subscription()
    await cluster.delete(former)
    now = await cluster.find(invoices)
    assert now is not None
    await cluster.delete(now)
    assert await cluster.find(invoices) is None


@pytest.mark.parametrize("kind", ["webhooksubscription", "secret"])
async def test_an_event_is_shown_with_its_object(cluster, objects, kubectl, kind):
    of = objects.subscription("a" * 253) if kind == "webhooksubscription" else objects.secret()
    await cluster.announce(await cluster.find(of), replace(READY, message="x" * 1023 + "é"))
    shown = await kubectl.must("events", "--for", f"{kind}/{of.name}")
    assert "Ready" in shown
    (event,) = await kubectl.events(of.kind, of.name)
    assert (event["type"], event["reason"]) == ("Normal", "Ready")
    assert event["reportingComponent"] == "hookgate.dev/operator"
    assert len(event["message"].encode()) <= 1024


async def test_an_event_that_cannot_be_recorded_is_told_to_the_observer_alone(
    objects, service_account
):
    invoices = objects.subscription()
    without = [rule for rule in operator_rules() if "events" not in rule["resources"]]
    observer = Recorder()
    async with connected(service_account(rules=without).kubeconfig, observer) as cluster:
        await cluster.announce(await cluster.find(invoices), READY)
    ((about, reason, why),) = observer.of("announcement_lost")
    assert (about, reason) == (invoices, "Ready")
    assert "may not create events.events.k8s.io in namespace" in why


# -------------------------------------------------------------------------------------- values


async def test_values_are_read_once_for_however_many_ask(objects, faults, namespace):
    objects.secret(secret="whsec", other="line\n")
    objects.config_map("roots", **{"ca.crt": "certificate"})
    names = ["billing", "configmap/roots", "absent"]
    async with connected(faults.kubeconfig()) as cluster:
        answers = await asyncio.gather(*(cluster.values(namespace, names) for _ in range(20)))
        assert len(faults.requests) == 3
    assert answers[0] == answers[-1]
    assert answers[0] == {
        "billing": Found({"secret": b"whsec", "other": b"line\n"}),
        "configmap/roots": Found({"ca.crt": b"certificate"}),
        "absent": NotFound(),
    }


async def test_what_may_not_be_read_is_a_value(objects, service_account, namespace):
    objects.secret(secret="whsec")
    async with connected(service_account().kubeconfig) as cluster:
        assert await cluster.values(namespace, ["billing"]) == {"billing": NotReadable()}


# ------------------------------------------------------------------------------------- errors


async def test_a_missing_rule_is_named_with_its_remedy(service_account, namespace, crds_installed):
    kubeconfig = service_account().kubeconfig
    async with connected(kubeconfig, namespaces=(namespace,)) as cluster:
        with pytest.raises(Forbidden) as refused:
            await cluster.every(Kind.KEY_SECRET)
    assert f"may not list secrets in namespace {namespace}" in str(refused.value)
    assert "by a Role" in str(refused.value)
    async with connected(kubeconfig) as cluster:
        with pytest.raises(Forbidden, match=r"secrets cluster-wide.*by a ClusterRole"):
            await cluster.every(Kind.KEY_SECRET)


async def test_faults_of_the_server_are_told_apart(objects, faults):
    invoices = objects.subscription()
    observer = Recorder()
    async with connected(faults.kubeconfig(), observer) as cluster:
        faults.answer(429, headers={"Retry-After": "7"})
        with pytest.raises(Throttled) as throttled:
            await cluster.find(invoices)
        assert throttled.value.retry_after == 7
        for code in (500, 503, 401):
            faults.answer(code)
            with pytest.raises(Unavailable, match=str(code)):
                await cluster.find(invoices)
        faults.answer(404, body="404 page not found\n")
        with pytest.raises(Unavailable, match="does not serve"):
            await cluster.find(invoices)
        faults.answer(200, body="<html>")
        with pytest.raises(Unavailable, match="no JSON"):
            await cluster.find(invoices)
        faults.cut(path="invoices", times=None, before_server=True)
        with pytest.raises(Unavailable, match="cannot be reached"):
            await cluster.find(invoices)
        faults.clear()
        faults.cut(10, path="invoices", times=None)
        with pytest.raises(Unavailable, match="cannot be reached"):
            await cluster.find(invoices)
        faults.clear()
        hold = faults.hold(path="invoices")
        with pytest.raises(Unavailable, match="no answer in time"):
            await cluster._requests.ask(
                Call("get", SECRETS, invoices.namespace, "invoices"), deadline=0.1
            )
        hold.release()
        assert await cluster.find(invoices)
    codes = [code for _, _, code in observer.of("cluster_request")]
    assert codes == ["429", "500", "503", "401", "404", "200", "none", "none", "none", "200"]


# ------------------------------------------------------------------------------------- access


async def test_a_pod_uses_a_new_token_as_soon_as_its_file_has_it(
    service_account, tmp_path, monkeypatch, crds_installed
):
    account = service_account(rules=operator_rules())
    host, _, port = account.access.url.removeprefix("https://").rpartition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    token_file = tmp_path / "token"
    token_file.write_text("an-old-token")
    access = await load_access(
        None, token_file=str(token_file), ca_file=str(account.access.ca_file)
    )
    assert (await access.credentials()).token == "an-old-token"
    token_file.write_text(account.access.token + "\n")
    now = await access.credentials()
    assert (now.scheme, now.token) == ("Bearer", account.access.token)
    assert now.server == account.access.url
    assert account.access.token not in repr(now)


@pytest.mark.parametrize("content", ["", "{}", "clusters: [", "- a"])
async def test_without_a_cluster_one_sentence_says_what_to_do(tmp_path, content):
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(content)
    with pytest.raises(CannotStart, match="set KUBECONFIG") as why:
        await load_access(kubeconfig)
    assert "\n" not in str(why.value)


async def test_without_a_kubeconfig_neither(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(CannotStart, match="set KUBECONFIG"):
        await load_access(None)

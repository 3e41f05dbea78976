"""From `kubectl apply` to a verified webhook: API server, operator and gateway as processes, a receiver outside.

The operator runs under a ServiceAccount with exactly the documented rules.
"""

import asyncio
import time
from pathlib import Path

import pytest

from tests.acceptance.harness import arrivals, at, eventually, report
from tests.cluster.connected import GROUP
from tests.cluster.installation import reasons
from tests.cluster.planes import TOKEN, planes
from tests.cluster.rbac import lease_rules, operator_rules
from tests.cluster.watching import watching
from tests.receivers import Receiver

EXAMPLES = Path(__file__).parents[2] / "examples" / "kubernetes"
PLACEHOLDER = "change-me-to-something-long-and-random"
SECRET = "an-end-to-end-signing-secret"
API_KEY = "an-end-to-end-api-key-0123456789"
READY_WITHIN = 2.0


def subscription(receiver: Receiver, path: str = "ok200/skyvern") -> str:
    """The example, with an endpoint that is there."""
    text = (EXAMPLES / "subscription.yaml").read_text()
    shown = "https://billing.shop.example/webhooks/skyvern"
    assert shown in text
    return text.replace(shown, receiver.url(path)).replace(PLACEHOLDER, SECRET)


def api_key() -> str:
    return (EXAMPLES / "api-key.yaml").read_text().replace(PLACEHOLDER, API_KEY)


@pytest.fixture(name="account")
def _account(service_account, crds_installed):
    return service_account(rules=[*operator_rules(), *lease_rules()])


@pytest.fixture(name="both")
async def _both(tmp_path, account, namespace):
    """Gateway and operator at work."""
    async with planes(tmp_path, kubeconfig=account.kubeconfig, namespace=namespace) as (
        gateway,
        it,
    ):
        await gateway.start()
        it.start()
        await it.ready()
        yield gateway, it


@pytest.fixture(name="receiver")
async def _receiver():
    async with Receiver(keys=[SECRET.encode()]) as receiver:
        yield receiver


async def key_taken(gateway, within=15.0):
    """Come back when the API key logs in."""

    async def question():
        return (await gateway.call("GET", "/v1/deliveries", key=API_KEY)).status == 200

    await eventually(question, within=within, what="the API key logs in")


async def everything_of(kubectl):
    """What the cluster shows of the subscription, without times and versions."""
    found = await kubectl.get("whsub", "invoices")
    conditions = [
        (each["type"], each["status"], each["reason"]) for each in found["status"]["conditions"]
    ]
    signing, generation = found["status"]["signing"], found["status"]["observedGeneration"]
    events = await event_reasons(kubectl)
    return conditions, signing, generation, events


async def event_reasons(kubectl):
    """What was said of the subscription, in order."""
    return [each["reason"] for each in await kubectl.events("WebhookSubscription", "invoices")]


async def announced(kubectl, reason):
    """The same, as soon as this is among it: an Event comes after the status that it is about."""

    async def said():
        found = await event_reasons(kubectl)
        return found if reason in found else []

    return await eventually(said, what=f"an Event {reason}")


async def test_a_subscription_is_applied_ready_and_delivers(both, kubectl, receiver):
    gateway, operator = both
    await kubectl.apply(subscription(receiver))
    found = await kubectl.condition("whsub", "invoices", "Ready", "True", reason="Ready")
    assert found["status"]["endpointHost"] == f"127.0.0.1:{receiver.port}"
    await kubectl.apply(api_key())
    await key_taken(gateway)

    await gateway.accepted(report(run_type="workflow_run"), key=API_KEY)
    (received,) = await arrivals(receiver, 1, "/ok200/skyvern")
    assert received.verified, received.problem
    assert received.header("x-team") == "billing"
    assert received.header("authorization") == "Bearer change-me"

    found = await kubectl.condition("whsub", "invoices", "Delivering", "True")
    assert found["status"]["lastSuccessTime"]
    assert await announced(kubectl, "Delivering") == ["Ready", "Delivering"]
    assert await operator.total("hookgate_operator_reconcile_total", result="error") == 0
    assert await operator.total("hookgate_subscriptions", condition="Ready", status="True") == 1
    for value in (SECRET, API_KEY, TOKEN, "Bearer change-me"):
        assert value not in operator.log_text()


async def test_what_is_applied_is_ready_within_two_seconds(
    both, control_plane, kubectl, namespace, receiver
):
    """From the moment that a watch tells of it until the same watch tells that it is ready.

    That leaves out kubectl, which takes half a second itself, on a busy machine more. Of five the one in the middle.
    """
    path = f"{GROUP}/namespaces/{namespace}/webhooksubscriptions"
    now = control_plane.admin.must("GET", path)["metadata"]["resourceVersion"]
    took = []
    async with watching(control_plane.admin, path, now) as watch:
        for number in range(5):
            name = f"invoices-{number}"
            text = subscription(receiver).replace("name: invoices\n", f"name: {name}\n")
            applying = asyncio.create_task(kubectl.apply(text))
            await event_of(watch, name, lambda found: True)
            applied_at = time.monotonic()
            await event_of(watch, name, is_ready)
            took.append(time.monotonic() - applied_at)
            await applying
    assert sorted(took)[2] < READY_WITHIN, took


async def event_of(watch, name, question):
    """Come back with the first event about an object of which the question is true."""
    while True:
        event = await watch.next()
        assert event is not None, "the watch ended"
        if event["object"]["metadata"]["name"] == name and question(event["object"]):
            return


def is_ready(found) -> bool:
    return reasons(found).get("Ready") == "Ready"


async def test_an_operator_that_is_killed_comes_back_to_the_same_end(both, kubectl, receiver):
    gateway, operator = both
    await kubectl.apply(subscription(receiver))
    await kubectl.apply(api_key())
    await kubectl.condition("whsub", "invoices", "Ready", "True")
    await key_taken(gateway)
    await gateway.accepted(report(run_type="workflow_run"), key=API_KEY)
    await kubectl.condition("whsub", "invoices", "Delivering", "True")
    await announced(kubectl, "Delivering")
    before = await everything_of(kubectl)

    operator.kill()
    await gateway.accepted(report(run_type="workflow_run"), key=API_KEY)
    await arrivals(receiver, 2, "/ok200/skyvern")  # nobody needs an operator for that
    operator.start()
    await operator.leading()
    await operator.ready()

    async def looked_at() -> bool:
        return await operator.total("hookgate_subscriptions", condition="Ready", status="True") == 1

    await eventually(looked_at, what="the subscription was looked at")
    assert await everything_of(kubectl) == before
    assert await operator.total("hookgate_operator_cluster_requests_total", verb="create") == 0


async def test_what_went_while_no_operator_ran_is_taken_away(both, kubectl, receiver):
    gateway, operator = both
    await kubectl.apply(subscription(receiver))
    await kubectl.apply(api_key())
    await kubectl.condition("whsub", "invoices", "Ready", "True")
    await key_taken(gateway)
    operator.kill()
    await kubectl.delete("whsub", "invoices")
    assert (await gateway.call("GET", "/v1/subscriptions/invoices", key=API_KEY)).status == 200
    operator.start()

    async def gone() -> bool:
        reply = await gateway.call("GET", "/v1/subscriptions/invoices", key=API_KEY)
        return reply.status == 404

    await eventually(gone, within=30, what="the subscription goes")


async def test_a_gateway_whose_store_is_gone_gets_everything_again(both, kubectl, receiver):
    gateway, _ = both
    await kubectl.apply(subscription(receiver))
    await kubectl.apply(api_key())
    await kubectl.condition("whsub", "invoices", "Ready", "True")
    await key_taken(gateway)
    before = await everything_of(kubectl)
    await gateway.stop()
    for file in gateway.home.glob("hookgate.db*"):
        file.unlink()
    await gateway.start()
    await key_taken(gateway, within=60)

    async def there() -> bool:
        reply = await gateway.call("GET", "/v1/subscriptions/invoices", key=API_KEY)
        return reply.status == 200

    await eventually(there, what="the subscription is there again")
    assert (await everything_of(kubectl))[:3] == before[:3]  # until the next delivery
    await gateway.accepted(report(run_type="workflow_run"), key=API_KEY)
    (received,) = await arrivals(receiver, 1, "/ok200/skyvern")
    assert received.verified, received.problem


async def test_a_replay_sends_once_more_what_was_given_up(both, kubectl, receiver):
    gateway, _ = both
    receiver.script["skyvern"] = "close"
    text = subscription(receiver, "switch/skyvern")
    await kubectl.apply(text.replace("[60, 300, 900, 1800, 7200]", "[]"))
    await kubectl.apply(api_key())
    await kubectl.condition("whsub", "invoices", "Ready", "True")
    await key_taken(gateway)
    for _ in range(3):
        await gateway.accepted(report(run_type="workflow_run"), key=API_KEY)

    async def given_up() -> bool:
        return len(await gateway.deliveries("?state=exhausted", key=API_KEY)) == 3

    await eventually(given_up, what="all are given up")
    await kubectl.condition("whsub", "invoices", "Delivering", "False")
    receiver.script["skyvern"] = "ok200"
    sent_before = len(at(receiver, "/switch/skyvern"))
    await kubectl.apply(REPLAY)
    found = await kubectl.until("whreplay", "after-the-outage", is_complete, within=30)
    assert found["status"]["matched"] == found["status"]["delivered"] == 3
    assert len(at(receiver, "/switch/skyvern")) == sent_before + 3
    await kubectl.condition("whsub", "invoices", "Delivering", "True")


REPLAY = """\
apiVersion: hookgate.dev/v1alpha1
kind: WebhookReplay
metadata: {name: after-the-outage}
spec:
  filter: {subscription: invoices, state: exhausted}
  ratePerSecond: 20
"""


def is_complete(found) -> bool:
    conditions = (found or {}).get("status", {}).get("conditions", ())
    return any(each["type"] == "Complete" and each["status"] == "True" for each in conditions)

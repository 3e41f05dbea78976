"""What people see of a subscription from apply to delete: real API server, kubectl, operator and gateway."""

import json
import time

import pytest

from tests.acceptance.signatures import assert_skyvern
from tests.cluster.controlplane import ControlPlane
from tests.cluster.installation import (
    API_KEY,
    WATCHED,
    Installation,
    Team,
    conditions,
    listed,
    reasons,
    signs,
)
from tests.receivers import Authority, Received, Receiver

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROMISED = 2.0
"""Seconds within which a change is with the gateway."""
GENEROUS = 5 * PROMISED
"""What a busy machine is allowed."""


def tell(what: str, seconds: float) -> None:
    print(f"{what}: {seconds:.2f} s (promised: {PROMISED:g})")  # noqa: T201  # seen with -s


# ------------------------------------------------------------------------------- a whole life


async def test_from_apply_to_delivery_to_delete(hookgate: Installation, team: Team) -> None:
    began = time.monotonic()
    await team.apply(team.subscription())
    found = await team.ready(within=GENEROUS)
    tell("apply to Ready", time.monotonic() - began)
    assert reasons(found) == {
        "Ready": "Ready",
        "SecretsResolved": "Resolved",
        "EndpointAllowed": "Allowed",
        "Delivering": "NoAttempts",
    }
    assert found["status"]["endpointHost"] == f"127.0.0.1:{hookgate.receiver.port}"

    await team.post()
    (received,) = await team.arrivals(team.path("invoices"))
    assert_skyvern(received, team.signing)
    found = await team.stands("invoices", "Delivering", "Delivering")
    assert found["status"]["lastSuccessTime"]
    assert "lastFailure" not in found["status"]
    assert conditions(found)["Delivering"]["status"] == "True"
    printed = await team.kubectl.must("get", "whsub", "invoices")
    assert "True" in printed
    assert found["status"]["endpointHost"] in printed
    assert await team.announced("invoices", "Delivering") == ["Ready", "Delivering"]

    await team.kubectl.delete("whsub", "invoices")
    await team.holds_only("api-key/client")


async def test_an_edit_is_in_force_when_its_generation_is_ready(team: Team) -> None:
    await team.apply(team.subscription())
    await team.ready()
    began = time.monotonic()
    await team.apply(team.subscription(path="ok200/elsewhere"))
    found = await team.ready(within=GENEROUS)
    tell("edit to Ready", time.monotonic() - began)
    assert found["status"]["observedGeneration"] == found["metadata"]["generation"] == 2
    await team.post()
    await team.arrivals(team.path("invoices", "ok200/elsewhere"))
    assert team.arrived(team.path("invoices")) == []


async def test_suspended_deliveries_are_held_and_sent_on_resume(team: Team) -> None:
    await team.apply(team.subscription(suspend=True))
    found = await team.stands("invoices", "Suspended")
    assert conditions(found)["Ready"]["status"] == "True"
    assert reasons(found)["Delivering"] == "Held"
    for _ in range(3):
        await team.post()
    assert team.arrived(team.path("invoices")) == []
    await team.kubectl.patch("whsub", "invoices", {"spec": {"suspend": False}})
    await team.arrivals(team.path("invoices"), 3)
    await team.ready()


async def test_what_is_made_anew_is_another_object_and_ready_again(
    hookgate: Installation, team: Team
) -> None:
    await team.apply(team.subscription())
    first = await team.ready()
    await team.kubectl.delete("whsub", "invoices")
    await team.apply(team.subscription())
    second = await team.ready()
    await team.kubectl.must(
        "replace", "--force", "--filename=-", stdin=listed(team.subscription(path="ok200/third"))
    )
    third = await team.ready()
    uids = {each["metadata"]["uid"] for each in (first, second, third)}
    assert len(uids) == 3
    await team.post()
    await team.arrivals(team.path("invoices", "ok200/third"))
    assert team.arrived(team.path("invoices")) == []
    assert set(await hookgate.held(team.namespace)) == {"api-key/client", "subscription/invoices"}


async def test_a_namespace_that_goes_while_nobody_looks(
    hookgate: Installation, team: Team, control_plane: ControlPlane
) -> None:
    control_plane.require_controllers()
    await team.apply(team.subscription())
    await team.ready()
    assert await hookgate.operator.stopped() == 0
    try:
        await team.post()
        await team.arrivals(team.path("invoices"))  # deliveries go on without an operator
        await team.kubectl.delete("namespace", team.namespace)
        assert len(await hookgate.held(team.namespace)) == 2
    finally:
        await hookgate.start_operator()
    await team.logs_in(team.key, does=False)
    await team.holds_only()


# ----------------------------------------------------------------------------------- values


async def test_a_missing_secret_is_told_waited_for_and_noticed(team: Team) -> None:
    await team.apply(team.subscription(secrets=("billing",)))
    found = await team.stands("invoices", "SecretNotFound", "SecretsResolved")
    assert reasons(found)["Ready"] == "SecretsUnresolved"
    assert reasons(found)["Delivering"] == "Held"
    assert conditions(found)["SecretsResolved"]["status"] == "False"
    assert f"Secret {team.namespace}/billing" in conditions(found)["SecretsResolved"]["message"]
    await team.post()
    began = time.monotonic()
    await team.apply(team.secret("billing", WATCHED, secret="value of billing"))
    await team.ready(within=GENEROUS)
    tell("Secret created to Ready", time.monotonic() - began)
    (received,) = await team.arrivals(team.path("invoices"))
    assert_skyvern(received, "value of billing")
    told = await team.announced("invoices", "Ready")
    assert told[:2] == ["SecretNotFound", "Ready"]


async def test_a_changed_secret_signs_within_two_seconds(team: Team) -> None:
    await team.apply(team.subscription())
    await team.ready()
    await team.apply(team.secret("signing", WATCHED, secret="another value"))

    def is_new(received: Received) -> bool:
        return signs("another value", received)

    _, seconds = await team.posted_until(team.path("invoices"), is_new, within=GENEROUS)
    tell("Secret changed to signed by it", seconds)


async def test_headers_url_and_roots_come_from_secrets_and_config_maps(
    team: Team, hookgate: Installation
) -> None:
    authority = Authority()
    async with Receiver(tls=authority.server()) as secure:
        hidden = secure.url("ok200/hidden-path")
        document = team.subscription(
            endpoint={
                "urlFrom": {"secretKeyRef": {"name": "place", "key": "url"}},
                "headers": [
                    {"name": "x-team", "value": "billing"},
                    {
                        "name": "authorization",
                        "valueFrom": {"secretKeyRef": {"name": "auth", "key": "token"}},
                    },
                ],
                "tls": {"caFrom": {"configMapKeyRef": {"name": "roots", "key": "ca.crt"}}},
            }
        )
        del document["spec"]["endpoint"]["url"]
        roots = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "roots", "namespace": team.namespace},
            "data": {"ca.crt": authority.pem.decode()},
        }
        await team.apply(
            roots,
            team.secret("place", url=f"{hidden}\n"),
            team.secret("auth", WATCHED, token="Bearer one\n"),
            document,
        )
        found = await team.ready()
        assert found["status"]["endpointHost"] == f"127.0.0.1:{secure.port}"
        await team.post()
        received = (await secure.received(1))[0]
        assert received.header("authorization") == "Bearer one"
        assert received.header("x-team") == "billing"
        assert_skyvern(received, team.signing)
    everything = await team.kubectl.must("get", "whsub,events", "--output=yaml")
    for told in (everything, hookgate.operator.log_text()):
        assert not [value for value in ("Bearer one", "hidden-path", team.signing) if value in told]


async def test_a_client_certificate_comes_from_its_secret(
    team: Team, hookgate: Installation
) -> None:
    authority = Authority()
    certificate, key = (pem.decode() for pem in authority.client("shop.example"))
    async with Receiver(tls=authority.server(clients=True)) as demanding:
        document = team.subscription(
            endpoint={
                "url": demanding.url("ok200"),
                "tls": {
                    "caFrom": {"secretKeyRef": {"name": "roots", "key": "ca.crt"}},
                    "clientCertificate": {"secretName": "shop-tls"},
                },
            }
        )
        tls = team.secret("shop-tls", WATCHED, **{"tls.crt": certificate, "tls.key": key})
        roots = team.secret("roots", WATCHED, **{"ca.crt": authority.pem.decode()})
        await team.apply(roots, document)
        await team.stands("invoices", "SecretNotFound", "SecretsResolved")
        await team.apply(tls | {"type": "kubernetes.io/tls"})
        await team.ready()
        await team.post()
        assert (await demanding.received(1))[0].client_certificate == "shop.example"
    told = await team.kubectl.must("get", "whsub,events", "--output=yaml")
    assert "PRIVATE KEY" not in told
    assert "PRIVATE KEY" not in hookgate.operator.log_text()


async def test_values_that_cannot_be_used_are_told_by_name(team: Team) -> None:
    await team.apply(
        team.secret("empty", WATCHED, secret=""), team.subscription(secrets=("empty",))
    )
    found = await team.stands("invoices", "ValueRefused", "SecretsResolved")
    assert "empty" in conditions(found)["SecretsResolved"]["message"]
    assert reasons(found)["Ready"] == "SecretsUnresolved"


# ------------------------------------------------------------------------------------- keys


async def test_api_keys_come_change_and_go_with_their_secrets(team: Team) -> None:
    portal, another = "p" * 40 + team.namespace, "q" * 40 + team.namespace
    await team.apply(team.secret("portal", API_KEY, **{"api-key": portal}))
    tell("key Secret created to logged in", await team.logs_in(portal, within=GENEROUS))
    await team.apply(team.secret("portal", API_KEY, **{"api-key": another}))
    await team.logs_in(portal, does=False, within=GENEROUS)
    await team.logs_in(another, within=GENEROUS)
    await team.apply(team.secret("portal", {}, **{"api-key": another}))
    tell("label taken away to shut out", await team.logs_in(another, does=False, within=GENEROUS))
    await team.apply(team.secret("portal", API_KEY, **{"api-key": portal}))
    await team.logs_in(portal, within=GENEROUS)
    await team.kubectl.delete("secret", "portal")
    tell("Secret deleted to shut out", await team.logs_in(portal, does=False, within=GENEROUS))
    await team.logs_in(team.key)


async def test_a_key_that_cannot_be_used_is_told_on_its_secret(team: Team) -> None:
    await team.apply(team.secret("portal", API_KEY, **{"api-key": "short"}))
    await team.announced("portal", "KeyRefused", kind="Secret")
    long = "r" * 40 + team.namespace
    await team.apply(team.secret("portal", API_KEY, **{"api-key": long}))
    await team.logs_in(long)
    told = await team.announced("portal", "KeyAccepted", kind="Secret")
    assert told == ["KeyRefused", "KeyAccepted"]


# --------------------------------------------------------------------------------- endpoints


async def test_an_endpoint_that_the_rules_refuse(team: Team) -> None:
    document = team.subscription()
    document["spec"]["endpoint"]["url"] = "https://169.254.169.254/latest"
    await team.apply(document)
    found = await team.stands("invoices", "EndpointForbidden")
    assert conditions(found)["EndpointAllowed"]["status"] == "False"
    assert reasons(found)["EndpointAllowed"] == "Forbidden"
    assert reasons(found)["Delivering"] == "Held"
    await team.post()
    await team.apply(team.subscription())
    found = await team.ready()
    assert reasons(found)["EndpointAllowed"] == "Allowed"
    await team.arrivals(team.path("invoices"))
    told = await team.announced("invoices", "Ready")
    assert told[:2] == ["EndpointForbidden", "Ready"]


async def test_an_endpoint_that_is_gone_until_it_is_edited(team: Team) -> None:
    await team.apply(team.subscription(path="gone"))
    await team.ready()
    await team.post()
    found = await team.stands("invoices", "EndpointGone")
    assert reasons(found)["Delivering"] == "EndpointGone"
    assert found["status"]["lastFailure"] == {"outcome": "gone", "statusCode": 410}
    await team.post()  # held, for somebody edits the endpoint
    await team.apply(team.subscription())
    await team.ready()
    await team.arrivals(team.path("invoices"))


async def test_delivering_follows_the_receiver(team: Team) -> None:
    at_first_503 = {"url": team.url("invoices", "fail-then-ok") + "?status=503"}
    await team.apply(team.subscription(endpoint=at_first_503))
    await team.ready()
    await team.post()
    found = await team.stands("invoices", "Failing", "Delivering")
    assert found["status"]["lastFailureTime"]
    assert found["status"]["lastFailure"] == {"outcome": "server_error", "statusCode": 503}
    assert reasons(found)["Ready"] == "Ready"
    await team.post()
    found = await team.stands("invoices", "Delivering", "Delivering", within=20)
    assert found["status"]["lastSuccessTime"]
    assert found["status"]["lastFailure"]["outcome"] == "server_error"
    told = await team.announced("invoices", "Delivering")
    assert told == ["Ready", "Failing", "Delivering"]


# ----------------------------------------------------------------------------------- others


async def test_another_class_is_not_touched(hookgate: Installation, team: Team) -> None:
    theirs = team.subscription("theirs")
    theirs["spec"]["gatewayClass"] = "internal"
    await team.apply(theirs)
    await team.apply(team.subscription("ours"))
    await team.ready("ours")
    found = json.loads(
        await team.kubectl.must("get", "whsub", "theirs", "-ojson", "--show-managed-fields")
    )
    assert "status" not in found
    writers = [field["manager"] for field in found["metadata"]["managedFields"]]
    assert writers == ["kubectl-client-side-apply"]
    assert await team.event_reasons("theirs") == []
    assert set(await hookgate.held(team.namespace)) == {"api-key/client", "subscription/ours"}

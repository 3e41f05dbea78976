"""What the API server refuses at `kubectl apply` is what the models refuse, in their words."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hookgate.resources import WebhookReplay, WebhookSubscription
from hookgate.resources.status import SubscriptionStatus
from hookgate_operator.crd.definitions import DEFINITIONS, Definition
from tests.cluster.controlplane import ControlPlane
from tests.cluster.kubectl import Kubectl, Result
from tests.manifest_cases import EDITED, OTHER_CLASS, REFUSED, REPLAY, SUBSCRIPTION, TAKEN, Refused

pytestmark = pytest.mark.usefixtures("crds_installed")

MODELS = {"WebhookSubscription": WebhookSubscription, "WebhookReplay": WebhookReplay}
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "kubernetes"


@pytest.fixture(name="shop", scope="module")
def _shop(control_plane: ControlPlane, crds_installed: None):
    """kubectl in one namespace for all of these tests: their objects differ in name."""
    name = "admission"
    control_plane.admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield control_plane.kubectl(name)
    control_plane.admin.request("DELETE", f"/api/v1/namespaces/{name}")


def named(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    return manifest | {"metadata": {"name": name}}


def assert_refused(result: Result, where: str, words: str) -> None:
    assert result.code == 1, "the API server took it"
    assert any(
        where in line and words in line.partition(where)[2] for line in result.stderr.splitlines()
    ), result.stderr


@pytest.mark.parametrize("case", REFUSED, ids=str)
async def test_refused(case: Refused, shop: Kubectl):
    result = await shop("apply", "--filename=-", stdin=json.dumps(case.manifest))
    words = case.words if case.server is None else case.server
    assert_refused(result, case.server_path or f"{case.where}: ", words)


@pytest.mark.parametrize("number", range(len(TAKEN)))
async def test_taken_and_completed_as_the_models_do(number: int, shop: Kubectl):
    manifest = named(TAKEN[number], f"taken-{number}")
    await shop.apply(json.dumps(manifest))
    stored = await shop.get(manifest["kind"], f"taken-{number}")
    model = MODELS[manifest["kind"]]
    assert model.model_validate(stored).spec == model.model_validate(manifest).spec
    completed = model.model_validate(manifest).spec.model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    if url := completed.get("endpoint", {}).get("url"):
        assert stored["spec"]["endpoint"].pop("url").strip() == url  # only the models trim
        del completed["endpoint"]["url"]
    assert stored["spec"] == completed


@pytest.mark.parametrize("number", range(len(EDITED)))
async def test_edited(number: int, shop: Kubectl):
    case = EDITED[number]
    name = f"edited-{number}"
    await shop.apply(json.dumps(named(case.before, name)))
    patch = json.dumps({"spec": case.patch})
    result = await shop("patch", case.before["kind"], name, "--type=merge", f"--patch={patch}")
    if case.line is None:
        assert result.code == 0, result.stderr
    else:
        where, _, words = case.line.partition(": ")
        assert_refused(result, f"{where}: ", words)


async def test_null_is_unset_for_the_api_server_too(shop: Kubectl):
    """`kubectl apply` leaves nulls out by itself; other clients send them."""
    unset = dict.fromkeys(("gatewayClass", "suspend", "match", "delivery"))
    endpoint = SUBSCRIPTION["spec"]["endpoint"] | dict.fromkeys(("urlFrom", "headers", "tls"))
    manifest = named(SUBSCRIPTION, "nulls")
    manifest["spec"] = SUBSCRIPTION["spec"] | unset | {"endpoint": endpoint}
    await shop.must("create", "--filename=-", stdin=json.dumps(manifest))
    stored = await shop.get("whsub", "nulls")
    model = WebhookSubscription
    assert model.model_validate(stored).spec == model.model_validate(manifest).spec


async def test_the_examples_are_applied(namespace: str, control_plane: ControlPlane):
    kubectl = control_plane.kubectl(namespace)
    await kubectl.must("apply", f"--filename={EXAMPLES}")
    assert await kubectl.find("whsub", "invoices")
    assert await kubectl.find("whreplay", "invoices-after-the-outage")
    assert (await kubectl.find("secret", "skyvern") or {})["metadata"]["labels"]
    names = await kubectl.must("get", "hookgate", "--output=name")
    assert len(names.split()) == 2


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
async def test_the_server_keeps_all_of_a_definition(definition: Definition, shop: Kubectl):
    stored = await shop.get("crd", definition.name)
    ours = definition.document()["spec"]["versions"][0]
    theirs = stored["spec"]["versions"][0]
    if "selectableFields" not in theirs:  # Kubernetes 1.30 leaves them out
        del ours["selectableFields"]
    assert theirs == ours
    conditions = {entry["type"]: entry["status"] for entry in stored["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


async def explained(kubectl: Kubectl, field: str) -> str:
    """What `kubectl explain` says, in one line; a new CRD's schema is published a little later."""
    async with asyncio.timeout(15):
        while (result := await kubectl("explain", field)).code != 0:  # noqa: ASYNC110  # its pace
            await asyncio.sleep(0.1)
    return " ".join(result.stdout.split())


async def test_explain_reads_well(shop: Kubectl):
    delays = await explained(shop, "whsub.spec.delivery.retryDelaysSeconds")
    assert "Pauses in seconds between one failed attempt and the next" in delays
    state = await explained(shop, "whreplay.spec.filter.state")
    assert "ENUM: pending delivered exhausted cancelled" in state


async def test_status_is_written_on_its_own_and_shown_in_columns(shop: Kubectl):
    await shop.apply(json.dumps(named(SUBSCRIPTION, "shown")))
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251  # `kubectl` shows an age
    ready = {"type": "Ready", "status": "True", "reason": "Suspended", "message": ""}
    status = SubscriptionStatus.model_validate(
        {
            "observedGeneration": 1,
            "conditions": [ready | {"lastTransitionTime": at, "observedGeneration": 1}],
            "endpointHost": "billing.shop.example",
            "signing": {
                "scheme": "Skyvern",
                "keys": [{"name": "a", "key": "b", "fingerprint": "0" * 16, "signs": True}],
            },
            "lastSuccessTime": at,
            "lastFailureTime": at,
            "lastFailure": {"outcome": "server_error", "statusCode": 503},
        }
    ).model_dump(mode="json", by_alias=True, exclude_none=True)
    await shop.patch("whsub", "shown", {"status": status}, subresource="status")
    stored = await shop.get("whsub", "shown")
    assert stored["status"] == status
    assert stored["metadata"]["generation"] == 1
    head, row = (await shop.must("get", "whsub", "shown")).splitlines()
    assert " ".join(head.split()) == "NAME READY REASON ENDPOINT SUSPENDED LAST SUCCESS AGE"
    assert row.split()[1:5] == ["True", "Suspended", "billing.shop.example", "false"]


async def test_a_replays_status_is_written_and_shown(shop: Kubectl):
    await shop.apply(json.dumps(named(REPLAY, "shown")))
    figures = {"matched": 10, "sent": 5, "delivered": 3, "failed": 1, "skipped": 2, "remaining": 4}
    await shop.patch("whreplay", "shown", {"status": figures}, subresource="status")
    head, row = (await shop.must("get", "whreplay", "shown")).splitlines()
    shown = "NAME COMPLETE REASON MATCHED DELIVERED FAILED REMAINING SUSPENDED AGE"
    assert " ".join(head.split()) == shown
    assert row.split()[1:5] == ["10", "3", "1", "4"]  # a column without a value is blank


async def test_objects_are_found_by_their_fields(shop: Kubectl, control_plane: ControlPlane):
    if control_plane.version.startswith("v1.30."):
        pytest.skip("Kubernetes 1.30 has no selectable fields")
    await shop.apply(json.dumps(named(OTHER_CLASS, "selected")))
    selected = await shop.must(
        "get", "whsub", "--field-selector=spec.gatewayClass=eu,spec.suspend=false", "--output=name"
    )
    assert "webhooksubscription.hookgate.dev/selected" in selected.split()
    assert "webhooksubscription.hookgate.dev/shown" not in selected.split()

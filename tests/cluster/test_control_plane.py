"""The control plane of the tests is a real one, and can be stopped and started."""

import asyncio

import pytest

from tests.acceptance.harness import eventually
from tests.cluster.access import Access
from tests.cluster.controlplane import ControlPlane
from tests.cluster.kubectl import Kubectl, KubectlFailed
from tests.cluster.watching import watching
from tests.cluster.widgets import as_yaml, widget


async def test_a_custom_resource_is_served_and_its_schema_holds(
    kubectl: Kubectl, widgets: str
) -> None:
    await kubectl.apply(as_yaml(widget(3)))
    assert (await kubectl.get("widget", "one"))["spec"] == {"size": 3}
    with pytest.raises(KubectlFailed, match="should be less than or equal to 9"):
        await kubectl.apply(as_yaml(widget(10)))
    await kubectl.delete("widget", "one")
    assert await kubectl.find("widget", "one") is None


async def test_a_restart_ends_watches_and_forgets_old_versions(
    control_plane: ControlPlane, widgets: str
) -> None:
    """A genuine outage: the watch breaks off, and what it knew is too old once etcd has been compacted
    away from the server's memory.
    """
    admin = control_plane.admin
    first = admin.must("POST", widgets, widget(1))
    async with watching(admin, widgets, first["metadata"]["resourceVersion"]) as watch:
        changed = admin.must("PUT", f"{widgets}/one", first | {"spec": {"size": 2}})
        event = await watch.next()
        assert event is not None
        assert (event["type"], event["object"]["spec"]) == ("MODIFIED", {"size": 2})
        await control_plane.restart_server()
        assert await watch.next() is None
    admin.must("PUT", f"{widgets}/one", changed | {"spec": {"size": 3}})
    async with watching(admin, widgets, first["metadata"]["resourceVersion"]) as watch:
        event = await watch.next()
        assert event is not None
        assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def test_a_stopped_server_refuses_connections_and_keeps_what_it_had(
    control_plane: ControlPlane, namespace: str
) -> None:
    control_plane.stop_server()
    with pytest.raises(ConnectionRefusedError):
        control_plane.admin.request("GET", "/readyz")
    control_plane.start_server()
    assert control_plane.admin.request("GET", f"/api/v1/namespaces/{namespace}").ok


async def test_a_deleted_namespace_goes_with_all_that_is_in_it(
    control_plane: ControlPlane, kubectl: Kubectl, namespace: str
) -> None:
    control_plane.require_controllers()
    await kubectl.must("create", "secret", "generic", "one", "--from-literal=key=value")
    await kubectl.delete("namespace", namespace, wait=False)
    await kubectl.until("namespace", namespace, lambda found: found is None, within=30)


async def test_a_service_account_may_what_its_rules_say_and_no_more(
    service_account, kubectl: Kubectl, namespace: str
) -> None:
    reader = service_account(
        "reader", rules=[{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]
    )
    await kubectl.must("create", "secret", "generic", "one", "--from-literal=key=value")
    theirs = kubectl.speaking_as(reader.access)
    assert (await theirs.get("secret", "one"))["metadata"]["name"] == "one"
    listing = await theirs("get", "secrets")
    assert listing.code == 1
    assert f"system:serviceaccount:{namespace}:reader" in listing.stderr
    assert "cannot list resource" in listing.stderr


async def test_a_cluster_rule_reaches_other_namespaces(
    service_account, control_plane: ControlPlane
) -> None:
    wide = service_account(
        "wide", cluster_rules=[{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}]
    )
    assert wide.access.request("GET", "/api/v1/nodes").ok
    assert wide.access.request("GET", "/api/v1/namespaces").status == 403


async def test_a_short_token_is_taken_until_it_ends(service_account, namespace: str) -> None:
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}
    account = service_account(rules=[rule])
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    short = account.short_access(seconds=2)
    assert short.request("GET", secrets).ok
    await _until_status(short, secrets, 401)
    assert account.access.request("GET", secrets).ok


async def _until_status(access: Access, path: str, status: int) -> None:
    async def answers() -> bool:
        return (await asyncio.to_thread(access.request, "GET", path)).status == status

    await eventually(answers, within=30, what=f"{path} answers {status}")

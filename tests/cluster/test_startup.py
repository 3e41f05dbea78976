"""What an operator waits for instead of leaving: told once, shown by /readyz, and taken up when it comes.

No API server, no CRD, no rule, no gateway: the process goes on, and it does not spin.
"""

import pytest

from tests.acceptance.harness import eventually
from tests.cluster.crds import install_crds, remove_crd
from tests.cluster.planes import planes
from tests.cluster.rbac import lease_rules, operator_rules

CRD = "webhooksubscriptions.hookgate.dev"
NEVER_SPINS = 60
"""Requests to the API server in the first seconds of a trouble, all watches and the Lease taken together."""


@pytest.fixture(name="account")
def _account(service_account, crds_installed):
    return service_account(rules=[*operator_rules(), *lease_rules()])


async def told(operator, check, word):
    """/readyz, as soon as a check's sentence has this word."""

    async def question():
        reply = await operator.readyz()
        if reply is None or reply.status == 200:
            return None
        found = reply.json()["checks"]
        return found if word in str(found.get(check)) else None

    found = await eventually(question, within=20, what=f"{check} says {word}")
    assert (await operator.healthz()).status == 200  # a new process would not help
    return found


async def logged(operator, event, word):
    """Come back when the log has a line of that event with that word; how many."""

    async def question():
        return [line for line in operator.logged(event) if word in line["message"]]

    return len(await eventually(question, within=20, what=f"{event} says {word}"))


def once_for_each_change(operator):
    """No trouble of the same thing is told twice in a row."""
    last = {}
    for line in operator.events():
        if line["level"] in ("warning", "error"):
            message = line.pop("message", "")
            about = str({k: v for k, v in line.items() if k not in ("timestamp", "seconds")})
            assert last.get(about) != message, line
            last[about] = message


async def test_the_gateway_comes_later(tmp_path, account, namespace):
    async with planes(tmp_path, kubeconfig=account.kubeconfig, namespace=namespace) as (
        gateway,
        it,
    ):
        it.start()
        await it.leading()
        found = await told(it, "gateway", "does not answer")
        assert found["lease"] == "ok"
        await logged(it, "gateway_health_unread", "connection refused")
        await gateway.start()
        await it.ready()
        assert await it.total("hookgate_operator_gateway_reachable") == 1
        assert not [line for line in it.events() if line["level"] in ("warning", "error")]


async def test_a_token_that_the_gateway_refuses_is_told(tmp_path, account, namespace):
    async with planes(tmp_path, kubeconfig=account.kubeconfig, namespace=namespace) as (
        gateway,
        it,
    ):
        it.environment["HOOKGATE_OPERATOR_GATEWAY_TOKEN_FILE"] = str(tmp_path / "token")
        (tmp_path / "token").write_text("another-token-0123456789")
        await gateway.start()
        it.start()
        await it.leading()
        await logged(it, "gateway_health_unread", "does not accept the token")
        assert (await it.readyz()).status == 503
        (tmp_path / "token").write_text(gateway.token_file.read_text())
        await it.ready()


@pytest.mark.parametrize("leader_election", ["true", "false"])
async def test_the_api_server_comes_later(
    tmp_path, control_plane, account, namespace, leader_election
):
    settings = {"leader_election": leader_election}
    async with planes(tmp_path, kubeconfig=account.kubeconfig, namespace=namespace, **settings) as (
        gateway,
        it,
    ):
        await gateway.start()
        control_plane.stop_server()
        try:
            it.start()
            found = await told(it, "cluster", "cannot be reached")
            if leader_election == "true":
                await told(it, "lease", "cannot be reached")
            else:
                assert found["lease"] == "ok"
        finally:
            control_plane.start_server()
        await it.ready()
        once_for_each_change(it)


async def test_a_crd_comes_later(tmp_path, control_plane, account, namespace):
    async with planes(tmp_path, kubeconfig=account.kubeconfig, namespace=namespace) as (
        gateway,
        it,
    ):
        await gateway.start()
        remove_crd(control_plane, CRD)
        try:
            it.start()
            found = await told(it, "cluster", "install the CRDs: hookgate crd | kubectl apply -f -")
            assert "webhooksubscriptions.hookgate.dev" in found["cluster"]
            requests = await it.total("hookgate_operator_cluster_requests_total")
            assert requests < NEVER_SPINS
        finally:
            install_crds(control_plane)
        await it.ready()
        once_for_each_change(it)


async def test_rules_come_later(
    tmp_path, control_plane, service_account, namespace, crds_installed
):
    account = service_account(rules=[*operator_rules()[:1], *lease_rules()])
    async with planes(tmp_path, kubeconfig=account.kubeconfig, namespace=namespace) as (
        gateway,
        it,
    ):
        await gateway.start()
        it.start()
        await told(it, "cluster", "give its ServiceAccount that rule by a Role")
        for resource in ("webhookreplays", "secrets"):
            await told(it, "cluster", f"the operator may not list {resource}")
        role = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/operator"
        control_plane.admin.must(
            "PATCH",
            role,
            {"rules": [*operator_rules(), *lease_rules()]},
            content_type="application/merge-patch+json",
        )
        await it.ready()
        once_for_each_change(it)


async def test_a_standby_says_what_would_keep_it_from_taking_over(
    tmp_path, account, namespace, control_plane
):
    kubeconfig = account.kubeconfig
    async with (
        planes(tmp_path / "1", kubeconfig=kubeconfig, namespace=namespace) as (gateway, leader),
        planes(
            tmp_path / "2",
            kubeconfig=kubeconfig,
            namespace=namespace,
            gateway_url=gateway.control_url,
            gateway_ca_file=str(gateway.ca_file),
        ) as (_, standby),
    ):
        await gateway.start()
        leader.start()
        await leader.ready()
        standby.start()
        assert (await standby.ready())["role"] == "standby"
        assert not standby.logged("leading")
        await gateway.stop()
        found = await told(standby, "gateway", "connection refused")
        assert found["cluster"] == "ok"
        await gateway.start()
        await standby.ready(within=40)
        once_for_each_change(standby)

"""The operator under exactly the documented rules: none is missing, none is there for nothing."""

from contextlib import suppress
from typing import Any

import pytest

from tests.acceptance.harness import eventually
from tests.cluster.faults_proxy import FaultsProxy
from tests.cluster.installation import (
    API_KEY,
    WATCHED,
    Installation,
    Team,
    conditions,
    installation,
)
from tests.cluster.rbac import lease_rules, operator_rules, rules
from tests.cluster.rules_used import Right, forbidden, given, unused

pytestmark = pytest.mark.usefixtures("crds_installed")

LEASE = {"leader_election": "true", "lease_seconds": "5"}


def everything(team: Team) -> list[dict[str, Any]]:
    """Objects that together need every rule."""
    roots = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "roots", "namespace": team.namespace},
        "data": {"ca.crt": "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"},
    }
    from_roots = {"caFrom": {"configMapKeyRef": {"name": "roots", "key": "ca.crt"}}}
    replay = {
        "apiVersion": "hookgate.dev/v1alpha1",
        "kind": "WebhookReplay",
        "metadata": {"name": "count", "namespace": team.namespace},
        "spec": {
            "filter": {"subscription": "invoices"},
            "dryRun": True,
            "ttlSecondsAfterFinished": 0,
        },
    }
    return [
        roots,
        team.secret("plain", secret="a value"),
        team.secret("told", WATCHED, secret="another value"),
        team.secret("portal", API_KEY, **{"api-key": team.key}),
        team.subscription(secrets=("plain", "told"), endpoint={"tls": from_roots}),
        replay,
    ]


async def live(hookgate: Installation, team: Team) -> None:
    """A life in which every rule is needed, beginning with winning the Lease."""
    *values, subscription, replay = everything(team)
    await team.apply(*values)  # before it looks: in Get mode what comes later waits for a minute
    await hookgate.start()
    await team.apply(subscription, replay)
    await team.ready()
    await team.logs_in(team.key)
    await team.announced("count", "Counted", kind="WebhookReplay")
    await team.kubectl.until("whreplay", "count", lambda found: found is None)


async def judged(
    hookgate: Installation, faults: FaultsProxy, rights: list[Right], namespace: str
) -> None:
    """Judge what was asked: once every right was used, and at the end of an orderly stop."""

    async def all_used() -> bool:
        return unused(rights, faults.requests) == []

    with suppress(AssertionError):
        await eventually(all_used)
    assert await hookgate.operator.stopped() == 0
    assert forbidden(faults.requests, namespace) == [], "a rule is missing"
    assert unused(rights, faults.requests) == [], "a rule is never used"
    superfluous = Right("", "nodes", "get")
    assert unused([*rights, superfluous], faults.requests) == [superfluous]


async def test_a_cluster_wide_installation(faults, service_account, kubectl, tmp_path):
    namespace, cluster_wide = kubectl.namespace, rules("cluster-wide")
    account = service_account(rules=lease_rules(), cluster_rules=cluster_wide)
    kubeconfig = faults.kubeconfig(account.access)
    async with installation(tmp_path, kubeconfig, lease_namespace=namespace, **LEASE) as hookgate:
        await live(hookgate, hookgate.team(kubectl))
        rights = [*given(cluster_wide, None), *given(lease_rules(), namespace)]
        await judged(hookgate, faults, rights, namespace)


@pytest.mark.parametrize("mode", ["Watch", "Get"])
async def test_a_namespaced_installation(mode, faults, service_account, kubectl, tmp_path):
    namespace, inside = kubectl.namespace, [*operator_rules(secrets_mode=mode), *lease_rules()]
    account = service_account(rules=inside)
    kubeconfig = faults.kubeconfig(account.access)
    settings = {"lease_namespace": namespace, "secrets_mode": mode, **LEASE}
    async with installation(tmp_path, kubeconfig, namespaces=namespace, **settings) as hookgate:
        await live(hookgate, hookgate.team(kubectl))
        await judged(hookgate, faults, list(given(inside, namespace)), namespace)


async def test_a_missing_rule_is_seen(faults, service_account, kubectl, tmp_path):
    """The checks above have teeth, and a rule that is missing is told in words."""
    without = [rule for rule in operator_rules() if rule["resources"] != ["configmaps"]]
    account = service_account(rules=without)
    kubeconfig = faults.kubeconfig(account.access)
    async with installation(tmp_path, kubeconfig, namespaces=kubectl.namespace) as hookgate:
        await hookgate.start()
        team = hookgate.team(kubectl)
        await team.apply(*everything(team))
        found = await team.stands("invoices", "SecretForbidden", "SecretsResolved")
    assert "ConfigMap" in conditions(found)["SecretsResolved"]["message"]
    assert [each for each in forbidden(faults.requests) if "/configmaps/roots" in each]

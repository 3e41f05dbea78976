"""An operator of some namespaces: it needs Roles there, asks for nothing of the cluster, and sees nothing else."""

import re
from collections.abc import Iterator

import pytest

from tests.cluster.faults_proxy import Recorded
from tests.cluster.installation import installation
from tests.cluster.rbac import lease_rules, operator_rules
from tests.cluster.rules_used import forbidden
from tests.cluster.service_accounts import ServiceAccount

pytestmark = pytest.mark.usefixtures("crds_installed")

DISCOVERY = re.compile(r"/api|/api/v1|/apis|/apis/[^/]+/[^/]+|/version")


@pytest.fixture(name="more")
def _more(control_plane, namespace) -> Iterator[tuple[str, str]]:
    """Another namespace that the operator is told of, and one that it is not: there it may do nothing."""
    names = f"{namespace}-billing", f"{namespace}-others"
    for name in names:
        control_plane.admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield names
    for name in names:
        control_plane.admin.request("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(name="account")
def _account(service_account, more) -> ServiceAccount:
    account = service_account(rules=[*operator_rules(), *lease_rules()])
    service_account.bind(account.name, operator_rules(), more[0])
    return account


def outside(requests: list[Recorded], *namespaces: str) -> list[str]:
    """What was asked for beyond these namespaces and beyond what everybody may ask."""
    inside = tuple(f"/namespaces/{name}/" for name in namespaces)
    return [
        each.path
        for each in requests
        if not any(part in each.path for part in inside) and not DISCOVERY.fullmatch(each.path)
    ]


async def test_two_namespaces_and_not_the_third(faults, account, kubectl, more, tmp_path):
    shop, (billing, others) = kubectl.namespace, more
    async with installation(
        tmp_path,
        faults.kubeconfig(account.access),
        namespaces=f"{shop},{billing}",
        leader_election="true",
        lease_namespace=shop,
    ) as hookgate:
        teams = [hookgate.team(kubectl.within(each)) for each in (shop, billing)]
        theirs = hookgate.team(kubectl.within(others))
        await theirs.apply(theirs.secret("signing", secret="a value"), theirs.subscription())
        await hookgate.start()
        for team in teams:
            await team.settle()
            await team.apply(team.subscription())
            await team.ready()
            await team.post()
            await team.arrivals(team.path("invoices"))
        assert await hookgate.held(others) == {}
        assert "status" not in await theirs.kubectl.get("whsub", "invoices")
        assert await hookgate.operator.stopped() == 0
    assert forbidden(faults.requests, shop, billing, others) == []
    assert outside(faults.requests, shop, billing) == []

"""Two installations that look after the same objects for the same class: the one thing that no Lease prevents.

Each writes what its own gateway says. They are told apart by their field managers, write no faster than an
object's burst, and each says once that it is not alone.
"""

from tests.acceptance.harness import eventually, free_port
from tests.acceptance.manifests import secret, subscription
from tests.cluster.installation import listed
from tests.cluster.planes import planes
from tests.cluster.rbac import operator_rules

SIGNING = "signing-0123456789abcdef"
LEASES = {
    "apiGroups": ["coordination.k8s.io"],
    "resources": ["leases"],
    "verbs": ["create", "get", "update"],
}
"""Both have the same ServiceAccount here, and each a Lease of its own."""


async def test_two_of_one_class_are_told_and_seen(
    tmp_path, service_account, crds_installed, namespace, kubectl
):
    account = service_account(rules=[*operator_rules(), LEASES])
    given = {"kubeconfig": account.kubeconfig, "namespace": namespace}
    async with (
        planes(tmp_path / "1", lease_name="one", **given) as (open_gateway, first),
        planes(
            tmp_path / "2", lease_name="two", gateway_settings={"egress_allow": ""}, **given
        ) as (shut_gateway, second),
    ):
        await open_gateway.start()
        await shut_gateway.start()
        first.start()
        second.start()
        await first.ready()
        await second.ready()
        url = f"http://127.0.0.1:{free_port()}/webhooks"  # the second one's gateway refuses it
        await kubectl.apply(
            listed(
                secret("signing", namespace, secret=SIGNING),
                subscription("invoices", url, namespace=namespace),
            )
        )

        async def both_say_so() -> bool:
            return all(each.logged("status_contested") for each in (first, second))

        await eventually(both_say_so, within=60.0, what="both notice the other")
        for each in (first, second):
            (told,) = each.logged("status_contested")
            assert (told["level"], told["name"]) == ("warning", "invoices")

        managers = set()

        async def both_are_seen() -> bool:
            found = await kubectl.must(
                "get",
                "whsub",
                "invoices",
                "--show-managed-fields",
                "--output=jsonpath={.metadata.managedFields[*].manager}",
            )
            managers.update(
                name for name in ("one", "two") if f"hookgate-operator {namespace}/{name}" in found
            )
            return managers == {"one", "two"}

        await eventually(both_are_seen, within=60.0, what="each is named as the status' writer")

"""What a release is called may be what another one calls something of its own: each such name is found, and refused."""

import itertools

import pytest

from tests.chart.combinations import COMBINATIONS, EVERYTHING, Combination, rendered
from tests.chart.releases import CLUSTER_SCOPED, Release, environment
from tests.chart.rendering import HELMS, Refused, Values, render_text
from tests.install.helm import Helm
from tests.install.test_lifecycle import RELEASED

ALL = EVERYTHING | {"crds": {"enabled": False}, "extraObjects": [], "fullnameOverride": ""}
KINDS_OF_VALUES: dict[str, Values] = {
    "in the cluster": ALL,
    "in namespaces": ALL
    | COMBINATIONS["cert-manager"].values
    | {
        "rbac": {"scope": "Namespaced"},
        "networkPolicy": {},
        "metrics": {"podMonitor": {"enabled": True}},
    },
}
SERVICES = {"-control", "-gateway-metrics", "-operator-metrics"}
"""Behind a release's name these are names of Services, and so is the name of another release."""


def identities(release: Release) -> set[tuple[str, str, str]]:
    """What the cluster knows things by: objects, and those that controllers and the operator make for them."""
    found = {
        (
            each["kind"],
            "" if each["kind"] in CLUSTER_SCOPED else each["metadata"]["namespace"],
            each["metadata"]["name"],
        )
        for each in release.objects
    }
    gateway = release.component("gateway").owner["metadata"]["name"]
    told = environment(release.component("operator").spec["containers"][0])
    return found | {
        ("Pod", release.namespace, f"{gateway}-0"),
        ("PersistentVolumeClaim", release.namespace, f"store-{gateway}-0"),
        ("Lease", release.namespace, told["HOOKGATE_OPERATOR_LEASE_NAME"]),
    }


def suffixes() -> list[str]:
    """What stands behind the release's name in the name of anything that it has."""
    names = {
        name
        for values in KINDS_OF_VALUES.values()
        for _, _, name in identities(rendered(Combination(values)))
    }
    return sorted({name.removeprefix("store-").removeprefix("hookgate") for name in names} - {""})


def collisions(one: Combination, other: Combination) -> set[tuple[str, str, str]] | None:
    """What both have; None where the chart refuses one of them."""
    try:
        return identities(rendered(one)) & identities(rendered(other))
    except Refused as refused:
        assert "These values cannot be installed" in str(refused)  # noqa: PT017
        return None


def test_the_names_that_collide_are_those_of_services():
    """Each thing's name taken as another release's: refused, or without anything in common."""
    refused = set()
    for suffix, values in itertools.product(suffixes(), KINDS_OF_VALUES.values()):
        found = collisions(Combination(values), Combination(values, f"hookgate{suffix}"))
        assert not found, suffix
        if found is None:
            refused.add(suffix)
    assert refused == SERVICES


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("suffix", SERVICES)
def test_a_name_that_is_refused_says_whose_it_is(suffix, helm):
    with pytest.raises(Refused) as refused:
        render_text(release=f"hookgate{suffix}", helm=helm)
    assert f"hookgate{suffix} is what a release hookgate calls one of its Services" in str(
        refused.value
    )
    render_text({"fullnameOverride": "inner"}, release=f"hookgate{suffix}", helm=helm)


@pytest.mark.parametrize("name", ["control", "hookgate-controls", "my-control", "hookgate-metrics"])
def test_names_that_only_look_like_it_are_taken(name):
    assert render_text(release=name)


def test_two_operators_never_share_a_lease():
    """`NAME-operator-CLASS` can be read in two ways where the class has the word."""
    one = Combination({"gatewayClass": "a-operator-b"})
    other = Combination({"gatewayClass": "b", "crds": {"enabled": False}}, "hookgate-operator-a")
    assert collisions(one, other) is None
    named = {"operator": {"leaderElection": {"leaseName": "mine"}}}
    assert collisions(Combination(one.values | named), other) == set()


@pytest.mark.parametrize("namespace", ["lease", "leader", "metrics", "operator", "view"])
@pytest.mark.parametrize("values", KINDS_OF_VALUES)
def test_no_namespace_makes_two_objects_of_one_name(values, namespace):
    release = rendered(Combination(KINDS_OF_VALUES[values], namespace=namespace))
    names = [
        (each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"])
        for each in release.objects
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("component", ["gateway", "operator"])
def test_gateway_and_operator_never_share_an_account_that_is_made(component):
    other = {"gateway": "operator", "operator": "gateway"}[component]
    with pytest.raises(Refused, match="would have the operator's rights"):
        render_text({component: {"serviceAccount": {"name": f"hookgate-{other}"}}})


def test_a_release_that_is_there_keeps_its_name(control_plane, kubectl):
    """It was installed before the name was refused; only what is new is asked to choose another."""
    helm = Helm("Helm 4", control_plane.kubeconfig, kubectl.namespace)
    values = {"crds": {"enabled": False}, "operator": {"enabled": False}}
    assert (
        helm.run("install", "hookgate-control", RELEASED, "--set=crds.enabled=false").returncode
        == 0
    )
    helm.upgrade("hookgate-control", values, wait=False)
    helm.must("uninstall", "hookgate-control")

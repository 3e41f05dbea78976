"""Two releases in one cluster share nothing but the definitions, whatever they are called."""

import itertools

import pytest

from tests.chart.combinations import COMBINATIONS, LONGEST_RELEASE, Combination, rendered
from tests.chart.releases import CLUSTER_SCOPED, environment

WITHOUT_CRDS = {"crds": {"enabled": False}}
NEIGHBOURS = {
    "another name": [Combination(), Combination(WITHOUT_CRDS, "internal")],
    "another namespace": [Combination(), Combination(WITHOUT_CRDS, "hookgate", "shop")],
    "long names that begin alike": [
        Combination({}, LONGEST_RELEASE),
        Combination(WITHOUT_CRDS, LONGEST_RELEASE[:-1] + "z"),
    ],
    "long namespaces that begin alike": [
        Combination({}, LONGEST_RELEASE, "n" * 63),
        Combination(WITHOUT_CRDS, LONGEST_RELEASE, "n" * 62 + "z"),
    ],
    "a name with dashes": [
        Combination({}, "a", "b-c"),
        Combination(WITHOUT_CRDS, "a-hookgate-operator-b", "c"),
    ],
    "monitors, rules and dashboards in one namespace": [
        COMBINATIONS["monitored-elsewhere"],
        Combination(COMBINATIONS["monitored-elsewhere"].values | WITHOUT_CRDS, "hookgate", "shop"),
    ],
    "one full name in two namespaces": [
        Combination({"fullnameOverride": "webhooks"}, "one", "one"),
        Combination({"fullnameOverride": "webhooks"} | WITHOUT_CRDS, "two", "two"),
    ],
}


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
def test_no_object_belongs_to_both(neighbours):
    one, other = (objects(rendered(each)) for each in NEIGHBOURS[neighbours])
    assert one & other == set()


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
def test_nobody_selects_the_others_pods(neighbours):
    releases = [rendered(each) for each in NEIGHBOURS[neighbours]]
    if releases[0].namespace != releases[1].namespace:
        return
    for one, other in itertools.permutations(releases):
        for service in one.of("Service"):
            assert not [pod for pod in other.pods if pod.matched_by(service["spec"]["selector"])]


def test_two_classes_in_one_namespace_take_two_leases():
    one = rendered(Combination())
    other = rendered(Combination({"gatewayClass": "internal"} | WITHOUT_CRDS, "internal"))
    assert lease(one) != lease(other)


def objects(release):
    """Each by what the cluster knows it by."""
    return {
        (
            thing["kind"],
            "" if thing["kind"] in CLUSTER_SCOPED else thing["metadata"]["namespace"],
            thing["metadata"]["name"],
        )
        for thing in release.objects
    }


def lease(release):
    told = environment(release.component("operator").spec["containers"][0])
    return told["HOOKGATE_OPERATOR_LEASE_NAME"]

"""What is for life in a release's volume is refused before an upgrade begins, with what to do instead.

A real API server keeps the release; no pod runs, for only what Helm says and does is looked at.
"""

import json
from collections.abc import Iterator

import pytest

from tests.chart.rendering import HELMS
from tests.cluster.crds import install_crds
from tests.install.helm import Helm, HelmFailed, Values

PAGE = "https://github.com/hookgate/hookgate/blob/main/docs/install.md"
GIVEN = {"size": "1.5Gi", "storageClass": "fast", "annotations": {"kept": "long"}}


def values(**changes: object) -> Values:
    return {
        "crds": {"enabled": False},
        "operator": {"enabled": False},
        "gateway": {"persistence": GIVEN | changes},
    }


@pytest.fixture(name="helm", params=HELMS)
def _helm(request, control_plane, kubectl) -> Iterator[Helm]:
    """A release with a volume of its own."""
    install_crds(control_plane)
    helm = Helm(request.param, control_plane.kubeconfig, kubectl.namespace)
    helm.upgrade("hookgate", values(), wait=False)
    yield helm
    helm.must("uninstall", "hookgate")


def refused(helm: Helm, given: Values) -> str:
    """What Helm says; nothing has changed then."""
    with pytest.raises(HelmFailed) as failure:
        helm.upgrade("hookgate", given, wait=False)
    assert helm.status("hookgate")["version"] == 1
    return " ".join(str(failure.value).split())


LARGER, LABELLED = {"size": "2Gi"}, {"labels": {"a": "b"}}
OTHERS = [
    (
        {
            **LARGER,
            **LABELLED,
            "storageClass": "slow",
            "accessModes": ["ReadWriteOncePod"],
            "annotations": {"kept": "short"},
        },
        [
            "gateway.persistence.size is 2Gi, and the StatefulSet hookgate-gateway was made with 1536Mi",
            f"delete statefulset hookgate-gateway --namespace NAMESPACE --cascade=orphan`, and upgrade again: {PAGE}#a-larger-volume",
            f'gateway.persistence.storageClass would become "slow", and the claim and the StatefulSet hookgate-gateway were made with "fast", for life: leave it at that, or move the store to another claim: {PAGE}#another-volume',
            'gateway.persistence.accessModes would become ["ReadWriteOncePod"]',
            "gateway.persistence.labels cannot change",
            "gateway.persistence.annotations cannot change",
        ],
    ),
    (
        {"size": "1Gi", "storageClass": ""},
        ["A claim never gets smaller", "gateway.persistence.storageClass would become unset"],
    ),
    ({"existingClaim": "mine"}, ["gateway.persistence asks for no claim"]),
    ({"enabled": False}, ["gateway.persistence asks for no claim"]),
]


def test_what_is_for_life_is_refused_by_name(helm, kubectl):
    for changes, sentences in OTHERS:
        said = refused(helm, values(**changes))
        assert "These values cannot be installed" in said
        for words in sentences:
            assert words.replace("NAMESPACE", kubectl.namespace) in said
    said = refused(helm, values() | {"nameOverride": "other", "fullnameOverride": "hookgate"})
    assert "nameOverride changes the labels" in said


def test_the_same_size_in_other_words_is_no_change(helm, kubectl):
    """The API server keeps quantities in a form of its own."""
    kept = json.loads(kubectl.run("get", "sts", "hookgate-gateway", "--output=json").stdout)
    (claim,) = kept["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "1536Mi"
    for size in (GIVEN["size"], "1572864Ki"):
        helm.upgrade("hookgate", values(size=size), wait=False)


def test_without_the_statefulset_it_goes(helm, kubectl):
    changes = LARGER | LABELLED
    assert refused(helm, values(**changes))
    assert kubectl.run("delete", "statefulset", "hookgate-gateway", "--cascade=orphan").code == 0
    helm.upgrade("hookgate", values(**changes), wait=False)


def test_a_release_without_a_claim_gets_none(control_plane, kubectl):
    install_crds(control_plane)
    helm = Helm("Helm 4", control_plane.kubeconfig, kubectl.namespace)
    helm.upgrade("hookgate", values(enabled=False), wait=False)
    assert "gateway.persistence asks for a claim" in refused(helm, values())
    helm.upgrade("hookgate", values(enabled=False, size="2Gi"), wait=False)
    helm.must("uninstall", "hookgate")

"""Values that contradict each other are refused, in a sentence that says what to change."""

import pytest

from tests.chart.combinations import EVERYTHING
from tests.chart.rendering import HELMS, refuses, render

UPSTREAM = {"url": "http://skyvern:8000", "apiKey": {"existingSecret": "skyvern"}}
MONITORS = {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}
CERT_MANAGER = {"enabled": True}
ROLLING = {"type": "RollingUpdate"}

# What is said together, and words of the sentence that refuses it.
CONTRADICTIONS = {
    "two gateways": (
        {"gateway": {"replicaCount": 2}},
        "gateway.replicaCount is 2: the store is an SQLite file",
    ),
    "a claim for a store without a volume": (
        {"gateway": {"persistence": {"enabled": False, "existingClaim": "old"}}},
        "gateway.persistence.existingClaim is set and gateway.persistence.enabled is false",
    ),
    "an upstream without a key": (
        {"gateway": {"upstream": {"url": "http://skyvern:8000"}, "publicUrl": "http://h:8080"}},
        "set gateway.upstream.apiKey.existingSecret",
    ),
    "an upstream that cannot answer": (
        {"gateway": {"upstream": UPSTREAM}},
        "set it to http://hookgate.hookgate.svc:8080",
    ),
    "an address for an upstream that is not there": (
        {"gateway": {"publicUrl": "http://hookgate:8080"}},
        "set gateway.upstream.url, too",
    ),
    "a key for an upstream that is not there": (
        {"gateway": {"upstream": {"apiKey": {"existingSecret": "skyvern"}}}},
        "set gateway.upstream.url, too",
    ),
    "a pod that is killed while it stops": (
        {"gateway": {"terminationGracePeriodSeconds": 30}},
        "gateway.terminationGracePeriodSeconds is 30, and the gateway may take 40 to stop",
    ),
    "less memory than the bodies that may be in it": (
        {"gateway": {"resources": {"limits": {"memory": "1327Mi"}}}},
        "gateway.resources.limits.memory is 1327Mi, and the gateway may take 1328Mi: bodies as",
    ),
    "large reports in little memory": (
        {"gateway": {"limits": {"maxBodyBytes": 67108864}}},
        "gateway.resources.limits.memory is 1536Mi, and the gateway may take 3008Mi",
    ),
    "a node's port on no node": (
        {"gateway": {"service": {"nodePort": 30080}}},
        "gateway.service.nodePort is set and gateway.service.type is ClusterIP",
    ),
    "a load balancer's addresses without one": (
        {"gateway": {"service": {"loadBalancerSourceRanges": ["10.0.0.0/8"]}}},
        "gateway.service.loadBalancerSourceRanges is set and gateway.service.type is ClusterIP",
    ),
    "a load balancer's class without one": (
        {"gateway": {"service": {"type": "NodePort", "loadBalancerClass": "internal"}}},
        "gateway.service.loadBalancerClass is set and gateway.service.type is NodePort",
    ),
    "a policy for what comes from outside, where nothing does": (
        {"gateway": {"service": {"externalTrafficPolicy": "Local"}}},
        "gateway.service.externalTrafficPolicy is set and gateway.service.type is ClusterIP",
    ),
    "an end that follows from nothing": (
        {"gateway": {"shutdownGraceSeconds": None}},
        "gateway.shutdownGraceSeconds is null",
    ),
    "a burst of a rate that has no limit": (
        {"gateway": {"limits": {"keyRequestBurst": 10}}},
        "gateway.limits.keyRequestBurst is set without gateway.limits.keyRequestsPerSecond",
    ),
    "metrics that nobody reaches": (
        {
            "metrics": {"serviceMonitor": {"enabled": True}},
            "networkPolicy": {"operator": {"metricsFrom": []}},
        },
        "networkPolicy.operator.metricsFrom is empty",
    ),
    "two operators without a Lease": (
        {"operator": {"replicaCount": 2, "leaderElection": {"enabled": False}}},
        "operator.leaderElection.enabled is false",
    ),
    "two operators without a Lease for a moment": (
        {"operator": {"strategy": ROLLING, "leaderElection": {"enabled": False}}},
        "operator.strategy.type has to be Recreate",
    ),
    "namespaces for an operator of the cluster": (
        {"rbac": {"watchNamespaces": ["shop"]}},
        "rbac.watchNamespaces is set and rbac.scope is Cluster",
    ),
    "an account that nobody named": (
        {"gateway": {"serviceAccount": {"create": False}}},
        "set gateway.serviceAccount.name to one that is there",
    ),
    "an operator's account that nobody named": (
        {"operator": {"serviceAccount": {"create": False}}},
        "set operator.serviceAccount.name to one that is there",
    ),
    "a setting that has a value": (
        {"gateway": {"extraEnv": [{"name": "HOOKGATE_MAX_INFLIGHT", "value": "1"}]}},
        "gateway.extraEnv sets HOOKGATE_MAX_INFLIGHT",
    ),
    "an operator's setting that has a value": (
        {"operator": {"extraEnv": [{"name": "HOOKGATE_OPERATOR_WORKERS", "value": "1"}]}},
        "operator.extraEnv sets HOOKGATE_OPERATOR_WORKERS",
    ),
    "two origins of a certificate": (
        {"control": {"tls": {"existingSecret": "tls", "certManager": CERT_MANAGER}}},
        "the certificate comes from one of them",
    ),
    "an issuer that nobody asks": (
        {"control": {"tls": {"certManager": {"issuerRef": {"name": "internal"}}}}},
        "control.tls.certManager.enabled is false",
    ),
    "an Ingress for no host": ({"ingress": {"enabled": True}}, "without ingress.hosts"),
    "a route of no Gateway": ({"httpRoute": {"enabled": True}}, "without httpRoute.parentRefs"),
    "everything counted twice": ({"metrics": MONITORS}, "everything would be counted twice"),
}


@pytest.mark.parametrize("contradiction", CONTRADICTIONS)
def test_a_contradiction_is_refused(contradiction):
    """One sentence for one contradiction: a cause that is told twice is looked for twice."""
    values, words = CONTRADICTIONS[contradiction]
    said = refuses(values)
    assert "These values cannot be installed:" in said
    assert words in said
    assert said.count(" - ") == 1


@pytest.mark.parametrize("helm", HELMS)
def test_all_that_is_wrong_is_told_at_once(helm):
    values = {
        "gateway": {"replicaCount": 2},
        "ingress": {"enabled": True},
        "rbac": {"watchNamespaces": ["shop"]},
    }
    said = refuses(values, helm=helm)
    for words in ("gateway.replicaCount is 2", "ingress.hosts", "rbac.scope is Cluster"):
        assert words in said


def test_a_service_may_not_begin_with_a_digit():
    assert "set fullnameOverride" in refuses({}, release="8ball")
    assert render({"fullnameOverride": "eightball"}, release="8ball")


def test_everything_together_contradicts_nothing():
    assert render(EVERYTHING)

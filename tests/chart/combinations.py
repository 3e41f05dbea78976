"""Sets of values that the chart is looked at with, and the release of each."""

import functools
from dataclasses import dataclass, field

from tests.chart.releases import Release
from tests.chart.rendering import Values, default_values, parsed, render_text, resolved

LONGEST_RELEASE = "release-" + "r" * 42 + "-ab"
"""Helm takes names of at most 53 characters; this one is cut within a word."""


@dataclass(frozen=True, slots=True)
class Combination:
    """One set of values, and the name and namespace it is installed under."""

    values: Values = field(default_factory=dict)
    release: str = "hookgate"
    namespace: str = "hookgate"


MONITORING: Values = {
    "serviceMonitor": {"enabled": True, "interval": "15s", "labels": {"release": "kube-prom"}},
    "prometheusRule": {"enabled": True, "additionalRuleLabels": {"team": "webhooks"}},
    "dashboards": {"enabled": True, "annotations": {"grafana_folder": "Webhooks"}},
}
PROMETHEUS = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
COMPONENT: Values = {
    "annotations": {"example.com/owner": "webhooks"},
    "podAnnotations": {"example.com/owner": "webhooks"},
    "podLabels": {"example.com/team": "webhooks"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {"matchExpressions": [{"key": "kubernetes.io/arch", "operator": "Exists"}]}
                ]
            }
        }
    },
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
        }
    ],
    "priorityClassName": "system-cluster-critical",
    "extraEnv": [{"name": "SSL_CERT_FILE", "value": "/etc/extra/{{ .Release.Name }}.crt"}],
    "extraVolumes": [{"name": "extra", "configMap": {"name": "extra-roots"}}],
    "extraVolumeMounts": [{"name": "extra", "mountPath": "/etc/extra", "readOnly": True}],
}
EXTRA_TEMPLATE = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: extra-{{ .Release.Name }}
data:
  namespace: {{ .Release.Namespace }}
"""
EVERYTHING: Values = {
    "commonLabels": {"example.com/cost-center": "webhooks"},
    "imagePullSecrets": [{"name": "registry"}],
    "rbac": {"aggregateToDefaultRoles": True},
    "image": {"digest": "sha256:" + "0123456789abcdef" * 4},
    "gateway": COMPONENT
    | {
        "egressAllow": ["10.20.0.0/16", "billing/hooks.internal.example:8443"],
        "dnsServers": ["10.0.0.53", "10.0.1.53:5353", "[fd00::53]:5353"],
        "upstream": {
            "url": "http://skyvern.skyvern.svc:8000",
            "apiKey": {"existingSecret": "skyvern-api-key"},
        },
        "publicUrl": "http://hookgate.hookgate.svc:8080",
        "manifests": {"existingSecret": "hookgate-manifests"},
        "limits": {"keyRequestsPerSecond": 0.5, "keyRequestBurst": 1000, "maxInflight": 256},
        "retentionDays": 0.5,
        "shutdownGraceSeconds": 60,
        "persistence": {
            "storageClass": "-",
            "size": "100Gi",
            "annotations": {"example.com/backup": "daily"},
            "labels": {"example.com/tier": "fast"},
        },
        "service": {
            "type": "LoadBalancer",
            "port": 80,
            "annotations": {"example.com/scheme": "internal"},
            "loadBalancerSourceRanges": ["10.0.0.0/8"],
            "externalTrafficPolicy": "Local",
            "ipFamilyPolicy": "PreferDualStack",
        },
    },
    "operator": COMPONENT
    | {"replicaCount": 2, "ownerId": "operator/eu-1", "secretsMode": "Get", "resyncSeconds": 60},
    "networkPolicy": {
        "gateway": {
            "publicFrom": [{"namespaceSelector": {}}],
            "metricsFrom": PROMETHEUS,
            "extraEgress": [{"to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}]}],
        },
        "operator": {"metricsFrom": PROMETHEUS},
    },
    "ingress": {
        "enabled": True,
        "className": "nginx",
        "annotations": {"example.com/size": "9m"},
        "hosts": [{"host": "hooks.example.com", "paths": [{"path": "/", "pathType": "Prefix"}]}],
        "tls": [{"secretName": "hooks-tls", "hosts": ["hooks.example.com"]}],
    },
    "httpRoute": {
        "enabled": True,
        "parentRefs": [{"name": "public", "namespace": "gateways"}],
        "hostnames": ["hooks.example.com"],
    },
    "metrics": MONITORING,
    "extraObjects": [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "extra-roots", "labels": {"example.com/extra": "true"}},
            "data": {"release": "{{ .Release.Name }}"},
        },
        EXTRA_TEMPLATE,
    ],
}
EXISTING_SECRETS: Values = {
    "control": {
        "token": {"existingSecret": "my-token", "key": "password"},
        "tls": {"existingSecret": "my-tls"},
    },
    "encryption": {"existingSecret": "my-keys", "key": "fernet"},
}

COMBINATIONS: dict[str, Combination] = {
    "defaults": Combination(),
    "everything": Combination(EVERYTHING),
    "namespaced": Combination(
        {"rbac": {"scope": "Namespaced", "watchNamespaces": ["team-a", "team-b"]}}
    ),
    "own-namespace": Combination({"rbac": {"scope": "Namespaced"}}, namespace="shop"),
    "existing-secrets": Combination(EXISTING_SECRETS),
    "cert-manager": Combination({"control": {"tls": {"certManager": {"enabled": True}}}}),
    "cert-manager-issuer": Combination(
        {
            "control": {
                "tls": {
                    "certManager": {
                        "enabled": True,
                        "issuerRef": {"name": "internal", "kind": "ClusterIssuer"},
                    }
                }
            }
        }
    ),
    "persistence-off": Combination({"gateway": {"persistence": {"enabled": False}}}),
    "existing-claim": Combination({"gateway": {"persistence": {"existingClaim": "old-store"}}}),
    "two-operators": Combination({"operator": {"replicaCount": 2}}),
    "no-lease": Combination({"operator": {"leaderElection": {"enabled": False}}}),
    "no-operator": Combination({"operator": {"enabled": False}, "metrics": MONITORING}),
    "no-network-policies": Combination({"networkPolicy": {"enabled": False}}),
    "no-rbac": Combination(
        {
            "rbac": {"create": False},
            "operator": {"serviceAccount": {"create": False, "name": "my-operator"}},
            "gateway": {"serviceAccount": {"create": False, "name": "my-gateway"}},
        }
    ),
    "long-release": Combination({"metrics": MONITORING}, LONGEST_RELEASE, "n" * 63),
    "long-names": Combination(
        {"fullnameOverride": "f" * 60, "nameOverride": "n" * 60, "gatewayClass": "c" * 60}
    ),
    "second-release": Combination(
        {"gatewayClass": "internal", "crds": {"enabled": False}}, "internal", "webhooks"
    ),
    "words-that-yaml-knows": Combination(
        {
            "fullnameOverride": "yes",
            "nameOverride": "1e3",
            "image": {"tag": "1.10"},
            "gatewayClass": "0x10",
            "rbac": {"scope": "Namespaced", "watchNamespaces": ["null", "2024"]},
            "control": {"token": {"existingSecret": "on", "key": "off"}},
            "metrics": MONITORING,
        },
        "no",
        "1e3",
    ),
    "pod-monitors": Combination({"metrics": {"podMonitor": {"enabled": True}}}),
    "monitored-elsewhere": Combination(
        {
            "metrics": {
                key: {"enabled": True, "namespace": "monitoring"}
                for key in ("serviceMonitor", "prometheusRule", "dashboards")
            }
        }
    ),
}


def rendered(given: Combination, helm: str = "Helm 4") -> Release:
    """What Helm makes of these values; Refused."""
    text = render_text(given.values, helm=helm, release=given.release, namespace=given.namespace)
    return Release(
        name=given.release,
        namespace=given.namespace,
        values=resolved(given.values, default_values()),
        objects=[each for each in parsed(text) if each],
        text=text,
    )


@functools.cache
def release_of(combination: str, helm: str = "Helm 4") -> Release:
    """What is rendered for a named set of values. Shared: `Release.changed` makes another one."""
    return rendered(COMBINATIONS[combination], helm)

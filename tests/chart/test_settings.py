"""Every setting of gateway and operator has a value, or is the chart's own to say."""

import functools

import pytest

from hookgate_gateway.settings import SETTINGS as GATEWAY
from hookgate_operator.settings import SETTINGS as OPERATOR
from tests.chart.combinations import Combination, release_of, rendered
from tests.chart.releases import Release, environment
from tests.chart.rendering import Values, resolved
from tests.chart.schema import nested

# Where the chart itself puts files and ports, and who the release is.
ITS_OWN = {
    "HOOKGATE_STORE",
    "HOOKGATE_ENCRYPTION_KEYS_FILE",
    "HOOKGATE_LISTEN",
    "HOOKGATE_METRICS_LISTEN",
    "HOOKGATE_CONTROL_LISTEN",
    "HOOKGATE_CONTROL_TOKEN_FILE",
    "HOOKGATE_CONTROL_TLS_CERTIFICATE_FILE",
    "HOOKGATE_CONTROL_TLS_KEY_FILE",
    "HOOKGATE_OPERATOR_GATEWAY_URL",
    "HOOKGATE_OPERATOR_GATEWAY_TOKEN_FILE",
    "HOOKGATE_OPERATOR_GATEWAY_CA_FILE",
    "HOOKGATE_OPERATOR_LEASE_NAMESPACE",
    "HOOKGATE_OPERATOR_METRICS_LISTEN",
}
# What somebody says in the values, and what the process is then told.
SAID = {
    "HOOKGATE_EGRESS_ALLOW": ("gateway.egressAllow", ["10.0.0.0/8", "a/b.example:1"], None),
    "HOOKGATE_DNS_SERVERS": ("gateway.dnsServers", ["10.0.0.53", "[fd00::1]:53"], None),
    "HOOKGATE_MAX_BODY_BYTES": ("gateway.limits.maxBodyBytes", 16777216, "16777216"),
    "HOOKGATE_BODY_MEMORY_BYTES": ("gateway.limits.bodyMemoryBytes", 536870912, "536870912"),
    "HOOKGATE_KEY_REQUESTS_PER_SECOND": ("gateway.limits.keyRequestsPerSecond", 0.5, "0.5"),
    "HOOKGATE_KEY_REQUEST_BURST": ("gateway.limits.keyRequestBurst", 1000000, "1000000"),
    "HOOKGATE_NAMESPACE_MAX_PENDING": ("gateway.limits.namespaceMaxPending", 0, "0"),
    "HOOKGATE_MAX_CONNECTIONS": ("gateway.limits.maxConnections", 2000, "2000"),
    "HOOKGATE_MAX_CONNECTIONS_PER_ADDRESS": (
        "gateway.limits.maxConnectionsPerAddress",
        200,
        "200",
    ),
    "HOOKGATE_MAX_INFLIGHT": ("gateway.limits.maxInflight", 256, "256"),
    "HOOKGATE_RETENTION_DAYS": ("gateway.retentionDays", 0.25, "0.25"),
    "HOOKGATE_DELETE_GRACE_SECONDS": ("gateway.deleteGraceSeconds", 0, "0"),
    "HOOKGATE_SHUTDOWN_GRACE_SECONDS": ("gateway.shutdownGraceSeconds", 60, "60"),
    "HOOKGATE_SHUTDOWN_DRAIN_SECONDS": ("gateway.shutdownDrainSeconds", 0, "0"),
    "HOOKGATE_METRICS_SUBSCRIPTION_LABEL": ("gateway.metricsSubscriptionLabel", False, "false"),
    "HOOKGATE_LOG_FORMAT": ("gateway.log.format", "text", "text"),
    "HOOKGATE_LOG_LEVEL": ("gateway.log.level", "debug", "debug"),
    "HOOKGATE_OPERATOR_GATEWAY_CLASS": ("gatewayClass", "internal", "internal"),
    "HOOKGATE_OPERATOR_OWNER_ID": ("operator.ownerId", "operator/eu-1", "operator/eu-1"),
    "HOOKGATE_OPERATOR_SECRETS_MODE": ("operator.secretsMode", "Get", "Get"),
    "HOOKGATE_OPERATOR_LEADER_ELECTION": ("operator.leaderElection.enabled", False, "false"),
    "HOOKGATE_OPERATOR_LEASE_NAME": ("operator.leaderElection.leaseName", "eu-1", "eu-1"),
    "HOOKGATE_OPERATOR_LEASE_SECONDS": ("operator.leaderElection.leaseSeconds", 30, "30"),
    "HOOKGATE_OPERATOR_RESYNC_SECONDS": ("operator.resyncSeconds", 86400, "86400"),
    "HOOKGATE_OPERATOR_REREAD_SECONDS": ("operator.rereadSeconds", 1.5, "1.5"),
    "HOOKGATE_OPERATOR_WORKERS": ("operator.workers", 16, "16"),
    "HOOKGATE_OPERATOR_WATCH_STALE_SECONDS": ("operator.watchStaleSeconds", 600, "600"),
    "HOOKGATE_OPERATOR_LOG_FORMAT": ("operator.log.format", "text", "text"),
    "HOOKGATE_OPERATOR_LOG_LEVEL": ("operator.log.level", "warning", "warning"),
}
OF_THE_RELEASE = {"HOOKGATE_OPERATOR_LEASE_NAME"}
"""Names that two releases must not share."""
# Values that mean something only beside others, so combinations say them.
IN_COMBINATIONS = {
    "HOOKGATE_MANIFESTS_DIR": ("everything", "/etc/hookgate/manifests"),
    "HOOKGATE_UPSTREAM_URL": ("everything", "http://skyvern.skyvern.svc:8000"),
    "HOOKGATE_UPSTREAM_API_KEY_FILE": ("everything", "/etc/hookgate/upstream-api-key/api-key"),
    "HOOKGATE_PUBLIC_URL": ("everything", "http://hookgate.hookgate.svc:8080"),
    "HOOKGATE_OPERATOR_WATCH_NAMESPACES": ("namespaced", "team-a,team-b"),
}


def test_every_setting_can_be_said():
    known = GATEWAY.known() | OPERATOR.known()
    assert known == ITS_OWN | SAID.keys() | IN_COMBINATIONS.keys()


@pytest.mark.parametrize("variable", sorted(ITS_OWN))
def test_what_is_its_own_is_always_said(variable):
    assert told(release_of("defaults"))[variable]


@pytest.mark.parametrize("variable", SAID)
def test_a_value_becomes_a_setting(variable):
    path, value, expected = SAID[variable]
    # Without elections no Lease is spoken of, so that value is said alone.
    said = told(everything_said() if value is not False else said_alone(path, value))
    assert said[variable] == (expected or ",".join(value))


@pytest.mark.parametrize("variable", IN_COMBINATIONS)
def test_a_combination_says_it(variable):
    combination, expected = IN_COMBINATIONS[variable]
    assert told(release_of(combination))[variable] == expected


@pytest.mark.parametrize("reader", [GATEWAY, OPERATOR], ids=["gateway", "operator"])
def test_the_defaults_are_those_of_the_processes(reader):
    """A value that differs from what the documentation calls the default would be read twice."""
    said = told(release_of("defaults"))
    for name, field in reader.model.model_fields.items():
        variable = reader.model.variable(name)
        if variable in SAID.keys() & said.keys() - OF_THE_RELEASE:
            assert plain(field.default) == said[variable].lower(), variable


@functools.cache
def everything_said() -> Release:
    values: Values = {}
    for path, value, _ in SAID.values():
        if value is not False:
            values = resolved(nested(tuple(path.split(".")), value), values)
    return rendered(Combination(values))


def said_alone(path: str, value: object) -> Release:
    return rendered(Combination(nested(tuple(path.split(".")), value)))


def told(release: Release) -> dict[str, str]:
    """What both processes are told."""
    return {
        name: value
        for pod in release.pods
        for name, value in environment(pod.spec["containers"][0]).items()
    }


def plain(default: object) -> str:
    return f"{default:g}" if isinstance(default, float) else str(default).lower()

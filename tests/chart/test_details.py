"""Values that change one thing: the image, templates in values, what clusters are like."""

import pytest

from hookgate.version import __version__
from tests.chart.combinations import Combination, release_of, rendered
from tests.chart.rendering import CHART, Refused, default_values, render, resolved, run_helm

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({}, f"ghcr.io/hookgate/hookgate:{__version__}"),
        ({"tag": "0.1.1"}, "ghcr.io/hookgate/hookgate:0.1.1"),
        (
            {"registry": "registry.example:5000"},
            f"registry.example:5000/hookgate/hookgate:{__version__}",
        ),
        ({"registry": ""}, f"hookgate/hookgate:{__version__}"),
        ({"digest": DIGEST}, f"ghcr.io/hookgate/hookgate@{DIGEST}"),
        ({"tag": "0.1.1", "digest": DIGEST}, f"ghcr.io/hookgate/hookgate:0.1.1@{DIGEST}"),
    ],
)
def test_the_image(image, expected):
    release = rendered(Combination({"image": image}))
    assert {pod.spec["containers"][0]["image"] for pod in release.pods} == {expected}


def test_a_tag_is_the_version_that_objects_are_labelled_with():
    release = rendered(Combination({"image": {"tag": "0.1.1"}}))
    labels = release.component("gateway").labels
    assert labels["app.kubernetes.io/version"] == "0.1.1"


def test_templates_in_values_are_filled_in():
    release = release_of("everything")
    for pod in release.pods:
        extra = [e for e in pod.spec["containers"][0]["env"] if e["name"] == "SSL_CERT_FILE"]
        assert extra == [{"name": "SSL_CERT_FILE", "value": "/etc/extra/hookgate.crt"}]
    assert release.named("ConfigMap", "extra-roots")["data"] == {"release": "hookgate"}
    assert release.named("ConfigMap", "extra-hookgate")["data"] == {"namespace": "hookgate"}


def test_pods_are_spread_among_their_own():
    for pod in release_of("everything").pods:
        (spread,) = pod.spec["topologySpreadConstraints"]
        assert spread["labelSelector"] == pod.owner["spec"]["selector"]


def test_labels_of_a_user_change_none_of_the_charts():
    mine = {"app.kubernetes.io/name": "mine", "app.kubernetes.io/component": "mine", "team": "a"}
    values = {"commonLabels": mine, "gateway": {"podLabels": mine}}
    for pod in rendered(Combination(values)).pods:
        assert pod.labels["team"] == "a"
        assert pod.matched_by(pod.owner["spec"]["selector"]["matchLabels"])


def test_openshift_gives_users_and_groups_itself():
    nobody = {"runAsUser": None, "runAsGroup": None, "fsGroup": None}
    values = {part: {"podSecurityContext": nobody} for part in ("gateway", "operator")}
    for pod in rendered(Combination(values)).pods:
        assert pod.spec["securityContext"].keys() == {
            "fsGroupChangePolicy",
            "runAsNonRoot",
            "seccompProfile",
        }


def test_a_budget_never_keeps_a_node_from_being_drained():
    """With one replica there is none; with two, one may go, and one that is not ready as well."""
    assert not release_of("defaults").of("PodDisruptionBudget")
    (budget,) = release_of("two-operators").of("PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    operator = release_of("two-operators").component("operator")
    assert operator.matched_by(budget["spec"]["selector"]["matchLabels"])


def test_without_a_lease_there_are_never_two_operators():
    deployment = release_of("no-lease").component("operator").owner
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}


def test_the_test_reaches_the_public_service():
    release = release_of("second-release")
    (pod,) = release.of("Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    command = " ".join(pod["spec"]["containers"][0]["command"])
    service = release.named("Service", "internal-hookgate")
    port = service["spec"]["ports"][0]["port"]
    assert f"http://internal-hookgate.webhooks.svc:{port}/v1/version" in command


@pytest.mark.parametrize(("component", "measured"), [("gateway", 0.9), ("operator", 1.8)])
def test_nobody_asks_before_it_can_have_started(component, measured):
    """Seconds on two cores of 2026. A probe that comes earlier is a warning in each `kubectl describe`."""
    (container,) = release_of("defaults").component(component).spec["containers"]
    assert measured < container["startupProbe"]["initialDelaySeconds"] < 5


def test_a_probe_can_be_left_out():
    values = {"gateway": {"startupProbe": None}}
    container = rendered(Combination(values)).component("gateway").spec["containers"][0]
    assert "startupProbe" not in container
    assert "readinessProbe" in container


def test_numbers_are_the_same_from_a_file_and_from_the_command_line():
    """To Helm they are floats from a file and integers from --set."""
    said = "gateway.limits.maxBodyBytes=8388608,gateway.limits.namespaceMaxPending=5000000"
    text = run_helm(
        *("Helm 4", "template", "hookgate", CHART, "--namespace", "hookgate", "--set", said),
        *("--show-only", "templates/gateway/statefulset.yaml"),
    )
    assert text.strip() in release_of("defaults").text


@pytest.mark.parametrize("version", ["1.29.14", "1.30.0", "1.37.2", "1.34.1-gke.1829001"])
def test_the_clusters_that_it_is_for(version):
    arguments = ("Helm 4", "template", "hookgate", CHART, "--kube-version", version)
    if version.startswith("1.29"):
        with pytest.raises(Refused, match="requires kubeVersion"):
            run_helm(*arguments)
    else:
        assert "kind: StatefulSet" in run_helm(*arguments)


def test_cilium_is_told_of_the_api_server_in_its_own_words():
    """To it a node of the cluster is no address of a NetworkPolicy."""
    kind = "cilium.io/v2/CiliumNetworkPolicy"  # some clusters serve the group without it
    plain = {each["kind"] for each in render()}
    (policy,) = (e for e in render(api_versions=[kind]) if e["kind"] not in plain)
    assert policy["kind"] == "CiliumNetworkPolicy"
    (rule,) = policy["spec"]["egress"]
    assert rule == {"toEntities": ["kube-apiserver"]}
    operator = release_of("defaults").component("operator")
    assert operator.matched_by(policy["spec"]["endpointSelector"]["matchLabels"])


@pytest.mark.parametrize("port", [53, 5353, 8053])  # CoreDNS; OpenShift's; Gardener's
@pytest.mark.parametrize("component", ["gateway", "operator"])
def test_name_servers_are_reached_at_the_port_of_their_pods(component, port):
    """A network asks its policies after the Service's port has become the pod's."""
    policy = release_of("defaults").named("NetworkPolicy", f"hookgate-{component}")
    for protocol in ("UDP", "TCP"):
        assert any(
            {"port": port, "protocol": protocol} in rule.get("ports", ())
            and {"namespaceSelector": {}} in rule.get("to", [{"namespaceSelector": {}}])
            for rule in policy["spec"]["egress"]
        )


def test_no_load_balancer_is_told_to_ask_for_a_page_that_is_not_there():
    """With an appProtocol Azure's asks `/` for its health, is answered 404 and lets nobody in."""
    values = {"gateway": {"service": {"type": "LoadBalancer"}}}
    (port,) = rendered(Combination(values)).named("Service", "hookgate")["spec"]["ports"]
    assert port == {"name": "http", "port": 8080, "targetPort": 8080}


def test_resolving_values_is_what_helm_does():
    assert resolved({"a": {"b": None}, "c": 1}, {"a": {"b": 1, "d": 2}, "c": {}}) == {
        "a": {"d": 2},
        "c": 1,
    }
    assert resolved({}, default_values()) == default_values()

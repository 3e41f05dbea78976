"""Every policy notices what it is for: a release is broken in one place, and it says so.

A check that cannot fail says nothing when it passes.
"""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chart.combinations import release_of
from tests.chart.policies import POLICIES
from tests.chart.releases import Release
from tests.chart.rendering import Object

OPERATORS = "-operator-hookgate"
COMPONENT = "app.kubernetes.io/component"
Change = Callable[[Release], object]


def pod_of(release: Release, component: str = "gateway") -> Object:
    return release.component(component).spec


def container(release: Release, component: str = "gateway") -> Object:
    return pod_of(release, component)["containers"][0]


def security(**fields: object) -> Change:
    """In the gateway's container, over whatever its pod says."""

    def change(release: Release) -> None:
        container(release).setdefault("securityContext", {}).update(fields)

    return change


def pod(component: str = "gateway", **fields: object) -> Change:
    return lambda release: pod_of(release, component).update(fields)


def token(seconds: int) -> object:
    source = {"serviceAccountToken": {"path": "token", "expirationSeconds": seconds}}
    return {"name": "cluster", "projected": {"sources": [source]}}


def contained(component: str = "gateway", **fields: object) -> Change:
    return lambda release: container(release, component).update(fields)


def told(component: str, name: str, value: str) -> Change:
    """The component's container gets another variable, or another value of one."""

    def change(release: Release) -> None:
        env = container(release, component)["env"]
        env[:] = [each for each in env if each["name"] != name]
        env.append({"name": name, "value": value})

    return change


def first(kind: str, change: Callable[[Object], object]) -> Change:
    return lambda release: change(release.of(kind)[0])


def named(kind: str, suffix: str, change: Callable[[Object], object]) -> Change:
    """The object whose name ends like that."""
    return lambda release: change(
        next(each for each in release.of(kind) if each["metadata"]["name"].endswith(suffix))
    )


def without(kind: str, suffix: str = "") -> Change:
    def change(release: Release) -> None:
        release.objects[:] = [
            each
            for each in release.objects
            if each["kind"] != kind or not each["metadata"]["name"].endswith(suffix)
        ]

    return change


def again(kind: str, suffix: str = "", **fields: object) -> Change:
    """Another object like the first of its kind whose name ends like that."""

    def change(release: Release) -> None:
        ending = (e for e in release.of(kind) if e["metadata"]["name"].endswith(suffix))
        copied = json.loads(json.dumps(next(ending)))
        copied["metadata"].update(fields)
        release.objects.append(copied)

    return change


def granted(**rule: list[str]) -> Change:
    """Another rule for the operator, in the whole cluster."""
    whole = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]} | rule
    return named("ClusterRole", OPERATORS, lambda role: role["rules"].append(whole))


def metadata(**fields: object) -> Callable[[Object], object]:
    return lambda thing: thing["metadata"].update(fields)


def mount(**fields: object) -> Change:
    """Changes the gateway's mount of its control token."""

    def change(release: Release) -> None:
        mounts = container(release)["volumeMounts"]
        next(m for m in mounts if "control-token" in m["mountPath"]).update(fields)

    return change


def volume(component: str, suffix: str, **fields: object) -> Change:
    """Changes a volume that comes of a Secret whose name ends like that."""

    def change(release: Release) -> None:
        for each in pod_of(release, component)["volumes"]:
            if each.get("secret", {}).get("secretName", "").endswith(suffix):
                each["secret"].update(fields)

    return change


def secret_in_an_annotation(release: Release) -> None:
    value = next(iter(release.of("Secret")[0]["data"].values()))
    release.component("gateway").template["metadata"].setdefault("annotations", {})["x"] = value


def monitoring_elsewhere(release: Release) -> None:
    """A monitor in another namespace that does not say where its targets are."""
    monitor = release.of("ServiceMonitor")[0]
    monitor["metadata"]["namespace"] = "monitoring"
    monitor["spec"].pop("namespaceSelector")


def readable_in_another_namespace(release: Release) -> None:
    for kind in ("Role", "RoleBinding"):
        again(kind, namespace="kube-system")(release)


def ingress(release: Release, component: str) -> list[Object]:
    return _policy(release, component)["ingress"]


def egress(release: Release, component: str) -> list[Object]:
    return _policy(release, component)["egress"]


def _policy(release: Release, component: str) -> Object:
    labels = {"app.kubernetes.io/component": component}.items()
    for each in release.of("NetworkPolicy"):
        if labels <= each["spec"]["podSelector"]["matchLabels"].items():
            return each["spec"]
    raise KeyError(component)


# What each policy must notice, in the release of "everything"; some look at a namespaced one.
BREAKS: dict[str, list[Change]] = {
    # documents
    "no_field_is_null": [pod(nodeSelector=None)],
    "no_field_is_an_empty_text_or_map": [pod(nodeSelector={}), told("gateway", "X", "")],
    "every_environment_variable_is_set_once_and_is_text": [
        lambda release: container(release)["env"].append(dict(container(release)["env"][0])),
        lambda release: container(release)["env"].append({"name": "X", "value": 1}),
    ],
    # monitoring
    "every_service_monitor_finds_one_service": [
        without("Service", "-gateway-metrics"),
        first("ServiceMonitor", lambda m: m["spec"]["endpoints"][0].update(port="metric")),
    ],
    "every_component_is_scraped_once": [again("ServiceMonitor")],
    "scraping_keeps_our_own_namespace_label": [
        first("ServiceMonitor", lambda m: m["spec"]["endpoints"][0].update(honorLabels=False)),
    ],
    "monitors_look_in_the_namespace_of_the_release": [
        first("ServiceMonitor", lambda m: m["spec"].update(namespaceSelector={"any": True})),
        monitoring_elsewhere,
    ],
    "monitors_ask_for_metrics": [
        first("ServiceMonitor", lambda m: m["spec"]["endpoints"][0].update(port="http")),
    ],
    "every_dashboard_fits_and_is_json": [
        named("ConfigMap", "-overview", lambda c: c["data"].update({"x.json": "{"})),
        named(
            "ConfigMap",
            "-overview",
            lambda c: c["data"].update({"x.json": '{"uid": "x"}' * 100_000}),
        ),
        named(
            "ConfigMap",
            "-overview",
            lambda c: c["data"].update({"x.json": '{"uid": "x", "id": 3}'}),
        ),
    ],
    "no_two_dashboards_have_one_uid": [again("ConfigMap", suffix="-overview", name="copy")],
    # names
    "every_name_is_a_label_of_dns": [
        first("Service", metadata(name="8" * 8)),
        first("Secret", metadata(name="s" * 64)),
    ],
    "every_stateful_set_leaves_room_for_its_revision": [
        first("StatefulSet", metadata(name="s" * 53))
    ],
    "every_name_begins_with_that_of_the_release": [first("Secret", metadata(name="token"))],
    "no_object_is_rendered_twice": [again("Service")],
    "every_object_says_its_namespace_or_has_none": [
        first("Service", lambda s: s["metadata"].pop("namespace")),
        named("ClusterRole", OPERATORS, metadata(namespace="hookgate")),
    ],
    "every_object_has_the_standard_labels": [
        first("Role", lambda r: r["metadata"]["labels"].pop("helm.sh/chart")),
        lambda r: r.component("operator").labels.pop("app.kubernetes.io/version"),
    ],
    "pods_stay_when_the_chart_alone_changes": [
        lambda r: r.component("gateway").labels.update({"helm.sh/chart": "hookgate-1"}),
    ],
    "every_label_is_one": [
        first("Role", lambda r: r["metadata"]["labels"].update(x="0.1.0+x")),
        first("Role", lambda r: r["metadata"]["labels"].update(x="x" * 64)),
        first("Role", lambda r: r["metadata"]["labels"].update({"a b": "x"})),
    ],
    "selectors_hold_no_label_that_changes": [
        first("Service", lambda s: s["spec"]["selector"].update({"helm.sh/chart": "hookgate-1"})),
    ],
    "every_workload_selects_its_own_pods": [
        lambda r: r.component("gateway").labels.update({"app.kubernetes.io/component": "x"}),
        lambda r: r.component("gateway").labels.update(r.component("operator").labels),
    ],
    "a_claim_template_never_changes": [
        first(
            "StatefulSet",
            lambda s: s["spec"]["volumeClaimTemplates"][0]["metadata"].update(
                labels=s["metadata"]["labels"]
            ),
        ),
    ],
    # networks
    "every_pod_is_behind_a_policy_for_both_directions": [
        first("NetworkPolicy", lambda p: p["spec"].update(policyTypes=["Ingress"])),
        first("NetworkPolicy", lambda p: p["spec"]["podSelector"]["matchLabels"].update(a="b")),
    ],
    "control_is_reached_by_the_operator_alone": [
        lambda r: ingress(r, "gateway").append({"ports": [{"port": 8081}]}),
        lambda r: ingress(r, "gateway").append({"ports": [{"port": 8000, "endPort": 9000}]}),
        lambda r: ingress(r, "gateway").append(
            {"ports": [{"port": "control"}], "from": [{"namespaceSelector": {}}]}
        ),
        lambda r: ingress(r, "gateway").append(
            {"ports": [{"port": "control"}], "from": [{"podSelector": {}}]}
        ),
    ],
    "the_operator_reaches_control": [
        lambda r: ingress(r, "gateway").clear(),
        lambda r: egress(r, "operator").clear(),
    ],
    "the_test_of_a_release_reaches_the_public_port": [
        lambda r: ingress(r, "gateway")[0].update({"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}),
        first("Pod", lambda p: p["metadata"]["labels"].update({"app.kubernetes.io/name": "x"})),
    ],
    "every_way_in_names_its_ports": [lambda r: ingress(r, "gateway").append({"from": []})],
    "no_pod_reaches_the_addresses_of_credentials": [
        lambda r: egress(r, "gateway").append({}),
        lambda r: egress(r, "operator").append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}),
        lambda r: egress(r, "gateway").append({"to": [{"ipBlock": {"cidr": "fd00::/8"}}]}),
    ],
    "every_pod_asks_for_names": [
        lambda r: [rule.pop("ports", None) for rule in egress(r, "operator")],
    ],
    "deliveries_leave_for_any_port": [lambda r: egress(r, "gateway").clear()],
    # pod security
    "no_pod_runs_as_root": [security(runAsNonRoot=False), security(runAsUser=0)],
    "every_pod_runs_as_65532": [security(runAsUser=1000), security(runAsGroup=0)],
    "volumes_are_writable_for_the_group_of_the_pod": [
        lambda r: pod_of(r)["securityContext"].pop("fsGroup")
    ],
    "every_container_has_the_runtimes_seccomp_profile": [
        security(seccompProfile={"type": "Unconfined"})
    ],
    "every_container_drops_all_capabilities": [
        security(capabilities={}),
        security(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    ],
    "no_container_gains_privileges": [
        security(allowPrivilegeEscalation=True),
        security(privileged=True),
    ],
    "no_pod_shares_the_node": [
        pod(hostNetwork=True),
        lambda r: container(r)["ports"][0].update(hostPort=8080),
    ],
    "volumes_are_of_the_kinds_that_restricted_allows": [
        lambda r: pod_of(r)["volumes"].append({"name": "x", "hostPath": {"path": "/"}})
    ],
    "every_root_file_system_is_read_only": [
        security(readOnlyRootFilesystem=False),
        pod(initContainers=[{"name": "chown", "securityContext": {}}]),
    ],
    "probes_ask_the_pod_itself": [
        lambda r: container(r)["livenessProbe"]["httpGet"].update(host="169.254.169.254")
    ],
    # pods
    "every_container_has_probes": [
        lambda r: container(r).pop("readinessProbe"),
        lambda r: container(r, "operator")["livenessProbe"]["httpGet"].update(path="/readyz"),
    ],
    "every_probe_names_a_port_of_its_container": [
        lambda r: container(r)["readinessProbe"]["httpGet"].update(port="metric")
    ],
    "every_container_says_what_it_needs": [
        lambda r: container(r)["resources"].pop("limits"),
        contained("operator", resources={}),
    ],
    "only_the_operator_has_a_token_of_the_cluster": [
        pod(automountServiceAccountToken=True),
        first("Pod", lambda p: p["spec"].pop("automountServiceAccountToken")),
        lambda r: pod_of(r)["volumes"].append(
            {"name": "x", "projected": {"sources": [{"serviceAccountToken": {"path": "x"}}]}}
        ),
    ],
    "no_pod_has_a_token_by_its_service_account": [
        first("ServiceAccount", lambda a: a.pop("automountServiceAccountToken"))
    ],
    "every_pod_has_an_account_of_its_own": [
        lambda r: pod_of(r).pop("serviceAccountName"),
        pod(serviceAccountName="hookgate-operator"),
    ],
    "the_operator_has_its_token": [
        pod("operator", volumes=[]),
        pod("operator", volumes=[token(3607)]),
    ],
    "kubernetes_tells_pods_nothing_of_services": [pod(enableServiceLinks=True)],
    "every_image_says_its_version": [
        contained(image="ghcr.io/hookgate/hookgate"),
        contained(image="ghcr.io/hookgate/hookgate:latest"),
        contained(image="ghcr.io/hookgate/hookgate@sha256:abc"),
        first("Pod", lambda p: p["spec"]["containers"][0].update(image="busybox")),
    ],
    "both_components_run_the_same_image": [contained(image="ghcr.io/hookgate/hookgate:0.0.1")],
    "the_store_has_one_writer": [first("StatefulSet", lambda s: s["spec"].update(replicas=2))],
    "a_pod_has_longer_to_end_than_its_process": [
        pod(terminationGracePeriodSeconds=30),
        told("gateway", "HOOKGATE_SHUTDOWN_GRACE_SECONDS", "600"),
    ],
    "each_mount_has_its_volume_and_each_volume_its_mount": [
        lambda r: pod_of(r)["volumes"].pop(),
        lambda r: container(r)["volumeMounts"].pop(),
    ],
    "nothing_but_the_store_and_scratch_is_mounted_writable": [mount(readOnly=False)],
    "no_scratch_volume_grows_without_bound": [
        lambda r: pod_of(r)["volumes"].append({"name": "x", "emptyDir": {}})
    ],
    "mounts_follow_what_changes": [mount(subPath="token")],
    # rbac
    "nothing_is_granted_by_a_star": [
        granted(verbs=["*"]),
        granted(resources=["*"]),
        granted(apiGroups=["*"]),
        granted(resources=["webhooksubscriptions/*"]),
    ],
    "nobody_can_widen_rights": [granted(verbs=["impersonate"], resources=["users"])],
    "secrets_are_only_read": [granted(verbs=["get", "patch"])],
    "the_rules_are_the_documented_ones": [
        granted(),
        named("ClusterRole", OPERATORS, lambda role: role["rules"].pop()),
        named("ClusterRole", OPERATORS, lambda role: role["rules"][0]["verbs"].pop()),
    ],
    "the_lease_is_the_one_that_the_operator_takes": [
        told("operator", "HOOKGATE_OPERATOR_LEASE_NAME", "another"),
        first("Role", lambda role: role["rules"][1].pop("resourceNames")),
    ],
    "an_operator_that_elects_may_hold_a_lease": [without("RoleBinding")],
    "rights_belong_to_the_operator_alone": [
        first("ClusterRoleBinding", lambda b: b["subjects"][0].update(name="hookgate-gateway")),
        first("ClusterRoleBinding", lambda b: b["subjects"][0].update(namespace="default")),
    ],
    "every_binding_has_its_role_beside_it": [
        first("ClusterRoleBinding", lambda b: b["roleRef"].update(name="cluster-admin"))
    ],
    "every_role_is_bound": [without("ClusterRoleBinding")],
    "roles_of_people_are_about_our_resources_alone": [
        named(
            "ClusterRole", "-view-hookgate", lambda r: r["rules"][0]["resources"].append("secrets")
        ),
        named("ClusterRole", "-view-hookgate", lambda r: r["rules"][0]["verbs"].append("delete")),
    ],
    # secrets
    "no_secret_value_stands_anywhere_else": [secret_in_an_annotation],
    "no_secret_reaches_a_process_by_its_environment": [
        lambda r: container(r)["env"].append(
            {"name": "X", "valueFrom": {"secretKeyRef": {"name": "x", "key": "y"}}}
        ),
        contained(envFrom=[{"secretRef": {"name": "x"}}]),
    ],
    "every_reference_has_its_object": [
        without("Secret", "-encryption-keys"),
        without("ServiceAccount", "-gateway"),
        volume("gateway", "-control-token", items=[{"key": "tokens", "path": "token"}]),
    ],
    "every_mounted_secret_names_its_keys": [volume("gateway", "-control-token", items=[])],
    "the_operator_never_sees_keys_of_the_gateway": [
        volume("operator", "-control-tls", items=[{"key": "tls.key", "path": "tls.key"}])
    ],
    "mounted_secrets_are_read_by_the_group_alone": [
        volume("gateway", "-control-token", defaultMode=0o444),
    ],
    "what_is_made_once_is_kept": [
        named("Secret", "-encryption-keys", lambda s: s["metadata"].pop("annotations"))
    ],
    # services
    "every_service_selects_the_pods_of_one_component": [
        first("Service", lambda s: s["spec"]["selector"].pop("app.kubernetes.io/component")),
        first("Pod", lambda p: p["metadata"]["labels"].update({COMPONENT: "gateway"})),
    ],
    "every_port_of_a_service_is_one_of_its_pods": [
        first("Service", lambda s: s["spec"]["ports"][0].update(targetPort="web"))
    ],
    "ports_have_the_same_name_and_number_everywhere": [
        lambda r: container(r)["ports"][0].update(containerPort=80),
        first("Service", lambda s: s["spec"]["ports"][0].update(name="web")),
    ],
    "what_is_for_inside_is_not_published": [
        named("Service", "-control", lambda s: s["spec"].update(type="LoadBalancer")),
        named("Service", "-control", lambda s: s["spec"]["ports"].append({"name": "http"})),
    ],
    "metrics_are_reached_before_a_pod_is_ready": [
        named("Service", "-metrics", lambda s: s["spec"].pop("publishNotReadyAddresses")),
        named("Service", "-metrics", lambda s: s["spec"].pop("clusterIP")),
    ],
    "every_stateful_set_has_its_governing_service": [
        first("StatefulSet", lambda s: s["spec"].update(serviceName="hookgate-control"))
    ],
    "routes_lead_to_the_public_port": [
        first(
            "HTTPRoute",
            lambda r: r["spec"]["rules"][0]["backendRefs"][0].update(name="hookgate-control"),
        ),
    ],
    "the_operator_speaks_to_the_control_service": [
        told("operator", "HOOKGATE_OPERATOR_GATEWAY_URL", "https://hookgate:8080")
    ],
    # settings
    "every_variable_is_a_setting": [
        told("gateway", "HOOKGATE_MAX_INFLIGTH", "1"),
        told("operator", "HOOKGATE_STORE", "sqlite:///x"),
    ],
    "every_process_can_read_its_settings": [
        told("gateway", "HOOKGATE_MAX_INFLIGHT", "many"),
        told("operator", "HOOKGATE_OPERATOR_GATEWAY_URL", "http://hookgate-control:8081"),
    ],
    "processes_are_started_by_their_words": [contained("operator", args=["gateway"])],
    "files_that_settings_name_are_mounted": [
        told("gateway", "HOOKGATE_CONTROL_TOKEN_FILE", "/etc/hookgate/token"),
        told("gateway", "HOOKGATE_STORE", "sqlite:////tmp/hookgate.db"),
    ],
}
NAMESPACED: dict[str, list[Change]] = {
    "a_namespaced_install_has_nothing_of_the_cluster": [
        lambda r: r.objects.append({"kind": "ClusterRole", "metadata": {"name": "x"}})
    ],
    "secrets_are_readable_where_the_operator_looks": [
        readable_in_another_namespace,
        without("RoleBinding"),
    ],
}
SCRAPED_BY_POD: dict[str, list[Change]] = {
    "every_pod_monitor_finds_the_pods_of_one_component": [
        first("PodMonitor", lambda m: m["spec"]["selector"]["matchLabels"].clear()),
        first("PodMonitor", lambda m: m["spec"]["podMetricsEndpoints"][0].update(port="x")),
    ],
    "monitors_ask_for_metrics": [
        first("PodMonitor", lambda m: m["spec"]["podMetricsEndpoints"][0].update(path="/")),
    ],
    "every_component_is_scraped_once": [again("PodMonitor"), without("PodMonitor", "-operator")],
}
OF_TEXT = {
    "no_document_is_empty": lambda text: f"{text}\n---\n# nothing\n",
    "no_line_ends_in_spaces": lambda text: text.replace("kind: Service\n", "kind: Service \n"),
}
IN = {"everything": BREAKS, "namespaced": NAMESPACED, "pod-monitors": SCRAPED_BY_POD}
CASES = [
    (combination, policy, change)
    for combination, breaks in IN.items()
    for policy, changes in breaks.items()
    for change in changes
]


@pytest.mark.parametrize(
    ("combination", "policy", "change"), CASES, ids=[policy for _, policy, _ in CASES]
)
def test_a_policy_notices(combination, policy, change):
    whole = release_of(combination)
    assert list(POLICIES[policy](whole)) == []
    assert list(POLICIES[policy](whole.changed(change)))


@pytest.mark.parametrize("policy", OF_TEXT)
def test_a_policy_of_the_text_notices(policy):
    whole = release_of("everything")
    assert list(POLICIES[policy](replace(whole, text=OF_TEXT[policy](whole.text))))


def test_every_policy_is_tried():
    tried = {policy for _, policy, _ in CASES} | OF_TEXT.keys()
    assert tried == POLICIES.keys()

"""Names and labels: what they are made of, how long they get, where objects land."""

import re
from collections.abc import Iterator

from tests.chart.releases import CLUSTER_SCOPED, Release, told
from tests.chart.rendering import Object

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
SERVICE = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
SUBDOMAIN = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
)
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
STATEFUL_SET_LIMIT = 52
"""Its pods carry the label controller-revision-hash: the name, a dash and ten characters."""
EXTRA = "extra-"
"""What the combinations call their extraObjects, which are a user's own business."""
STANDARD = frozenset(
    {
        "app.kubernetes.io/name",
        "app.kubernetes.io/instance",
        "app.kubernetes.io/version",
        "app.kubernetes.io/managed-by",
        "app.kubernetes.io/part-of",
        "helm.sh/chart",
    }
)
CHANGING = frozenset({"app.kubernetes.io/version", "helm.sh/chart", "app.kubernetes.io/managed-by"})
SELECTORS = frozenset(
    {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}
)


def every_name_is_a_label_of_dns(release: Release) -> Iterator[str]:
    for thing in _made_here(release):
        name = thing["metadata"]["name"]
        form = SERVICE if thing["kind"] == "Service" else LABEL
        if thing["kind"] != "CustomResourceDefinition" and not form.fullmatch(name):
            yield f"{told(thing)}: {len(name)} characters"


def every_stateful_set_leaves_room_for_its_revision(release: Release) -> Iterator[str]:
    for thing in release.of("StatefulSet"):
        if len(thing["metadata"]["name"]) > STATEFUL_SET_LIMIT:
            yield f"{told(thing)}: {len(thing['metadata']['name'])} characters"


def every_name_begins_with_that_of_the_release(release: Release) -> Iterator[str]:
    """So that two releases in one namespace, or one cluster, do not fight over an object."""
    full_name = release.component("gateway").owner["metadata"]["name"].removesuffix("-gateway")
    for thing in _made_here(release):
        name = thing["metadata"]["name"]
        if thing["kind"] != "CustomResourceDefinition" and not name.startswith(full_name):
            yield f"{told(thing)} does not begin with {full_name}"


def no_object_is_rendered_twice(release: Release) -> Iterator[str]:
    seen = set()
    for thing in release.objects:
        key = (
            thing["apiVersion"].partition("/")[0],
            thing["kind"],
            thing["metadata"].get("namespace"),
            thing["metadata"]["name"],
        )
        if key in seen:
            yield f"{told(thing)} twice"
        seen.add(key)


def every_object_says_its_namespace_or_has_none(release: Release) -> Iterator[str]:
    """`helm template | kubectl apply` and GitOps tools have no release namespace to fill in."""
    watched = set(release.values["rbac"].get("watchNamespaces") or ())
    for_monitoring = {each.get("namespace") for each in release.values["metrics"].values()}
    for thing in _made_here(release):
        namespace = thing["metadata"].get("namespace")
        allowed = {release.namespace}
        if thing["kind"] in {"Role", "RoleBinding"}:
            allowed |= watched
        if thing["kind"] in {"ServiceMonitor", "PodMonitor", "PrometheusRule", "ConfigMap"}:
            allowed |= for_monitoring - {None, ""}
        if thing["kind"] in CLUSTER_SCOPED:
            allowed = {None}
        if namespace not in allowed:
            yield f"{told(thing)}: namespace {namespace}"


def every_object_has_the_standard_labels(release: Release) -> Iterator[str]:
    for where, labels in _labelled(release):
        expected = STANDARD - {"helm.sh/chart"} if where.startswith("pods of ") else STANDARD
        if missing := expected - labels.keys():
            yield f"{where}: no {', '.join(sorted(missing))}"
        if labels.get("app.kubernetes.io/instance") != release.name:
            yield f"{where}: instance is {labels.get('app.kubernetes.io/instance')}"
        if labels.get("app.kubernetes.io/part-of") != "hookgate":
            yield f"{where}: part of {labels.get('app.kubernetes.io/part-of')}"


def pods_stay_when_the_chart_alone_changes(release: Release) -> Iterator[str]:
    """There is one gateway: what restarts it takes it away for a moment."""
    for pod in release.pods:
        if "helm.sh/chart" in pod.labels and pod.owner["kind"] in {"Deployment", "StatefulSet"}:
            yield f"pods of {told(pod.owner)} carry the chart's version"


def every_label_is_one(release: Release) -> Iterator[str]:
    for thing in release.objects:
        for key, value in _all_labels(thing):
            prefix, _, name = key.rpartition("/")
            well_named = LABEL_VALUE.fullmatch(name) and name
            if (prefix and not SUBDOMAIN.fullmatch(prefix)) or not well_named:
                yield f"{told(thing)}: {key}"
            if not isinstance(value, str) or not LABEL_VALUE.fullmatch(value):
                yield f"{told(thing)}: {key}={value!r}"


def selectors_hold_no_label_that_changes(release: Release) -> Iterator[str]:
    """A workload's selector is for life; a Service's must match pods of two versions at once."""
    for thing in release.of("Deployment", "StatefulSet", "Service"):
        selector = thing["spec"]["selector"]
        selector = selector.get("matchLabels", selector)
        if set(selector) != SELECTORS:
            yield f"{told(thing)}: selects by {sorted(selector)}"


def every_workload_selects_its_own_pods(release: Release) -> Iterator[str]:
    for pod in release.pods:
        selector = pod.owner["spec"]["selector"]["matchLabels"]
        if not pod.matched_by(selector):
            yield f"{told(pod.owner)}: does not select its pods"
        for other in release.every_pod:
            if other is not pod and other.owner != pod.owner and other.matched_by(selector):
                yield f"{told(pod.owner)}: selects those of {told(other.owner)}"


def a_claim_template_never_changes(release: Release) -> Iterator[str]:
    """It is immutable: a version among its labels would make each upgrade fail."""
    for thing in release.of("StatefulSet"):
        for claim in thing["spec"].get("volumeClaimTemplates", ()):
            if changing := CHANGING & claim["metadata"].get("labels", {}).keys():
                yield f"{told(thing)}: {', '.join(sorted(changing))}"


def _made_here(release: Release) -> Iterator[Object]:
    """All but what a user wrote into extraObjects."""
    for thing in release.objects:
        if not thing["metadata"]["name"].startswith(EXTRA):
            yield thing


def _labelled(release: Release) -> Iterator[tuple[str, dict[str, str]]]:
    for thing in _made_here(release):
        yield told(thing), thing["metadata"].get("labels") or {}
    for pod in release.pods:
        yield f"pods of {told(pod.owner)}", pod.labels


def _all_labels(thing: Object) -> Iterator[tuple[str, object]]:
    yield from (thing["metadata"].get("labels") or {}).items()
    template = (thing.get("spec") or {}).get("template")
    if isinstance(template, dict) and thing["kind"] in {"Deployment", "StatefulSet", "Job"}:
        yield from template["metadata"]["labels"].items()


POLICIES = (
    every_name_is_a_label_of_dns,
    every_stateful_set_leaves_room_for_its_revision,
    every_name_begins_with_that_of_the_release,
    no_object_is_rendered_twice,
    every_object_says_its_namespace_or_has_none,
    every_object_has_the_standard_labels,
    pods_stay_when_the_chart_alone_changes,
    every_label_is_one,
    selectors_hold_no_label_that_changes,
    every_workload_selects_its_own_pods,
    a_claim_template_never_changes,
)

"""What every pod has: probes, resources, an image that is named, tokens only where they are used."""

import re
from collections.abc import Iterator

from tests.chart.releases import Pod, Release, told
from tests.chart.rendering import Object


def every_container_has_probes(release: Release) -> Iterator[str]:
    """Readiness on /readyz and liveness on /healthz, at the port that is for inside."""
    for pod in release.pods:
        for container in pod.spec["containers"]:
            for name, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
                asked = container.get(name, {}).get("httpGet", {})
                if (asked.get("path"), asked.get("port")) != (path, "metrics"):
                    yield f"{told(pod.owner)}: {name} asks {asked}"


def every_probe_names_a_port_of_its_container(release: Release) -> Iterator[str]:
    for pod in release.pods:
        for container in pod.spec["containers"]:
            ports = {port["name"] for port in container.get("ports", ())}
            for name in ("livenessProbe", "readinessProbe", "startupProbe"):
                port = container.get(name, {}).get("httpGet", {}).get("port")
                if port is not None and port not in ports:
                    yield f"{told(pod.owner)}: {name} asks port {port}, there are {ports}"


def every_container_says_what_it_needs(release: Release) -> Iterator[str]:
    """Requests for both, and a limit of memory; a limit of CPU only slows down."""
    for pod in release.every_pod:
        for container in pod.containers:
            resources = container.get("resources", {})
            where = f"{told(pod.owner)}, container {container['name']}"
            if not {"cpu", "memory"} <= set(resources.get("requests", ())):
                yield f"{where}: requests are {resources.get('requests')}"
            if "memory" not in resources.get("limits", ()):
                yield f"{where}: limits are {resources.get('limits')}"


def only_the_operator_has_a_token_of_the_cluster(release: Release) -> Iterator[str]:
    for pod in release.every_pod:
        if pod.spec.get("automountServiceAccountToken") is not False:
            yield f"{told(pod.owner)} does not refuse the token"
        is_operator = pod.labels.get("app.kubernetes.io/component") == "operator"
        for volume in pod.spec.get("volumes", ()):
            projected = any("serviceAccountToken" in source for source in _sources(volume))
            if projected and not is_operator:
                yield f"{told(pod.owner)}: volume {volume['name']} projects a token"


def no_pod_has_a_token_by_its_service_account(release: Release) -> Iterator[str]:
    """Whoever starts another pod under the account says for themselves that it needs a token."""
    for account in release.of("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield f"{told(account)}: mounts its token into each pod"


def every_pod_has_an_account_of_its_own(release: Release) -> Iterator[str]:
    names = [pod.spec.get("serviceAccountName") for pod in release.pods]
    if None in names or "default" in names:
        yield f"accounts are {names}"
    if len(set(names)) < len(names):
        yield f"an account is shared: {names}"


def the_operator_has_its_token(release: Release) -> Iterator[str]:
    """Projected, for an hour at most; the kubelet renews it. 3607 seconds are taken for a year."""
    for pod in release.pods:
        if pod.labels.get("app.kubernetes.io/component") != "operator":
            continue
        tokens = [
            source["serviceAccountToken"]
            for volume in pod.spec.get("volumes", ())
            for source in _sources(volume)
            if "serviceAccountToken" in source
        ]
        if len(tokens) != 1 or tokens[0].get("expirationSeconds", 3600) > 3600:
            yield f"{told(pod.owner)}: its tokens are {tokens}"


def kubernetes_tells_pods_nothing_of_services(release: Release) -> Iterator[str]:
    """A Service `hookgate` would become HOOKGATE_PORT, which reads like a misspelt setting."""
    for pod in release.every_pod:
        if pod.spec.get("enableServiceLinks") is not False:
            yield f"{told(pod.owner)}: enableServiceLinks is not false"


def every_image_says_its_version(release: Release) -> Iterator[str]:
    for pod in release.every_pod:
        for container in pod.containers:
            image = container.get("image", "")
            if not re.fullmatch(
                r"[\w.:-]+(/[\w.-]+)+(:[\w][\w.-]{0,127}|(:[\w.-]+)?@sha256:[0-9a-f]{64})", image
            ):
                yield f"{told(pod.owner)}: image {image!r}"
            elif image.endswith(":latest"):
                yield f"{told(pod.owner)}: image {image!r} changes by itself"


def both_components_run_the_same_image(release: Release) -> Iterator[str]:
    images = {container["image"] for pod in release.every_pod for container in pod.containers}
    if len(images) != 1:
        yield f"images are {sorted(images)}"


def the_store_has_one_writer(release: Release) -> Iterator[str]:
    for pod in release.pods:
        if pod.owner["kind"] == "StatefulSet" and pod.owner["spec"].get("replicas") != 1:
            yield f"{told(pod.owner)}: replicas is {pod.owner['spec'].get('replicas')}"


def a_pod_has_longer_to_end_than_its_process(release: Release) -> Iterator[str]:
    """The gateway stops within HOOKGATE_SHUTDOWN_GRACE_SECONDS of the signal, then closes its store."""
    pod = release.component("gateway")
    told_by = {e["name"]: e.get("value") for c in pod.containers for e in c.get("env", ())}
    grace = float(told_by.get("HOOKGATE_SHUTDOWN_GRACE_SECONDS") or 35)
    if pod.spec.get("terminationGracePeriodSeconds", 30) < grace + 5:
        yield f"terminationGracePeriodSeconds {pod.spec.get('terminationGracePeriodSeconds')}, {grace}"


def each_mount_has_its_volume_and_each_volume_its_mount(release: Release) -> Iterator[str]:
    for pod in release.every_pod:
        mounted = {mount["name"] for mount in _mounts(pod)}
        volumes = {volume["name"] for volume in pod.spec.get("volumes", ())}
        claims = {
            claim["metadata"]["name"] for claim in pod.owner["spec"].get("volumeClaimTemplates", ())
        }
        if mounted != volumes | claims:
            yield f"{told(pod.owner)}: mounts {mounted}, volumes {volumes | claims}"


def nothing_but_the_store_and_scratch_is_mounted_writable(release: Release) -> Iterator[str]:
    for pod in release.every_pod:
        for mount in _mounts(pod):
            volume = pod.volume(mount["name"])
            writable = {"emptyDir", "persistentVolumeClaim"} & set(volume)
            if not writable and mount.get("readOnly") is not True:
                yield f"{told(pod.owner)}: {mount['mountPath']} is not read-only"


def no_scratch_volume_grows_without_bound(release: Release) -> Iterator[str]:
    for pod in release.every_pod:
        for volume in pod.spec.get("volumes", ()):
            if "emptyDir" in volume and "sizeLimit" not in (volume["emptyDir"] or {}):
                yield f"{told(pod.owner)}: emptyDir {volume['name']} has no sizeLimit"


def mounts_follow_what_changes(release: Release) -> Iterator[str]:
    """A subPath is never updated; settings of files are read again when they change."""
    for pod in release.every_pod:
        for mount in _mounts(pod):
            if "subPath" in mount or "subPathExpr" in mount:
                yield f"{told(pod.owner)}: {mount['mountPath']} is a subPath"


def _mounts(pod: Pod) -> Iterator[Object]:
    for container in pod.containers:
        yield from container.get("volumeMounts", ())


def _sources(volume: Object) -> list[Object]:
    return list(volume.get("projected", {}).get("sources", ()))


POLICIES = (
    every_container_has_probes,
    every_probe_names_a_port_of_its_container,
    every_container_says_what_it_needs,
    only_the_operator_has_a_token_of_the_cluster,
    no_pod_has_a_token_by_its_service_account,
    every_pod_has_an_account_of_its_own,
    the_operator_has_its_token,
    kubernetes_tells_pods_nothing_of_services,
    every_image_says_its_version,
    both_components_run_the_same_image,
    the_store_has_one_writer,
    a_pod_has_longer_to_end_than_its_process,
    each_mount_has_its_volume_and_each_volume_its_mount,
    nothing_but_the_store_and_scratch_is_mounted_writable,
    no_scratch_volume_grows_without_bound,
    mounts_follow_what_changes,
)

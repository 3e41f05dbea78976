"""Secrets: made once, referred to by name, their values nowhere else."""

import base64
import json
from collections.abc import Iterator

from tests.chart.releases import Pod, Release, told
from tests.chart.rendering import Object

OF_EVERY_NAMESPACE = {"kube-root-ca.crt"}
OF_EVERY_NAMESPACE_ACCOUNT = "default"
FOLDER = "manifests"
"""The volume whose file names are the user's: all of that Secret is meant to be read."""


def no_secret_value_stands_anywhere_else(release: Release) -> Iterator[str]:
    """Not in an environment, an argument, an annotation (a hash of it neither) or a ConfigMap."""
    values = {value for secret in release.of("Secret") for value in _values(secret)}
    for thing in release.objects:
        keys = {"data", "stringData"} if thing["kind"] == "Secret" else ()
        text = json.dumps({key: value for key, value in thing.items() if key not in keys})
        if any(value in text for value in values):
            yield f"{told(thing)} has a value of a Secret"


def no_secret_reaches_a_process_by_its_environment(release: Release) -> Iterator[str]:
    for pod in release.every_pod:
        for container in pod.containers:
            for each in container.get("env", ()):
                if "secretKeyRef" in each.get("valueFrom", {}):
                    yield f"{told(pod.owner)}: {each['name']}"
            for source in container.get("envFrom", ()):
                if "secretRef" in source:
                    yield f"{told(pod.owner)}: envFrom {source['secretRef']}"


def every_reference_has_its_object(release: Release) -> Iterator[str]:
    """What a pod mounts is rendered beside it, made by cert-manager, or named in the values."""
    given = json.dumps(release.values)
    made = {each["spec"]["secretName"] for each in release.of("Certificate")}
    for pod in release.every_pod:
        for kind, name, keys in _references(pod):
            if name in made | OF_EVERY_NAMESPACE or (
                f'"{name}"' in given and not release.has(kind, name)
            ):
                continue
            if not release.has(kind, name):
                yield f"{told(pod.owner)}: no {kind} {name}"
                continue
            there = release.named(kind, name)
            found = {*there.get("data", {}), *there.get("stringData", {})}
            if missing := keys - found:
                yield f"{told(pod.owner)}: {kind} {name} has no {sorted(missing)}"
    for pod in release.every_pod:
        name = pod.spec.get("serviceAccountName", OF_EVERY_NAMESPACE_ACCOUNT)
        if (
            name != OF_EVERY_NAMESPACE_ACCOUNT
            and not release.has("ServiceAccount", name)
            and f'"{name}"' not in given
        ):
            yield f"{told(pod.owner)}: no ServiceAccount {name}"


def every_mounted_secret_names_its_keys(release: Release) -> Iterator[str]:
    """The operator gets the CA and not the key that stands in the same Secret."""
    for pod in release.every_pod:
        for volume in pod.spec.get("volumes", ()):
            if (
                volume["name"] != FOLDER
                and "secret" in volume
                and not volume["secret"].get("items")
            ):
                yield f"{told(pod.owner)}: all of {volume['secret']['secretName']}"


def the_operator_never_sees_keys_of_the_gateway(release: Release) -> Iterator[str]:
    for pod in release.every_pod:
        if pod.labels.get("app.kubernetes.io/component") == "operator":
            for _, name, keys in _references(pod):
                if seen := keys & {"keys", "tls.key", "tls.crt"}:
                    yield f"{name}: {sorted(seen)}"


def mounted_secrets_are_read_by_the_group_alone(release: Release) -> Iterator[str]:
    """0440 or narrower: the group is the pod's, others have no business there."""
    for pod in release.every_pod:
        for volume in pod.spec.get("volumes", ()):
            source = volume.get("secret") or volume.get("projected")
            if source is not None and source.get("defaultMode", 0o644) & 0o337:
                yield f"{told(pod.owner)}: {volume['name']} has mode {source.get('defaultMode')}"


def what_is_made_once_is_kept(release: Release) -> Iterator[str]:
    """Without the encryption keys, what is in the store cannot be read again."""
    for secret in release.of("Secret"):
        if "keys" in {*secret.get("data", {}), *secret.get("stringData", {})}:
            policy = secret["metadata"].get("annotations", {}).get("helm.sh/resource-policy")
            if policy != "keep":
                yield f"{told(secret)}: resource-policy is {policy}"


def _references(pod: Pod) -> Iterator[tuple[str, str, set[str]]]:
    for volume in pod.spec.get("volumes", ()):
        for source in (volume, *volume.get("projected", {}).get("sources", ())):
            for field, kind in (("secret", "Secret"), ("configMap", "ConfigMap")):
                if field in source:
                    there: Object = source[field]
                    name = there.get("secretName") or there.get("name")
                    yield kind, name, {item["key"] for item in there.get("items", ())}


def _values(secret: Object) -> Iterator[str]:
    for value in secret.get("data", {}).values():
        yield value
        yield base64.b64decode(value).decode(errors="replace").strip()
    yield from secret.get("stringData", {}).values()


POLICIES = (
    no_secret_value_stands_anywhere_else,
    no_secret_reaches_a_process_by_its_environment,
    every_reference_has_its_object,
    every_mounted_secret_names_its_keys,
    the_operator_never_sees_keys_of_the_gateway,
    mounted_secrets_are_read_by_the_group_alone,
    what_is_made_once_is_kept,
)

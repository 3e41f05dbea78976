"""What the pods are told, read by the processes' own settings."""

import os
from collections.abc import Iterator
from unittest.mock import patch

from hookgate_gateway.settings import SETTINGS as GATEWAY
from hookgate_operator.settings import SETTINGS as OPERATOR
from hookgate_process.settings import Reader, SettingsError
from tests.chart.releases import Release
from tests.chart.rendering import Object

READERS = {"gateway": GATEWAY, "operator": OPERATOR}
MADE_BY_KUBERNETES = {
    "metadata.namespace": "hookgate",
    "metadata.name": "hookgate-0",
    "status.podIP": "10.0.0.1",
    "status.podIPs": "10.0.0.1",
    "spec.nodeName": "node",
}


def every_variable_is_a_setting(release: Release) -> Iterator[str]:
    """A misspelt one changes nothing, and neither does one of the other process."""
    for name, reader, container in _told(release):
        for variable in _environment(container):
            if variable.startswith("HOOKGATE_") and variable not in reader.known():
                yield f"{name}: {variable}"


def every_process_can_read_its_settings(release: Release) -> Iterator[str]:
    for name, reader, container in _told(release):
        with patch.dict(os.environ, _environment(container), clear=True):
            try:
                reader.load()
            except SettingsError as error:
                yield f"{name}: {error}"


def processes_are_started_by_their_words(release: Release) -> Iterator[str]:
    """The image's entry point is the command `hookgate`."""
    for name, _, container in _told(release):
        if container.get("command") is not None or container.get("args") != [name]:
            yield f"{name}: {container.get('command')} {container.get('args')}"


def files_that_settings_name_are_mounted(release: Release) -> Iterator[str]:
    for name, _, container in _told(release):
        mounts = [mount["mountPath"] for mount in container.get("volumeMounts", ())]
        for variable, value in _environment(container).items():
            path = value.removeprefix("sqlite:///")
            named = variable.endswith(("_FILE", "_DIR", "_STORE"))
            if named and not any(path.startswith(f"{m}/") or path == m for m in mounts):
                yield f"{name}: {variable}={value}, mounted are {mounts}"


def _told(release: Release) -> Iterator[tuple[str, Reader, Object]]:
    for pod in release.pods:
        name = pod.labels.get("app.kubernetes.io/component", "")
        if name in READERS:
            yield name, READERS[name], pod.spec["containers"][0]


def _environment(container: Object) -> dict[str, str]:
    return {each["name"]: _value(each) for each in container["env"]}


def _value(variable: Object) -> str:
    if "value" in variable:
        return str(variable["value"])
    return MADE_BY_KUBERNETES[variable["valueFrom"]["fieldRef"]["fieldPath"]]


POLICIES = (
    every_variable_is_a_setting,
    every_process_can_read_its_settings,
    processes_are_started_by_their_words,
    files_that_settings_name_are_mounted,
)

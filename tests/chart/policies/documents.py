"""The YAML itself: nothing empty, nothing null, nothing left over."""

import re
from collections.abc import Iterator

from tests.chart.releases import Release, told, walk
from tests.chart.rendering import parsed

MEANT = re.compile(
    r"(emptyDir|namespaceSelector|selfSigned|storageClassName|rules\[\d+\]\.apiGroups\[\d+\])$"
)
"""Where nothing says something: the core API group, no storage class, every namespace."""


def no_field_is_null(release: Release) -> Iterator[str]:
    """`key:` with nothing behind it, which is what a template that forgot a `with` leaves."""
    for thing in release.objects:
        for path, value in walk(thing):
            if value is None:
                yield f"{told(thing)}: {path}"


def no_field_is_an_empty_text_or_map(release: Release) -> Iterator[str]:
    """Empty selectors and rules mean "all" in places, so none is written by accident."""
    for thing in release.objects:
        if thing["kind"] == "CustomResourceDefinition":
            continue
        for path, value in walk(thing):
            if value in ("", {}) and not MEANT.search(path):
                yield f"{told(thing)}: {path}"


def no_document_is_empty(release: Release) -> Iterator[str]:
    for index, document in enumerate(parsed(release.text)):
        if not document:
            yield f"document {index}"


def no_line_ends_in_spaces(release: Release) -> Iterator[str]:
    for number, line in enumerate(release.text.splitlines(), start=1):
        if line != line.rstrip():
            yield f"line {number}: {line!r}"


def every_environment_variable_is_set_once_and_is_text(release: Release) -> Iterator[str]:
    for pod in release.every_pod:
        for container in pod.containers:
            names = [each["name"] for each in container.get("env", ())]
            if twice := {name for name in names if names.count(name) > 1}:
                yield f"{told(pod.owner)}: {sorted(twice)}"
            for each in container.get("env", ()):
                if "valueFrom" not in each and not isinstance(each.get("value"), str):
                    yield f"{told(pod.owner)}: {each}"


POLICIES = (
    no_field_is_null,
    no_field_is_an_empty_text_or_map,
    no_document_is_empty,
    no_line_ends_in_spaces,
    every_environment_variable_is_set_once_and_is_text,
)

"""A custom resource of the tests' own, to try a server and a client with."""

from typing import Any

import yaml

CRD_NAME = "widgets.tests.hookgate.dev"
GROUP = "/apis/tests.hookgate.dev/v1"


def crd() -> dict[str, Any]:
    size = {"type": "integer", "maximum": 9}
    spec = {"type": "object", "properties": {"size": size}}
    schema = {"type": "object", "properties": {"spec": spec}}
    version = {"name": "v1", "served": True, "storage": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": CRD_NAME},
        "spec": {
            "group": "tests.hookgate.dev",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
            "versions": [version | {"schema": {"openAPIV3Schema": schema}}],
        },
    }


def widget(size: int, name: str = "one") -> dict[str, Any]:
    return {
        "apiVersion": "tests.hookgate.dev/v1",
        "kind": "Widget",
        "metadata": {"name": name},
        "spec": {"size": size},
    }


def as_yaml(*objects: dict[str, Any]) -> str:
    return yaml.safe_dump_all(objects)

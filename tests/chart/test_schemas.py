"""Every object is what each supported version of Kubernetes knows, with no field it does not."""

import functools
import json
from importlib.resources import files

import pytest
from jsonschema.validators import Draft202012Validator
from kubernetes_validate.utils import all_versions
from packaging.version import Version
from referencing import Registry, Resource

from tests.chart.combinations import COMBINATIONS, release_of
from tests.chart.releases import told
from tests.chart.rendering import Object

OLDEST = Version("1.30")
VERSIONS = sorted({each for each in all_versions() if Version(each) >= OLDEST}, key=Version)
FOREIGN = frozenset({"monitoring.coreos.com", "cert-manager.io", "gateway.networking.k8s.io"})
"""Groups that Kubernetes does not define; their definitions are asked in test_api_server."""


def test_the_oldest_and_the_newest_supported_version_are_among_them():
    assert {"1.30.0", "1.37.0"} <= set(VERSIONS)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid(version):
    problems = {
        f"{told(thing)}: {error.json_path}: {error.message}"
        for thing in _distinct_objects()
        for error in _validator(version, _schema_name(thing)).iter_errors(thing)
    }
    assert problems == set()


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]])
def test_a_misspelt_field_is_noticed(version):
    gateway = json.loads(json.dumps(release_of("defaults").component("gateway").owner))
    gateway["spec"]["template"]["spec"]["containers"][0]["readinessprobe"] = {}
    problems = list(_validator(version, _schema_name(gateway)).iter_errors(gateway))
    assert "readinessprobe" in problems[0].message


@functools.cache
def _distinct_objects() -> list[Object]:
    """Of all combinations, each once; those of other projects' groups left out."""
    found = {
        json.dumps(thing, sort_keys=True): thing
        for combination in COMBINATIONS
        for thing in release_of(combination).objects
        if thing["apiVersion"].partition("/")[0] not in FOREIGN
    }
    return list(found.values())


def _schema_name(thing: Object) -> str:
    group, _, version = thing["apiVersion"].rpartition("/")
    short = f"{group.partition('.')[0]}-" if group else ""
    return f"{thing['kind'].lower()}-{short}{version}.json"


@functools.cache
def _validator(version: str, name: str) -> Draft202012Validator:
    return Draft202012Validator(_contents(version, name), registry=_definitions(version))


@functools.cache
def _definitions(version: str) -> Registry:
    return Resource.from_contents(_contents(version, "_definitions.json")) @ Registry()


def _contents(version: str, name: str) -> dict:
    schemas = files("kubernetes_validate") / "kubernetes-json-schema"
    return json.loads((schemas / f"v{version}-local-strict" / name).read_text())

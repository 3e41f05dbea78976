"""What is built and fetched is what is pinned."""

import re

import pytest

from tests.cluster.provision.binaries import recipe
from tests.cluster.provision.client_tools import HELM_3, NEWEST
from tests.cluster.provision.pin import go_mod
from tests.cluster.provision.third_party import PINNED, pins

OWN = {
    "Go": "1.26.0",
    "GoDebug": [{"Key": "default", "Value": "go1.26"}],
    "Require": [
        {"Path": "example.org/other", "Version": "v1.0.0"},
        {"Path": "go.etcd.io/etcd/server/v3", "Version": "v3.7.0"},
    ],
    "Replace": [
        {"Old": {"Path": "k8s.io/api"}, "New": {"Path": "./staging/src/k8s.io/api"}},
        {"Old": {"Path": "a.org/x"}, "New": {"Path": "b.org/x", "Version": "v1.2.3"}},
        {"Old": {"Path": "a.org/y"}, "New": {"Path": "a.org/y", "Version": "v1.0.0"}},
    ],
}


def test_a_go_mod_follows_that_of_kubernetes() -> None:
    assert [line for line in go_mod(OWN, "1.37.2").splitlines() if line] == [
        "module hookgate.dev/hookgate/tests/cluster",
        "go 1.26.0",
        "godebug default=go1.26",
        "require k8s.io/kubernetes v1.37.2",
        "require go.etcd.io/etcd/server/v3 v3.7.0",
        "replace k8s.io/api => k8s.io/api v0.37.2",
        "replace a.org/x => b.org/x v1.2.3",
        "replace a.org/y => a.org/y v1.0.0",
    ]


@pytest.mark.parametrize("minor", ["1.30", "1.37"])
def test_the_pinned_version_is_built_and_stated(minor: str) -> None:
    wanted = recipe(minor)
    assert wanted.patch.startswith(f"{minor}.")
    assert f"gitVersion=v{wanted.patch} " in wanted.linker_flags
    assert f"gitMinor={minor.partition('.')[2]}" in wanted.linker_flags


def test_versions_have_folders_of_their_own() -> None:
    assert recipe("1.30").digest != recipe("1.37").digest
    assert recipe("1.37").digest == recipe("1.37").digest


def test_a_version_that_is_not_pinned_is_named() -> None:
    with pytest.raises(ValueError, match=r"Kubernetes 1\.29 is not pinned .*: 1\.30, 1\.37$"):
        recipe("1.29")


@pytest.mark.parametrize("pinned", [NEWEST, HELM_3], ids=lambda pinned: pinned.stem)
def test_a_client_is_pinned_by_its_hash(pinned) -> None:
    lines = [line for line in pinned.read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == 1
    assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+ --hash=sha256:[0-9a-f]{64}", lines[0])


def test_a_module_with_definitions_is_pinned_by_its_hash() -> None:
    modules = pins(PINNED.read_text())
    assert {module.path for module in modules} == {
        "github.com/cert-manager/cert-manager",
        "github.com/prometheus-operator/prometheus-operator",
        "sigs.k8s.io/gateway-api",
    }
    for module in modules:
        assert re.fullmatch(r"h1:[A-Za-z0-9+/]{43}=", module.content)
        assert module.files

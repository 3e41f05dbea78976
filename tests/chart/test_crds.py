"""The definitions in the chart are those in crds/, and stay when the release goes."""

from pathlib import Path

import pytest
import yaml

from tests.chart.combinations import release_of
from tests.chart.rendering import render
from tests.cluster.crds import FOLDER

PLAIN = {
    each["metadata"]["name"]: each
    for each in map(yaml.safe_load, map(Path.read_text, sorted(FOLDER.glob("*.yaml"))))
}


def crds(**values):
    objects = render({"crds": values})
    return {
        each["metadata"]["name"]: each
        for each in objects
        if each["kind"] == "CustomResourceDefinition"
    }


def test_there_are_some():
    assert len(PLAIN) == 2


@pytest.mark.parametrize("name", PLAIN)
def test_the_chart_has_the_plain_ones(name):
    assert crds()[name]["spec"] == PLAIN[name]["spec"]
    annotations = PLAIN[name]["metadata"].get("annotations", {})
    assert annotations.items() <= crds()[name]["metadata"].get("annotations", {}).items()


def test_the_chart_has_no_others():
    assert crds().keys() == PLAIN.keys()


def test_they_are_kept_unless_told_otherwise():
    for each in crds().values():
        assert each["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    for each in crds(keep=False).values():
        assert "helm.sh/resource-policy" not in each["metadata"].get("annotations", {})


def test_they_bear_annotations_of_a_user():
    mine = {"argocd.argoproj.io/sync-options": "Prune=false", "helm.sh/resource-policy": "delete"}
    for each in crds(annotations=mine).values():
        assert each["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false"
        assert each["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_they_can_be_left_out():
    assert crds(enabled=False) == {}


def test_helm_puts_them_in_front():
    """Helm installs definitions before what may use them; so does kubectl, in the order of a file."""
    kinds = [each["kind"] for each in release_of("everything").objects]
    last = max(i for i, kind in enumerate(kinds) if kind == "CustomResourceDefinition")
    assert "Deployment" not in kinds[:last]

"""What an upgrade may not change does not depend on the version of the chart or of the program."""

import shutil

import pytest
import yaml

from tests.chart.combinations import release_of
from tests.chart.rendering import CHART, Object, render

MAY_CHANGE = {
    "Deployment": {
        "minReadySeconds",
        "paused",
        "progressDeadlineSeconds",
        "replicas",
        "revisionHistoryLimit",
        "strategy",
        "template",
    },
    "StatefulSet": {
        "minReadySeconds",
        "ordinals",
        "persistentVolumeClaimRetentionPolicy",
        "replicas",
        "revisionHistoryLimit",
        "template",
        "updateStrategy",
    },
}
"""All other fields of their specs are immutable."""


@pytest.fixture(name="later", scope="module")
def _later(tmp_path_factory: pytest.TempPathFactory) -> list[Object]:
    chart = tmp_path_factory.mktemp("later") / "hookgate"
    shutil.copytree(CHART, chart)
    metadata = yaml.safe_load((chart / "Chart.yaml").read_text())
    metadata |= {"version": "9.9.9", "appVersion": "9.9.9"}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(metadata))
    return render(chart=chart)


def test_the_later_one_is_another(later):
    assert "9.9.9" in str(later)


def test_no_object_comes_or_goes(later):
    names = [(each["kind"], each["metadata"]["name"]) for each in later]
    assert names == [
        (each["kind"], each["metadata"]["name"]) for each in release_of("defaults").objects
    ]


@pytest.mark.parametrize("kind", MAY_CHANGE)
def test_immutable_fields_stay(kind, later):
    now = release_of("defaults").of(kind)
    then = [each for each in later if each["kind"] == kind]
    assert now
    assert [_immutable(each) for each in now] == [_immutable(each) for each in then]


def test_services_select_the_same_pods(later):
    now = [each["spec"] for each in release_of("defaults").of("Service")]
    assert now == [each["spec"] for each in later if each["kind"] == "Service"]


def test_bindings_keep_their_roles(later):
    kinds = ("RoleBinding", "ClusterRoleBinding")
    now = [each["roleRef"] for each in release_of("defaults").of(*kinds)]
    assert now == [each["roleRef"] for each in later if each["kind"] in kinds]


def _immutable(thing: Object) -> Object:
    return {
        key: value for key, value in thing["spec"].items() if key not in MAY_CHANGE[thing["kind"]]
    }

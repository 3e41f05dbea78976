"""Helm 3 and Helm 4 agree, lint finds nothing, and the package holds what it should."""

import gzip
import json
import re
import tarfile

import pytest
import yaml

from hookgate.version import __version__
from tests.chart.combinations import COMBINATIONS, release_of
from tests.chart.releases import Release
from tests.chart.rendering import CHART, HELMS, Object, render, run_helm

METADATA = yaml.safe_load((CHART / "Chart.yaml").read_text())


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_both_helms_render_the_same(combination):
    assert _but_secrets(release_of(combination, "Helm 3")) == _but_secrets(release_of(combination))


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_lint_finds_nothing(combination):
    values = json.dumps(COMBINATIONS[combination].values)
    said = run_helm(
        "Helm 4", "lint", "--strict", "--namespace", "x", CHART, "--values", "-", stdin=values
    )
    assert "[WARNING]" not in said
    assert "1 chart(s) linted, 0 chart(s) failed" in said


def test_lint_of_helm_3_finds_nothing():
    said = run_helm("Helm 3", "lint", "--strict", CHART)
    assert "1 chart(s) linted, 0 chart(s) failed" in said


@pytest.mark.parametrize("combination", ["defaults", "existing-secrets"])
def test_rendering_is_deterministic(combination):
    """Apart from what is made once; GitOps tools would otherwise see a change each minute."""
    given = COMBINATIONS[combination]
    values = json.dumps(given.values)
    again = run_helm(
        *("Helm 4", "template", given.release, CHART, "--namespace", given.namespace),
        *("--values", "-"),
        stdin=values,
    )
    first = release_of(combination)
    if not first.of("Secret"):
        assert again == first.text
    documents = [each for each in yaml.safe_load_all(again) if each]
    assert [_without_data(each) for each in documents] == _but_secrets(first)


@pytest.mark.parametrize("helm", HELMS)
def test_the_package_holds_the_chart_alone(helm, tmp_path):
    run_helm(helm, "package", CHART, "--destination", tmp_path)
    with tarfile.open(tmp_path / f"hookgate-{METADATA['version']}.tgz") as package:
        names = {name.removeprefix("hookgate/") for name in package.getnames()}
    known = r"Chart\.yaml|values\.yaml|values\.schema\.json|README\.md|LICENSE|\.helmignore"
    known += r"|templates/.+\.(yaml|tpl|txt)|files/.+\.(yaml|json)"
    assert {name for name in names if not re.fullmatch(known, name)} == set()
    assert {"Chart.yaml", "values.yaml", "values.schema.json", "README.md"} <= names
    assert "templates/NOTES.txt" in names


def test_a_package_renders_as_the_folder_does(tmp_path):
    run_helm("Helm 4", "package", CHART, "--destination", tmp_path)
    (package,) = tmp_path.glob("*.tgz")
    assert [_without_data(each) for each in render(chart=package)] == _but_secrets(
        release_of("defaults")
    )


def test_a_release_fits_into_the_secret_that_helm_keeps_it_in(tmp_path):
    """A megabyte for chart, values and manifests, packed and in base64; half of it is room to grow."""
    run_helm("Helm 4", "package", CHART, "--destination", tmp_path)
    (package,) = tmp_path.glob("*.tgz")
    manifests = gzip.compress(release_of("everything").text.encode())
    assert (package.stat().st_size + len(manifests)) * 4 / 3 < 512 * 1024


def test_the_chart_says_what_it_is():
    assert METADATA["apiVersion"] == "v2"
    assert METADATA["type"] == "application"
    assert METADATA["appVersion"] == __version__
    assert METADATA["kubeVersion"] == ">=1.30.0-0"
    for field in ("description", "home", "keywords", "maintainers", "sources"):
        assert METADATA.get(field), field


def _but_secrets(release: Release) -> list[Object]:
    return [_without_data(each) for each in release.objects]


def _without_data(thing: Object) -> Object:
    """A Secret's keys are compared, its values are made anew by each rendering."""
    if thing["kind"] != "Secret":
        return thing
    return thing | {"data": sorted(thing.get("data", ()))}

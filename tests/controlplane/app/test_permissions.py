"""The documented rules: one list for a cluster and for a namespace, a reason above each, shown as they are."""

import re
from pathlib import Path

import pytest
import yaml

from tests.cluster.rbac import FOLDER

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "permissions.md"
FILES = ("cluster-wide", "namespaced", "lease")


def text(name):
    return (FOLDER / f"{name}.yaml").read_text()


def rules_of(name):
    return text(name).partition("\nrules:\n")[2]


def test_a_namespace_takes_the_rules_of_the_cluster():
    assert rules_of("namespaced") == rules_of("cluster-wide")
    assert yaml.safe_load(text("cluster-wide"))["kind"] == "ClusterRole"
    assert yaml.safe_load(text("namespaced"))["kind"] == "Role"


@pytest.mark.parametrize("name", FILES)
def test_every_rule_says_why(name):
    before = "\n"
    for line in rules_of(name).splitlines():
        if line.startswith("  - "):
            assert before.startswith("  # "), f"{line} has no reason above it"
        before = line


@pytest.mark.parametrize("name", FILES)
def test_no_rule_is_wider_than_it_says(name):
    for rule in yaml.safe_load(text(name))["rules"]:
        assert "*" not in str(rule)


@pytest.mark.parametrize("name", FILES)
def test_the_page_shows_the_files_as_they_are(name):
    shown = re.search(
        rf"<!-- file: operator/hookgate_operator/rbac/{name}.yaml -->\n```yaml\n(.*?)```",
        PAGE.read_text(),
        re.DOTALL,
    )
    assert shown is not None, f"put {name}.yaml into {PAGE}"
    assert shown[1] == text(name)

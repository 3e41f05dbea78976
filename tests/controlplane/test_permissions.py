"""The page of permissions shows the rules that the tests run the operator under."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from hookgate.cli import main

PAGE = (Path(__file__).parents[2] / "docs/reference/permissions.md").read_text()
RULES = files("hookgate_operator") / "rbac"


def test_every_file_of_rules_is_on_the_page_as_it_is():
    shown = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    kept = {each.name: each.read_text() for each in RULES.iterdir() if each.name.endswith(".yaml")}
    assert sorted(shown) == sorted(kept.values())


def test_a_namespace_gets_the_rules_of_the_cluster():
    cluster, namespaced = (
        yaml.safe_load((RULES / f"{name}.yaml").read_text())
        for name in ("cluster-wide", "namespaced")
    )
    assert namespaced["rules"] == cluster["rules"]
    assert (cluster["kind"], namespaced["kind"]) == ("ClusterRole", "Role")


def test_nothing_is_granted_by_a_star():
    for file in ("cluster-wide", "namespaced", "lease"):
        for rule in yaml.safe_load((RULES / f"{file}.yaml").read_text())["rules"]:
            assert "*" not in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ([], "cluster-wide"),
        (["cluster-wide"], "cluster-wide"),
        (["namespaced"], "namespaced"),
        (["lease"], "lease"),
    ],
)
def test_the_command_prints_a_file_as_it_is(words, name, capsys):
    assert main(["rbac", *words]) == 0
    assert capsys.readouterr().out == (RULES / f"{name}.yaml").read_text()


def test_the_command_says_how_to_apply_them(capsys):
    with pytest.raises(SystemExit) as end:
        main(["rbac", "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "hookgate rbac | kubectl apply -f -" in text
    assert all(
        f"\n{each.name.removesuffix('.yaml')} " in text
        for each in RULES.iterdir()
        if each.name.endswith(".yaml")
    )

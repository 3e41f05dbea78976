"""Values: every key documented, none misspelt, each of its type."""

import pytest
import yaml
from generators.chart_values.generated import generated_files

from tests.chart import schema
from tests.chart.rendering import (
    CHART,
    HELMS,
    default_values,
    refuses,
    render,
    run_helm,
)

FOR_PARENTS = {("global",), ("enabled",)}
"""What a parent chart tells all its charts, and by what it switches this one on."""
KUBERNETES_OWN = {"issuerRef", "startupProbe", "livenessProbe", "readinessProbe"}
"""Values whose fields Kubernetes, or cert-manager, documents."""
FREE = {
    "additionalRuleLabels",
    "affinity",
    "annotations",
    "commonLabels",
    "containerSecurityContext",
    "labels",
    "lifecycle",
    "nodeSelector",
    "podAnnotations",
    "podLabels",
    "podSecurityContext",
    "resources",
    "strategy",
    "updateStrategy",
}
"""Maps with keys of the user's or of Kubernetes' choice. What is in them, the API server judges."""
PATHS = [path for path, _ in schema.keys(default_values())]
PROPERTIES = sorted(
    path for path in set(schema.properties()) - FOR_PARENTS if not KUBERNETES_OWN & set(path[:-1])
)
MAPS = [path for path, value in schema.keys(default_values()) if isinstance(value, dict)]
STRICT = [(), *(path for path in MAPS if not FREE & set(path))]
STRUCTURE = [
    path
    for path, value in schema.keys(default_values())
    if isinstance(value, dict) and value and not (FREE | KUBERNETES_OWN) & set(path)
]
"""Maps with values of the chart's inside."""
NEEDED = [
    "crds.keep",
    "control.token.key",
    "encryption.key",
    "gateway.shutdownGraceSeconds",
    "gateway.shutdownDrainSeconds",
    "gateway.serviceAccount.create",
    "operator.serviceAccount.create",
]
LEAVES = [
    (path, value)
    for path, value in schema.keys(default_values())
    if (not isinstance(value, dict) or not value) and not FREE & set(path[:-1])
]
OF_ANOTHER_TYPE = {
    bool: "perhaps",
    int: "many",
    float: "many",
    str: ["text"],
    list: "text",
    dict: "text",
    type(None): {"a": ["b"]},
}


def dotted(path):
    return ".".join(path) or "top level"


def set_at(values, path, value):
    for key in path[:-1]:
        values = values.setdefault(key, {})
    values[path[-1]] = value


def test_the_defaults_are_valid():
    assert schema.problems(default_values()) == []


def test_the_schema_is_one_that_both_helms_read():
    assert schema.schema()["$schema"] == "http://json-schema.org/draft-07/schema#"
    schema.validator().check_schema(schema.schema())


@pytest.mark.parametrize("name", generated_files(CHART))
def test_what_is_made_from_the_values_is_up_to_date(name):
    assert generated_files(CHART)[name] == (CHART / name).read_text(), "make generate"


def test_every_value_is_in_the_schema():
    assert {path for path in PATHS if not FREE & set(path[:-1])} <= set(schema.properties())


def test_everything_in_the_schema_is_a_value():
    assert {path for path in PROPERTIES if path not in PATHS} == set()


@pytest.mark.parametrize("path", MAPS, ids=dotted)
def test_only_known_maps_have_free_keys(path):
    is_free = "properties" not in (schema.at(path) or {})
    assert is_free == bool(FREE & set(path))


@pytest.mark.parametrize("path", PROPERTIES, ids=dotted)
def test_a_property_says_what_it_means(path):
    description = schema.at(path).get("description", "")
    assert len(description) >= 9
    assert description[0].isupper() or description[0] in "`0123456789"
    assert description.endswith(".")


@pytest.mark.parametrize("path", PROPERTIES, ids=dotted)
def test_a_property_has_a_type(path):
    assert {"type", "enum", "oneOf", "anyOf"} & schema.at(path).keys()


@pytest.mark.parametrize("path", STRICT, ids=dotted)
def test_a_misspelt_key_is_refused(path):
    (problem,) = schema.problems(schema.nested((*path, "misspelt"), True))
    assert "misspelt" in problem


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("path", [(), max(STRICT, key=len)], ids=dotted)
def test_helm_refuses_a_misspelt_key(path, helm):
    assert "misspelt" in refuses(schema.nested((*path, "misspelt"), True), helm=helm)


@pytest.mark.parametrize(("path", "value"), LEAVES, ids=map(dotted, (path for path, _ in LEAVES)))
def test_a_value_of_another_type_is_refused(path, value):
    problems = schema.problems(schema.nested(path, OF_ANOTHER_TYPE[type(value)]))
    assert any(problem.startswith(".".join(("$", *path))) for problem in problems)


@pytest.mark.parametrize("helm", HELMS)
def test_helm_refuses_a_value_of_another_type(helm):
    assert "gateway" in refuses({"gateway": {"replicaCount": "one"}}, helm=helm)


@pytest.mark.parametrize("helm", HELMS)
@pytest.mark.parametrize("path", STRUCTURE, ids=dotted)
def test_null_for_a_map_is_refused_by_name(path, helm):
    """Helm takes the map away with all its defaults; what looks into it must not be what tells."""
    values = schema.nested(path, None)
    assert f"- {dotted(path)} is null: leave it out" in refuses(values, helm=helm)


@pytest.mark.parametrize("helm", HELMS)
def test_null_for_everything_is_one_answer(helm):
    """Not a sentence for what is inside, too: that is gone with it."""
    said = refuses(dict.fromkeys(default_values()), helm=helm)
    assert "- gateway is null" in said
    assert "gateway.persistence" not in said


@pytest.mark.parametrize("name", NEEDED)
def test_null_for_a_value_that_something_follows_from_is_refused_by_name(name):
    assert name in refuses(schema.nested(tuple(name.split(".")), None))


@pytest.mark.parametrize("helm", HELMS)
def test_null_for_all_other_values_leaves_them_out(helm):
    """Each means "as the process does it", or nothing; what is switched off would not be looked at."""
    values = {}
    for path, value in schema.keys(default_values()):
        is_left_out = dotted(path) not in NEEDED and path[-1] != "enabled"
        if path not in STRUCTURE and path[:-1] in [(), *STRUCTURE]:
            set_at(values, path, None if is_left_out else value)
    text = str(render(values, helm=helm))
    assert "HOOKGATE_MAX_INFLIGHT" not in text
    assert "startupProbe" not in text
    for kind in ("StatefulSet", "Deployment", "NetworkPolicy"):
        assert f"'kind': '{kind}'" in text


@pytest.mark.parametrize("helm", HELMS)
def test_it_can_be_a_dependency(helm, tmp_path):
    """A parent hands `global` down, which a strict schema must know."""
    parent = {"apiVersion": "v2", "name": "parent", "version": "1.0.0"}
    dependency = {"name": "hookgate", "version": "*", "repository": ""}
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts/hookgate").symlink_to(CHART)
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(parent | {"dependencies": [dependency]}))
    (tmp_path / "values.yaml").write_text(yaml.safe_dump({"global": {"imageRegistry": "x"}}))
    assert "kind: StatefulSet" in run_helm(helm, "template", "x", tmp_path)

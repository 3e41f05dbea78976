"""The model of WebhookSubscription: what it takes, and each refusal in its one line."""

import pytest
from pydantic import ValidationError

from hookgate.resources import WebhookReplay, WebhookSubscription, problem_lines, url_problem
from hookgate.resources.model import ResourceModel
from hookgate.resources.rules import Between, Rules
from hookgate.resources.text import HEADER_NAME_RULES, HEADER_VALUE_RULES, URL_RULES
from tests.manifest_cases import REFUSED, TAKEN, Refused, changed
from tests.manifest_cases import SUBSCRIPTION as SOUND

MODELS: dict[str, type[ResourceModel]] = {
    "WebhookSubscription": WebhookSubscription,
    "WebhookReplay": WebhookReplay,
}


def subscription(path: str = "", value: object = None) -> dict:
    """The sound one with one field set; ``path`` as ``spec.endpoint.headers``."""
    return changed(SOUND, path, value) if path else SOUND


def lines(document: object, model: type[ResourceModel] = WebhookSubscription) -> list[str]:
    with pytest.raises(ValidationError) as error:
        model.model_validate(document)
    return problem_lines(error.value, model)


def test_the_defaults_are_the_designs():
    spec = WebhookSubscription.model_validate(SOUND).spec
    assert spec.gateway_class == "default"
    assert not spec.suspend
    assert spec.match.run_types == spec.match.statuses == spec.match.workflow_ids == ()
    assert not spec.match.interim
    assert spec.endpoint.timeout_seconds == 30
    assert spec.signing.scheme == "Skyvern"
    assert spec.delivery.retry_delays_seconds == (60, 300, 900, 1800)
    assert spec.delivery.jitter_percent == 10
    assert spec.delivery.max_age_seconds == 259_200
    assert spec.delivery.max_in_flight == 4
    assert spec.delivery.rate_limit is None
    assert spec.delivery.circuit_breaker.consecutive_failures == 5
    assert spec.delivery.circuit_breaker.open_seconds == 60


@pytest.mark.parametrize("manifest", TAKEN)
def test_taken(manifest):
    MODELS[manifest["kind"]].model_validate(manifest)


def test_white_space_behind_a_url_is_trimmed():
    document = subscription("spec.endpoint.url", "https://x.example/ \n")
    assert WebhookSubscription.model_validate(document).spec.endpoint.url == "https://x.example/"


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_refused(case: Refused):
    assert lines(case.manifest, MODELS[case.sound["kind"]]) == [case.line]


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("apiVersion", "hookgate.dev/v1", "apiVersion: must be hookgate.dev/v1alpha1"),
        ("spec", None, "spec: is required"),
        ("metadata.name", "s/x", "metadata.name: must be the name of a Kubernetes object (lower case, digits, - and .)"),
        ("metadata.namespace", "a.b", "metadata.namespace: must be the name of a namespace (lower case, digits and -)"),
        ("metadata.namespace", "a" * 64, "metadata.namespace: must have at most 63 characters"),
    ],
)  # fmt: skip
def test_refused_although_a_cluster_has_no_such_manifest(path, value, line):
    assert lines(subscription(path, value)) == [line]


def test_no_value_is_repeated_by_the_error_itself():
    document = subscription("spec.endpoint.url", "https://user:hunter2@x.example")
    with pytest.raises(ValidationError) as error:
        WebhookSubscription.model_validate(document)
    assert "hunter2" not in str(error.value)


def test_odd_field_names_are_shown_safely():
    [line] = lines(subscription("spec.\x1b[31m" + "x" * 100, 1))
    assert line.isprintable()
    assert len(line) < 200


def test_what_is_not_a_mapping_at_all():
    assert lines([]) == ["must be a mapping of fields"]


def test_rules_are_in_the_schema_for_the_api_server():
    schema = WebhookSubscription.model_json_schema()
    endpoint = schema["$defs"]["Endpoint"]
    assert endpoint["x-kubernetes-validations"] == [
        {
            "rule": "has(self.url) != has(self.urlFrom)",
            "message": "must have exactly one of url and urlFrom",
        }
    ]
    assert endpoint["properties"]["timeoutSeconds"]["maximum"] == 30
    url = next(s for s in endpoint["properties"]["url"]["anyOf"] if s["type"] == "string")
    assert url["x-kubernetes-validations"] == URL_RULES.schema()


@pytest.mark.parametrize("rules", [URL_RULES, HEADER_NAME_RULES, HEADER_VALUE_RULES])
def test_rows_are_complete(rules: Rules[str]):
    for row in rules.rows:
        assert "self" in row.cel
        assert not row.message.endswith(".")


def test_urls_from_elsewhere_are_judged_alike():
    assert url_problem("https://x.example") is None
    assert url_problem("x") == "must start with http:// or https://"


def test_bounds_say_themselves():
    assert str(Between(1, 3)) == "between 1 and 3"
    assert Rules[int]().check(5) == 5

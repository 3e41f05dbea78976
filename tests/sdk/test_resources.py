"""The model of WebhookSubscription: what it takes, and each refusal in its one line."""

import copy

import pytest
from pydantic import ValidationError

from hookgate.resources import WebhookSubscription, problem_lines, url_problem
from hookgate.resources.rules import Between, Rules
from hookgate.resources.text import HEADER_NAME_RULES, HEADER_VALUE_RULES, URL_RULES

SOUND = {
    "apiVersion": "hookgate.dev/v1alpha1",
    "kind": "WebhookSubscription",
    "metadata": {"name": "invoices", "namespace": "shop"},
    "spec": {
        "endpoint": {"url": "https://billing.shop.example/webhooks/skyvern"},
        "signing": {"secretRefs": [{"name": "billing-webhook", "key": "secret"}]},
    },
}
REF = {"secretKeyRef": {"name": "billing", "key": "token"}}


def subscription(path: str = "", value: object = None) -> dict:
    """The sound one with one field set; ``path`` as ``spec.endpoint.headers``."""
    made = copy.deepcopy(SOUND)
    if path:
        *above, last = path.split(".")
        place = made
        for part in above:
            place = place.setdefault(part, {})
        place[last] = value
    return made


def lines(document: object) -> list[str]:
    with pytest.raises(ValidationError) as error:
        WebhookSubscription.model_validate(document)
    return problem_lines(error.value, WebhookSubscription)


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


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.endpoint.url", "https://billing.shop.example/hook?x=1#y \t\r\n"),
        ("spec.endpoint.url", "HTTP://[2001:db8::1]:8080"),
        ("spec.endpoint.url", "http://bücher.example:/"),
        ("spec.endpoint.url", "https://x.example/?redirect=https://user@y"),
        ("spec.endpoint", {"urlFrom": REF}),
        ("spec.endpoint.headers", [{"name": "x-team", "value": "billing"}, {"name": "authorization", "valueFrom": REF}]),
        ("spec.endpoint.tls", {"caFrom": {"configMapKeyRef": {"name": "roots", "key": "ca.crt"}}, "serverName": "a.b"}),
        ("spec.endpoint.tls", {"caFrom": REF, "clientCertificate": {"secretName": "client"}}),
        ("spec.endpoint.tls", {"insecureSkipVerify": True}),
        ("spec.endpoint.tls", None),
        ("spec.match", {"runTypes": ["task_v2"], "statuses": ["failed"], "workflowIds": ["wpid_*"], "interim": True}),
        ("spec.signing.scheme", "StandardWebhooks"),
        ("spec.delivery.retryDelaysSeconds", []),
        ("spec.delivery.retryDelaysSeconds", [86_400] * 20),
        ("spec.delivery.rateLimit", {"requestsPerSecond": 50, "burst": 100}),
        ("spec.delivery.circuitBreaker", {"consecutiveFailures": 0}),
        ("status", {"conditions": []}),
    ],
)  # fmt: skip
def test_taken(path, value):
    WebhookSubscription.model_validate(subscription(path, value))


def test_white_space_behind_a_url_is_trimmed():
    document = subscription("spec.endpoint.url", "https://x.example/ \n")
    assert WebhookSubscription.model_validate(document).spec.endpoint.url == "https://x.example/"


RESERVED = "is reserved: the gateway and HTTP itself set Host, Content-*, hop-by-hop headers, webhook-*, x-skyvern-* and x-hookgate-*"


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("apiVersion", "hookgate.dev/v1", "apiVersion: must be hookgate.dev/v1alpha1"),
        ("spec", None, "spec: is required"),
        ("spec", [], "spec: must be a mapping of fields"),
        ("spec.suspnd", True, "spec.suspnd: is not a known field; did you mean suspend?"),
        ("spec.suspend", "on", "spec.suspend: must be true or false"),
        ("spec.suspend", 1, "spec.suspend: must be true or false"),
        ("spec.gatewayClass", "A b", "spec.gatewayClass: must be the name of a Kubernetes object (lower case, digits, - and .)"),
        ("spec.endpoint.retry_delays", 1, "spec.endpoint.retry_delays: is not a known field; known are url, urlFrom, headers, timeoutSeconds, tls"),
        ("spec.endpoint", {}, "spec.endpoint: must have exactly one of url and urlFrom"),
        ("spec.endpoint.urlFrom", REF, "spec.endpoint: must have exactly one of url and urlFrom"),
        ("spec.endpoint.url", 5, "spec.endpoint.url: must be text; put it in quotes"),
        ("spec.endpoint.url", "x.example/hook", "spec.endpoint.url: must start with http:// or https://"),
        ("spec.endpoint.url", " https://x.example", "spec.endpoint.url: must start with http:// or https://"),
        ("spec.endpoint.url", "ftp://x.example", "spec.endpoint.url: must start with http:// or https://"),
        ("spec.endpoint.url", "https://user:hunter2@x.example", "spec.endpoint.url: must not contain user info (user:password@); send a header instead"),
        ("spec.endpoint.url", "https://x.example/a b", "spec.endpoint.url: must not contain white space, control characters or backslashes"),
        ("spec.endpoint.url", "https://x.example\\@y", "spec.endpoint.url: must not contain white space, control characters or backslashes"),
        ("spec.endpoint.url", "https://x.example/a\nb", "spec.endpoint.url: must not contain white space, control characters or backslashes"),
        ("spec.endpoint.url", "https://", "spec.endpoint.url: must name a host, and a port up to 65535 if any"),
        ("spec.endpoint.url", "https://x.example:65536", "spec.endpoint.url: must name a host, and a port up to 65535 if any"),
        ("spec.endpoint.url", "https://x.example:8o", "spec.endpoint.url: must name a host, and a port up to 65535 if any"),
        ("spec.endpoint.url", "https://[::1%25eth0]/", "spec.endpoint.url: must name a host, and a port up to 65535 if any"),
        ("spec.endpoint.url", "https://x.example/" + "a" * 2066, "spec.endpoint.url: must not be longer than 2083 characters"),
        ("spec.endpoint.timeoutSeconds", 31, "spec.endpoint.timeoutSeconds: 31 is not between 1 and 30 seconds"),
        ("spec.endpoint.timeoutSeconds", "30", "spec.endpoint.timeoutSeconds: must be a whole number"),
        ("spec.endpoint.timeoutSeconds", 1.5, "spec.endpoint.timeoutSeconds: must be a whole number"),
        ("spec.endpoint.timeoutSeconds", True, "spec.endpoint.timeoutSeconds: must be a whole number"),
        ("spec.endpoint.headers", [{"name": "x"}], "spec.endpoint.headers[0]: must have exactly one of value and valueFrom"),
        ("spec.endpoint.headers", [{"name": "x", "value": "a", "valueFrom": REF}], "spec.endpoint.headers[0]: must have exactly one of value and valueFrom"),
        ("spec.endpoint.headers", [{"name": "X-Team", "value": "a"}], "spec.endpoint.headers[0].name: must be a header name in lower case, of at most 128 characters"),
        ("spec.endpoint.headers", [{"name": "x:y", "value": "a"}], "spec.endpoint.headers[0].name: must be a header name in lower case, of at most 128 characters"),
        ("spec.endpoint.headers", [{"name": "x", "value": "hunter2\r\ny: z"}], "spec.endpoint.headers[0].value: must not contain line breaks or other control characters"),
        ("spec.endpoint.headers", [{"name": "x", "value": True}], "spec.endpoint.headers[0].value: must be text; put it in quotes"),
        ("spec.endpoint.headers", [{"name": "x", "value": ""}], "spec.endpoint.headers[0].value: must have at least 1 character"),
        ("spec.endpoint.headers", [{"name": "x", "value": "a", "vlaueFrom": REF}], "spec.endpoint.headers[0].vlaueFrom: is not a known field; did you mean valueFrom?"),
        ("spec.endpoint.tls", {"caFrom": REF | {"secretRef": 1}}, "spec.endpoint.tls.caFrom.secretRef: is not a known field; did you mean secretKeyRef?"),
        ("spec.endpoint.headers", [{"name": "x", "value": "a"}] * 2, "spec.endpoint.headers: must name each header once"),
        ("spec.endpoint.tls", {"caFrom": {}}, "spec.endpoint.tls.caFrom: must have exactly one of secretKeyRef and configMapKeyRef"),
        ("spec.endpoint.tls", {"caFrom": REF, "insecureSkipVerify": True}, "spec.endpoint.tls: must not have both caFrom and insecureSkipVerify: nothing would be verified"),
        ("spec.endpoint.tls", {"serverName": "a b"}, "spec.endpoint.tls.serverName: must be a host name"),
        ("spec.match", {"statuses": ["complete"]}, "spec.match.statuses[0]: must be created, queued, running, paused, completed, failed, terminated, canceled or timed_out"),
        ("spec.match", {"runTypes": "task_v2"}, "spec.match.runTypes: must be a list"),
        ("spec.match", {"workflowIds": [""]}, "spec.match.workflowIds[0]: must have at least 1 character"),
        ("spec.signing", {"secretRefs": []}, "spec.signing.secretRefs: must have at least 1 item"),
        ("spec.signing", {"secretRefs": [REF["secretKeyRef"]] * 4}, "spec.signing.secretRefs: must have at most 3 items"),
        ("spec.signing", {"secretRefs": [{"name": "a", "key": "b c"}]}, "spec.signing.secretRefs[0].key: must be a key of a Secret (letters, digits, -, _ and .)"),
        ("spec.signing.scheme", "hunter2", "spec.signing.scheme: must be Skyvern, SkyvernHex or StandardWebhooks"),
        ("spec.delivery.retryDelaysSeconds", [60, 300, 0], "spec.delivery.retryDelaysSeconds[2]: 0 is not between 1 and 86400 seconds"),
        ("spec.delivery.retryDelaysSeconds", [60] * 21, "spec.delivery.retryDelaysSeconds: must have at most 20 items"),
        ("spec.delivery.retryDelaysSeconds", 60, "spec.delivery.retryDelaysSeconds: must be a list"),
        ("spec.delivery.maxAgeSeconds", 10**400, "spec.delivery.maxAgeSeconds: the number is not between 1 and 2147483647 seconds"),
        ("spec.delivery.maxInFlight", 0, "spec.delivery.maxInFlight: 0 is not between 1 and 1024 requests"),
        ("spec.delivery.rateLimit", {"burst": 1}, "spec.delivery.rateLimit.requestsPerSecond: is required"),
        ("metadata.name", "s/x", "metadata.name: must be the name of a Kubernetes object (lower case, digits, - and .)"),
        ("metadata.namespace", "a.b", "metadata.namespace: must be the name of a namespace (lower case, digits and -)"),
        *[("spec.endpoint.headers", [{"name": name, "value": "a"}], f"spec.endpoint.headers[0].name: {RESERVED}") for name in (
            "Host", "content-type", "Content-Length", "TRANSFER-ENCODING", "connection", "te", "Upgrade",
            "webhook-id", "X-Skyvern-Signature", "x-hookgate-test")],
    ],
)  # fmt: skip
def test_refused(path, value, line):
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

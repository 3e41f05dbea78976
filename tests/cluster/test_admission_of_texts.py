"""Whatever the text, CEL and the models give the same verdict on it."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hookgate.resources import WebhookReplay, WebhookSubscription
from tests.cluster.controlplane import ControlPlane
from tests.manifest_cases import FILTER, HEADERS, REFS, REPLAY, SUBSCRIPTION, URL, changed

pytestmark = pytest.mark.usefixtures("crds_installed")

ODD = st.sampled_from(
    "aZ09-._/:@?#[]%\\ \t\n\r=!*'\"{}~+1\0\x1c\x1f\x7f\x80\x85\xa0"
    "\u3000\u200b\u2028\u180e\ufeffüſK😀٣"
)
"""What regular expressions, white space and letter case are read differently by, somewhere."""

SOUND = {
    "url": ["https://x.example/a", "http://[::1]:80/x", "HTTPS://u@h/", "https://x:65535?a"],
    "header": ["x-team", "host", "content-type", "webhook-id", "te", "K"],
    "value": ["abc", "a\tb"],
    "name": ["abc", "a.b-c"],
    "key": ["a.b", "..", "a_b"],
    "host": ["a.b", "A-"],
    "run": ["tsk_1"],
    "since": [
        "2026-03-01T10:00:00Z",
        "2026-02-29T23:59:59.123456789+01:00",
        "2024-02-29T24:00:00Z",
        "2026-03-01T10:00:60Z",
        "1000-01-01T00:00:00+23:59",
    ],
}


def manifest(kind: str, text: str) -> dict[str, Any]:
    places: dict[str, tuple[dict[str, Any], str, object]] = {
        "url": (SUBSCRIPTION, URL, text),
        "header": (SUBSCRIPTION, HEADERS, [{"name": text, "value": "a"}]),
        "value": (SUBSCRIPTION, HEADERS, [{"name": "a", "value": text}]),
        "name": (SUBSCRIPTION, REFS, [{"name": text, "key": "a"}]),
        "key": (SUBSCRIPTION, REFS, [{"name": "a", "key": text}]),
        "host": (SUBSCRIPTION, "spec.endpoint.tls", {"serverName": text}),
        "run": (REPLAY, FILTER, {"runIds": [text]}),
        "since": (REPLAY, FILTER, {"since": text, "until": "2999-01-01T00:00:00Z"}),
    }
    return changed(*places[kind])


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    """A kind, and a text of it with a few odd characters put in."""
    kind = draw(st.sampled_from(sorted(SOUND)))
    text = draw(st.sampled_from(SOUND[kind]))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(ODD) + text[at + draw(st.integers(0, 1)) :]
    return kind, text


def taken_by_the_model(document: dict[str, Any]) -> bool:
    model = WebhookSubscription if document["kind"] == "WebhookSubscription" else WebhookReplay
    try:
        model.model_validate(document)
    except ValidationError:
        return False
    return True


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=texts())
def test_random_texts_are_judged_alike(control_plane: ControlPlane, case: tuple[str, str]):
    document = manifest(*case)
    plural = f"{document['kind'].lower()}s"
    path = f"/apis/hookgate.dev/v1alpha1/namespaces/default/{plural}?dryRun=All"
    answer = control_plane.admin.request("POST", path, document)
    assert answer.status in {201, 422}
    assert answer.ok == taken_by_the_model(document), answer.body

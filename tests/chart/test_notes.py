"""NOTES.txt: what to do next, true for what was installed, and no value of a Secret.

Helm 4 shows them without a cluster; with Helm 3 tests/install sees them.
"""

import base64
import json
import re

import pytest
import yaml

from hookgate.resources import WebhookSubscription
from tests.chart.combinations import COMBINATIONS
from tests.chart.rendering import CHART, parsed, run_helm


def installed(combination: str) -> str:
    given = COMBINATIONS[combination]
    return run_helm(
        *("Helm 4", "install", given.release, CHART, "--namespace", given.namespace),
        *("--dry-run=client", "--values", "-"),
        stdin=json.dumps(given.values),
    )


def notes(combination: str) -> str:
    return installed(combination).partition("NOTES:\n")[2]


def test_the_commands_make_a_subscription():
    """The here-document is what kubectl gets, but for the shell's own part."""
    text = re.search(r"<<END\n(.*?)\nEND\n", notes("second-release"), re.DOTALL)
    secret, subscription = yaml.safe_load_all(text[1])
    WebhookSubscription.model_validate(subscription)
    (named,) = subscription["spec"]["signing"]["secretRefs"]
    assert named["name"] == secret["metadata"]["name"]
    assert named["key"] in secret["stringData"]
    assert subscription["spec"]["gatewayClass"] == "internal"


@pytest.mark.parametrize(
    ("combination", "words"),
    [
        ("defaults", "http://hookgate.hookgate.svc:8080"),
        ("defaults", "kubectl apply --namespace default"),
        ("defaults", "kubectl get whsub --namespace default"),
        ("namespaced", "kubectl apply --namespace team-a"),
        ("own-namespace", "kubectl apply --namespace shop"),
        ("everything", "https://hooks.example.com"),
        ("persistence-off", "WARNING: gateway.persistence.enabled is false"),
        ("no-operator", "the gateway knows nobody"),
        ("no-rbac", "rbac.create is false"),
        ("defaults", "hookgate-encryption-keys"),
    ],
)
def test_what_is_said_fits_what_was_installed(combination, words):
    assert words in notes(combination)


@pytest.mark.parametrize(
    ("combination", "words"),
    [
        ("defaults", "WARNING"),
        ("existing-secrets", "encryption-keys"),
        ("no-operator", "kubectl get whsub"),
    ],
)
def test_what_does_not_fit_is_not_said(combination, words):
    assert words not in notes(combination)


def test_no_value_of_a_secret_is_told():
    manifest, _, told = installed("defaults").partition("NOTES:\n")
    documents = manifest.partition("MANIFEST:\n")[2]
    secrets = [each for each in parsed(documents) if each and each["kind"] == "Secret"]
    values = {value for each in secrets for value in each["data"].values()}
    assert len(values) == 5
    for value in values:
        assert value not in told
        assert base64.b64decode(value).decode() not in told

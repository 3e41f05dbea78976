"""The manifests folder refuses what `kubectl apply` refuses, in the same words."""

import json

import pytest

from hookgate_gateway.catalogue.manifest_file import read_file
from hookgate_gateway.catalogue.manifest_text import ManifestError
from tests.manifest_cases import REFUSED, TAKEN, Refused

FOLDERS_KIND = "WebhookSubscription"


@pytest.mark.parametrize(
    "case", [case for case in REFUSED if case.sound["kind"] == FOLDERS_KIND], ids=str
)
def test_refused(case: Refused):
    with pytest.raises(ManifestError) as error:
        read_file(json.dumps(case.manifest).encode(), is_json=True)
    name = case.manifest["metadata"]["name"]
    assert error.value.lines == (f"WebhookSubscription default/{name}: {case.line}",)


@pytest.mark.parametrize("manifest", [m for m in TAKEN if m["kind"] == FOLDERS_KIND])
def test_taken(manifest):
    assert read_file(json.dumps(manifest).encode(), is_json=True).declared

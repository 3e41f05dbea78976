"""What one file may declare, and the one line that each mistake is told with."""

import pytest
import yaml

from hookgate_gateway.catalogue.manifest_file import read_file
from hookgate_gateway.catalogue.manifest_text import ManifestError
from tests.gateway.catalogue.world import document

LABELLED = {"hookgate.dev/api-key": "true"}


def secret(labels=None, annotations=None, string_data=None, **more):
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "dev", "labels": labels, "annotations": annotations},
        "stringData": string_data,
    } | more


def told(*documents):
    with pytest.raises(ManifestError) as error:
        read_file(yaml.safe_dump_all(documents).encode(), is_json=False)
    return list(error.value.lines)


@pytest.mark.parametrize(
    ("manifest", "lines"),
    [
        (
            document() | {"apiVersion": "hookgate.dev/v1"},
            ["WebhookSubscription shop/invoices: apiVersion: must be hookgate.dev/v1alpha1"],
        ),
        (
            document(delivery={"retryDelaysSeconds": [60, 300, 0]}),
            [
                (
                    "WebhookSubscription shop/invoices: spec.delivery.retryDelaysSeconds[2]: "
                    "0 is not between 1 and 86400 seconds"
                )
            ],
        ),
        (
            document() | {"metadata": {"name": "Invoices"}},
            [
                (
                    "WebhookSubscription default/Invoices: metadata.name: must be the name of a "
                    "Kubernetes object (lower case, digits, - and .)"
                )
            ],
        ),
        (
            {"kind": "Deployment", "metadata": {"name": "x"}},
            [
                (
                    "document 1: kind: must be WebhookSubscription (hookgate.dev/v1alpha1), or Secret "
                    "or ConfigMap (v1); this folder takes nothing else"
                )
            ],
        ),
        (
            secret(string_data={"n": 1}),
            ["Secret default/dev: stringData.n: must be text; put it in quotes"],
        ),
        (
            secret(string_data={"n": True}),
            ["Secret default/dev: stringData.n: must be text; put it in quotes"],
        ),
        (
            secret(data={"n": "hunter2!"}),
            ["Secret default/dev: data.n: is not base64; plain text goes into stringData"],
        ),
        (
            secret(LABELLED, string_data={"api-key": "hunter2"}),
            [
                (
                    "Secret default/dev: key api-key is shorter than 24 characters; "
                    "make one with: openssl rand -hex 24"
                )
            ],
        ),
        (
            secret({"hookgate.dev/api-key": "yes"}),
            ['Secret default/dev: label hookgate.dev/api-key: must be "true" or "false"'],
        ),
        (
            secret({"hookgate.dev/api-key": True}),
            [
                "Secret default/dev: metadata.labels.hookgate.dev/api-key: must be text; put it in quotes"
            ],
        ),
        (secret(LABELLED), ["Secret default/dev: key api-key is not there"]),
        (
            secret(LABELLED, {"hookgate.dev/signing-scheme": "Magic"}, {"api-key": "k" * 24}),
            [
                (
                    "Secret default/dev: annotation hookgate.dev/signing-scheme must be one of "
                    "Skyvern, SkyvernHex, StandardWebhooks"
                )
            ],
        ),
        (
            secret(
                LABELLED,
                {"hookgate.dev/signing-scheme": "StandardWebhooks"},
                {"api-key": "whsec_" + "!" * 24},
            ),
            ["Secret default/dev: key api-key cannot sign: what follows whsec_ is not base64"],
        ),
        (secret({"hookgate.dev/source": "a"}), ["Secret default/dev: key key is not there"]),
        (
            secret({"hookgate.dev/source": "a"}, None, {"key": "hunter2"}),
            [
                (
                    "Secret default/dev: key key is shorter than 16 bytes, so its webhooks could be "
                    "forged; it has to be the API key that the server signs with"
                )
            ],
        ),
        (
            secret({"hookgate.dev/source": "a/b"}, None, {"key": "k"}),
            [
                (
                    "Secret default/dev: label hookgate.dev/source: must be a name "
                    "(letters, digits, -, _ and .)"
                )
            ],
        ),
        (
            [1],
            [
                "document 1: kind: must be WebhookSubscription (hookgate.dev/v1alpha1), or Secret or ConfigMap (v1); this folder takes nothing else"
            ],
        ),
        (
            {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "a\x1b"}},
            [
                "document 1: metadata.name: must be the name of a Kubernetes object (lower case, digits, - and .)"
            ],
        ),
    ],
)
def test_each_mistake_in_one_line(manifest, lines):
    found = told(manifest)
    assert found == lines
    assert "hunter2" not in str(found)


def test_all_mistakes_of_a_file_are_told_at_once():
    assert len(told(document(suspend="yes"), secret(string_data={"n": 1}), {"kind": "Pod"})) == 3


def test_the_same_twice_in_one_file():
    assert told(document(), document()) == [
        "WebhookSubscription shop/invoices: is there twice in this file; keep one"
    ]
    assert told(secret(), secret()) == ["Secret default/dev: is there twice in this file; keep one"]


def test_string_data_wins_and_base64_may_be_wrapped():
    text = yaml.safe_dump(secret(string_data={"a": "new"}, data={"a": "b2xk", "b": "b2\nxk\n"}))
    values = read_file(text.encode(), is_json=False).values
    assert values == {("default", "dev"): {"a": b"new", "b": b"old"}}


def test_what_kubectl_get_prints_can_be_applied():
    printed = document()
    printed["metadata"] |= {
        "uid": "1",
        "generation": 2,
        "managedFields": [{}],
        "creationTimestamp": "x",
    }
    printed["status"] = {"conditions": []}
    [declared] = read_file(yaml.safe_dump(printed).encode(), is_json=False).declared.values()
    assert declared.document["metadata"] == {"name": "invoices", "namespace": "shop"}
    assert "status" not in declared.document


def test_lone_surrogates_are_refused_as_text():
    text = '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": {"a": "\\ud800"}}'
    with pytest.raises(ManifestError, match="half of a character"):
        read_file(text.encode(), is_json=True)


def test_a_list_as_kubectl_prints_it_is_its_items():
    kubectl = {"apiVersion": "v1", "kind": "List", "items": [document(), secret()]}
    listed = read_file(yaml.safe_dump(kubectl).encode(), is_json=False)
    apart = read_file(yaml.safe_dump_all([document(), secret()]).encode(), is_json=False)
    assert listed == apart
    assert listed.declared

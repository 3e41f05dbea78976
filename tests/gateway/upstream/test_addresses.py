"""The client's URL put back wherever the upstream repeats ours."""

import pytest

from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.upstream.addresses import forwarded, ingest_url, is_ingest_url, with_own_url

SHOP = Namespace("shop")
OURS = "https://gate.example/v1/ingest/shop/upstream"
OWN = "https://app.example/hook"


def test_the_request_that_goes_out():
    assert ingest_url("https://gate.example", SHOP) == OURS
    sent = forwarded({"prompt": "a", "webhook_url": OWN}, "https://gate.example", SHOP)
    assert sent == {"prompt": "a", "webhook_url": OURS}
    assert forwarded({"prompt": "a"}, "https://gate.example", SHOP) == sent


@pytest.mark.parametrize(
    ("value", "ours"),
    [
        (OURS, True),
        (OURS + "/", True),
        ("http://former-name:8080/gate/v1/ingest/shop/upstream", True),
        ("https://gate.example/v1/ingest/bank/upstream", False),
        ("/v1/ingest/shop/upstream", False),
        (OWN, False),
        (None, False),
        ({"url": OURS}, False),
    ],
)
def test_which_url_is_ours(value, ours):
    assert is_ingest_url(value, SHOP) is ours


@pytest.mark.parametrize(
    ("value", "own", "shown"),
    [
        (OURS, OWN, OWN),
        (OURS, None, None),
        ({"a": [{"b": OURS}, 1, None, True]}, OWN, {"a": [{"b": OWN}, 1, None, True]}),
        (f"blocked: {OURS}, sorry", OWN, f"blocked: {OWN}, sorry"),
        (f"{OURS} and {OURS}", None, " and "),
        ("path /v1/ingest/shop/upstream", None, "path "),
        (f"to {OURS}", OURS, f"to {OURS}"),
        ({"n": 1.5}, OWN, {"n": 1.5}),
    ],
)
def test_the_clients_url_is_put_back(value, own, shown):
    assert with_own_url(value, SHOP, own) == shown

"""The client's URL put back wherever the upstream repeats ours."""

import pytest

from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.upstream.addresses import forwarded, ingest_url, is_ingest_url, with_own_url

SHOP = Namespace("shop")
BARE = "https://gate.example/v1/ingest/shop/upstream"
OURS = f"{BARE}?asked=ask_01"
OWN = "https://app.example/hook"


def test_the_request_that_goes_out():
    assert ingest_url("https://gate.example", SHOP, "ask_01") == OURS
    sent = forwarded({"prompt": "a", "webhook_url": OWN}, "https://gate.example", SHOP, "ask_01")
    assert sent == {"prompt": "a", "webhook_url": OURS}
    assert forwarded({"prompt": "a"}, "https://gate.example", SHOP, "ask_01") == sent


@pytest.mark.parametrize(
    ("value", "ours"),
    [
        (OURS, True),
        (BARE, True),
        (BARE + "/", True),
        (BARE + "/?asked=ask_01", True),
        (BARE + "s?asked=ask_01", False),
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
        (f"{OURS} and {BARE}", None, " and "),
        (f"{BARE}/?asked=ask_01, sorry", OWN, f"{OWN}, sorry"),
        (f"{BARE}?page=2 is wrong", OWN, f"{OWN}?page=2 is wrong"),
        ("path /v1/ingest/shop/upstream", None, "path "),
        (f"to {OURS}", OURS, f"to {OURS}"),
        ({"n": 1.5}, OWN, {"n": 1.5}),
    ],
)
def test_the_clients_url_is_put_back(value, own, shown):
    assert with_own_url(value, SHOP, own) == shown

"""Webhooks of sources: who is believed, who is refused, and that nobody learns who exists."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from hookgate.signing import SigningScheme, sign
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.contract import Source
from hookgate_gateway.intake.accept import AcceptedReport
from hookgate_gateway.intake.ingest import LOOP, UNKNOWN_RUN, UNVERIFIED, Ingest, judge
from hookgate_gateway.rules.report import Unreadable
from tests.gateway.intake.parts import gateway, payload

pytestmark = pytest.mark.looptime

KEY = b"the-key-of-the-skyvern-server"
OLD_KEY = b"the-key-before-it"
BODY = payload("tsk_1")
NOW = 1_700_000_000
SOURCE = Source(namespace="shop", name="skyvern", keys=(KEY, OLD_KEY))
SKYVERN, HEX, STANDARD = SigningScheme


def headers(scheme=HEX, key=KEY, body=BODY, timestamp=NOW, **more):
    return {
        "Content-Type": "application/json",
        **sign(scheme, [key], body, event_id="evt_1", timestamp=timestamp),
        **more,
    }


def judged(given, source=SOURCE, body=BODY, tolerance=None):
    if source is not None:
        source = replace(source, tolerance=tolerance)
    return judge(source, given, body, decoy=b"decoy", now=NOW)


@pytest.mark.parametrize("scheme", [SKYVERN, HEX])
@pytest.mark.parametrize("key", [KEY, OLD_KEY])
def test_either_form_with_any_of_its_keys_is_believed(scheme, key):
    assert judged(headers(scheme, key)) is None


@pytest.mark.parametrize(
    ("given", "tolerance", "refusal"),
    [
        ({}, None, UNVERIFIED),
        ({"X-Skyvern-Signature": ""}, None, UNVERIFIED),
        ({"X-Skyvern-Signature": "sha256="}, None, UNVERIFIED),
        ({"X-Skyvern-Signature": "\udcff"}, None, UNVERIFIED),
        (headers(key=b"another"), None, UNVERIFIED),
        (headers(body=BODY + b" "), None, UNVERIFIED),
        (headers(STANDARD), None, UNVERIFIED),
        (headers(timestamp=NOW - 7200), None, None),
        (headers(timestamp=NOW - 7200), 300.0, UNVERIFIED),
        (headers(timestamp=NOW + 299), 300.0, None),
        ({"x-skyvern-signature": headers()["X-Skyvern-Signature"]}, None, None),
        ({"x-skyvern-signature": headers()["X-Skyvern-Signature"]}, 300.0, UNVERIFIED),
        (headers(**{"X-Hookgate-Delivery-Id": "dlv_1"}), None, LOOP),
        (headers(**{"x-hookgate-delivery-id": ""}), None, LOOP),
        ({"X-HOOKGATE-DELIVERY-ID": "dlv_1"}, None, LOOP),
    ],
)
def test_what_is_not_its_word_is_refused(given, tolerance, refusal):
    assert judged(given, tolerance=tolerance) == refusal


def test_a_signature_sent_twice_is_refused_in_the_servers_own_header_type():
    given = CIMultiDict(headers())
    assert judged(CIMultiDictProxy(given)) is None
    given.add("x-skyvern-signature", given["X-Skyvern-Signature"])
    assert judged(CIMultiDictProxy(given)) == UNVERIFIED


def test_a_source_without_keys_believes_nobody():
    assert judged(headers(), source=Source(namespace="shop", name="a", keys=())) == UNVERIFIED
    empty = Source(namespace="shop", name="a", keys=(b"",))
    assert judged({"X-Skyvern-Signature": "00"}, source=empty) == UNVERIFIED


names = st.sampled_from(["X-Skyvern-Signature", "x-skyvern-timestamp", "X-Hookgate-Delivery-Id"])
values = st.text(max_size=80) | st.sampled_from([str(NOW), "sha256=" + "0" * 64])


@given(st.dictionaries(names | st.text(max_size=30), values), st.none() | st.just(300.0))
def test_an_unknown_source_is_answered_as_a_known_one(given, tolerance):
    unknown = judged(given, source=None)
    assert unknown is not None
    assert unknown == judged(given, tolerance=tolerance)


def test_not_even_the_decoys_key_makes_an_unknown_source_known():
    assert judged(headers(key=b"decoy"), source=None) == UNVERIFIED


# ------------------------------------------------------------------------------- the whole of it


def ingest(g, source=SOURCE, *, name="skyvern", built_in=None):
    g.catalogue.snapshot = Snapshot(sources={("shop", name): replace(source, name=name)})
    return Ingest(
        acceptor=g.acceptor,
        catalogue=g.catalogue,
        observer=g.observer,
        now=lambda: NOW,
        built_in=built_in,
    )


async def test_a_verified_webhook_is_accepted_and_its_repetition_is_a_duplicate():
    async with gateway() as g:
        receive = ingest(g).receive
        first = await receive("shop", "skyvern", headers(), BODY)
        again = await receive("shop", "skyvern", headers(), BODY)
    assert first == AcceptedReport(first.event_id, "tsk_1", 1, duplicate=False)
    assert again == AcceptedReport(first.event_id, "tsk_1", 1, duplicate=True)
    [stored] = g.store.events.values()
    assert (stored.namespace, stored.origin) == ("shop", "source:skyvern")


async def test_a_refused_webhook_is_counted_and_not_stored():
    async with gateway() as g:
        receive = ingest(g).receive
        assert await receive("shop", "skyvern", headers(key=b"wrong"), BODY) == UNVERIFIED
        assert await receive("shop", "skyvern", headers(**{"X-Hookgate-Delivery-Id": "d"}), BODY) == LOOP  # fmt: skip
    assert not g.store.batches
    assert g.received("rejected", run_type="other", status="other") == 2
    assert g.signatures_failed() == {("shop", "skyvern"): 1}


@pytest.mark.parametrize(
    ("namespace", "name"), [("shop", "nobody"), ("elsewhere", "skyvern"), ("x" * 999, "\n")]
)
async def test_a_strangers_words_become_no_label(namespace, name):
    async with gateway() as g:
        assert await ingest(g).receive(namespace, name, headers(), BODY) == UNVERIFIED
    assert not g.store.batches
    assert g.received("rejected", run_type="other", status="other", namespace="") == 1
    assert not g.received("rejected", run_type="other", status="other", namespace=namespace)
    assert g.signatures_failed() == {("", ""): 1}


class Everywhere:
    """A built-in source with the name ``upstream``, in every namespace."""

    def __init__(self, takes=True):
        self._takes = takes

    def source(self, namespace, name):
        return Source(namespace=namespace, name=name, keys=(KEY,)) if name == "upstream" else None

    async def takes(self, namespace, report, asked):
        return self._takes


async def test_a_namespace_that_only_a_stranger_names_is_no_label_for_the_built_in_source_either():
    async with gateway() as g:
        receive = ingest(g, built_in=Everywhere()).receive
        for number in range(3):
            refused = await receive(f"made-up-{number}", "upstream", headers(key=b"wrong"), BODY)
            assert refused == UNVERIFIED
    assert g.signatures_failed() == {("", "upstream"): 3}
    assert g.received("rejected", run_type="other", status="other", namespace="") == 3
    assert not g.received("rejected", run_type="other", status="other", namespace="made-up-0")


async def test_whose_signature_is_right_is_believed_in_what_namespace_it_says():
    async with gateway() as g:
        receive = ingest(g, built_in=Everywhere(takes=False)).receive
        assert await receive("shop", "upstream", headers(), BODY) == UNKNOWN_RUN
    assert g.signatures_failed() == {}
    assert g.received("rejected", run_type="other", status="other", namespace="shop") == 1


async def test_a_declared_source_is_counted_under_its_own_namespace_beside_a_built_in_one():
    async with gateway() as g:
        receive = ingest(g, name="upstream", built_in=Everywhere()).receive
        assert await receive("shop", "upstream", headers(key=b"wrong"), BODY) == UNVERIFIED
    assert g.signatures_failed() == {("shop", "upstream"): 1}


async def test_a_verified_body_that_is_no_report_is_told_why():
    async with gateway() as g:
        refused = await ingest(g).receive("shop", "skyvern", headers(body=b"[]"), b"[]")
    assert isinstance(refused, Unreadable)


async def test_freshness_can_be_switched_on():
    stale = headers(timestamp=NOW - 7200)
    strict = replace(SOURCE, tolerance=300.0)
    async with gateway() as g:
        assert await ingest(g, strict).receive("shop", "skyvern", stale, BODY) == UNVERIFIED
        accepted = await ingest(g).receive("shop", "skyvern", stale, BODY)
    assert isinstance(accepted, AcceptedReport)

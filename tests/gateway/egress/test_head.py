"""Requests as bytes: what is in a head, and what never gets into one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.signing import SigningScheme
from hookgate_gateway.egress.request import (
    Unsendable,
    header_lines,
    lane_headers,
    request_head,
    request_line,
)
from hookgate_gateway.ports import Shipment
from hookgate_gateway.rules.delivery import DeliveryId, EventId, LaneKey, Namespace
from hookgate_gateway.rules.destination import BadUrl, read_url


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://a.example", "POST / HTTP/1.1\r\nHost: a.example\r\n"),
        ("http://a.example:80/x?y=1#z", "POST /x?y=1 HTTP/1.1\r\nHost: a.example\r\n"),
        ("http://a.example:443/", "POST / HTTP/1.1\r\nHost: a.example:443\r\n"),
        ("https://a.example:443/", "POST / HTTP/1.1\r\nHost: a.example\r\n"),
        ("https://a.example:8443/", "POST / HTTP/1.1\r\nHost: a.example:8443\r\n"),
        ("http://[2001:DB8::1]/", "POST / HTTP/1.1\r\nHost: [2001:db8::1]\r\n"),
        ("http://[::1]:8080/", "POST / HTTP/1.1\r\nHost: [::1]:8080\r\n"),
        ("http://127.1:8080/", "POST / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"),
        ("http://Bücher.Example/ü", "POST /%C3%BC HTTP/1.1\r\nHost: xn--bcher-kva.example\r\n"),
    ],
)
def test_the_first_lines(url: str, line: str) -> None:
    assert request_line(read_url(url)) == line.encode()


@given(st.text(max_size=40))
def test_no_url_makes_a_third_line(text: str) -> None:
    try:
        line = request_line(read_url(f"http://a.example/{text}"))
    except (BadUrl, Unsendable):
        return
    assert line.count(b"\r\n") == line.count(b"\n") == line.count(b"\r") == 2
    assert line.count(b" ") == 3


@pytest.mark.parametrize(
    "name",
    ["", "x team", "x-team:", "x\r\nX-Injected", "x\n", "x\x00", "é", "x\t"],
)
def test_a_name_that_is_no_token_is_not_sent(name: str) -> None:
    with pytest.raises(Unsendable):
        header_lines(((name, "1"),))


@given(st.text(max_size=20))
def test_a_value_makes_one_line_or_none(value: str) -> None:
    try:
        lines = header_lines((("x-team", value),))
    except Unsendable:
        return
    assert lines.count(b"\n") == lines.count(b"\r") == 1
    assert lines.endswith(b"\r\n")
    assert b"\x00" not in lines


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-LENGTH",
        "Transfer-Encoding",
        "connection",
        "Expect",
        "upgrade",
        "Content-Type",
        "X-Hookgate-Anything",
        "x-skyvern-signature",
        "Webhook-Id",
    ],
)
def test_what_is_ours_to_say_is_said_by_us_alone(name: str) -> None:
    shared = lane_headers(((name, "theirs"), ("x-team", "1")))
    assert ("x-team", "1") in shared
    assert "theirs" not in dict(shared).values()


@pytest.mark.parametrize("value", ["evt\r\nX: 1", "evt\n", "evt\x00", "evté"])
def test_an_attempts_own_headers_end_no_line_either(value: str) -> None:
    with pytest.raises(Unsendable):
        request_head(b"", b"", {}, shipment(event_id=value))


def shipment(*, event_id: str = "evt_1", replay: bool = False) -> Shipment:
    return Shipment(
        namespace=Namespace("shop"),
        lane=LaneKey("s/shop/hook"),
        url="http://a.example/x",
        scheme=SigningScheme.SKYVERN,
        keys=(b"k",),
        body=b"{'a':1}",
        event_id=EventId(event_id),
        delivery_id=DeliveryId("dlv_1"),
        number=2,
        replay=replay,
    )


def test_a_whole_head() -> None:
    line = request_line(read_url("http://a.example/x"))
    shared = header_lines(lane_headers((("x-team", "é"),)))
    assert (
        request_head(line, shared, {"X-Skyvern-Signature": "ab"}, shipment(replay=True))
        == (
            "POST /x HTTP/1.1\r\nHost: a.example\r\nx-team: é\r\nContent-Type: application/json\r\n"
            "User-Agent: Skyvern-Webhook/1.0\r\nX-Skyvern-Signature: ab\r\n"
            "X-Hookgate-Event-Id: evt_1\r\nX-Hookgate-Delivery-Id: dlv_1\r\nX-Hookgate-Attempt: 2\r\n"
            "X-Hookgate-Replay: 1\r\nContent-Length: 7\r\n\r\n"
        ).encode()
    )

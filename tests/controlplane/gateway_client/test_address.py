"""Which addresses the token may be sent to."""

import pytest

from hookgate_operator.gateway_client.address import parse_gateway_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://hookgate-control.hooks.svc:8081", "https://hookgate-control.hooks.svc:8081"),
        (" https://gate.example/ ", "https://gate.example"),
        ("https://gate.example/hooks/", "https://gate.example/hooks"),
        ("https://10.0.0.7:8081", "https://10.0.0.7:8081"),
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
        ("http://127.8.9.1:8081", "http://127.8.9.1:8081"),
        ("http://[::1]:8081/", "http://[::1]:8081"),
        ("http://localhost:8081", "http://localhost:8081"),
    ],
)
def test_what_can_be_used(text: str, url: str) -> None:
    assert str(parse_gateway_url(text)) == url


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must be a URL like"),
        ("gate.example:8081", "must be a URL like"),
        ("ftp://gate.example", "must be a URL like"),
        ("https://", "must be a URL like"),
        ("https:///path", "must be a URL like"),
        ("https://gate.example:99999", "is not a URL"),
        ("https://gate.example:0", "must be a URL like"),
        ("https://me@gate.example", "must not have user info"),
        ("https://:s3cret@gate.example", "must not have user info"),
        ("https://gate.example?owner=me", "neither a query nor a fragment"),
        ("https://gate.example#top", "neither a query nor a fragment"),
        ("http://gate.example", "must be https: plain http is for loopback"),
        ("http://10.0.0.7:8081", "must be https: plain http is for loopback"),
        ("http://0.0.0.0:8081", "must be https: plain http is for loopback"),
        ("http://localhost.example", "must be https: plain http is for loopback"),
    ],
)
def test_what_is_refused_and_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as raised:
        parse_gateway_url(text)
    assert "s3cret" not in str(raised.value)

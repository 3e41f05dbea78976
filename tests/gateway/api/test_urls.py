"""Which texts can be webhook URLs."""

import pytest

from hookgate_gateway.api.urls import MAX_URL_LENGTH, webhook_url

LONGEST = "https://a.example/" + "x" * (MAX_URL_LENGTH - 18)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/hook",
        "http://127.0.0.1:8080/",
        "HTTPS://[2001:db8::1]:8443/hook?token=1#part",
        "https://bücher.example/höök",
        "http://0x7f.1/",
        LONGEST,
    ],
)
def test_taken_as_it_is_but_for_white_space_around(url: str) -> None:
    assert webhook_url(f"\t {url} \r\n") == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("a.example/hook", "no scheme"),
        ("//a.example/hook", "no scheme"),
        ("localhost:8080/hook", "no scheme"),
        ("https:a.example", "no scheme"),
        ("ftp://a.example/", "http or https"),
        ("javascript://a.example/%0aalert(1)", "http or https"),
        ("https://user:secret@a.example/", "user info"),
        ("https://@a.example/", "user info"),
        ("https:///hook", "no host"),
        ("https://:443/hook", "no host"),
        ("https://a.example:99999/", "malformed"),
        ("https://a.example:port/", "malformed"),
        ("https://[::1/", "malformed"),
        ("https://a.example/a b", "white space"),
        ("https://a.example\\@b.example/", "backslash"),
        ("https://a.example/\nhost: b", "control characters"),
        ("https://a.example/\ud800", "control characters"),
        (LONGEST + "x", "longer than 2083"),
    ],
)
def test_refused_with_a_sentence_that_does_not_repeat_it(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        webhook_url(url)
    assert "secret" not in str(caught.value)

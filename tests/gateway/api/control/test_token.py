"""Who may call the control API, and what happens when the token's file changes."""

import os

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from hookgate_gateway.api.control.token import TokenFile
from hookgate_gateway.api.errors import Refusal
from hookgate_gateway.observe import Observer
from hookgate_process.watched_files import UnusableFile
from tests.gateway.api.control.world import TOKEN, Control

OLD, NEW = "the-old-token-0123", "the-new-token-4567"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("headers", "challenge"),
    [
        ({}, 'Bearer realm="hookgate"'),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, 'Bearer realm="hookgate"'),
        ({"x-api-key": TOKEN}, 'Bearer realm="hookgate"'),
        (
            {"Authorization": "Bearer wrong-token-0123456"},
            'Bearer realm="hookgate", error="invalid_token"',
        ),
        (
            {"Authorization": f"Bearer {TOKEN}x"},
            'Bearer realm="hookgate", error="invalid_token"',
        ),
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/control/v1/resources"),
        ("GET", "/control/v1/health"),
        ("PUT", "/control/v1/namespaces/shop/subscriptions/invoices"),
        ("GET", "/control/v1/namespaces/shop/api-keys"),
        ("DELETE", "/control/v1/namespaces/shop/sources/x?owner=o"),
    ],
)
async def test_every_route_asks_for_it(
    control: Control, method: str, path: str, headers: dict[str, str], challenge: str
) -> None:
    before = refused_callers(control)
    reply = await control.call(method, path, token=None, headers=headers)
    assert (reply.status, reply.code) == (401, "unauthorized")
    assert refused_callers(control) == before + 1
    assert reply.headers["WWW-Authenticate"] == challenge


def refused_callers(control: Control) -> float:
    name, labels = "hookgate_authentication_failures_total", {"credential": "control_token"}
    count = control.world.observer.registry.get_sample_value(name, labels)
    assert count is not None
    return count


@pytest.mark.asyncio(loop_scope="module")
async def test_the_word_bearer_in_any_case(control: Control) -> None:
    for word in ("bearer", "BEARER"):
        headers = {"Authorization": f"{word} {TOKEN}"}
        reply = await control.call("GET", "/control/v1/resources/", token=None, headers=headers)
        assert reply.status == 200


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "token"
    path.write_text(f"{OLD}\n")
    return path


def admits(tokens, token):
    try:
        tokens.admit({"Authorization": f"Bearer {token}"})
    except Refusal as refusal:
        return refusal.status != 401
    return True


def replace(file, text):
    """As Kubernetes changes a mounted Secret: another file under the same name."""
    other = file.with_name("other")
    other.write_text(text)
    other.rename(file)


def test_both_tokens_are_good_while_one_is_rotated(file):
    with capture_logs() as log:
        tokens = TokenFile(file, Observer(CollectorRegistry()))
        replace(file, f"{NEW}\n\n  {OLD}  \n")
        assert admits(tokens, NEW)
        assert admits(tokens, OLD)
        replace(file, NEW)
        assert admits(tokens, NEW)
        assert not admits(tokens, OLD)
    assert [line["event"] for line in log] == ["control_token_changed"] * 2
    assert NEW not in str(log)


@pytest.mark.parametrize("content", ["", "\n\n", "too-short", f"{NEW}\nshort", None])
def test_a_file_that_cannot_be_used_leaves_the_last_token_and_is_told_once(file, content):
    with capture_logs() as log:
        tokens = TokenFile(file, Observer(CollectorRegistry()))
        file.unlink() if content is None else replace(file, content)
        for _ in range(3):
            assert admits(tokens, OLD)
            assert not admits(tokens, NEW)
        assert [line["event"] for line in log] == ["control_token_unusable"]
        assert str(file) in log[0]["error"]
        replace(file, NEW)
        assert admits(tokens, NEW)


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "holds no token"), ("fifteen-letters", "fewer than 16"), (None, "cannot be read")],
)
def test_it_is_told_at_the_start(file, content, words):
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(UnusableFile, match=words) as caught:
        TokenFile(file, Observer(CollectorRegistry()))
    assert str(file) in str(caught.value)
    assert content is None or not content or content not in str(caught.value)


def test_a_file_that_may_not_be_read(file):
    if os.geteuid() == 0:  # root may read every file, and yet no folder as one
        file.unlink()
        file.mkdir()
    file.chmod(0)
    with pytest.raises(UnusableFile, match=r"Permission denied|Is a directory"):
        TokenFile(file, Observer(CollectorRegistry()))

"""What answers, and their absence, mean."""

import pytest

from hookgate_operator.gateway_client.errors import from_answer
from hookgate_operator.ports import (
    GatewayRefused,
    GatewayUnavailable,
    OwnedByAnother,
    ReplayDiffers,
)


def problem(*loc: str | int, msg: str = "is required") -> dict[str, object]:
    return {"loc": list(loc), "msg": msg, "type": "missing"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (400, {"detail": "the body is not JSON"}, GatewayRefused, "the body is not JSON"),
        (413, {"detail": "the body is larger"}, GatewayRefused, "the body is larger"),
        (422, None, GatewayRefused, "the gateway refuses it (422)"),
        (422, {"detail": []}, GatewayRefused, "the gateway refuses it (422)"),
        (422, {"detail": ["text", 3]}, GatewayRefused, "the gateway refuses it (422)"),
        (
            422,
            {"detail": [problem("body", "resource", "spec", "endpoint"), problem("body", "x", 2)]},
            GatewayRefused,
            "spec.endpoint: is required; x[2]: is required",
        ),
        (422, {"detail": [problem("body"), problem("body")]}, GatewayRefused, "is required"),
        (422, {"detail": [{"loc": 7, "msg": "no"}]}, GatewayRefused, "no"),
        (422, {"detail": [{"loc": [None, "a"], "msg": "no\r\nline"}]}, GatewayRefused, "a: noline"),
        (409, {"code": "owned_by_another", "detail": "of 'b'"}, OwnedByAnother, "of 'b'"),
        (409, {"code": "replay_differs"}, ReplayDiffers, "the gateway has another one"),
        (409, {"code": "who_knows"}, GatewayUnavailable, "it answers 409"),
        (401, {"detail": "the bearer token is wrong"}, GatewayUnavailable, "accept the token"),
        (403, None, GatewayUnavailable, "accept the token"),
        (404, "<html>", GatewayUnavailable, "control listener of a gateway of this version"),
        (302, None, GatewayUnavailable, "it answers 302"),
        (500, {"detail": "an internal error"}, GatewayUnavailable, "it answers 500"),
    ],
)
def test_an_answer_is_an_error_of_the_port(
    status: int, body: object, kind: type[Exception], message: str
) -> None:
    error = from_answer(status, {}, body)
    assert type(error) is kind
    assert str(error).endswith(message) or message in str(error)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("999999", 60.0),
        ("-1", None),
        ("1.5", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("9" * 400, None),
        ("٣", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_how_long_to_leave_it_alone(status: int, header: str, seconds: float | None) -> None:
    error = from_answer(status, {"Retry-After": header}, {"detail": "later"})
    assert type(error) is GatewayUnavailable
    assert error.retry_after == seconds


def test_many_and_long_sentences_are_cut() -> None:
    problems = [problem("body", str(n), msg="x" * 5000) for n in range(500)]
    error = from_answer(422, {}, {"detail": problems})
    assert isinstance(error, GatewayRefused)
    assert len(error.problems) == 20
    assert max(map(len, error.problems)) < 600
    assert error.problems[0].endswith("x…")

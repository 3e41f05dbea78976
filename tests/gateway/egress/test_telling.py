"""From what went wrong to an outcome and a sentence, without a network."""

import errno
import ssl

import pytest

from hookgate.deliveries import Outcome
from hookgate_gateway.egress.answers import NotHttp
from hookgate_gateway.egress.attempt import failure_of, outcome_of
from hookgate_gateway.egress.request import Unsendable
from hookgate_gateway.egress.wire import Broken

ADDRESS = "10.11.12.13"


@pytest.mark.parametrize(
    ("error", "outcome", "sentence"),
    [
        (OSError(errno.EHOSTUNREACH, ADDRESS), Outcome.CONNECTION_ERROR, "no route"),
        (OSError(errno.ENETUNREACH, ADDRESS), Outcome.CONNECTION_ERROR, "no route"),
        (OSError(errno.ETIMEDOUT, ADDRESS), Outcome.CONNECTION_ERROR, "timed out"),
        (OSError(errno.EPIPE, ADDRESS), Outcome.CONNECTION_ERROR, "before it answered"),
        (OSError(errno.EIO, ADDRESS), Outcome.CONNECTION_ERROR, "the connection failed"),
        (OSError(f"several errors, {ADDRESS}"), Outcome.CONNECTION_ERROR, "the connection failed"),
        (NotHttp("it is not HTTP"), Outcome.CONNECTION_ERROR, "it is not HTTP"),
        (Unsendable("it cannot be sent"), Outcome.CONNECTION_ERROR, "it cannot be sent"),
        (ssl.SSLError(1, ADDRESS), Outcome.TLS_ERROR, "TLS failed"),
        (ssl.SSLCertVerificationError(ADDRESS), Outcome.TLS_ERROR, "is not trusted"),
    ],
)
def test_what_went_wrong_is_told_without_an_address(
    error: Exception, outcome: Outcome, sentence: str
) -> None:
    failure = failure_of(error)
    assert failure is not None
    assert failure.outcome is outcome
    assert sentence in failure.error
    assert ADDRESS not in failure.error


def test_nobody_expects_some_exceptions() -> None:
    assert failure_of(RuntimeError("?")) is None


@pytest.mark.parametrize(
    ("error", "begun", "silent"),
    [
        (None, False, True),
        (None, True, False),
        (ConnectionResetError(errno.ECONNRESET, ""), False, True),
        (BrokenPipeError(errno.EPIPE, ""), False, True),
        (ssl.SSLEOFError(), False, True),
        (ssl.SSLError(1, ""), False, False),
        (TimeoutError(), False, False),
        (NotHttp(""), True, False),
    ],
)
def test_what_a_closed_kept_connection_looks_like(
    error: Exception | None, begun: bool, silent: bool
) -> None:
    assert Broken(error, begun=begun).silent is silent


@pytest.mark.parametrize(("status", "outcome"), [(101, Outcome.SERVER_ERROR), (999, Outcome.SERVER_ERROR)])  # fmt: skip
def test_a_status_that_http_does_not_know_is_the_servers_error(
    status: int, outcome: Outcome
) -> None:
    assert outcome_of(status) is outcome

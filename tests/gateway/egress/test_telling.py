"""From what went wrong to an outcome and a sentence, without a network."""

import errno
import ssl

import aiohttp
import pytest

from hookgate_gateway.egress.attempt import failure_of, is_stale, outcome_of
from hookgate_gateway.rules.delivery import Outcome

ADDRESS = "10.11.12.13"


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "outcome", "sentence"),
    [
        (OSError(errno.EHOSTUNREACH, ADDRESS), Outcome.CONNECTION_ERROR, "no route"),
        (OSError(errno.ENETUNREACH, ADDRESS), Outcome.CONNECTION_ERROR, "no route"),
        (OSError(errno.ETIMEDOUT, ADDRESS), Outcome.CONNECTION_ERROR, "timed out"),
        (OSError(errno.EIO, ADDRESS), Outcome.CONNECTION_ERROR, "the connection failed"),
        (OSError(f"several errors, {ADDRESS}"), Outcome.CONNECTION_ERROR, "the connection failed"),
        (aiohttp.ClientError(ADDRESS), Outcome.CONNECTION_ERROR, "the connection failed"),
        (ValueError(ADDRESS), Outcome.CONNECTION_ERROR, "cannot be sent"),
        (ssl.SSLError(1, ADDRESS), Outcome.TLS_ERROR, "TLS failed"),
        (caused(aiohttp.ClientOSError(1, ADDRESS), ssl.SSLError(1, ADDRESS)), Outcome.TLS_ERROR, "TLS failed"),
        (ssl.SSLCertVerificationError(ADDRESS), Outcome.TLS_ERROR, "is not trusted"),
    ],
)  # fmt: skip
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


def test_a_circle_of_causes_ends() -> None:
    one, two = aiohttp.ClientError(), aiohttp.ClientError()
    one.__cause__, two.__cause__ = two, one
    failure = failure_of(one)
    assert failure is not None
    assert failure.outcome is Outcome.CONNECTION_ERROR


@pytest.mark.parametrize(
    ("error", "stale"),
    [
        (aiohttp.ServerDisconnectedError(), True),
        (aiohttp.ClientOSError(errno.ECONNRESET, ""), True),
        (aiohttp.ClientOSError(errno.EPIPE, ""), True),
        (caused(aiohttp.ClientOSError(1, ""), ssl.SSLError(1, "")), False),
        (aiohttp.ClientPayloadError(), False),
        (TimeoutError(), False),
    ],
)
def test_what_a_closed_kept_connection_looks_like(error: Exception, stale: bool) -> None:
    assert is_stale(error) is stale


@pytest.mark.parametrize(("status", "outcome"), [(101, Outcome.SERVER_ERROR), (999, Outcome.SERVER_ERROR)])  # fmt: skip
def test_a_status_that_http_does_not_know_is_the_servers_error(
    status: int, outcome: Outcome
) -> None:
    assert outcome_of(status) is outcome

"""One behaviour suite, every sender."""

from collections.abc import Iterator

import pytest

from hookgate_gateway.egress.sender import AiohttpSender
from hookgate_gateway.egress.wire_sender import WireSender
from tests.gateway.egress import support


@pytest.fixture(autouse=True, params=[AiohttpSender, WireSender])
def sender(request: pytest.FixtureRequest) -> Iterator[None]:
    support.SENDER = request.param
    yield

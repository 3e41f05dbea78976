"""A gateway whose receiver is always well: whatever is lost or comes twice is the gateway's doing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.harness import Gateway, gateway
from tests.receivers import Receiver


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.faults)


@pytest.fixture(name="receiver")
async def _receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as it:
        yield it


@pytest.fixture(name="idle")
async def _idle(tmp_path: Path, receiver: Receiver) -> AsyncIterator[Gateway]:
    async with gateway(tmp_path, log_level="info") as it:
        url = receiver.url("slow?seconds=0.01")
        it.manifests.subscription("hook", url, delivery={"maxInFlight": 16})
        yield it

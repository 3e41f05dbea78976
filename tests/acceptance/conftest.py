"""A gateway and a receiver for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.acceptance.harness import Gateway, gateway
from tests.receivers import Receiver


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture(name="idle")
async def _idle(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway that is not started yet."""
    async with gateway(tmp_path) as it:
        yield it


@pytest.fixture(name="receiver")
async def _receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as it:
        yield it


@pytest.fixture(name="hooked")
async def _hooked(idle: Gateway, receiver: Receiver) -> Gateway:
    """A started gateway whose subscription ``hook`` goes to the receiver's ``/switch/hook``."""
    idle.manifests.subscription("hook", receiver.url("switch/hook"))
    await idle.start()
    return idle

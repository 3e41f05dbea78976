"""One behaviour suite, every event loop that a gateway runs on."""

import asyncio
from collections.abc import Callable

import pytest
import uvloop

Factories = dict[str, Callable[[], asyncio.AbstractEventLoop]]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Factories:
    """Virtual time is for asyncio's own loop alone."""
    own: Factories = {"asyncio": asyncio.new_event_loop}
    if item.get_closest_marker("looptime"):
        return own
    return own | {"uvloop": uvloop.new_event_loop}

"""What holds for all tests."""

import asyncio

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """Begin without an event loop.

    looptime asks for one before each synchronous test; until somebody has set one, asking makes one,
    which nobody closes once pytest-asyncio sets its own.
    """
    asyncio.set_event_loop(None)

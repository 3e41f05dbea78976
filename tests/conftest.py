"""What holds for all tests."""

import asyncio

import pytest
from hypothesis import settings

# A real API server, for the tests of any folder that ask for one.
pytest_plugins = ["tests.cluster.fixtures", "tests.leftovers"]

# Property tests judge what comes out, not how fast a shared machine was at the time.
settings.register_profile("hookgate", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=3000)
settings.load_profile("hookgate")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart() -> None:
    """Begin without an event loop.

    looptime asks for one before each synchronous test; until somebody has set one, asking makes one,
    which nobody closes once pytest-asyncio sets its own.
    """
    asyncio.set_event_loop(None)

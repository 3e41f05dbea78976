"""
Being told to stop: the first signal asks, the second one does not.
"""

import asyncio
import os
import signal
from collections.abc import Callable

__all__ = ["StopSignals"]


class StopSignals:
    """SIGTERM and SIGINT. The first fulfils :meth:`asked`; a second ends the process where it is.

    A process that ends like that must be safe to end anywhere. While it is still starting, the first
    signal ends it. ``tell`` is told the name of the signal that does.
    """

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._asked = asyncio.Event()
        self._starting = True

    def install(self) -> None:
        """Take the signals of this process; only in its main thread."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._received, number)

    def started(self) -> None:
        """From now on the first signal asks for a stop in order."""
        self._starting = False

    async def asked(self) -> None:
        """Return once somebody asked."""
        await self._asked.wait()

    def _received(self, number: signal.Signals) -> None:
        if self._starting or self._asked.is_set():
            self._tell(number.name)
            os._exit(128 + number)
        self._asked.set()

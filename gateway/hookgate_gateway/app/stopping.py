"""
Being told to stop: the first signal asks, the second one does not.
"""

import asyncio
import os
import signal

from hookgate_gateway.observe import Observer

__all__ = ["StopSignals"]


class StopSignals:
    """SIGTERM and SIGINT. The first fulfils :meth:`asked`; a second ends the process where it is.

    Ending like that is safe: whatever was answered is on disk. A gateway that is still starting has
    answered nothing, so the first signal ends it.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
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
            self._observer.warning("stopping_at_once", signal=number.name)
            os._exit(128 + number)
        self._asked.set()

"""
The operator as a process: logs, the event loop, signals, the exit code.
"""

import asyncio
import logging
import os
import sys
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector

from hookgate_operator.app.composition import run_operator
from hookgate_operator.app.leadership import Ended
from hookgate_operator.observe import OperatorObserver
from hookgate_operator.settings import SETTINGS, Settings
from hookgate_process import logs
from hookgate_process.clock import SystemClock
from hookgate_process.failures import CannotStart
from hookgate_process.stopping import StopSignals

__all__ = ["serve"]

FAILED: Final = 1
"""The exit code of an operator that cannot start, or does not lead any more."""


def serve(settings: Settings) -> int:
    """Run until told to stop: exit code 0. Exit code 1 when it cannot start, or when leading ended."""
    logs.configure(settings.log_format.value, settings.log_level.value)
    for library in ("kopf", "kubernetes"):
        logging.getLogger(library).setLevel(logging.ERROR)  # what they say below that we say, too
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    observer = OperatorObserver(registry)
    try:
        ended = asyncio.run(_run(settings, observer))
    except CannotStart as error:
        print(f"hookgate operator: {error}", file=sys.stderr)  # noqa: T201  # for a person at a terminal
        return FAILED
    if ended.why is None:
        observer.event("stopped")
        return 0
    return FAILED


async def _run(settings: Settings, observer: OperatorObserver) -> Ended:
    asyncio.get_running_loop().set_exception_handler(logs.report_unhandled)
    for sentence in SETTINGS.unknown(os.environ):
        observer.warning("unknown_setting", message=sentence)
    signals = StopSignals(lambda name: observer.warning("stopping_at_once", signal=name))
    signals.install()

    def stuck(ended: Ended) -> None:
        _tell(ended, observer)
        observer.error("stopping_at_once", message="the work did not stop in time")
        os._exit(FAILED)

    ended = await run_operator(
        settings,
        observer,
        SystemClock(),
        asked_to_stop=signals.asked,
        started=signals.started,
        stuck=stuck,
    )
    _tell(ended, observer)
    return ended


def _tell(ended: Ended, observer: OperatorObserver) -> None:
    if ended.why is not None:
        observer.error("leading_ended", message=ended.why)

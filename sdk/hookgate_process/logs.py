"""
Where log lines go and how they look: one line an event, UTC, JSON or text, on standard error.

What our own code logs goes through structlog as it is. Libraries log through ``logging``: their
records become events here, without text that can hold what a stranger sent (a broken request, a
header) and without stack traces, which can hold values.
"""

import asyncio
import logging
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import orjson
import structlog

from hookgate_process.failures import where_raised

__all__ = ["EventLog", "configure", "report_unhandled"]

_HOLDS_CONTENT = ("aiohttp.", "asyncio")
"""Loggers whose messages and exceptions can quote what came over the network."""


class EventLog:
    """Writes log events: what a process's observer is made of, beside its metrics."""

    def __init__(self, name: str) -> None:
        self.log = structlog.stdlib.get_logger(name)

    def event(self, name: str, /, **fields: object) -> None:
        """Something worth a line at level info, under a stable event name."""
        self.log.info(name, **fields)

    def warning(self, name: str, /, **fields: object) -> None:
        """Something that somebody should look at."""
        self.log.warning(name, **fields)

    def error(self, name: str, /, **fields: object) -> None:
        """Something that is broken; ``error`` among the fields says what and what to do."""
        self.log.error(name, **fields)

    def debug(self, name: str, /, **fields: object) -> None:
        self.log.debug(name, **fields)


def configure(format_: str, level: str, *, stream: TextIO | None = None) -> None:
    """Set up structlog and ``logging`` for the process. ``format_`` is ``json`` or ``text``."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    out = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *_renderers(format_, out),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(handlers=[_Library()], level=max(threshold, logging.INFO), force=True)
    logging.getLogger("aiohttp.access").setLevel(logging.CRITICAL + 1)


def _renderers(format_: str, out: TextIO) -> list[Any]:
    if format_ == "json":
        return [structlog.processors.JSONRenderer(serializer=_dumps)]
    return [structlog.dev.ConsoleRenderer(colors=out.isatty(), sort_keys=False)]


def _dumps(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class _Library(logging.Handler):
    """A library's record as one event: who, how bad, and of what kind."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, object] = {"logger": record.name}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            fields["error"] = type(error).__name__
        if not record.name.startswith(_HOLDS_CONTENT):
            fields["message"] = record.getMessage()
        structlog.get_logger("hookgate").log(_level(record, error), "library_message", **fields)


def _level(record: logging.LogRecord, error: BaseException | None) -> int:
    """Broken HTTP from a stranger is no trouble of ours: debug."""
    if record.name == "aiohttp.server" and type(error).__module__.startswith("aiohttp."):
        return logging.DEBUG
    return record.levelno


def report_unhandled(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """The event loop's exception handler: one event that says where, never with which values."""
    error = context.get("exception")
    fields: dict[str, object] = {"message": context.get("message", "")}
    if isinstance(error, BaseException):
        fields["error"] = type(error).__name__
        fields["where"] = where_raised(error)
    structlog.get_logger("hookgate").error("unhandled_exception", **fields)

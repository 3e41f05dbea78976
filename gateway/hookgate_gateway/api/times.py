"""
Timestamps as text: RFC 3339 in UTC with ``Z`` out, the same and naive UTC in.
"""

from datetime import UTC, datetime

from hookgate_gateway.rules.delivery import Timestamp

__all__ = ["normal", "parse", "text"]


def text(timestamp: Timestamp) -> str:
    """Unix seconds as ``2024-03-01T10:00:00.250Z`` (milliseconds, which is what clocks agree on)."""
    return _zulu(datetime.fromtimestamp(timestamp, UTC), "milliseconds")


def parse(value: str) -> Timestamp:
    """Unix seconds of an ISO 8601 text; without an offset it is UTC. Raises ValueError."""
    try:
        return _utc(value.strip()).timestamp()
    except OverflowError as error:
        raise ValueError("this time is out of range") from error


def normal(value: object) -> str | None:
    """A payload's datetime made UTC with ``Z``, its precision kept; None when it is none."""
    if not isinstance(value, str):
        return None
    try:
        return _zulu(_utc(value.strip()), "auto")
    except (ValueError, OverflowError):
        return None


def _utc(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _zulu(moment: datetime, timespec: str) -> str:
    return moment.isoformat(timespec=timespec).removesuffix("+00:00") + "Z"

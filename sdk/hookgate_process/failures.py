"""
Why a process does not start, and where an error came from.
"""

import traceback

__all__ = ["CannotStart", "where_raised"]


class CannotStart(Exception):
    """Start-up cannot go on; the message is one line that names the setting and the remedy."""


def where_raised(error: BaseException) -> list[str]:
    """The last places in the code that an error came through: what may be logged beside its type.

    Never its text, which can hold values.
    """
    return [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)[-8:]
    ]

"""Why a process does not start."""

__all__ = ["CannotStart"]


class CannotStart(Exception):
    """Start-up cannot go on; the message is one line that names the setting and the remedy."""

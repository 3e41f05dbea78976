"""
File descriptors: as many as the system grants, and how many of them clients' connections may take.
"""

import resource
from typing import Final

__all__ = ["for_clients", "grant"]

_ENOUGH: Final = 1 << 17


def grant() -> int:
    """Raise this process's limit as far as it may be raised; returns it.

    The soft limit is 1024 on many systems for the sake of programs that call ``select``, which nothing
    here does.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft if soft != resource.RLIM_INFINITY else _ENOUGH


def for_clients(wanted: int, granted: int, others: int) -> int:
    """How many connections clients may have beside ``others`` (attempts under way) and what is left over.

    At most half of all descriptors, so that a flood of clients takes none from deliveries, and at least
    a quarter where there are too few for both.
    """
    return min(wanted, max(granted // 4, min(granted // 2, granted - 2 * others)))

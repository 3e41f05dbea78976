"""
``hookgate store upgrade``: the store's schema brought up to this version, without starting a gateway.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from hookgate_gateway.ports import StoreRefused
from hookgate_gateway.store.sqlite.examination import schema_version
from hookgate_gateway.store.sqlite.lock import acquire
from hookgate_gateway.store.sqlite.schema import Refused, connect, newest

__all__ = ["Upgraded", "upgrade"]


@dataclass(frozen=True, slots=True)
class Upgraded:
    """The schema's version before and after."""

    before: int
    after: int


def upgrade(store: Path) -> Upgraded:
    """Apply the migrations that are missing. Raises StoreRefused: in use, newer, no store."""
    before = schema_version(store)
    try:
        lock = acquire(store, 0.0, lambda _: None)
        try:
            connect(store).close()
        finally:
            os.close(lock)
    except Refused as refusal:
        raise StoreRefused(str(refusal)) from refusal
    return Upgraded(before, newest())

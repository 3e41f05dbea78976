"""How deliveries of subscriptions fare: rows replaced, rows of deleted subscriptions removed."""

from collections.abc import Sequence
from typing import Any

from hookgate_gateway.store.sqlite.writing.transaction import SQL, Answer, Transaction

__all__ = ["save_health"]


def save_health(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """``[rows, keys]``: rows to be put, keys whose row goes."""
    rows, gone = request
    tx.cursor.executemany(SQL["put_health"], rows)
    tx.cursor.executemany(SQL["remove_health"], gone)
    return None, ()

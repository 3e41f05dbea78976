"""
The gateway's settings: environment variables with the prefix ``HOOKGATE_``, as one documented object.

``model`` says what there is, ``values`` how rules, name servers or a store are written; the reader and
the manual are those of every process.
"""

from hookgate_gateway.settings.model import PREFIX, Settings, StoreSettings
from hookgate_process.settings import Reader

__all__ = ["PREFIX", "SETTINGS", "STORE_SETTINGS", "Settings", "StoreSettings"]

SETTINGS = Reader(Settings, "gateway")
"""Reads what the gateway is told."""
STORE_SETTINGS = Reader(StoreSettings, "store")
"""Reads where the store is."""

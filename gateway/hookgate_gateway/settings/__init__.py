"""
The gateway's settings: environment variables with the prefix ``HOOKGATE_``, as one documented object.

``model`` says what there is, ``values`` how an address or a store is written, ``load`` reads the
environment and tells what is wrong in one line each, ``manual`` renders the help and the README's table.
"""

from hookgate_gateway.settings.load import (
    SettingsError,
    load_settings,
    load_store_settings,
    unknown_variables,
)
from hookgate_gateway.settings.model import LogFormat, LogLevel, Settings, StoreSettings
from hookgate_gateway.settings.values import ListenAddress

__all__ = [
    "ListenAddress",
    "LogFormat",
    "LogLevel",
    "Settings",
    "SettingsError",
    "StoreSettings",
    "load_settings",
    "load_store_settings",
    "unknown_variables",
]

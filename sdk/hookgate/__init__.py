"""hookgate: signed webhooks for Skyvern-style runs, for those who receive them."""

from hookgate.version import __version__

__all__ = ["__version__"]

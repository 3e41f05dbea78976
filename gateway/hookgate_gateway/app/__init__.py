"""
The composition root: settings in, one ``async with``, exit code out. Only this package knows everybody.

It decides nothing by itself; ``composition`` puts the parts together, ``listening`` takes the ports,
``stopping`` hears the signals, ``process`` runs all of it in an event loop.
"""

from hookgate_gateway.app.process import serve

__all__ = ["serve"]

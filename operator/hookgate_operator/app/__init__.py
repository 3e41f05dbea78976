"""
The composition root: settings in, one ``async with``, exit code out. Only this package knows everybody.

``composition`` puts the parts together, ``leadership`` says who works, ``leading`` what the leader does,
``standing`` and ``probes`` how it stands, ``process`` runs all of it in an event loop.
"""

from hookgate_operator.app.process import serve

__all__ = ["serve"]

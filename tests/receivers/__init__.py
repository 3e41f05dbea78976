"""
Real receivers on loopback, friendly and hostile, and a name server that answers by script.

In a test::

    async with Receiver(keys=[b"secret"]) as receiver:
        ...post to receiver.url("ok200/anything")...
        assert receiver.log[0].verified

The first segment of a path chooses the behaviour (:mod:`tests.receivers.behaviours`), the rest is free.
As a process: ``python -m tests.receivers --help``.
"""

from tests.receivers.behaviours import BEHAVIOURS
from tests.receivers.nameserver import NameServer
from tests.receivers.server import Received, Receiver
from tests.receivers.tls import Authority

__all__ = ["BEHAVIOURS", "Authority", "NameServer", "Received", "Receiver"]

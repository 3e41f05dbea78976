"""
The gateway's real command as a child that does not outlive its parent: ``python -m …dev.tethered``.

The parent holds the other end of standard input. However it ends, also by kill -9, that end closes, and
the gateway stops in order.
"""

import os
import signal
import sys
import threading

from hookgate.cli import main

__all__: list[str] = []


def _follow() -> None:
    while os.read(0, 4096):
        pass
    null = os.open(os.devnull, os.O_WRONLY)
    for output in (1, 2):  # nobody reads them any more
        os.dup2(null, output)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_follow, name="tether", daemon=True).start()
    sys.exit(main(["gateway"]))

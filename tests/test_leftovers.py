"""What nobody closed is found, also where only the collector comes by it."""

import gc
import socket

from tests.leftovers import unraisable


class Circle:
    """Holds itself, and a socket."""

    def __init__(self):
        self.itself, self.socket = self, socket.socket()


def test_what_nobody_closed_is_told():
    Circle()
    with unraisable() as left:
        gc.collect()
    assert ["unclosed <socket.socket" in each for each in left] == [True]


def test_what_was_closed_is_not():
    Circle().socket.close()
    with unraisable() as left:
        gc.collect()
    assert left == []

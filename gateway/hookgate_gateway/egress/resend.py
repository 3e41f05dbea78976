"""
Whether a request that met with silence on a kept connection is sent once more, within its attempt.

A receiver closes a connection that is idle when it likes, and a request may cross that on its way. Then
nobody has read it. A receiver that read it, worked and died looks the same, but for two things:

- What the receiver's kernel had, it acknowledges: with its FIN, else within half a second (RFC 9293
  §3.8.6.3). A request that was not acknowledged has been in nobody's hands for longer.
- What ended before the request came is known here one round trip after it left. This counts where the
  request was acknowledged and yet not read: by a proxy in between, or by the kernel of a receiver that
  closes before it looks.

Whatever else ends in silence was in the hands of somebody who had the request: a failed attempt, which
the schedule follows with one of another number.

Clients that do not know what a request does repeat no POST of which a byte was written (RFC 9110 §9.2.2:
only where the first one is known not to have been applied, or to do no harm twice). Here receivers know
repeats by the event's id, and without one such repeat each pause in a subscription's traffic that is as
long as its receiver's patience would now and then cost an attempt.
"""

from hookgate_gateway.egress.wire import Broken

LONGEST_ROUND_TRIP = 0.3
"""Seconds that count of a round trip, about the way around the world: a handshake took longer because a
packet of it was lost (the next one is sent a second later), or because this process was busy."""
MARGIN = 0.05
"""Seconds for what is not the network: the turns of two schedulers and of two programs."""
LATEST = 0.5
"""Seconds after which nothing is sent again, acknowledged or not: of a large body a part may have been."""


def was_stale(broken: Broken, *, after: float, round_trip: float) -> bool:
    """Whether a kept connection was closed before the request came.

    It ended ``after`` seconds of the request's first byte being written; its own handshake took
    ``round_trip`` seconds.
    """
    if not broken.silent:
        return False
    if broken.unacknowledged:
        return after <= LATEST
    return after <= min(round_trip, LONGEST_ROUND_TRIP) + MARGIN

"""
One request and its answer on a lane's connections: what is sent, and how much is read.
"""

import io

import aiohttp

from hookgate.signing import sign
from hookgate_gateway.egress.attempt import SHOWN_BODY_BYTES
from hookgate_gateway.egress.connections import Plan, Pool
from hookgate_gateway.ports import Shipment

ANSWER_BYTES = 64 * 1024
"""What is read of an answer, undecoded; then the connection is closed and the status decides."""
_LARGE_BODY = 2**20  # aiohttp takes larger bodies only from a file


class Answer:
    """An answer of which enough was read."""

    __slots__ = ("body", "response")

    def __init__(self, response: aiohttp.ClientResponse, body: bytes) -> None:
        self.response = response
        self.body = body


def signed_headers(shipment: Shipment, timestamp: int) -> dict[str, str]:
    """The headers of this one attempt. Raises InvalidKey."""
    headers = sign(
        shipment.scheme,
        shipment.keys,
        shipment.body,
        event_id=shipment.event_id,
        timestamp=timestamp,
    )
    headers["X-Hookgate-Event-Id"] = shipment.event_id
    headers["X-Hookgate-Delivery-Id"] = shipment.delivery_id
    headers["X-Hookgate-Attempt"] = str(shipment.number)
    if shipment.replay:
        headers["X-Hookgate-Replay"] = "1"
    if shipment.test:
        headers["X-Hookgate-Test"] = "1"
    return headers


async def post(pool: Pool, plan: Plan, shipment: Shipment, headers: dict[str, str]) -> Answer:
    body = shipment.body
    response = await pool.session.post(
        plan.url,
        data=body if len(body) <= _LARGE_BODY else io.BytesIO(body),
        headers=headers,
        allow_redirects=False,
        server_hostname=shipment.tls.server_name if plan.secure else None,
    )
    try:
        answer = Answer(response, await _read(response.content))
    except BaseException:
        response.close()
        raise
    if not response.content.at_eof():  # a complete answer has given its connection back already
        response.close()
    return answer


async def _read(content: aiohttp.StreamReader) -> bytes:
    """What the receiver says, raw, up to 64 KiB; returns the part that is shown."""
    chunk = await content.readany()
    shown = chunk[:SHOWN_BODY_BYTES]
    total = len(chunk)
    while chunk and total < ANSWER_BYTES and not content.at_eof():
        chunk = await content.readany()
        total += len(chunk)
        if len(shown) < SHOWN_BODY_BYTES:
            shown = (shown + chunk)[:SHOWN_BODY_BYTES]
    return shown

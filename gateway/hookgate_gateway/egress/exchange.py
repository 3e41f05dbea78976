"""
One request and its answer on a lane's connections: what is sent, and how much is read.
"""

import io

import aiohttp

from hookgate_gateway.egress.answers import ANSWER_BYTES, SHOWN_BODY_BYTES, Answer
from hookgate_gateway.egress.connections import Plan, Pool
from hookgate_gateway.ports import Shipment

_LARGE_BODY = 2**20  # aiohttp takes larger bodies only from a file


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
        answer = Answer(response.status, list(response.raw_headers), await _read(response.content))
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

"""
What a receiver can do to a sender. The key in :data:`BEHAVIOURS` is the first segment of the path.

Options come in the query. Everything a behaviour waits for is bounded by the connection: when the
sender leaves, or the receiver closes, it ends.
"""

import asyncio
import gzip
import socket
import struct

from tests.receivers.server import Behaviour, Exchange

CHUNK = b"x" * 16384


async def ok200(exchange: Exchange) -> bool:
    """200 with a short body; ``status=`` and ``body=`` to taste."""
    status = int(exchange.options.get("status", "200"))
    return await exchange.answer(status, exchange.options.get("body", "ok").encode())


async def fail_then_ok(exchange: Exchange) -> bool:
    """``status`` (500) for the first ``times`` (1) requests of this path, then 200."""
    failures = int(exchange.options.get("times", "1"))
    if exchange.receiver.seen[exchange.request.path] <= failures:
        return await exchange.answer(int(exchange.options.get("status", "500")), b"not now")
    return await exchange.answer(200, b"ok")


async def hang(exchange: Exchange) -> bool:
    """Never answers; ends when the sender leaves."""
    await exchange.reader.read()
    return False


async def slow(exchange: Exchange) -> bool:
    """200 after ``seconds`` (1)."""
    await asyncio.sleep(float(exchange.options.get("seconds", "1")))
    return await exchange.answer(200, b"ok, finally")


async def drip(exchange: Exchange) -> bool:
    """Headers at once, then one byte each ``seconds`` (1), for ever."""
    pause = float(exchange.options.get("seconds", "1"))
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        await exchange.send(b".")
        await asyncio.sleep(pause)


async def drip_headers(exchange: Exchange) -> bool:
    """One byte of a header each ``seconds`` (1), for ever."""
    pause = float(exchange.options.get("seconds", "1"))
    await exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        await exchange.send(b".")
        await asyncio.sleep(pause)


async def endless(exchange: Exchange) -> bool:
    """200 and a body that never ends, as fast as it is read."""
    await exchange.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"%x\r\n%s\r\n" % (len(CHUNK), CHUNK)
    while True:
        await exchange.send(chunk)


async def bomb(exchange: Exchange) -> bool:
    """200 and 128 MiB of zeros that travel as 130 kB of gzip."""
    body = gzip.compress(bytes(128 * 1024 * 1024))
    return await exchange.answer(200, body, ("Content-Encoding", "gzip"))


async def reset(exchange: Exchange) -> bool:
    """Resets the connection instead of answering."""
    _reset(exchange)
    return False


async def close(exchange: Exchange) -> bool:
    """Closes the connection instead of answering."""
    return False


async def redirect(exchange: Exchange) -> bool:
    """302 to ``to`` (another path of this receiver)."""
    return await exchange.answer(
        302, b"", ("Location", exchange.options.get("to", "/ok200/landed"))
    )


async def gone(exchange: Exchange) -> bool:
    """410."""
    return await exchange.answer(410, b"gone")


async def rate_limited(exchange: Exchange) -> bool:
    """429 with ``Retry-After: after`` (7) for the first ``times`` requests (all), then 200."""
    times = int(exchange.options.get("times", "1000000"))
    if exchange.receiver.seen[exchange.request.path] > times:
        return await exchange.answer(200, b"ok")
    status = int(exchange.options.get("status", "429"))
    return await exchange.answer(status, b"slow down", ("Retry-After", exchange.options.get("after", "7")))  # fmt: skip


async def stale(exchange: Exchange) -> bool:
    """200 on a connection that claims to be kept, and closes when a second request comes on it."""
    if exchange.on_connection > 1:
        return False
    return await exchange.answer(200, b"ok")


async def stale_reset(exchange: Exchange) -> bool:
    """As ``stale``, with a reset."""
    if exchange.on_connection > 1:
        _reset(exchange)
        return False
    return await exchange.answer(200, b"ok")


async def stale_half(exchange: Exchange) -> bool:
    """200 first; a second request on the same connection gets the first bytes of an answer, then the end."""
    if exchange.on_connection > 1:
        await exchange.send(b"HTTP/1.1 200 OK\r\nConte")
        return False
    return await exchange.answer(200, b"ok")


async def idle_close(exchange: Exchange) -> bool:
    """200 on a connection that claims to be kept, closed right after."""
    await exchange.answer(200, b"ok")
    return False


async def garbage(exchange: Exchange) -> bool:
    """Something that is no HTTP."""
    await exchange.send(b"\x16\x03\x01 SSH-2.0-OpenSSH_9.6 what?\r\n\r\n")
    return False


async def truncated(exchange: Exchange) -> bool:
    """Announces 100 bytes, sends ten."""
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
    return False


async def huge_headers(exchange: Exchange) -> bool:
    """A header of 1 MiB."""
    await exchange.send(
        b"HTTP/1.1 200 OK\r\nX-Huge: " + b"y" * 2**20 + b"\r\nContent-Length: 0\r\n\r\n"
    )
    return True


async def odd_headers(exchange: Exchange) -> bool:
    """Cookies, bytes that are no UTF-8, and a hundred headers."""
    many = b"".join(b"X-Many-%d: %s\r\n" % (n, b"z" * 100) for n in range(100))
    await exchange.send(
        b"HTTP/1.1 200 OK\r\nSet-Cookie: session=verysecret\r\nX-Odd: caf\xe9 \xff\r\n"
        + many
        + b"Content-Length: 2\r\n\r\nok"
    )
    return True


async def two_answers(exchange: Exchange) -> bool:
    """Two answers to one request: the second must never be taken for the next one's."""
    await exchange.answer(200, b"first")
    return await exchange.answer(500, b"second")


async def informational(exchange: Exchange) -> bool:
    """100 Continue again and again, for ever."""
    while True:
        await exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")


def _reset(exchange: Exchange) -> None:
    """Close with a reset instead of a FIN."""
    raw = exchange.writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.writer.transport.abort()


BEHAVIOURS: dict[str, Behaviour] = {
    "ok200": ok200,
    "fail-then-ok": fail_then_ok,
    "hang": hang,
    "slow": slow,
    "drip": drip,
    "drip-headers": drip_headers,
    "endless": endless,
    "bomb": bomb,
    "reset": reset,
    "close": close,
    "redirect": redirect,
    "gone": gone,
    "rate-limited": rate_limited,
    "stale": stale,
    "stale-reset": stale_reset,
    "stale-half": stale_half,
    "idle-close": idle_close,
    "garbage": garbage,
    "truncated": truncated,
    "huge-headers": huge_headers,
    "odd-headers": odd_headers,
    "two-answers": two_answers,
    "informational": informational,
}

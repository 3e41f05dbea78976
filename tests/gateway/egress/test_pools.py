"""Which connection of a pool is used next."""

import asyncio

from hookgate_gateway.contract import PLAIN_TLS
from hookgate_gateway.egress.dialing import Route
from hookgate_gateway.egress.pools import Pool
from hookgate_gateway.rules.host import read_host
from tests.gateway.egress.test_wire import OK, Connection, connected, sent


def empty_pool() -> Pool:
    return Pool(
        route=Route(read_host("127.0.0.1"), 80, None, "127.0.0.1"),
        origin=("http", "127.0.0.1", 80),
        tls=PLAIN_TLS,
        headers=(),
        secret_headers=frozenset(),
        lines=b"",
        shown=(),
    )


async def used() -> Connection:
    """A connection that has carried a request, and can carry another."""
    connection, _ = connected()
    task = await sent(connection)
    connection.data_received(OK)
    await task
    return connection


async def test_the_one_used_last_is_used_next() -> None:
    pool = empty_pool()
    first, second = await used(), await used()
    pool.give_back(first)
    pool.give_back(second)
    assert [pool.take(), pool.take(), pool.take()] == [second, first, None]


async def test_one_whose_end_has_come_is_not_used_although_it_is_not_cleared_away_yet() -> None:
    pool = empty_pool()
    first, second = await used(), await used()
    pool.give_back(first)
    pool.give_back(second)
    second.eof_received()
    assert [pool.take(), pool.take()] == [first, None]


async def test_one_that_is_not_to_be_kept_is_closed() -> None:
    pool, connection = empty_pool(), await used()
    pool.give_back(connection, keep=False)
    assert connection.closed
    await asyncio.sleep(0)
    assert pool.take() is None

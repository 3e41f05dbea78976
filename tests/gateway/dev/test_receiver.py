"""The story's receiver: it accepts what is genuine and fails as often as it should."""

import aiohttp
import pytest

from hookgate.signing import SigningScheme, sign
from hookgate_gateway.dev.receiver import FAILURES, Mailbox, Receiver, bind
from hookgate_process.clock import SystemClock

KEY = b"a-key-of-the-receiver"
BODY = b'{"run_id": "tsk_1", "status": "completed"}'
MAILBOXES = {
    "/good": Mailbox(path="/good", owner="good", keys=(KEY,)),
    "/flaky": Mailbox(path="/flaky", owner="flaky", keys=(KEY,), flaky=True),
}


@pytest.fixture
async def receiver():
    it = Receiver(MAILBOXES)
    with bind(0) as listener:
        base = "http://{}:{}".format(*listener.getsockname())
        async with it.listening(listener), aiohttp.ClientSession(base) as session:
            yield it, session


async def post(session, path, event="evt_1", key=KEY, **more):
    headers = sign(
        SigningScheme.SKYVERN, [key], BODY, event_id=event, timestamp=int(SystemClock().now())
    )
    headers |= {"X-Hookgate-Event-Id": event, **more}
    async with session.post(path, data=BODY, headers=headers) as answer:
        return answer.status


async def test_what_is_genuine_is_accepted_and_kept(receiver):
    it, session = receiver
    assert await post(session, "/good", **{"X-Hookgate-Attempt": "3"}) == 200
    arrival = await it.wait_for(lambda a: a.run_id == "tsk_1", 1)
    assert arrival.delivered
    assert (arrival.attempt, arrival.replay, arrival.mailbox.owner) == (3, False, "good")


async def test_another_key_is_not_verified(receiver):
    it, session = receiver
    assert await post(session, "/good", key=b"a-strangers-key") == 401
    (arrival,) = it.arrivals
    assert not arrival.verified
    assert "another key" in arrival.problem


async def test_the_flaky_path_fails_the_first_tries_of_each_event(receiver):
    _, session = receiver
    for event in ("evt_1", "evt_2"):
        answers = [await post(session, "/flaky", event) for _ in range(FAILURES + 1)]
        assert answers == [503] * FAILURES + [200]


async def test_a_path_that_nobody_reads_is_not_found(receiver):
    it, session = receiver
    assert await post(session, "/elsewhere") == 404
    assert it.arrivals == []


async def test_who_waits_in_vain_is_told_none(receiver):
    it, _ = receiver
    assert await it.wait_for(lambda a: True, 0.01) is None


def test_a_taken_port_gives_way_to_a_free_one():
    with bind(0) as first:
        port = first.getsockname()[1]
        with bind(port) as second:
            assert second.getsockname()[1] != port

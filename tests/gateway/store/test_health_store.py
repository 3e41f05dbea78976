"""Health of subscriptions: kept over a restart, replaced, forgotten."""

from hookgate.deliveries import Outcome
from hookgate_gateway.rules.health import UNTRIED, Failure, Health
from tests.gateway.stores import BANK, SHOP, START

SOUND = Health(START)
BAD = Health(START, Failure(START + 1, Outcome.SERVER_ERROR, 503), 4)
DARK = Health(None, Failure(START + 2, Outcome.TIMEOUT, None), 1)


async def test_it_is_there_after_a_restart(open_store):
    told = {(SHOP, "invoices"): BAD, (SHOP, "audit"): SOUND, (BANK, "invoices"): DARK}
    async with open_store() as store:
        assert await store.load_health() == {}
        await store.save_health(told)
    async with open_store() as store:
        assert await store.load_health() == told


async def test_it_is_replaced_and_forgotten(store):
    await store.save_health(
        {(SHOP, "invoices"): BAD, (SHOP, "audit"): BAD, (BANK, "audit"): UNTRIED}
    )
    await store.save_health({(SHOP, "invoices"): SOUND}, [(SHOP, "audit"), (SHOP, "never-there")])
    assert await store.load_health() == {(SHOP, "invoices"): SOUND, (BANK, "audit"): UNTRIED}
